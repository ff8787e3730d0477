"""A cost that nobody knows is shown as unknown and counted, and never as nothing.

`acme/m` has a price; its answers come from `n`, a model of the same provider that has none.
"""

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.running import Running, running
from tests.upstream import Answer, completion, stream_of, upstream
from windsock.core.model.ticks import Quote
from windsock.core.model.units import Meter

ASK = {"model": "acme/m", "messages": [{"role": "user", "content": "hi"}]}
STREAMED = {**ASK, "stream": True, "stream_options": {"include_usage": True}}
KNOWN = {**ASK, "model": "bolt/m"}
AT_ONE = (12 * 1 + 3 * 4) / 1e6
PATTERN = r'^windsock_\w*unknown\w*\{.*deployment="([^"]*)".*\} (\S+)$'


@asynccontextmanager
async def redirecting(tmp_path: Path) -> AsyncIterator[Running]:
    def reply(asked: dict[str, Any]) -> Answer:
        if asked.get("stream"):
            events = [event.replace(b"served-model", b"n") for event in stream_of(["a", "b"])]
            return Answer(events=events)
        return Answer(completion(model="n"))

    async with upstream(reply) as acme, upstream(lambda _: Answer(completion(model="m"))) as bolt:
        text = (
            f'[providers.acme]\nbase_url = "{acme.url}"\n[providers.bolt]\nbase_url = "{bolt.url}"'
            '\n[routes.auto]\ncandidates = ["acme/m", "acme/n", "bolt/m"]\n'
        )
        async with running(text, tmp_path) as it:
            now = it.service.clock.now()
            prices = {Meter.INPUT: Decimal(1), Meter.OUTPUT: Decimal(4)}
            for name in ("acme/m", "bolt/m"):
                stated = Quote(deployment=name, feed="sheet", feed_model=name, usd_per_mtok=prices,
                               seen_at=now, trust=0.9)  # fmt: skip
                it.service.ingestion.on_quote(stated, now)
            yield it


async def report(it: Running, by: str = "deployment") -> list[dict[str, Any]]:
    await it.service.ledger.flushed()
    return (await it.http.get("/v1/report", params={"by": by})).json()["data"]


def unknowns(line: dict[str, Any]) -> int:
    """Requests of unknown cost that a line of the report counts."""
    (count,) = [value for name, value in line.items() if "unknown" in name]
    return count


async def test_an_answer_does_not_say_that_it_cost_nothing(tmp_path) -> None:
    async with redirecting(tmp_path) as it:
        answer = await it.http.post("/v1/chat/completions", json=ASK)
        assert answer.status_code == 200
        assert answer.json()["usage"].get("cost") is None
        assert answer.headers.get("x-windsock-cost-usd") in (None, "unknown")


async def test_nor_does_the_last_chunk_of_a_stream(tmp_path) -> None:
    async with redirecting(tmp_path) as it:
        answer = await it.http.post("/v1/chat/completions", json=STREAMED)
        assert answer.text.endswith("data: [DONE]\n\n")
        chunks = [line[6:] for line in answer.text.splitlines() if line.startswith("data: {")]
        usage = json.loads(chunks[-1])["usage"]
        assert usage["completion_tokens"] == 3
        assert usage.get("cost") is None


@pytest.mark.parametrize("ask", [ASK, STREAMED], ids=["plain", "stream"])
async def test_the_ledger_keeps_it_as_unknown(tmp_path, ask) -> None:
    async with redirecting(tmp_path) as it:
        answer = await it.http.post("/v1/chat/completions", json=ask)
        await it.service.ledger.flushed()
        name = answer.headers["x-windsock-decision-id"]
        kept = (await it.http.get(f"/v1/decisions/{name}")).json()
        assert kept["cost_usd"] is None
        (exported,) = (await it.http.get("/v1/decisions")).text.splitlines()
        assert json.loads(exported)["cost_usd"] is None


async def test_the_report_counts_it_beside_what_is_known(tmp_path) -> None:
    async with redirecting(tmp_path) as it:
        for ask in (ASK, KNOWN, KNOWN):
            await it.http.post("/v1/chat/completions", json=ask)
        lines = {line["deployment"]: line for line in await report(it)}
        assert lines["acme/m"]["cost_usd"] is None
        assert unknowns(lines["acme/m"]) == 1
        assert lines["acme/m"]["cost_per_success_usd"] is None
        assert lines["bolt/m"]["cost_usd"] == pytest.approx(2 * AT_ONE)
        assert unknowns(lines["bolt/m"]) == 0
        (whole,) = await report(it, by="key")
        assert (whole["requests"], unknowns(whole)) == (3, 1)
        assert whole["cost_usd"] == pytest.approx(2 * AT_ONE)


async def test_the_metrics_count_it(tmp_path) -> None:
    async with redirecting(tmp_path) as it:
        for ask in (ASK, KNOWN):
            await it.http.post("/v1/chat/completions", json=ask)
        text = (await it.http.get("/metrics")).text
        found = re.findall(PATTERN, text, re.MULTILINE)
        assert {name: float(count) for name, count in found if float(count)} == {"acme/m": 1.0}
