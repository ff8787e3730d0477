"""OpenAI's Responses as the fake speaks them: the events of its reference, numbers changed."""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web

Body = dict[str, Any]

TEXT = ["Grüezi ", "mitenand"]
ARGUMENTS = {"city": "Zürich"}
CALL_ID = "call_Ab1Cd2Ef3Gh4Ij5Kl6Mn7Op8"
USAGE = {
    "input_tokens": 2006,
    "input_tokens_details": {"cached_tokens": 1920},
    "output_tokens": 300,
    "output_tokens_details": {"reasoning_tokens": 128},
    "total_tokens": 2306,
}
FIELDS = {
    "model", "input", "instructions", "stream", "stream_options", "store", "include", "tools",
    "tool_choice", "parallel_tool_calls", "max_output_tokens", "temperature", "top_p",
    "top_logprobs", "reasoning", "text", "metadata", "user", "safety_identifier", "service_tier",
    "prompt_cache_key", "prompt_cache_retention", "previous_response_id", "conversation",
    "background", "prompt", "truncation", "max_tool_calls", "context_management",
}  # fmt: skip
PARTS = {
    "user": {"input_text", "input_image", "input_file"},
    "system": {"input_text", "input_image", "input_file"},
    "developer": {"input_text", "input_image", "input_file"},
    "assistant": {"output_text", "refusal"},
}


def complaint(body: Body) -> str | None:
    """What OpenAI would not take: as strict as its reference."""
    unknown = body.keys() - FIELDS
    if unknown:
        return f"Unknown parameter: '{min(unknown)}'."
    for item in body["input"] if isinstance(body.get("input"), list) else ():
        if item.get("type", "message") == "message" and isinstance(item["content"], list):
            strange = {part["type"] for part in item["content"]} - PARTS[item["role"]]
            if strange:
                return f"Invalid value: '{min(strange)}'."
    if any("function" in tool for tool in body.get("tools") or ()):
        return "Missing required parameter: 'tools[0].name'."
    return None


def output(body: Body) -> list[Body]:
    items: list[Body] = []
    if body.get("reasoning"):
        summary = [{"type": "summary_text", "text": "Hm."}]
        items.append({"id": "rs_1", "type": "reasoning", "summary": summary})
        if "reasoning.encrypted_content" in (body.get("include") or ()):
            items[0]["encrypted_content"] = "gAAA"
    if body.get("tools"):
        text = json.dumps(ARGUMENTS, ensure_ascii=False)
        call = {"id": "fc_1", "type": "function_call", "call_id": CALL_ID, "name": "get_weather"}
        return [*items, {**call, "arguments": text, "status": "completed"}]
    said = {"type": "output_text", "text": "".join(TEXT), "annotations": [], "logprobs": []}
    message = {"id": "msg_1", "type": "message", "role": "assistant", "content": [said]}
    return [*items, {**message, "status": "completed"}]


def response(body: Body, items: list[Body], status: str = "completed") -> Body:
    return {
        "id": "resp_1", "object": "response", "created_at": 1, "status": status, "error": None,
        "incomplete_details": None, "instructions": None, "max_output_tokens": None,
        "model": body["model"], "output": items, "parallel_tool_calls": True, "metadata": {},
        "previous_response_id": None, "temperature": 1.0, "tool_choice": "auto", "top_p": 1.0,
        "tools": body.get("tools") or [], "truncation": "disabled",
        "usage": USAGE if status == "completed" else None, "service_tier": "default",
    }  # fmt: skip


def plain(body: Body) -> web.Response:
    return web.json_response(response(body, output(body)))


def events(body: Body) -> list[Body]:
    """A whole stream."""
    begun = response(body, [], "in_progress")
    made: list[Body] = [{"type": "response.created", "response": begun},
                        {"type": "response.in_progress", "response": begun}]  # fmt: skip
    items = output(body)
    for index, item in enumerate(items):
        at = {"output_index": index, "item_id": item["id"]}
        empty = {"message": {"content": []}, "function_call": {"arguments": ""}}
        shown = {**item, "status": "in_progress", **empty.get(item["type"], {})}
        made.append({"type": "response.output_item.added", "output_index": index, "item": shown})
        made += PARTS_OF[item["type"]](item, at)
        made.append({"type": "response.output_item.done", "output_index": index, "item": item})
    made.append({"type": "response.completed", "response": response(body, items)})
    return [{**each, "sequence_number": number} for number, each in enumerate(made)]


def _said(item: Body, at: Body) -> list[Body]:
    at, (part,) = {**at, "content_index": 0}, item["content"]
    deltas = [{"type": "response.output_text.delta", "delta": text, "logprobs": [], **at}
              for text in TEXT]  # fmt: skip
    return [
        {"type": "response.content_part.added", "part": {**part, "text": ""}, **at},
        *deltas,
        {"type": "response.output_text.done", "text": part["text"], "logprobs": [], **at},
        {"type": "response.content_part.done", "part": part, **at},
    ]


def _called(item: Body, at: Body) -> list[Body]:
    text, kind = item["arguments"], "response.function_call_arguments"
    deltas = [{"type": f"{kind}.delta", "delta": part, **at} for part in (text[:5], text[5:])]
    return [*deltas, {"type": f"{kind}.done", "arguments": text, "name": item["name"], **at}]


def _thought(item: Body, at: Body) -> list[Body]:
    at, text = {**at, "summary_index": 0}, item["summary"][0]["text"]
    return [
        {"type": "response.reasoning_summary_part.added",
         "part": {"type": "summary_text", "text": ""}, **at},
        {"type": "response.reasoning_summary_text.delta", "delta": text, **at},
        {"type": "response.reasoning_summary_text.done", "text": text, **at},
        {"type": "response.reasoning_summary_part.done", "part": item["summary"][0], **at},
    ]  # fmt: skip


PARTS_OF = {"message": _said, "function_call": _called, "reasoning": _thought}


async def streamed(request: web.Request, body: Body) -> web.StreamResponse:
    answer = web.StreamResponse(headers={"content-type": "text/event-stream"})
    await answer.prepare(request)
    for each in events(body):
        await answer.write(f"event: {each['type']}\ndata: {json.dumps(each)}\n\n".encode())
    return answer
