"""A stream is told, billed and learnt the same whether it comes at once or in any pieces."""

from __future__ import annotations

import random
from itertools import pairwise
from typing import Any

import httpx

from tests.running import Running, config_of, running
from tests.upstream import Answer, chunk, event, stream_of, upstream

WORDS = ["Grüezi ", "mitenand 🌬", " [DONE] ", "and so ", "on"]
STREAMS = {
    "whole": stream_of(WORDS),
    "no end mark": stream_of(WORDS, done=False),
    "no usage": stream_of(WORDS, usage=False),
    "carriage returns": [each.replace(b"\n", b"\r\n") for each in stream_of(WORDS)],
    "comments": [b": ping\n\n", *stream_of(WORDS)[:3], b": ping\n\n", *stream_of(WORDS)[3:]],
    "lines": [each.replace(b', "object"', b',\ndata: "object"') for each in stream_of(WORDS)],
    "usage within": [event(chunk({"content": "a"}, usage={"prompt_tokens": 5})), *stream_of(WORDS)],
    "an error": [*stream_of(WORDS)[:4], event({"error": {"message": "overloaded"}})],
}
ASK = {
    "model": "auto",
    "messages": [{"role": "user", "content": "hi"}],
    "stream": True,
    "stream_options": {"include_usage": True},
}
TIMES = ("_s", "_at", "_ms", "propensity")


async def kept(it: Running, decision: str) -> dict[str, Any]:
    """What is kept of its call."""
    (call,) = (await it.http.get(f"/v1/decisions/{decision}")).json()["attempts"]
    return {name: value for name, value in call.items() if not name.endswith(TIMES)}


def ways(events: list[bytes], chance: random.Random) -> list[list[bytes]]:
    """The same bytes at once, event by event, and cut anywhere."""
    whole = b"".join(events)
    cuts = [0, *sorted(chance.sample(range(1, len(whole)), 12)), len(whole)]
    return [[whole], events, [whole[i:j] for i, j in pairwise(cuts)]]


async def test_a_stream_is_the_same_in_any_pieces(tmp_path) -> None:
    pieces: list[bytes] = []
    async with (
        upstream(lambda _: Answer(events=pieces, between_s=0.001)) as acme,
        running(config_of(("acme", acme.url, 1.0)), tmp_path) as it,
    ):
        told: dict[str, list[httpx.Response]] = {name: [] for name in STREAMS}
        for name, events in STREAMS.items():
            for pieces[:] in ways(events, random.Random(name)):
                told[name].append(await it.http.post("/v1/chat/completions", json=ASK))
        await it.service.ledger.flushed()
        for name, answers in told.items():
            decisions = [each.headers["x-windsock-decision-id"] for each in answers]
            calls = [await kept(it, decision) for decision in decisions]
            assert calls == calls[:1] * 3, name
            assert len({each.text for each in answers}) == 1, name
