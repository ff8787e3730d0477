"""The newest requests over HTTP: found, filtered, bounded, and without any text."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.running import Running, config_of, running
from tests.upstream import Answer, completion, upstream
from windsock.core.model.decisions import Decision
from windsock.core.model.requests import Cell
from windsock.service.control.overviews import requests as module
from windsock.service.control.overviews.requests import Sought, newest

ANY = Sought(route=None, task=None, deployment=None, key=None, status=None)


def decision(at: float, task: str) -> Decision:
    return Decision(number=int(at * 1e3), id=f"{at}", at=at, cell=Cell("default", "auto", task),
                    table_version=1, deployment="p/m", propensity=1.0, draw=0.5,
                    requested_model="auto")  # fmt: skip


class Log:
    """Requests in order of time, and how many were read of them."""

    def __init__(self, rows: list[Decision]) -> None:
        self.rows, self.read_count = sorted(rows, key=lambda row: row.at), 0

    def read(self, since: float, until: float) -> Iterator[tuple[float, Decision]]:
        for row in reversed(self.rows):
            if since <= row.at < until:
                self.read_count += 1
                yield row.at, row


TIMES = st.lists(st.tuples(st.floats(0, 1e6), st.sampled_from("abc")), max_size=60)


@given(TIMES, st.integers(1, 20), st.sampled_from([None, "a"]), st.floats(0, 5e5))
def test_the_newest_are_those_of_the_whole_log_that_fit(times, limit, task, since) -> None:
    log = Log([decision(at, name) for at, name in times])
    sought = Sought(route=None, task=task, deployment=None, key=None, status=None)
    found = newest(log.read(since, 1e6), sought, since, 1e6, limit)
    fit = [row for row in log.rows if since <= row.at < 1e6 and task in (None, row.cell.task)]
    ats = [row.at for row in reversed(fit)]
    assert [view.at for view in found.data] == ats[:limit]
    if found.is_whole:
        assert len(ats) == len(found.data)


@pytest.mark.parametrize("many", [40, 400])
def test_what_is_not_looked_through_is_told(many, monkeypatch) -> None:
    monkeypatch.setattr(module, "MOST_READ", 100)
    log = Log([decision(1000 + at / 10, "a") for at in range(many)])
    sought = Sought(route=None, task="never", deployment=None, key=None, status=None)
    found = newest(log.read(0.0, 2000.0), sought, 0.0, 2000.0, 10)
    assert found.data == []
    assert found.is_whole is (many < 100)
    assert (found.searched_since <= 0) is (many < 100)
    assert log.read_count <= 101


def test_no_more_is_read_than_is_shown() -> None:
    log = Log([decision(99 + at / 1e5, "a") for at in range(3000)])
    found = newest(log.read(0.0, 100.0), ANY, 0.0, 100.0, 5)
    assert [view.at for view in found.data] == [row.at for row in log.rows[:-6:-1]]
    assert log.read_count == 6


async def ask(it: Running, **facts) -> None:
    body = {"model": "auto", "messages": [{"role": "user", "content": "a private word"}], **facts}
    await it.http.post("/v1/chat/completions", json=body)


async def test_filters_answer_what_they_name_and_refuse_nonsense_in_one_sentence(tmp_path) -> None:
    fine, broken = Answer(completion()), Answer({"error": {}}, status=500)
    async with upstream(lambda _: fine) as good, upstream(lambda _: broken) as bad:
        config = config_of(("acme", good.url, 1.0), ("crux", bad.url, 900.0))
        async with running(config, tmp_path) as it:
            await ask(it, metadata={"task": "sql"})
            await ask(it, model="acme/m")
            await ask(it, model="crux/m")
            await it.service.ledger.flushed()

            async def found(query: str) -> list[dict]:
                answer = await it.http.get(f"/v1/requests?{query}")
                assert "private word" not in answer.text
                return answer.json()["data"]

            assert [row["status"] for row in await found("")] == ["failed", "ok", "ok"]
            assert [row["task"] for row in await found("task=sql")] == ["sql"]
            assert [row["deployment"] for row in await found("status=failed")] == ["crux/m"]
            assert len(await found("deployment=acme/m")) == 2
            assert len(await found("limit=1")) == 1
            assert await found("key=none-of-ours") == []
            assert await found("until=1h") == []
            for wrong in ("status=odd", "limit=0", "limit=1001", "since=yesterday", "until=1e99"):
                answer = await it.http.get(f"/v1/requests?{wrong}")
                assert answer.status_code == 400
                assert wrong.partition("=")[0] in answer.json()["error"]["message"]
