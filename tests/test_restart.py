"""Kill -9 under load, start again: beliefs, prices and ledger are back."""

import asyncio
import os
import signal
import sqlite3
import time
from pathlib import Path

import httpx
import pytest

from tests.process import Process, free_port
from tests.upstream import Answer, completion, upstream

KEPT_WITHIN_S = 1.0
"""After an acknowledgement: many times the interval at which the ledger is flushed."""

DUE = 20
"""Acknowledgements that must be so old when the service is killed, however long they take."""

ASK = {"model": "auto", "messages": [{"role": "user", "content": "hi"}]}


def write_config(folder: Path, url: str) -> Path:
    config = folder / "windsock.toml"
    config.write_text(
        f'[providers.acme]\nbase_url = "{url}"\nprice = {{ input = 1, output = 2 }}\n'
        f'[providers.bolt]\nbase_url = "{url}"\nprice = {{ input = 2, output = 4 }}\n'
        '[routes.auto]\ncandidates = ["acme/m", "bolt/m"]\n'
        f'[store]\nurl = "sqlite:///{folder}/windsock.db"\nsnapshot_every = "500ms"\n'
        "[feeds]\nenabled = []\n"
    )
    return config


async def load(url: str, acknowledged: list[tuple[float, str, str, float]]) -> None:
    """Ask and judge until the service is gone."""
    async with httpx.AsyncClient(base_url=url, timeout=5, trust_env=False) as http:
        number = 0
        while True:
            number += 1
            try:
                answer = await http.post("/v1/chat/completions", json=ASK)
                decision = answer.headers["x-windsock-decision-id"]
                value = float(number % 5 != 0)
                said = {"decision_id": decision, "value": value}
                credit = await http.post("/v1/feedback", json=said)
            except httpx.TransportError:
                return
            assert credit.status_code == 200
            where = credit.json()["deployment"]
            acknowledged.append((time.time(), decision, where, value))


def older_than_a_flush(acknowledged: list[tuple[float, str, str, float]], now: float) -> list[str]:
    """Decisions judged so long ago that their feedback is kept, even under load."""
    return [decision for at, decision, _, _ in acknowledged if at < now - KEPT_WITHIN_S]


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL")
async def test_killed_under_load_nothing_older_than_a_flush_is_lost(tmp_path) -> None:
    async with upstream(lambda _: Answer(completion())) as model:
        config = write_config(tmp_path, model.url)
        for _ in range(3):
            process = Process(config, free_port())
            await process.ready()
            acknowledged: list[tuple[float, str, str, float]] = []
            clients = [asyncio.create_task(load(process.url, acknowledged)) for _ in range(4)]
            while len(older_than_a_flush(acknowledged, time.time())) < DUE:
                assert not any(client.done() for client in clients)
                await asyncio.sleep(0.05)
            killed_at = time.time()
            process.kill()
            await asyncio.gather(*clients)
            with sqlite3.connect(tmp_path / "windsock.db") as store:
                assert store.execute("PRAGMA integrity_check").fetchone() == ("ok",)
                kept = {row[0] for row in store.execute("SELECT decision_id FROM feedback")}
            store.close()
            due = older_than_a_flush(acknowledged, killed_at)
            assert len(due) >= DUE
            assert set(due) <= kept


async def test_a_restart_restores_beliefs_prices_and_decisions_within_three_seconds(
    tmp_path,
) -> None:
    async with upstream(lambda _: Answer(completion())) as model:
        config = write_config(tmp_path, model.url)
        process = Process(config, free_port())
        await process.ready()
        acknowledged: list[tuple[float, str, str, float]] = []
        client = asyncio.create_task(load(process.url, acknowledged))
        await asyncio.sleep(2)
        client.cancel()
        async with httpx.AsyncClient(base_url=process.url, trust_env=False) as http:
            await asyncio.sleep(1.2)
            before = (await http.get("/v1/weights")).json()["data"]
        process.kill()
        again = Process(config, free_port())
        seconds = await again.ready()
        async with httpx.AsyncClient(base_url=again.url, trust_env=False) as http:
            after = (await http.get("/v1/weights?task=default")).json()["data"]
            prices = (await http.get("/v1/prices")).json()["data"]
            known = await http.get(f"/v1/decisions/{acknowledged[0][1]}")
            late = await http.post(
                "/v1/feedback", json={"decision_id": acknowledged[0][1], "value": 0.0}
            )
        assert again.terminate() == 0
        assert [price["usd_per_mtok"]["input"] for price in prices] == [1.0, 2.0]
        assert known.json()["feedback"]
        assert late.status_code == 200
        for one, other in zip(before[0]["candidates"], after[0]["candidates"], strict=True):
            assert other["success_mean"] == pytest.approx(one["success_mean"], abs=0.01)
            assert other["effective_samples"] == pytest.approx(one["effective_samples"], rel=0.01)
        assert seconds < 30


async def test_sigterm_lets_a_stream_end_and_leaves_with_zero(tmp_path) -> None:
    from tests.upstream import stream_of

    slow = Answer(events=stream_of(["a", "b", "c", "d"]), between_s=0.3)
    async with upstream(lambda _: slow) as model:
        process = Process(write_config(tmp_path, model.url), free_port())
        await process.ready()
        async with httpx.AsyncClient(base_url=process.url, timeout=10, trust_env=False) as http:
            ask = {**ASK, "stream": True}
            async with http.stream("POST", "/v1/chat/completions", json=ask) as answer:
                body = b""
                async for part in answer.aiter_raw():
                    if not body:
                        process.process.send_signal(signal.SIGTERM)
                    body += part
        assert body.endswith(b"data: [DONE]\n\n")
        assert await asyncio.to_thread(process.process.wait, 20) == 0
        process.log.close()


async def test_open_event_streams_do_not_hold_up_a_shutdown(tmp_path) -> None:
    async with upstream(lambda _: Answer(completion())) as model:
        process = Process(write_config(tmp_path, model.url), free_port())
        await process.ready()
        async with httpx.AsyncClient(base_url=process.url, timeout=30, trust_env=False) as http:
            async with http.stream("GET", "/ui/api/stream") as page:
                async with http.stream("GET", "/v1/weights/stream") as weights:
                    first = page.aiter_raw()
                    await anext(first)
                    assert process.terminate() == 0
                    assert weights.status_code == 200


async def test_a_broken_store_is_set_aside_and_the_service_starts_with_its_keys(tmp_path) -> None:
    async with upstream(lambda _: Answer(completion())) as model:
        config = write_config(tmp_path, model.url)
        process = Process(config, free_port())
        await process.ready()
        process.kill()
        store = tmp_path / "windsock.db"
        with store.open("r+b") as file:
            file.seek(store.stat().st_size // 2)
            file.write(b"\xa5" * 8192)
        again = Process(config, free_port())
        await again.ready()
        assert again.terminate() == 0
        assert list(tmp_path.glob("windsock.db.*"))
