"""What OpenAI's Responses format tells: a response, its items and its usage."""

from __future__ import annotations

from typing import Any

from windsock.wire.dialect import copied

ECHOED = ("instructions", "max_output_tokens", "temperature", "top_p", "tools", "tool_choice",
          "parallel_tool_calls", "metadata", "text", "reasoning", "user", "truncation")  # fmt: skip
"""Fields of a request that its response repeats."""

DEFAULTS: dict[str, Any] = {
    "instructions": None,
    "max_output_tokens": None,
    "temperature": None,
    "top_p": None,
    "tools": [],
    "tool_choice": "auto",
    "parallel_tool_calls": True,
    "metadata": {},
    "text": {"format": {"type": "text"}},
    "reasoning": {"effort": None, "summary": None},
    "truncation": "disabled",
}
"""Fields that every response has."""

INCOMPLETE = {"length": "max_output_tokens", "content_filter": "content_filter"}
"""Why a response ended early, by the finish_reason of chat completions."""


def response_of(
    asked: dict[str, Any],
    body: dict[str, Any],
    output: list[dict[str, Any]],
    finish: str | None,
    usage: dict[str, Any] | None,
) -> dict[str, Any]:
    """A response to what was asked, from a chat completion's (or its first chunk's) facts."""
    reason = INCOMPLETE.get(finish or "")
    return {
        "id": body.get("id"),
        "object": "response",
        "created_at": body.get("created") or 0,
        "status": "completed" if reason is None else "incomplete",
        "error": None,
        "incomplete_details": None if reason is None else {"reason": reason},
        "model": body.get("model"),
        "output": output,
        "usage": usage_view(usage),
        "store": False,
        "previous_response_id": None,
        **DEFAULTS,
        **copied(asked, *ECHOED),
        **copied(body, "provider", "service_tier"),
    }


def output_text(text: str, refusal: str | None = None) -> dict[str, Any]:
    """A part of a message: text, or the refusal to say any."""
    if refusal:
        return {"type": "refusal", "refusal": refusal}
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def message_item(name: str, content: list[dict[str, Any]]) -> dict[str, Any]:
    """A finished message of the assistant."""
    return {"id": name, "type": "message", "role": "assistant", "status": "completed",
            "content": content}  # fmt: skip


def call_item(name: str, call_id: Any, function: str, arguments: str) -> dict[str, Any]:
    """A finished call of a function; `arguments` is JSON as the model wrote it."""
    return {"id": name, "type": "function_call", "call_id": call_id, "name": function,
            "arguments": arguments, "status": "completed"}  # fmt: skip


def usage_view(counted: dict[str, Any] | None) -> dict[str, Any] | None:
    """Usage from chat's; cached tokens are counted within the input."""
    if counted is None:
        return None
    given = counted.get("prompt_tokens_details") or {}
    got = counted.get("completion_tokens_details") or {}
    asked, answered = counted.get("prompt_tokens") or 0, counted.get("completion_tokens") or 0
    cached = counted.get("prompt_cache_hit_tokens") or given.get("cached_tokens") or 0
    written = given.get("cache_write_tokens") or 0
    return {
        "input_tokens": asked,
        "input_tokens_details": {"cached_tokens": cached, "cache_write_tokens": written},
        "output_tokens": answered,
        "output_tokens_details": {"reasoning_tokens": got.get("reasoning_tokens") or 0},
        "total_tokens": counted.get("total_tokens") or asked + answered,
        **copied(counted, "cost"),
    }
