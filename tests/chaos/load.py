"""Clients at a steady rate, who know a whole answer when they see one."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import aiohttp

_numbers = itertools.count()


@dataclass(slots=True)
class Seen:
    """What a client saw of one request.

    is_whole    a complete answer with the words it had to have
    is_claimed  it looked complete, whole or not: 200, and for a stream its end mark
    error       exception, or the error that was sent
    """

    status: int = 0
    is_whole: bool = False
    is_claimed: bool = False
    seconds: float = 0.0
    deployment: str = ""
    error: str = ""
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Load:
    """What all clients saw."""

    seen: list[Seen]

    @property
    def success(self) -> float:
        return sum(each.is_whole for each in self.seen) / max(1, len(self.seen))

    @property
    def unreadable(self) -> int:
        """Answers, and errors, that a client's parser would stumble over."""
        return sum(each.error.startswith("unreadable") for each in self.seen)

    @property
    def lies(self) -> int:
        """Answers that claimed to be complete and were not."""
        return sum(each.is_claimed and not each.is_whole for each in self.seen)

    def seconds(self, share: float) -> float:
        """A quantile of the time to the end of whole answers."""
        whole = sorted(each.seconds for each in self.seen if each.is_whole)
        return whole[min(len(whole) - 1, int(len(whole) * share))] if whole else float("inf")


def words() -> str:
    """A prompt unlike any other, with characters of one to four bytes."""
    return f"say {next(_numbers)} grüezi €5 🌬 {'and so on ' * 4}"


async def ask_once(
    http: aiohttp.ClientSession,
    url: str,
    *,
    is_stream: bool,
    headers: dict[str, str] | None = None,
    **fields: Any,
) -> Seen:
    """One request; never raises for what the service does."""
    text = words()
    ask = {"model": "auto", "messages": [{"role": "user", "content": text}], "stream": is_stream}
    started = time.monotonic()
    seen = Seen()
    try:
        async with http.post(
            f"{url}/v1/chat/completions", json={**ask, **fields}, headers=headers
        ) as answer:
            seen.status = answer.status
            seen.headers = {name.lower(): value for name, value in answer.headers.items()}
            seen.deployment = answer.headers.get("x-windsock-deployment", "")
            body = await answer.read()
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        seen.error = type(error).__name__
    else:
        judge(seen, body, text, is_stream=is_stream)
    seen.seconds = time.monotonic() - started
    return seen


def judge(seen: Seen, body: bytes, text: str, *, is_stream: bool) -> None:
    """Read a body as a careful client would."""
    try:
        said, is_ended, error = _streamed(body) if is_stream else _plain(body)
    except (ValueError, KeyError, IndexError, TypeError) as failure:
        seen.error = f"unreadable: {type(failure).__name__}"
        seen.is_claimed = seen.status == 200
        return
    seen.error = error
    seen.is_claimed = seen.status == 200 and is_ended and not error
    seen.is_whole = seen.is_claimed and said == text


def _plain(body: bytes) -> tuple[str, bool, str]:
    answer = json.loads(body)
    if "error" in answer:
        return "", False, str(answer["error"]["message"])
    return answer["choices"][0]["message"]["content"], True, ""


def _streamed(body: bytes) -> tuple[str, bool, str]:
    """The words, whether the end mark came, and an error if one was sent."""
    if body.startswith(b"{"):
        return "", False, str(json.loads(body)["error"]["message"])
    said, is_finished = [], False
    for part in body.split(b"\n\n"):
        if not part.startswith(b"data: "):
            continue
        if part == b"data: [DONE]":
            return "".join(said), is_finished, ""
        seen = json.loads(part[6:])
        if "error" in seen:
            return "".join(said), False, str(seen["error"]["message"])
        for choice in seen["choices"]:
            said.append(choice["delta"].get("content") or "")
            is_finished = is_finished or choice["finish_reason"] is not None
    return "".join(said), False, ""


async def load(
    url: str,
    *,
    rps: float,
    seconds: float,
    kinds: Sequence[bool] = (False, True),
    timeout_s: float = 30.0,
    at: Sequence[tuple[float, Callable[[], object]]] = (),
    **fields: Any,
) -> Load:
    """Requests at a steady rate whatever becomes of them, plain and streamed by turns.

    at      (seconds from the start, what to do then)
    """
    timeout = aiohttp.ClientTimeout(total=timeout_s)
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout, trust_env=False) as http:
        loop = asyncio.get_running_loop()
        begun = loop.time()
        acts = [loop.call_at(begun + moment, act) for moment, act in at]
        tasks = []
        for number in range(int(rps * seconds)):
            await asyncio.sleep(max(0.0, begun + number / rps - loop.time()))
            is_stream = kinds[number % len(kinds)]
            tasks.append(asyncio.create_task(ask_once(http, url, is_stream=is_stream, **fields)))
        seen = await asyncio.gather(*tasks)
        for act in acts:
            act.cancel()
    return Load(list(seen))


async def burst(
    url: str, count: int, *, at_once: int = 16, kinds: Sequence[bool] = (False, True), **fields: Any
) -> Load:
    """So many requests, so many of them at a time, as fast as they are answered."""
    connector = aiohttp.TCPConnector(limit=0)
    numbers = iter(range(count))
    seen: list[Seen] = []
    async with aiohttp.ClientSession(connector=connector, trust_env=False) as http:

        async def client() -> None:
            for number in numbers:
                is_stream = kinds[number % len(kinds)]
                seen.append(await ask_once(http, url, is_stream=is_stream, **fields))

        await asyncio.gather(*(client() for _ in range(at_once)))
    return Load(seen)
