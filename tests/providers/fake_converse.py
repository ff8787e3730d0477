"""Bedrock's Converse as the fake speaks it: the shapes of AWS's reference, numbers changed."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from typing import Any
from zlib import crc32

from aiohttp import web

TEXT = ["Grüezi ", "mitenand"]
ARGUMENTS = {"city": "Zürich"}
CALL_ID = "tooluse_kZJMlvQmRJ6eAyJE5GIl7Q"
USAGE = {
    "inputTokens": 86,
    "outputTokens": 300,
    "totalTokens": 2306,
    "cacheReadInputTokens": 1920,
    "cacheWriteInputTokens": 0,
}
FIELDS = {"messages", "system", "inferenceConfig", "toolConfig", "additionalModelRequestFields"}


def complaint(body: dict[str, Any]) -> str | None:
    """What Bedrock would not take: as strict as its reference."""
    unknown = body.keys() - FIELDS
    if unknown:
        return f"#: extraneous key [{min(unknown)}] is not permitted"
    if not body.get("messages") or body["messages"][0]["role"] != "user":
        return "A conversation must start with a user message."
    if any(one["role"] == next_["role"] for one, next_ in pairwise(body["messages"])):
        return "A conversation must alternate between user and assistant roles."
    blocks = [block for turn in body["messages"] for block in turn["content"]]
    if any(len(block) != 1 for block in blocks):
        return "A content block must be one of its kinds."
    if not body.get("toolConfig") and any({"toolUse", "toolResult"} & {*each} for each in blocks):
        return "The toolConfig field must be defined when using toolUse and toolResult."
    names = [block["document"]["name"] for block in blocks if "document" in block]
    if any(re.fullmatch(r"[A-Za-z0-9()\[\] -]{1,200}", each) is None for each in names):
        return "The document file name can only contain alphanumeric characters."
    return None


def refusal(words: str) -> web.Response:
    headers = {"x-amzn-errortype": "ValidationException"}
    return web.json_response({"message": words}, status=400, headers=headers)


def plain(body: dict[str, Any]) -> web.Response:
    call = {"toolUse": {"toolUseId": CALL_ID, "name": "get_weather", "input": ARGUMENTS}}
    said = [call] if body.get("toolConfig") else [{"text": "".join(TEXT)}]
    return web.json_response(
        {
            "output": {"message": {"role": "assistant", "content": said}},
            "stopReason": _stop(body),
            "usage": USAGE,
            "metrics": {"latencyMs": 1},
        }
    )


def _stop(body: dict[str, Any]) -> str:
    return "tool_use" if body.get("toolConfig") else "end_turn"


def events(body: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """A whole stream, as (kind, payload)."""
    made: list[tuple[str, dict[str, Any]]] = [("messageStart", {"role": "assistant"})]
    if body.get("toolConfig"):
        text = json.dumps(ARGUMENTS, ensure_ascii=False)
        start = {"toolUse": {"toolUseId": CALL_ID, "name": "get_weather"}}
        made.append(("contentBlockStart", {"start": start, "contentBlockIndex": 0}))
        parts = [{"toolUse": {"input": part}} for part in (text[:5], text[5:])]
    else:
        parts = [{"text": part} for part in TEXT]
    made += [("contentBlockDelta", {"delta": each, "contentBlockIndex": 0}) for each in parts]
    made.append(("contentBlockStop", {"contentBlockIndex": 0}))
    made.append(("messageStop", {"stopReason": _stop(body)}))
    return [*made, ("metadata", {"usage": USAGE, "metrics": {"latencyMs": 1}})]


def frame(kind: str, payload: dict[str, Any]) -> bytes:
    """One frame of application/vnd.amazon.eventstream."""
    is_error = kind.endswith("Exception")
    stated = {
        ":exception-type" if is_error else ":event-type": kind,
        ":content-type": "application/json",
        ":message-type": "exception" if is_error else "event",
    }
    headers = b"".join(
        bytes([len(name)]) + name.encode() + b"\x07" + len(text).to_bytes(2) + text.encode()
        for name, text in stated.items()
    )
    body = json.dumps(payload).encode()
    length = 12 + len(headers) + len(body) + 4
    prelude = length.to_bytes(4) + len(headers).to_bytes(4)
    whole = prelude + crc32(prelude).to_bytes(4) + headers + body
    return whole + crc32(whole).to_bytes(4)


async def streamed(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
    kind = "application/vnd.amazon.eventstream"
    response = web.StreamResponse(headers={"content-type": kind})
    await response.prepare(request)
    for each in events(body):
        await response.write(frame(*each))
    return response
