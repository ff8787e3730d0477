"""OpenAI's Responses, as its API reference has them."""

from __future__ import annotations

import json
from typing import Any

from tests.parity.provider.said import Said, pieces, said


def answer_of(body: dict[str, Any]) -> Said:
    names = [each["name"] for each in body.get("tools") or () if "name" in each]
    return said(body, names, is_forced=body.get("tool_choice") not in (None, "auto", "none"))


def items(body: dict[str, Any], answer: Said) -> list[dict[str, Any]]:
    """Its items; what was thought is summarized only where that is asked for."""
    made: list[dict[str, Any]] = []
    if answer.thought:
        is_told = (body.get("reasoning") or {}).get("summary")
        summary = [{"type": "summary_text", "text": answer.thought}] if is_told else []
        made.append({"id": "rs_parity", "type": "reasoning", "summary": summary})
    if answer.text:
        part = {"type": "output_text", "text": answer.text, "annotations": [], "logprobs": []}
        if answer.finish == "refusal":
            part = {"type": "refusal", "refusal": answer.text}
        made.append({"id": "msg_parity", "type": "message", "role": "assistant",
                     "status": "completed", "content": [part]})  # fmt: skip
    for each in answer.calls:
        arguments = json.dumps(each.arguments, ensure_ascii=False)
        made.append({"id": f"fc_{each.id}", "type": "function_call", "status": "completed",
                     "call_id": each.id, "name": each.name, "arguments": arguments})  # fmt: skip
    return made


def usage(answer: Said) -> dict[str, Any]:
    used = answer.used
    return {
        "input_tokens": used.fresh + used.cached,
        "input_tokens_details": {"cached_tokens": used.cached, "cache_write_tokens": 0},
        "output_tokens": used.output,
        "output_tokens_details": {"reasoning_tokens": used.reasoning},
        "total_tokens": used.fresh + used.cached + used.output,
    }


def response(body: dict[str, Any], answer: Said, output: list[Any], status: str) -> dict[str, Any]:
    is_cut = status == "incomplete"
    return {
        "id": "resp_parity",
        "object": "response",
        "created_at": 1_790_000_000,
        "status": status,
        "background": False,
        "error": None,
        "incomplete_details": {"reason": "max_output_tokens"} if is_cut else None,
        "instructions": body.get("instructions"),
        "max_output_tokens": body.get("max_output_tokens"),
        "model": body["model"],
        "output": output,
        "parallel_tool_calls": body.get("parallel_tool_calls", True),
        "previous_response_id": None,
        "reasoning": body.get("reasoning") or {"effort": None, "summary": None},
        "service_tier": "default",
        "store": body.get("store", True),
        "temperature": body.get("temperature", 1.0),
        "text": body.get("text") or {"format": {"type": "text"}},
        "tool_choice": body.get("tool_choice") or "auto",
        "tools": body.get("tools") or [],
        "top_p": body.get("top_p", 1.0),
        "truncation": "disabled",
        "usage": None if status == "in_progress" else usage(answer),
        "metadata": body.get("metadata") or {},
    }


def _status(answer: Said) -> str:
    return "incomplete" if answer.finish == "length" else "completed"


def plain(body: dict[str, Any]) -> dict[str, Any]:
    answer = answer_of(body)
    return response(body, answer, items(body, answer), _status(answer))


def events(body: dict[str, Any]) -> list[bytes]:
    answer = answer_of(body)
    begun = response(body, answer, [], "in_progress")
    made = [
        ("response.created", {"response": begun}),
        ("response.in_progress", {"response": begun}),
    ]
    for index, item in enumerate(items(body, answer)):
        made += _item(index, item)
    whole = response(body, answer, items(body, answer), _status(answer))
    made.append((f"response.{_status(answer)}", {"response": whole}))
    told = [
        {"type": kind, "sequence_number": number, **facts}
        for number, (kind, facts) in enumerate(made)
    ]
    return [f"event: {e['type']}\ndata: {json.dumps(e)}\n\n".encode() for e in told]


def _item(index: int, item: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    where = {"output_index": index}
    at = {**where, "item_id": item["id"]}
    if item["type"] == "function_call":
        begun = {**item, "arguments": "", "status": "in_progress"}
        name = "response.function_call_arguments"
        inner = [(f"{name}.delta", {**at, "delta": e}) for e in pieces(item["arguments"])]
        done = {**at, "name": item["name"], "arguments": item["arguments"]}
        inner.append((f"{name}.done", done))
    elif item["type"] == "reasoning":
        begun, inner = {**item, "summary": []}, _thought(at, item)
    else:
        begun, inner = {**item, "content": [], "status": "in_progress"}, _text(at, item)
    return [
        ("response.output_item.added", {**where, "item": begun}),
        *inner,
        ("response.output_item.done", {**where, "item": item}),
    ]


def _thought(at: dict[str, Any], item: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    if not item["summary"]:
        return []
    (part,) = item["summary"]
    here = {**at, "summary_index": 0}
    name = "response.reasoning_summary"
    return [
        (f"{name}_part.added", {**here, "part": {**part, "text": ""}}),
        *((f"{name}_text.delta", {**here, "delta": each}) for each in pieces(part["text"])),
        (f"{name}_text.done", {**here, "text": part["text"]}),
        (f"{name}_part.done", {**here, "part": part}),
    ]


def _text(at: dict[str, Any], item: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    (part,) = item["content"]
    here = {**at, "content_index": 0}
    word = "text" if part["type"] == "output_text" else "refusal"
    name = f"response.{part['type']}"
    extra: dict[str, Any] = {"logprobs": []} if word == "text" else {}
    return [
        ("response.content_part.added", {**here, "part": {**part, word: ""}}),
        *((f"{name}.delta", {**here, "delta": each, **extra}) for each in pieces(part[word])),
        (f"{name}.done", {**here, word: part[word], **extra}),
        ("response.content_part.done", {**here, "part": part}),
    ]
