"""The process is told to end while clients still wait: each hears so in its own format."""

import asyncio
import json
import signal
import time
from pathlib import Path
from typing import Any

import httpx

from tests.attacks.form import attack
from tests.attacks.world import CHAT, World, ask, world_in
from tests.chaos.provider import Call, right_events

Calls = list[tuple[str, dict[str, Any]]]

SLOW = "\n[server]\ndrain = 1\n"


async def endless(call: Call) -> None:
    """A stream that has begun, and whose next word takes a minute."""
    await call.begin_stream()
    await call.part(b"".join(right_events(call)[:2]))
    await asyncio.sleep(60)


async def stream(world: World, path: str, body: dict[str, Any], begun: asyncio.Semaphore) -> str:
    """All that a stream says whose first word releases `begun`."""
    said = b""
    async with world.http.stream("POST", path, json=body) as answer:
        assert answer.status_code == 200
        async for part in answer.aiter_raw():
            if not said:
                begun.release()
            said += part
    return said.decode()


async def cut(world: World, asked: Calls, *signals: float) -> tuple[list[str], float]:
    """All that streams said which are under way when the signals come; seconds to the exit."""
    begun = asyncio.Semaphore(0)
    under_way = [asyncio.create_task(stream(world, *each, begun)) for each in asked]
    for _ in asked:
        await asyncio.wait_for(begun.acquire(), 30)
    started = time.monotonic()
    world.process.process.send_signal(signal.SIGHUP)  # without a terminal it is passed over
    for pause in signals:
        await asyncio.sleep(pause)
        world.process.process.send_signal(signal.SIGTERM)
    said = await asyncio.gather(*under_way)
    assert await asyncio.to_thread(world.process.process.wait, 20) == 0
    return said, time.monotonic() - started


def last_data(said: str) -> dict[str, Any]:
    lines = [line for line in said.splitlines() if line.startswith("data: {")]
    return dict(json.loads(lines[-1].removeprefix("data: ")))


STREAMS: Calls = [
    (CHAT, ask(stream=True)),
    ("/v1/messages", ask(max_tokens=9, stream=True)),
    ("/v1/responses", {"model": "auto", "input": "hi", "stream": True}),
    ("/v1beta/models/auto:streamGenerateContent?alt=sse",
     {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}),
]  # fmt: skip


@attack(
    "SIGTERM past the drain, streams of OpenAI's, Anthropic's, Responses' and Gemini's format",
    "an error event in the format of each, exit code 0",
)
async def test_past_the_drain(tmp_path: Path) -> None:
    async with world_in(tmp_path, SLOW) as world:
        world.faulty(endless)
        said, seconds = await cut(world, STREAMS, 0.0)
    assert 0.5 < seconds < 10
    chat, messages, responses, gemini = map(last_data, said)
    assert "shuts down" in chat["error"]["message"]
    assert "[DONE]" not in said[0]
    assert (messages["type"], messages["error"]["type"]) == ("error", "api_error")
    assert responses["type"] in ("error", "response.failed")
    assert gemini["error"]["status"] in ("INTERNAL", "UNAVAILABLE")
    assert all("shuts down" in each for each in said)


@attack("a second SIGTERM within the drain", "ends at once, with the error event")
async def test_a_second_signal(tmp_path: Path) -> None:
    async with world_in(tmp_path, "\n[server]\ndrain = 300\n") as world:
        world.faulty(endless)
        (said,), seconds = await cut(world, STREAMS[:1], 0.0, 0.5)
    assert "shuts down" in said
    assert seconds < 20


@attack("SIGTERM past the drain, a plain request", "503 with Retry-After")
async def test_a_plain_request_past_the_drain(tmp_path: Path) -> None:
    async with world_in(tmp_path, SLOW) as world:
        asked = asyncio.Event()

        async def silent(call: Call) -> None:
            asked.set()
            await asyncio.sleep(60)

        world.faulty(silent)
        answer = asyncio.create_task(world.http.post(CHAT, json=ask()))
        await asyncio.wait_for(asked.wait(), 10)
        world.process.process.send_signal(signal.SIGTERM)
        told: httpx.Response = await answer
        assert await asyncio.to_thread(world.process.process.wait, 20) == 0
    assert (told.status_code, told.headers["retry-after"]) == (503, "1")
    assert told.json()["error"]["code"] == "shutting_down"
