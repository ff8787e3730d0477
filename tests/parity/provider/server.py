"""A provider on loopback that speaks four formats: chat, Responses, Messages, generateContent."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.parity.provider import chat, gemini, messages, responses
from tests.parity.provider.said import KEY, LIMITED, UNKNOWN, is_too_long

LONG = {
    "openai": "This model's maximum context length is 128000 tokens. However, your messages "
    "resulted in 130000 tokens. Please reduce the length of the messages.",
    "anthropic": "prompt is too long: 208310 tokens > 200000 maximum",
    "google": "The input token count (1200000) exceeds the maximum number of tokens allowed "
    "(1048576).",
}


@dataclass
class Provider:
    """The running server; `seen` holds the path and the body of each call."""

    url: str = ""
    seen: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    async def called(self, request: web.Request) -> web.StreamResponse:
        """Any call of any format."""
        body = await request.json()
        self.seen.append((request.path, body))
        family = _family(request.path)
        model = body.get("model") or request.match_info.get("model", "")
        if trouble := _trouble(request, body, model):
            return _refused(family, *trouble)
        if family == "google":
            return await _gemini(request, body, model)
        if request.path.endswith("/embeddings"):
            return web.json_response(chat.embedding(body))
        if request.path.endswith("/count_tokens"):
            return web.json_response({"input_tokens": 160})
        speaker: Any = chat
        if family == "anthropic":
            speaker = messages
        elif request.path.endswith("/responses"):
            speaker = responses
        if body.get("stream"):
            return await _streamed(request, speaker.events(body))
        return web.json_response(speaker.plain(body), headers={"x-request-id": "req_parity"})


def _family(path: str) -> str:
    if "/models/" in path:
        return "google"
    return "anthropic" if "/messages" in path else "openai"


def _trouble(
    request: web.Request, body: dict[str, Any], model: str
) -> tuple[int, str, str | None] | None:
    given = [
        request.headers.get("authorization", "").removeprefix("Bearer "),
        request.headers.get("x-api-key"),
        request.headers.get("x-goog-api-key"),
        request.query.get("key"),
    ]
    if KEY not in given:
        return 401, "Incorrect API key provided.", "invalid_api_key"
    if model.endswith(UNKNOWN):
        return 404, f"The model `{model}` does not exist or you do not have access to it.", \
            "model_not_found"  # fmt: skip
    if model in LIMITED:
        return 429, "Rate limit reached for requests per minute.", "rate_limit_exceeded"
    if (body.get("temperature") or 0) > 2:
        return 400, "Invalid 'temperature': expected a value <= 2.", "decimal_above_max_value"
    if is_too_long(body):
        return 400, LONG[_family(request.path)], "context_length_exceeded"
    return None


def _refused(family: str, status: int, message: str, code: str | None) -> web.Response:
    headers = {"retry-after": "1"} if status == 429 else {}
    if family == "openai":
        told = chat.error(status, message, code)
    elif family == "anthropic":
        told = messages.error(status, message)
    else:
        told = gemini.error(400 if status == 401 else status, message)
        status = 400 if status == 401 else status
    return web.json_response(told, status=status, headers=headers)


async def _gemini(request: web.Request, body: dict[str, Any], model: str) -> web.StreamResponse:
    call = request.match_info["call"]
    if call == "countTokens":
        return web.json_response({"totalTokens": 160})
    if call in ("embedContent", "batchEmbedContents"):
        each = {"values": [0.5, -0.25, 0.125, 0.0]}
        if call == "embedContent":
            return web.json_response({"embedding": each})
        return web.json_response({"embeddings": [each for _ in body["requests"]]})
    if call == "generateContent":
        return web.json_response(gemini.plain(body, model))
    made = gemini.events(body, model)
    if request.query.get("alt") == "sse":
        return await _streamed(request, [gemini.sent(each) for each in made])
    return web.json_response(made)


async def _streamed(request: web.Request, events: list[bytes]) -> web.StreamResponse:
    response = web.StreamResponse(headers={"content-type": "text/event-stream"})
    await response.prepare(request)
    for each in events:
        await response.write(each)
    return response


async def _models(_: web.Request) -> web.Response:
    model = {"id": "gpt-4.1-mini", "object": "model", "created": 1, "owned_by": "parity"}
    return web.json_response({"object": "list", "data": [model]})


@asynccontextmanager
async def provider() -> AsyncIterator[Provider]:
    """The server, on a free port of loopback."""
    made = Provider()
    app = web.Application(client_max_size=64 * 1024 * 1024)
    for path in (
        "chat/completions",
        "embeddings",
        "responses",
        "messages",
        "messages/count_tokens",
    ):
        app.router.add_post(f"/v1/{path}", made.called)
    for version in ("v1", "v1beta"):
        app.router.add_post(f"/{version}/models/{{model}}:{{call}}", made.called)
    app.router.add_get("/v1/models", _models)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield made
    finally:
        await runner.cleanup()
