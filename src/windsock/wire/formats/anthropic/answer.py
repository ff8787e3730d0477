"""A message of Anthropic's as a chat completion."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from windsock.wire.dialect import copied
from windsock.wire.formats.openai_usage import part_of, use_told
from windsock.wire.formats.usage.fields import count, merged
from windsock.wire.service_tiers import chat_tier

STOPS = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "pause_turn": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}
"""The finish_reason of chat completions, by why a message ended."""

THOUGHTS = ("thinking", "redacted_thinking")

COUNTS = ("input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
LIVES = "cache_creation"
"""What was written to a cache, by how long it is kept there."""

ITERATIONS = "iterations"
APART = ("compaction", "advisor_message")
"""Kinds of iterations that are billed and stand in no count beside their own. An advisor's tokens
are counted as the model's, since its price is not that of any deployment asked."""

Counted = Mapping[str, Any]


def completion_of(body: Mapping[str, Any], created: int = 0) -> dict[str, Any]:
    """The whole answer; `created` (unix s) stands where Anthropic tells no time."""
    blocks = [each for each in body.get("content") or () if isinstance(each, dict)]
    choice = {
        "index": 0,
        "message": _message(blocks),
        "finish_reason": finish_of(body.get("stop_reason")),
        "logprobs": None,
    }
    usage = part_of(body, "usage")
    return {
        "id": body.get("id"),
        "object": "chat.completion",
        "created": created,
        "model": body.get("model"),
        "choices": [choice],
        **({"usage": usage_of(usage)} if usage else {}),
        **chat_tier(usage),
    }


def finish_of(reason: Any) -> str | None:
    """In the words of chat completions; one that is not known stays as it is."""
    return STOPS.get(reason, reason) if isinstance(reason, str) else None


def counted_on(before: Counted, later: Counted) -> dict[str, Any]:
    """The usage of a stream after one more statement: what is not said again, or is zero, stays.

    Where iterations are told they add up to what is said beside them, zeros too.
    """
    if not later.get(ITERATIONS):
        return merged(before, later)
    return {**before, **{name: value for name, value in later.items() if value is not None}}


def usage_of(counted: Counted) -> dict[str, Any]:
    """As OpenAI counts: what a cache gave or took is part of the prompt."""
    counted = _with_apart(counted)
    used = use_told(dict(counted))
    prompt, answer = used.prompt_tokens, used.completion_tokens
    thought = used.reasoning_tokens
    return {
        "prompt_tokens": prompt,
        "completion_tokens": answer,
        "total_tokens": prompt + answer,
        "prompt_tokens_details": {
            "cached_tokens": used.cache_read_tokens,
            "cache_write_tokens": used.cache_write_tokens + used.cache_write_1h_tokens,
            **copied(dict(counted), LIVES),
        },
        **({"completion_tokens_details": {"reasoning_tokens": thought}} if thought else {}),
        **copied(dict(counted), "server_tool_use", "service_tier", "speed"),
    }


def _with_apart(counted: Counted) -> Counted:
    """With the iterations that the counts beside them leave out, added to them."""
    told = counted.get(ITERATIONS)
    listed = [each for each in told if isinstance(each, dict)] if isinstance(told, list) else []
    apart = [each for each in listed if each.get("type") in APART]
    if not apart or (len(apart) < len(listed) and _is_sum(counted, listed)):
        return counted
    parts = [counted, *apart]
    lives = [part_of(each, LIVES) for each in parts]
    return {
        **counted,
        **{name: sum(_count(each, name) for each in parts) for name in COUNTS},
        LIVES: {name: sum(_count(each, name) for each in lives) for part in lives for name in part},
    }


def _is_sum(counted: Counted, listed: list[dict[str, Any]]) -> bool:
    """Whether somebody on the way has added up all iterations already."""
    answered = sum(_count(each, "output_tokens") for each in listed)
    return _count(counted, "output_tokens") >= answered


def _count(counted: Counted, name: str) -> int:
    return count(counted.get(name)) or 0


def _message(blocks: list[dict[str, Any]]) -> dict[str, Any]:
    texts = [str(each.get("text", "")) for each in blocks if each.get("type") == "text"]
    calls = [tool_call(each) for each in blocks if each.get("type") == "tool_use"]
    thoughts = [each for each in blocks if each.get("type") in THOUGHTS]
    said = "".join(str(each.get("thinking", "")) for each in thoughts)
    return {
        "role": "assistant",
        "content": "".join(texts) if texts else None,
        "refusal": None,
        **({"reasoning_content": said} if said else {}),
        **({"thinking_blocks": thoughts} if thoughts else {}),
        **({"tool_calls": calls} if calls else {}),
    }


def tool_call(block: Mapping[str, Any]) -> dict[str, Any]:
    """One call with its arguments as text."""
    arguments = orjson.dumps(block.get("input") or {}).decode()
    function = {"name": block.get("name"), "arguments": arguments}
    return {"id": block.get("id"), "type": "function", "function": function}
