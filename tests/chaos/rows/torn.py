"""Rows about streams that break off."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from openai import APIError, AsyncOpenAI

from tests.chaos import faults
from tests.chaos.load import words
from tests.chaos.provider import Fault, now_and_then
from tests.chaos.proxy import Toxics, proxy
from tests.chaos.recorder import Finding, row
from tests.chaos.trial import Trial, trial

EVERY = 3
"""One stream in so many is torn: fewer failures than a deployment is ejected for."""


@row("truncated stream")
async def truncated(torn: int = 1000) -> Finding:
    return await _torn([faults.truncate, faults.truncate_unframed, faults.cut_chunk], torn)


@row("reset stream")
async def reset(torn: int = 1000) -> Finding:
    finding = await _torn([faults.reset], torn)
    async with trial(count=1) as it, proxy(it.best.url) as spoiled:
        spoiled.toxics = Toxics(limit_bytes=1200, is_reset=True)
        async with trial(count=1, urls=[spoiled.url]) as behind:
            seen = await behind.burst(4, at_once=4, kinds=[True])
    return finding.at_most("look complete, reset by a proxy", seen.lies, 0)


async def _torn(kinds: Sequence[Fault], torn: int) -> Finding:
    async with trial(count=1) as it:
        it.best.fault = now_and_then(kinds, EVERY)
        seen = await it.burst(torn * EVERY, kinds=[True])
        broken = [each for each in seen.seen if not each.is_whole]
        finding = Finding().at_least("torn streams", len(broken), torn)
        finding.at_most("look complete", seen.lies, 0)
        finding.at_most("unreadable", seen.unreadable, 0)
        raised = await _raised(it, EVERY * 10)
        return finding.at_least("the openai SDK raises", raised, 1.0, "%")


async def _raised(it: Trial, count: int) -> float:
    """Of streams that were torn, the share whose reader saw an exception."""
    raised = torn = 0
    async with AsyncOpenAI(base_url=f"{it.url}/v1", api_key="k", max_retries=0) as client:
        for _ in range(count):
            text = words()
            said, error = await _read(client, text)
            torn += said != text
            raised += said != text and error is not None
    return raised / max(1, torn)


async def _read(client: AsyncOpenAI, text: str) -> tuple[str, APIError | None]:
    messages: list[Any] = [{"role": "user", "content": text}]
    said = ""
    try:
        stream = await client.chat.completions.create(model="auto", messages=messages, stream=True)
        async for part in stream:
            said += (part.choices[0].delta.content or "") if part.choices else ""
    except APIError as error:
        return said, error
    return said, None
