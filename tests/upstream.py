"""An OpenAI-compatible server on loopback: records what it was sent, answers as it is told.

A fake server is a function: `reply(request) -> Answer`. It is a real HTTP server all the same.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web


@dataclass
class Answer:
    """What to answer: a body, or events of a stream; `cut` drops the connection after them."""

    body: Any = None
    status: int = 200
    events: list[bytes] | None = None
    headers: dict[str, str] = field(default_factory=dict)
    wait_s: float = 0.0
    between_s: float = 0.0
    cut: bool = False
    content_type: str = "application/json"


Reply = Callable[[dict[str, Any]], Answer]


@dataclass
class Upstream:
    """A running server: its base URL, what it was sent, and connections clients dropped."""

    url: str
    reply: Reply
    seen: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    targets: list[str] = field(default_factory=list)
    dropped: list[float] = field(default_factory=list)


def completion(text: str = "hello", **facts: Any) -> dict[str, Any]:
    """A chat completion."""
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1_790_000_000,
        "model": "served-model",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": text},
                "finish_reason": "stop",
                "logprobs": None,
            }
        ],
        "usage": {"prompt_tokens": 12, "completion_tokens": 3, "total_tokens": 15},
        **facts,
    }


def event(body: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(body).encode() + b"\n\n"


def chunk(delta: dict[str, Any], finish: str | None = None, **facts: Any) -> dict[str, Any]:
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1_790_000_000,
        "model": "served-model",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
        **facts,
    }


USAGE = {"prompt_tokens": 12, "completion_tokens": 3, "total_tokens": 15}


def stream_of(
    words: list[str], *, usage: dict[str, int] | bool = True, done: bool = True
) -> list[bytes]:
    """The events of a streamed answer, with this usage, a usual one, or none."""
    events = [event(chunk({"role": "assistant", "content": ""}))]
    events += [event(chunk({"content": word})) for word in words]
    events.append(event(chunk({}, "stop")))
    if usage:
        last = chunk({})
        last["choices"] = []
        last["usage"] = usage if isinstance(usage, dict) else USAGE
        events.append(event(last))
    if done:
        events.append(b"data: [DONE]\n\n")
    return events


@asynccontextmanager
async def upstream(reply: Reply, *paths: str) -> AsyncIterator[Upstream]:
    """Serve on a free port of loopback: chat, embeddings, and these paths below /v1."""
    app = web.Application(client_max_size=64 * 1024 * 1024)
    runner = web.AppRunner(
        app, handle_signals=False, shutdown_timeout=0.1, handler_cancellation=True
    )
    served = Upstream(url="", reply=reply)

    async def chat(request: web.Request) -> web.StreamResponse:
        is_form = request.content_type.startswith("multipart/")
        body = await _form(request) if is_form else await request.json()
        served.raw.append(b"" if is_form else await request.read())
        served.targets.append(request.raw_path)
        served.seen.append(body)
        served.headers.append({k.lower(): v for k, v in request.headers.items()})
        answer = served.reply(body)
        try:
            return await _send(request, answer)
        except (asyncio.CancelledError, ConnectionError):
            served.dropped.append(asyncio.get_running_loop().time())
            raise

    for place in ("/v1", "/v1/deployments/{model}"):
        app.router.add_post(f"{place}/chat/completions", chat)
        app.router.add_post(f"{place}/embeddings", chat)
    for path in paths:
        app.router.add_post(f"/v1{path}", chat)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    served.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    try:
        yield served
    finally:
        await runner.cleanup()


async def _form(request: web.Request) -> dict[str, Any]:
    """The parts of a form by name: texts, and files as (name, type, content)."""
    parts: dict[str, Any] = {}
    async for part in await request.multipart():
        raw = await part.read()
        is_file = part.filename is not None
        kept = (part.filename, part.headers.get("content-type"), bytes(raw))
        parts[part.name] = kept if is_file else raw.decode()
    return parts


async def _send(request: web.Request, answer: Answer) -> web.StreamResponse:
    if answer.wait_s:
        await asyncio.sleep(answer.wait_s)
    if answer.events is None:
        text = answer.body if isinstance(answer.body, str) else json.dumps(answer.body)
        return web.Response(
            text=text,
            status=answer.status,
            headers=answer.headers,
            content_type=answer.content_type,
        )
    is_json = answer.content_type == "application/json"
    kind = "text/event-stream" if is_json else answer.content_type
    response = web.StreamResponse(headers={"content-type": kind})
    await response.prepare(request)
    for each in answer.events:
        await response.write(each)
        if answer.between_s:
            await asyncio.sleep(answer.between_s)
    if answer.cut and request.transport is not None:
        request.transport.abort()
    return response
