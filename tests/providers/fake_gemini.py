"""Gemini's generateContent as the fake speaks it: the shapes of its reference, numbers changed."""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web

TEXT = ["Grüezi ", "mitenand"]
ARGUMENTS = {"city": "Zürich"}
USAGE = {
    "promptTokenCount": 2006,
    "cachedContentTokenCount": 1920,
    "candidatesTokenCount": 200,
    "thoughtsTokenCount": 100,
    "totalTokenCount": 2306,
    "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 2006}],
}
FIELDS = {
    "contents", "systemInstruction", "generationConfig", "tools", "toolConfig", "safetySettings",
    "cachedContent",
}  # fmt: skip


def complaint(body: dict[str, Any]) -> str | None:
    """What Gemini would not take: as strict as its reference."""
    unknown = body.keys() - FIELDS
    if unknown:
        name = min(unknown)
        return f'Invalid JSON payload received. Unknown name "{name}": Cannot find field.'
    roles = [each.get("role") for each in body.get("contents") or [{}]]
    if set(roles) - {"user", "model"}:
        return f"Please use a valid role: user, model. {roles}"
    if any(not each["parts"] for each in body["contents"]):
        return "contents.parts must not be empty."
    return None


def refusal(words: str) -> web.Response:
    error = {"code": 400, "message": words, "status": "INVALID_ARGUMENT"}
    return web.json_response({"error": error}, status=400)


def plain(body: dict[str, Any]) -> web.Response:
    return web.json_response(answer(_thought(body) + _parts(body), "STOP", USAGE))


def answer(
    parts: list[dict[str, Any]], finish: str | None, usage: dict[str, Any]
) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"role": "model", "parts": parts}, "index": 0}
    if finish:
        candidate["finishReason"] = finish
    return {
        "candidates": [candidate],
        "usageMetadata": usage,
        "modelVersion": "gemini-x",
        "responseId": "r-1",
    }


def _parts(body: dict[str, Any]) -> list[dict[str, Any]]:
    if body.get("tools"):
        call = {"name": "get_weather", "args": ARGUMENTS}
        return [{"functionCall": call, "thoughtSignature": "c2ln"}]
    return [{"text": "".join(TEXT)}]


def _thought(body: dict[str, Any]) -> list[dict[str, Any]]:
    wished = body.get("generationConfig", {}).get("thinkingConfig")
    return [{"text": "Hm.", "thought": True}] if wished else []


def events(body: dict[str, Any]) -> list[dict[str, Any]]:
    """A whole stream: counts grow, the last one ends it."""
    begun = {"promptTokenCount": 2006, "totalTokenCount": 2006}
    parts = [[each] for each in _thought(body)]
    parts += [_parts(body)] if body.get("tools") else [[{"text": text}] for text in TEXT]
    return [*(answer(each, None, begun) for each in parts), answer([{"text": ""}], "STOP", USAGE)]


def sent(each: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(each).encode() + b"\r\n\r\n"


async def streamed(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
    response = web.StreamResponse(headers={"content-type": "text/event-stream"})
    await response.prepare(request)
    for each in events(body):
        await response.write(sent(each))
    return response
