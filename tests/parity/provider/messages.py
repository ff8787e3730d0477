"""Anthropic's Messages, as its API reference has them."""

from __future__ import annotations

import json
from typing import Any

from tests.parity.provider.said import Said, pieces, said

STOPS = {"stop": "end_turn", "length": "max_tokens", "calls": "tool_use", "refusal": "refusal"}
KINDS = {400: "invalid_request_error", 401: "authentication_error", 404: "not_found_error",
         429: "rate_limit_error", 500: "api_error"}  # fmt: skip


def answer_of(body: dict[str, Any]) -> Said:
    names = [each["name"] for each in body.get("tools") or () if "name" in each]
    choice = (body.get("tool_choice") or {}).get("type", "auto")
    return said(body, names, is_forced=choice in ("any", "tool"))


def blocks(answer: Said) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = []
    if answer.thought:
        made.append({"type": "thinking", "thinking": answer.thought, "signature": "c2lnbmVk"})
    if answer.text:
        made.append({"type": "text", "text": answer.text})
    made += [
        {"type": "tool_use", "id": each.id, "name": each.name, "input": each.arguments}
        for each in answer.calls
    ]
    return made


def usage(answer: Said) -> dict[str, Any]:
    return {
        "input_tokens": answer.used.fresh,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": answer.used.cached,
        "output_tokens": answer.used.output,
        "service_tier": "standard",
    }


def _message(body: dict[str, Any], content: list[Any], stop: str | None, used: Any) -> Any:
    end = {"stop_reason": stop, "stop_sequence": None}
    return {"id": "msg_parity", "type": "message", "role": "assistant", "model": body["model"],
            "content": content, **end, "usage": used}  # fmt: skip


def plain(body: dict[str, Any]) -> dict[str, Any]:
    answer = answer_of(body)
    return _message(body, blocks(answer), STOPS[answer.finish], usage(answer))


def events(body: dict[str, Any]) -> list[bytes]:
    answer = answer_of(body)
    begun = {**usage(answer), "output_tokens": 1}
    made: list[dict[str, Any]] = [
        {"type": "message_start", "message": _message(body, [], None, begun)},
        {"type": "ping"},
    ]
    for index, block in enumerate(blocks(answer)):
        made += _block(index, block)
    delta = {"stop_reason": STOPS[answer.finish], "stop_sequence": None}
    made.append({"type": "message_delta", "delta": delta,
                 "usage": usage(answer)})  # fmt: skip
    made.append({"type": "message_stop"})
    return [f"event: {e['type']}\ndata: {json.dumps(e)}\n\n".encode() for e in made]


def _block(index: int, block: dict[str, Any]) -> list[dict[str, Any]]:
    at = {"index": index}
    if block["type"] == "text":
        start: dict[str, Any] = {"type": "text", "text": ""}
        deltas = [{"type": "text_delta", "text": each} for each in pieces(block["text"])]
    elif block["type"] == "thinking":
        start = {"type": "thinking", "thinking": "", "signature": ""}
        deltas = [
            {"type": "thinking_delta", "thinking": each} for each in pieces(block["thinking"])
        ]
        deltas.append({"type": "signature_delta", "signature": block["signature"]})
    else:
        start = {**block, "input": {}}
        text = json.dumps(block["input"], ensure_ascii=False)
        deltas = [{"type": "input_json_delta", "partial_json": each} for each in pieces(text)]
    return [
        {"type": "content_block_start", **at, "content_block": start},
        *({"type": "content_block_delta", **at, "delta": each} for each in deltas),
        {"type": "content_block_stop", **at},
    ]


def error(status: int, message: str) -> dict[str, Any]:
    return {"type": "error", "error": {"type": KINDS[status], "message": message},
            "request_id": "req_parity"}  # fmt: skip
