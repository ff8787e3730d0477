"""What client, ledger, report and metrics are told of a call during which its price moved."""

import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.running import Running, running
from tests.upstream import Answer, completion, stream_of, upstream
from windsock.core.model.ticks import Quote
from windsock.core.model.units import Meter

ASK = {"model": "auto", "messages": [{"role": "user", "content": "hi"}]}
STREAMED = {**ASK, "stream": True, "stream_options": {"include_usage": True}}
AT_ONE = (12 * 1 + 3 * 4) / 1e6
"""Dollars of the answer's 12 and 3 tokens where a million cost 1 in and 4 out."""


def reprice(it: Running, usd: float) -> None:
    now = it.service.clock.now()
    prices = {Meter.INPUT: Decimal(str(usd)), Meter.OUTPUT: Decimal(str(usd)) * 4}
    stated = Quote(deployment="acme/m", feed="sheet", feed_model="m", usd_per_mtok=prices,
                   seen_at=now, trust=0.9)  # fmt: skip
    it.service.ingestion.on_quote(stated, now)


@asynccontextmanager
async def moving(reply: Callable[[int], Answer], tmp_path: Path) -> AsyncIterator[Running]:
    """A deployment whose price is 1 $/M, and doubles while each of its calls is under way."""
    calls = 0

    def doubling(_: dict[str, Any]) -> Answer:
        nonlocal calls
        calls += 1
        reprice(it, 2.0**calls)
        return reply(calls)

    async with upstream(doubling) as acme:
        text = f'[providers.acme]\nbase_url = "{acme.url}"\n[routes.auto]\ncandidates = ["acme/m"]'
        async with running(text, tmp_path) as it:
            reprice(it, 1.0)
            yield it


async def streamed(it: Running) -> dict[str, Any]:
    """The usage that the last chunk of a stream tells."""
    answer = await it.http.post("/v1/chat/completions", json=STREAMED)
    chunks = [line[6:] for line in answer.text.splitlines() if line.startswith("data: {")]
    return json.loads(chunks[-1])["usage"]


async def test_an_answer_costs_what_its_price_was_when_it_was_asked_for(tmp_path) -> None:
    async with moving(lambda _: Answer(completion()), tmp_path) as it:
        answer = await it.http.post("/v1/chat/completions", json=ASK)
        assert answer.json()["usage"]["cost"] == pytest.approx(AT_ONE)
        assert float(answer.headers["x-windsock-cost-usd"]) == pytest.approx(AT_ONE)


async def test_a_stream_costs_what_its_price_was_when_it_was_asked_for(tmp_path) -> None:
    async with moving(lambda _: Answer(events=stream_of(["a", "b"])), tmp_path) as it:
        usage = await streamed(it)
        assert usage["cost"] == pytest.approx(AT_ONE)


@pytest.mark.parametrize("kind", ["plain", "stream"])
async def test_the_ledger_the_report_and_the_metrics_say_the_same(tmp_path, kind) -> None:
    is_stream = kind == "stream"
    reply = Answer(events=stream_of(["a", "b"])) if is_stream else Answer(completion())
    async with moving(lambda _: reply, tmp_path) as it:
        ask = STREAMED if is_stream else ASK
        answer = await it.http.post("/v1/chat/completions", json=ask)
        await it.service.ledger.flushed()
        name = answer.headers["x-windsock-decision-id"]
        kept = (await it.http.get(f"/v1/decisions/{name}")).json()
        (line,) = (await it.http.get("/v1/report")).json()["data"]
        metrics = (await it.http.get("/metrics")).text
        (counted,) = re.findall(r"^windsock_cost_usd_total\{.*\} (\S+)$", metrics, re.MULTILINE)
        told = [kept["cost_usd"], line["cost_usd"], float(counted)]
        assert told == pytest.approx([AT_ONE] * 3)


@pytest.mark.parametrize("kind", ["plain", "stream"])
async def test_a_call_after_one_that_failed_has_the_price_of_its_own_beginning(
    tmp_path, kind
) -> None:
    """The first call begins at 1 $/M and is refused, the second at 2, and ends when it is 4."""
    good = Answer(events=stream_of(["a"])) if kind == "stream" else Answer(completion())
    refused = Answer({"error": {"message": "busy"}}, status=503)
    async with moving(lambda call: refused if call == 1 else good, tmp_path) as it:
        if kind == "stream":
            usage = await streamed(it)
        else:
            usage = (await it.http.post("/v1/chat/completions", json=ASK)).json()["usage"]
        assert usage["cost"] == pytest.approx(2 * AT_ONE)
