"""OpenAI's chat completions and embeddings, as its API reference has them."""

from __future__ import annotations

import base64
import json
import struct
from typing import Any

from tests.parity.provider.said import Said, pieces, said

FINISHES = {"stop": "stop", "length": "length", "calls": "tool_calls", "refusal": "stop"}


def answer_of(body: dict[str, Any]) -> Said:
    names = [each["function"]["name"] for each in body.get("tools") or () if "function" in each]
    return said(body, names, is_forced=body.get("tool_choice") not in (None, "auto", "none"))


def usage(answer: Said) -> dict[str, Any]:
    used = answer.used
    prompt = used.fresh + used.cached
    return {
        "prompt_tokens": prompt,
        "completion_tokens": used.output,
        "total_tokens": prompt + used.output,
        "prompt_tokens_details": {"cached_tokens": used.cached, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": used.reasoning,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def plain(body: dict[str, Any]) -> dict[str, Any]:
    answer = answer_of(body)
    message: dict[str, Any] = {
        "role": "assistant", "content": answer.text or None, "refusal": None, "annotations": [],
    }  # fmt: skip
    if answer.finish == "refusal":
        message |= {"content": None, "refusal": answer.text}
    if answer.thought:
        message["reasoning_content"] = answer.thought
    if answer.calls:
        message["tool_calls"] = [_call(each) for each in answer.calls]
    choice = {"index": 0, "message": message, "logprobs": None,
              "finish_reason": FINISHES[answer.finish]}  # fmt: skip
    return {**_head(body, "chat.completion"), "choices": [choice], "usage": usage(answer)}


def _call(call: Any) -> dict[str, Any]:
    arguments = json.dumps(call.arguments, ensure_ascii=False)
    return {"id": call.id, "type": "function",
            "function": {"name": call.name, "arguments": arguments}}  # fmt: skip


def _head(body: dict[str, Any], kind: str) -> dict[str, Any]:
    return {"id": "chatcmpl-parity", "object": kind, "created": 1_790_000_000,
            "model": body["model"], "service_tier": "default"}  # fmt: skip


def events(body: dict[str, Any]) -> list[bytes]:
    """A whole stream; usage only where it is asked for."""
    answer = answer_of(body)
    first = {"role": "assistant", "content": "" if answer.text else None, "refusal": None}
    deltas: list[dict[str, Any]] = [first]
    deltas += [{"reasoning_content": each} for each in pieces(answer.thought)]
    field = "refusal" if answer.finish == "refusal" else "content"
    deltas += [{field: each} for each in pieces(answer.text)]
    for index, call in enumerate(answer.calls):
        whole = _call(call)
        text = whole["function"]["arguments"]
        whole["function"]["arguments"] = ""
        deltas.append({"tool_calls": [{"index": index, **whole}]})
        for piece in pieces(text):
            function = {"arguments": piece}
            deltas.append({"tool_calls": [{"index": index, "function": function}]})
    head = _head(body, "chat.completion.chunk")
    wants_usage = (body.get("stream_options") or {}).get("include_usage")
    if wants_usage:
        head["usage"] = None
    ends = [(delta, None) for delta in deltas] + [({}, FINISHES[answer.finish])]
    made = [
        {**head, "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": end}]}
        for delta, end in ends
    ]
    if wants_usage:
        made.append({**head, "choices": [], "usage": usage(answer)})
    lines = [b"data: " + json.dumps(each).encode() + b"\n\n" for each in made]
    return [*lines, b"data: [DONE]\n\n"]


def embedding(body: dict[str, Any]) -> dict[str, Any]:
    """Four numbers for each text."""
    given = body["input"]
    is_many = isinstance(given, list) and not (given and isinstance(given[0], int))
    texts = given if is_many else [given]
    data = []
    for index, _ in enumerate(texts):
        vector: Any = [0.5, -0.25, 0.125, float(index)]
        if body.get("encoding_format") == "base64":
            vector = base64.b64encode(struct.pack("<4f", *vector)).decode()
        data.append({"object": "embedding", "index": index, "embedding": vector})
    return {"object": "list", "data": data, "model": body["model"],
            "usage": {"prompt_tokens": 9, "total_tokens": 9}}  # fmt: skip


def error(status: int, message: str, code: str | None) -> dict[str, Any]:
    kind = {429: "requests", 500: "server_error"}.get(status, "invalid_request_error")
    param = "messages" if code == "context_length_exceeded" else None
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}
