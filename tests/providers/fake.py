"""A server that plays every known provider, each at its own path, as `dialects.toml` has them.

As strict as they are: a wrong key, path or field gets the provider's own refusal.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from tests.providers import fake_converse, fake_gemini, fake_messages, fake_responses
from windsock.providers.presets import presets

TEXT = ["Grüezi ", "mitenand"]
OURS = {"models", "provider", "session_id", "route"}
ARGUMENTS = '{"city": "Zürich"}'


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """What a provider sends; see the head of dialects.toml."""

    usage: str
    cost_usd: str
    extra: str
    stream_usage: str
    shows: str
    tool_id: str
    errors: tuple[tuple[str, int, str], ...]
    lead: str = ""
    header: str = ""
    has_done: bool = True
    speaks: str = "chat/completions"


@cache
def dialects() -> Mapping[str, Dialect]:
    """By provider."""
    stated = tomllib.loads((Path(__file__).parent / "dialects.toml").read_text(encoding="utf-8"))

    def whole(name: str) -> dict[str, Any]:
        own = dict(stated[name])
        return {**whole(own.pop("like")), **own} if "like" in own else own

    made = {name: whole(name) for name in stated}
    return {
        name: Dialect(**{**each, "errors": tuple(tuple(e) for e in each["errors"])})
        for name, each in made.items()
    }


def path_of(provider: str) -> str:
    """Of its API, as the preset has it, below the provider's name."""
    path = urlsplit(presets()[provider].base_url).path
    return f"/{provider}{path.replace('{', '').replace('}', '')}"


@dataclass
class Fake:
    """The running server; bodies it was sent, by provider. is_signed: a signature is a key."""

    url: str = ""
    is_signed: bool = False
    seen: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def base_url(self, provider: str) -> str:
        return self.url + path_of(provider)

    async def chat(self, request: web.Request, provider: str) -> web.StreamResponse:
        """One call of a provider; a model `e0` ... `e4` is refused by the error of that number."""
        dialect, body = dialects()[provider], await request.json()
        if "call" in request.match_info:
            body["model"], body["call"] = re.split("[:/]", request.match_info["call"], maxsplit=1)
        self.seen.setdefault(provider, []).append(body)
        name, _, value = dialect.shows.partition(": ")
        is_signed = self.is_signed and "AWS4-HMAC" in request.headers.get("authorization", "")
        if request.headers.get(name) != value and not (is_signed or _is_bearer(request, dialect)):
            return _refusal(dialect, 0)
        if OURS & body.keys() and not presets()[provider].keeps_router_fields:
            return web.json_response({"error": {"message": "unknown field"}}, status=422)
        if body["model"][0] == "e" and body["model"][1:].isdigit():
            return _refusal(dialect, int(body["model"][1:]))
        if dialect.speaks == "messages":
            return await _message(request, body)
        if dialect.speaks == "responses":
            return await _response(request, body)
        if "call" in body:
            return await SPEAKERS[dialect.speaks](request, body)
        if body.get("stream"):
            return await _streamed(request, dialect, body)
        return _plain(dialect, body)


def _is_bearer(request: web.Request, dialect: Dialect) -> bool:
    """Messages take a key both ways; newer versions of their SDK send it so."""
    return dialect.speaks == "messages" and request.headers.get("authorization") == "Bearer k"


