"""What OpenAI's Responses format tells: a response, its items and its usage."""

from __future__ import annotations

from typing import Any

from windsock.core.evidence.answer_ends import usual_end
from windsock.wire.dialect import copied
from windsock.wire.formats.openai_usage import use_told
from windsock.wire.formats.pieces import Kind, Piece
from windsock.wire.formats.responses.sealed import TOLD_HERE, sealed_of
from windsock.wire.formats.responses.tools import Tools

ECHOED = ("instructions", "max_output_tokens", "temperature", "top_p", "tools", "tool_choice",
          "parallel_tool_calls", "metadata", "text", "reasoning", "user", "truncation",
          "top_logprobs", "max_tool_calls", "service_tier", "safety_identifier",
          "prompt_cache_key")  # fmt: skip
"""Fields of a request that its response repeats."""

DEFAULTS: dict[str, Any] = {
    "instructions": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "temperature": 1.0,
    "top_p": 1.0,
    "presence_penalty": 0.0,
    "frequency_penalty": 0.0,
    "top_logprobs": 0,
    "tools": [],
    "tool_choice": "auto",
    "parallel_tool_calls": True,
    "metadata": {},
    "text": {"format": {"type": "text"}},
    "reasoning": {"effort": None, "summary": None},
    "truncation": "disabled",
    "background": False,
    "service_tier": "default",
    "safety_identifier": None,
    "prompt_cache_key": None,
}
"""Fields that every response has, as OpenAI's defaults are."""

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
    reason = INCOMPLETE.get(usual_end(finish) or "")
    return {
        "id": body.get("id"),
        "object": "response",
        "created_at": body.get("created") or 0,
        "completed_at": None,
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


def wants_summary(asked: dict[str, Any]) -> bool:
    """Whether a request asks for a summary of the reasoning: its client looks nowhere else."""
    wished = asked.get("reasoning")
    return isinstance(wished, dict) and bool(wished.get("summary"))


def item_of(
    asked: dict[str, Any], tools: Tools, answer: Any, number: int, piece: Piece
) -> dict[str, Any]:
    """A finished item: a call, reasoning, or a message of the assistant.

    answer, number  id of the answer and place of the item in it, by which the item is named
    """
    name = f"{answer}_{number}"
    if piece.kind is Kind.CALL:
        return tools.item(name, piece)
    if piece.kind in (Kind.THOUGHT, Kind.SEALED):
        parts = [part_of(asked, piece)] if piece.text else []
        summary, content = (parts, []) if wants_summary(asked) else ([], parts)
        item = {
            "id": f"{TOLD_HERE}{name}",
            "type": "reasoning",
            "summary": summary,
            "content": content,
            "status": "completed",
        }
        return item | sealed_of(piece)
    return {
        "id": f"msg_{name}",
        "type": "message",
        "role": "assistant",
        "status": "completed",
        "content": [part_of(asked, piece)],
    }


def part_of(asked: dict[str, Any], piece: Piece) -> dict[str, Any]:
    """A part of a message or of reasoning: text, the refusal to say any, or thoughts."""
    if piece.kind is Kind.REFUSAL:
        return {"type": "refusal", "refusal": piece.text}
    if piece.kind is Kind.THOUGHT:
        kind = "summary_text" if wants_summary(asked) else "reasoning_text"
        return {"type": kind, "text": piece.text}
    return {"type": "output_text", "text": piece.text, "annotations": [], "logprobs": []}


def usage_view(counted: dict[str, Any] | None) -> dict[str, Any] | None:
    """Usage from chat's; cached tokens are counted within the input."""
    if counted is None:
        return None
    used = use_told(counted)
    cached = used.cache_read_tokens + used.audio_cached_tokens
    written = used.cache_write_tokens + used.cache_write_1h_tokens
    return {
        "input_tokens": used.prompt_tokens,
        "input_tokens_details": {"cached_tokens": cached, "cache_write_tokens": written},
        "output_tokens": used.completion_tokens,
        "output_tokens_details": {"reasoning_tokens": used.reasoning_tokens},
        "total_tokens": used.prompt_tokens + used.completion_tokens,
        **copied(counted, "cost"),
    }
