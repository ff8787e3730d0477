"""The store is away when the service starts: it serves, and catches up once it is back."""

import asyncio

import orjson
import pytest

from tests.builders import router
from tests.running import Running, config_of, running
from tests.store.conftest import Postgres
from tests.upstream import Answer, completion, upstream
from windsock.store import queries

HALF = orjson.dumps({"router": {**router().to_state(), "rewards": {"auto": {"tallies": 7}}}})
"""A state whose beliefs are whole, and what comes after them is not."""

ASK = {"model": "auto", "messages": [{"role": "user", "content": "hi"}]}


async def judged(it: Running, count: int) -> None:
    for _ in range(count):
        answer = await it.http.post("/v1/chat/completions", json=ASK)
        assert answer.status_code == 200
        said = {"decision_id": answer.headers["x-windsock-decision-id"], "value": True}
        assert (await it.http.post("/v1/feedback", json=said)).status_code == 200


async def samples(it: Running) -> float:
    it.service.router.tables.forget()
    (cell,) = (await it.http.get("/v1/weights?route=auto&task=default")).json()["data"]
    return float(cell["candidates"][0]["effective_samples"])


async def test_beliefs_of_before_and_of_meanwhile_are_there_once_it_is_back(
    postgres: Postgres, tmp_path
) -> None:
    store = f'[store]\nurl = "{postgres.new_database()}"\n[server]\nkeys = "KEYS"\n'
    async with upstream(lambda _: Answer(completion())) as acme:
        config = config_of(("acme", acme.url, 1.0)) + store.replace("KEYS", "open")
        async with running(config, tmp_path) as it:
            await judged(it, 10)
            before = await samples(it)
        postgres.stop()
        try:
            async with running(config, tmp_path) as it:
                ready = await it.http.get("/readyz")
                assert ready.status_code == 200
                assert "store" in ready.json()["degraded"]
                await judged(it, 5)
                assert await samples(it) < before
                await asyncio.to_thread(postgres.start)
                while not it.service.housekeeping.is_restored:
                    await asyncio.sleep(0.1)
                after = await samples(it)
                assert after > before
                assert (await it.http.get("/readyz")).json()["degraded"] == {}
                await it.service.ledger.flushed()
                assert len(list(queries.decisions(it.service.engine, since=0, until=1e12))) == 15
            async with running(config, tmp_path) as again:
                assert await samples(again) == pytest.approx(after, rel=1e-3)
        finally:
            if not postgres.is_running():
                postgres.start()


async def test_keys_that_were_never_read_let_nobody_in(postgres: Postgres, tmp_path) -> None:
    store = f'[store]\nurl = "{postgres.new_database()}"\n[server]\nadmin_token = "root-of-all"\n'
    postgres.stop()
    try:
        async with upstream(lambda _: Answer(completion())) as acme:
            config = config_of(("acme", acme.url, 1.0)) + store
            async with running(config, tmp_path) as it:
                assert (await it.http.post("/v1/chat/completions", json=ASK)).status_code == 503
                root = {"authorization": "Bearer root-of-all"}
                answer = await it.http.post("/v1/chat/completions", json=ASK, headers=root)
                assert answer.status_code == 200
                it.service.ledger.close(patience_s=0.1)
    finally:
        postgres.start()


async def test_a_snapshot_that_cannot_be_read_is_set_aside(tmp_path) -> None:
    async with upstream(lambda _: Answer(completion())) as acme:
        config = config_of(("acme", acme.url, 1.0))
        async with running(config, tmp_path) as it:
            await judged(it, 3)
        for body in ("'not json'", "'[1, 2]'", "'{}'"):
            engine = it.service.engine
            with engine.begin() as connection:
                connection.exec_driver_sql(f"UPDATE snapshot SET body = {body}")
            engine.dispose()
            async with running(config, tmp_path) as again:
                assert (await again.http.get("/readyz")).status_code == 200
                assert await samples(again) > 1


BROKEN = (b"not json", b"[1, 2]", b"{}", b'{"router": {"beliefs": {"groups": [{}]}}}', HALF)


@pytest.mark.parametrize("broken", BROKEN)
async def test_if_the_last_snapshot_cannot_be_taken_over_the_one_before_it_is(
    broken: bytes, tmp_path
) -> None:
    """The rows that it was made of are gone, so that nothing else can hold what was learnt."""
    async with upstream(lambda _: Answer(completion())) as acme:
        config = config_of(("acme", acme.url, 1.0))
        async with running(config, tmp_path) as it:
            await judged(it, 10)
            before = await samples(it)
            it.service.housekeeping.keep_snapshot()
            await it.service.ledger.flushed()
            engine = it.service.engine
        with engine.begin() as connection:
            connection.exec_driver_sql("DELETE FROM feedback")
            connection.exec_driver_sql("DELETE FROM request")
            last = "(SELECT max(position) FROM snapshot)"
            change = f"UPDATE snapshot SET body = ? WHERE position = {last}"
            connection.exec_driver_sql(change, (broken,))
            (count,) = connection.exec_driver_sql("SELECT count(*) FROM snapshot").one()
        engine.dispose()
        assert count == 2
        async with running(config, tmp_path) as again:
            assert await samples(again) == pytest.approx(before, rel=1e-3)
