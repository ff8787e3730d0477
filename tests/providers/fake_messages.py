"""Anthropic's Messages as the fake speaks them: the events of its reference, numbers changed."""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web

TEXT = ["Grüezi ", "mitenand"]
ARGUMENTS = {"city": "Zürich"}
CALL_ID = "toolu_01A09q90qw90lq917835lq9"
USAGE = {
    "input_tokens": 86,
    "cache_creation_input_tokens": 1000,
    "cache_read_input_tokens": 1920,
    "cache_creation": {"ephemeral_5m_input_tokens": 600, "ephemeral_1h_input_tokens": 400},
    "output_tokens": 300,
    "service_tier": "standard",
}
FIELDS = {
    "model", "max_tokens", "messages", "system", "stream", "tools", "tool_choice", "temperature",
    "top_p", "top_k", "stop_sequences", "metadata", "thinking", "output_config", "service_tier",
    "cache_control",
}  # fmt: skip


def complaint(request: web.Request, body: dict[str, Any]) -> str | None:
    """What Anthropic would not take: as strict as its reference."""
    unknown = body.keys() - FIELDS
    if unknown:
        return f"{min(unknown)}: Extra inputs are not permitted"
    if request.headers.get("anthropic-version") not in ("2023-06-01", "2026-10-21"):
        return "anthropic-version: header is required"
    if not isinstance(body.get("max_tokens"), int):
        return "max_tokens: Field required"
    roles = [each["role"] for each in body["messages"]]
    if not roles or set(roles) - {"user", "assistant"}:
        return f"messages: Unexpected role {roles}"
    blocks = [b for m in body["messages"] if isinstance(m["content"], list) for b in m["content"]]
    if any(b["type"] == "text" and not b["text"].strip() for b in blocks):
        return "messages: text content blocks must be non-empty"
    return None


def plain(body: dict[str, Any]) -> web.Response:
    content: list[dict[str, Any]] = [{"type": "text", "text": "".join(TEXT)}]
    if body.get("tools"):
        content = [{"type": "tool_use", "id": CALL_ID, "name": "get_weather", "input": ARGUMENTS}]
    if body.get("thinking"):
        content.insert(0, {"type": "thinking", "thinking": "Hm.", "signature": "sig=="})
    return web.json_response(message(body, content, _stop(body), USAGE))


def message(
    body: dict[str, Any], content: list[Any], stop: str | None, usage: dict[str, Any]
) -> dict[str, Any]:
    return {
        "id": "msg_01",
        "type": "message",
        "role": "assistant",
        "model": body["model"],
        "content": content,
        "stop_reason": stop,
        "stop_sequence": None,
        "usage": usage,
    }


def _stop(body: dict[str, Any]) -> str:
    return "tool_use" if body.get("tools") else "end_turn"


def events(body: dict[str, Any]) -> list[dict[str, Any]]:
    """A whole stream."""
    made: list[dict[str, Any]] = [
        {"type": "message_start", "message": message(body, [], None, {**USAGE, "output_tokens": 1})}
    ]
    if body.get("thinking"):
        made += block(0, {"type": "thinking", "thinking": "", "signature": ""}, [
            {"type": "thinking_delta", "thinking": "Hm."},
            {"type": "signature_delta", "signature": "sig=="},
        ])  # fmt: skip
    made.append({"type": "ping"})
    at = 1 if body.get("thinking") else 0
    if body.get("tools"):
        text = json.dumps(ARGUMENTS, ensure_ascii=False)
        made += block(at, {"type": "tool_use", "id": CALL_ID, "name": "get_weather", "input": {}}, [
            {"type": "input_json_delta", "partial_json": part} for part in ("", text[:5], text[5:])
        ])  # fmt: skip
    else:
        made += block(at, {"type": "text", "text": ""}, [
            {"type": "text_delta", "text": part} for part in TEXT
        ])  # fmt: skip
    delta = {"stop_reason": _stop(body), "stop_sequence": None}
    made.append({"type": "message_delta", "delta": delta, "usage": {"output_tokens": 300}})
    return [*made, {"type": "message_stop"}]


def block(index: int, start: dict[str, Any], deltas: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {"type": "content_block_start", "index": index, "content_block": start},
        *({"type": "content_block_delta", "index": index, "delta": each} for each in deltas),
        {"type": "content_block_stop", "index": index},
    ]


def sent(each: dict[str, Any]) -> bytes:
    return f"event: {each['type']}\ndata: {json.dumps(each)}\n\n".encode()


async def streamed(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
    response = web.StreamResponse(headers={"content-type": "text/event-stream"})
    await response.prepare(request)
    for each in events(body):
        await response.write(sent(each))
    return response