async def _message(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
    if words := fake_messages.complaint(request, body):
        error = {"type": "invalid_request_error", "message": words}
        return web.json_response({"type": "error", "error": error}, status=400)
    if body.get("stream"):
        return await fake_messages.streamed(request, body)
    return fake_messages.plain(body)


async def _response(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
    if words := fake_responses.complaint(body):
        error = {"message": words, "type": "invalid_request_error", "param": None, "code": None}
        return web.json_response({"error": error}, status=400)
    if body.get("stream"):
        return await fake_responses.streamed(request, body)
    return fake_responses.plain(body)


async def _content(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
    asked = {name: value for name, value in body.items() if name not in ("call", "model")}
    if words := fake_gemini.complaint(asked):
        return fake_gemini.refusal(words)
    if body["call"] == "streamGenerateContent" and request.query.get("alt") == "sse":
        return await fake_gemini.streamed(request, asked)
    return fake_gemini.plain(asked)


async def _converse(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
    asked = {name: value for name, value in body.items() if name not in ("call", "model")}
    if words := fake_converse.complaint(asked):
        return fake_converse.refusal(words)
    if body["call"] == "converse-stream":
        return await fake_converse.streamed(request, asked)
    return fake_converse.plain(asked)


SPEAKERS = {"models/{call}": _content, "model/{call:.+}": _converse}


def _refusal(dialect: Dialect, number: int) -> web.Response:
    _, status, body = dialect.errors[number]
    kind = "text/html" if body.startswith("<") else "application/json"
    return web.Response(text=body, status=status, content_type=kind)


def _plain(dialect: Dialect, body: dict[str, Any]) -> web.Response:
    message: dict[str, Any] = {"role": "assistant", "content": "".join(TEXT)}
    if body.get("tools"):
        message |= {"content": None, "tool_calls": [_tool_call(dialect)]}
    finish = "tool_calls" if body.get("tools") else "stop"
    choice = {"index": 0, "message": message, "finish_reason": finish, "logprobs": None}
    name, _, value = dialect.header.partition(": ")
    return web.json_response(
        {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": body["model"],
         "choices": [choice], "usage": json.loads(dialect.usage), **json.loads(dialect.extra)},
        headers={name: value} if name else {},
    )  # fmt: skip


def _tool_call(dialect: Dialect) -> dict[str, Any]:
    called = {"name": "get_weather", "arguments": ARGUMENTS}
    return {"id": dialect.tool_id, "type": "function", "function": called}


async def _streamed(
    request: web.Request, dialect: Dialect, body: dict[str, Any]
) -> web.StreamResponse:
    response = web.StreamResponse(headers={"content-type": "text/event-stream"})
    await response.prepare(request)
    await response.write(dialect.lead.encode())
    for each in _chunks(dialect, body):
        await response.write(b"data: " + json.dumps(each).encode() + b"\n\n")
    if dialect.has_done:
        await response.write(b"data: [DONE]\n\n")
    return response


def _chunks(dialect: Dialect, body: dict[str, Any]) -> list[dict[str, Any]]:
    """The events of a stream; usage stands where the provider puts it."""
    usage, way = json.loads(dialect.usage), dialect.stream_usage
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    deltas += [{"content": text} for text in TEXT]
    if body.get("tools"):
        deltas[1:] = [{"tool_calls": [{"index": 0, **_tool_call(dialect)}]}]
    made = [_chunk(body, {"index": 0, "delta": delta, "finish_reason": None}) for delta in deltas]
    finish = "tool_calls" if body.get("tools") else "stop"
    last = _chunk(body, {"index": 0, "delta": {}, "finish_reason": finish})
    made.append(last)
    if way == "all":
        return [{**each, "usage": usage} for each in made]
    if way == "last":
        last["usage"] = usage
    elif way == "choice":
        last["choices"][0]["usage"] = usage
    elif way == "groq":
        last["x_groq"] = {"id": "req_1", "usage": usage}
    elif (body.get("stream_options") or {}).get("include_usage"):
        made.append({**_chunk(body, {}), "choices": [], "usage": usage})
    return made


def _chunk(body: dict[str, Any], choice: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": body["model"],
        "choices": [choice],
    }


@web.middleware
async def patient(request: web.Request, handler: Any) -> web.StreamResponse:
    """Refuses what has not the shape that it reads; what is no JSON fails it."""
    try:
        return await handler(request)
    except (LookupError, TypeError, AttributeError):
        return web.json_response({"error": {"message": "malformed"}}, status=400)


@asynccontextmanager
async def fake(*, is_signed: bool = False, is_patient: bool = False) -> AsyncIterator[Fake]:
    """Every provider, on a free port of loopback."""
    made = Fake(is_signed=is_signed)
    app = web.Application(middlewares=[patient] if is_patient else [], client_max_size=2**25)
    for provider in dialects():

        async def chat(request: web.Request, provider: str = provider) -> web.StreamResponse:
            return await made.chat(request, provider)

        app.router.add_post(f"{path_of(provider)}/{dialects()[provider].speaks}", chat)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield made
    finally:
        await runner.cleanup()
