"""A response of OpenAI's as a chat completion."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from windsock.wire.dialect import copied
from windsock.wire.formats.openai_usage import part_of

INCOMPLETE = {"max_output_tokens": "length", "content_filter": "content_filter"}
"""The finish_reason of chat completions, by why a response is incomplete."""

FAILED = ("failed", "cancelled")
UNDER_WAY = ("queued", "in_progress")
"""States of a response that is no answer, or none yet."""

CALLS = ("function_call", "custom_tool_call")

SILENT = ("reasoning", "compaction", "item_reference", "mcp_list_tools")
"""Items that show nothing."""

CHAT_COUNTS = {
    "input_tokens": "prompt_tokens",
    "output_tokens": "completion_tokens",
    "input_tokens_details": "prompt_tokens_details",
    "output_tokens_details": "completion_tokens_details",
}
"""Chat's names of counts; all else that is said of use keeps its own."""

NOTES = "annotations"

Item = Mapping[str, Any]


def completion_of(body: Item) -> dict[str, Any]:
    """The whole answer."""
    items = items_of(body)
    usage = part_of(body, "usage")
    choice = {
        "index": 0,
        "message": _message(items),
        "finish_reason": finish_of(body, items),
        "logprobs": _logprobs(items),
    }
    return {
        "id": body.get("id"),
        "object": "chat.completion",
        "created": body.get("created_at") or 0,
        "model": body.get("model"),
        "choices": [choice],
        **({"usage": usage_of(usage, items)} if usage else {}),
        **copied(dict(body), "service_tier", "error"),
    }


def items_of(body: Item) -> list[dict[str, Any]]:
    """What was put out, in its order."""
    output = body.get("output")
    return [each for each in output if isinstance(each, dict)] if isinstance(output, list) else []


def finish_of(body: Item, items: list[dict[str, Any]]) -> str | None:
    """Why it ended, in the words of chat completions; None while it is under way."""
    why = part_of(body, "incomplete_details").get("reason")
    status = body.get("status") or ("incomplete" if why else None)
    if status in FAILED:
        return "error"
    if status in UNDER_WAY:
        return None
    if status == "incomplete":
        reason = str(why or "length")
        return INCOMPLETE.get(reason, reason)
    return "tool_calls" if any(each.get("type") in CALLS for each in items) else "stop"


def usage_of(counted: Item, items: list[dict[str, Any]]) -> dict[str, Any]:
    """Chat's counts; searches are counted by their items."""
    searches = sum(each.get("type") == "web_search_call" for each in items)
    told = {CHAT_COUNTS.get(name, name): said for name, said in counted.items() if said is not None}
    return told | ({"server_tool_use": {"web_search_requests": searches}} if searches else {})


def untold(items: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """What a stream shows of which no part came before its end, as one delta."""
    said = _message(items)
    calls = [{"index": n, **call} for n, call in enumerate(said.get("tool_calls", ()))]
    shown = {**copied(said, "content", "refusal"), "tool_calls": calls}
    if told := {name: value for name, value in shown.items() if value}:
        yield told


def sealed_in(items: list[dict[str, Any]]) -> tuple[str, ...]:
    """Ids of what was encrypted."""
    sealed = (each for each in items if each.get("encrypted_content"))
    return tuple(name for each in sealed if isinstance(name := each.get("id"), str) and name)


def is_shown(item: Item) -> bool:
    """Reasoning and blanks are nothing; whatever else an item is, it is an answer."""
    if item.get("type") == "message":
        return any(said.strip() for said in (*_said(item, "text"), *_said(item, "refusal")))
    return item.get("type") not in SILENT


def call_of(item: Item) -> dict[str, Any]:
    """A call of a function, or of a custom tool, whose text is its one argument."""
    if item.get("type") == "custom_tool_call":
        arguments = orjson.dumps({"input": item.get("input") or ""}).decode()
    else:
        arguments = item.get("arguments") or "{}"
    called = {"name": item.get("name"), "arguments": arguments}
    return {"id": item.get("call_id"), "type": "function", "function": called}


def thought_of(item: Item) -> str:
    """What was thought, or else its summary."""
    return "".join(_said(item, "text")) or "\n\n".join(_said(item, "text", "summary"))


def annotation_of(note: Item) -> dict[str, Any] | None:
    """What is cited of a web page, which chat has in an object of its own; None of all else."""
    if note.get("type") != "url_citation":
        return None
    cited = {name: value for name, value in note.items() if name != "type"}
    return {"type": "url_citation", "url_citation": cited}


def _message(items: list[dict[str, Any]]) -> dict[str, Any]:
    turns = [each for each in items if each.get("type") == "message"]
    texts = [text for each in turns for text in _said(each, "text")]
    refusals = [text for each in turns for text in _said(each, "refusal")]
    thoughts = [each for each in items if each.get("type") == "reasoning"]
    sealed = [each for each in thoughts if each.get("encrypted_content")]
    said = "\n\n".join(filter(None, map(thought_of, thoughts)))
    calls = [call_of(each) for each in items if each.get("type") in CALLS]
    notes = (note for each in turns for part in _parts(each) for note in _parts(part, NOTES))
    cited = [found for note in notes if (found := annotation_of(note)) is not None]
    return {
        "role": "assistant",
        "content": "".join(texts) if texts else None,
        "refusal": "".join(refusals) or None,
        **({"reasoning_content": said} if said else {}),
        **({"reasoning_items": sealed} if sealed else {}),
        **({"tool_calls": calls} if calls else {}),
        **({"annotations": cited} if cited else {}),
    }


def _parts(item: Item, name: str = "content") -> Iterator[dict[str, Any]]:
    parts = item.get(name)
    return (each for each in (parts if isinstance(parts, list) else ()) if isinstance(each, dict))


def _said(item: Item, field: str, name: str = "content") -> list[str]:
    return [each[field] for each in _parts(item, name) if isinstance(each.get(field), str)]


def _logprobs(items: list[dict[str, Any]]) -> dict[str, Any] | None:
    parts = (part for each in items if each.get("type") == "message" for part in _parts(each))
    tokens = [token for part in parts for token in _parts(part, "logprobs")]
    return {"content": tokens, "refusal": None} if tokens else None
