"""A message as Anthropic tells it: its blocks, why it stopped, what was used."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from windsock.core.evidence.answer_ends import usual_end
from windsock.wire.dialect import copied
from windsock.wire.formats.openai_usage import use_told
from windsock.wire.formats.pieces import Kind, Piece
from windsock.wire.json_codec import parsed
from windsock.wire.service_tiers import told_tier

STOPS = {"length": "max_tokens", "tool_calls": "tool_use", "function_call": "tool_use",
         "content_filter": "refusal"}  # fmt: skip
"""Why a message ended, by the finish_reason of chat completions."""


def stop_of(finish: Any, pieces: Iterable[Piece]) -> str:
    """Why it ended; a refusal or a call is one whatever the provider says of the end."""
    kinds = {piece.kind for piece in pieces}
    if Kind.REFUSAL in kinds:
        return "refusal"
    word = usual_end(finish) if isinstance(finish, str) else ""
    return STOPS.get(word or "", "tool_use" if Kind.CALL in kinds else "end_turn")


def block_of(piece: Piece) -> dict[str, Any]:
    """A block of a message; a refusal is a text."""
    match piece.kind:
        case Kind.CALL:
            return {
                "type": "tool_use",
                "id": piece.call_id,
                "name": piece.name,
                "input": _arguments(piece.text),
            }
        case Kind.THOUGHT:
            return {"type": "thinking", "thinking": piece.text, "signature": piece.signature or ""}
        case Kind.SEALED:
            return piece.block
        case _:
            return {"type": "text", "text": piece.text}


def _arguments(text: str) -> Any:
    """Parsed; a model may write arguments that are no object, which the caller must see."""
    found = parsed((text or "{}").encode(errors="replace"))
    return found if isinstance(found, dict) else {"arguments": text}


def message_of(body: dict[str, Any], pieces: Iterable[Piece], stop: str | None) -> dict[str, Any]:
    """A message, from a chat completion's (or its first chunk's) facts."""
    return {
        "id": body.get("id"),
        "type": "message",
        "role": "assistant",
        "model": body.get("model"),
        "content": [block_of(each) for each in pieces],
        "stop_reason": stop,
        "stop_sequence": None,
        "usage": usage_of(body),
        **copied(body, "provider"),
    }


def usage_of(body: dict[str, Any]) -> dict[str, Any]:
    """Anthropic counts what was read from a cache beside the input, not in it."""
    said = body.get("usage") or {}
    used = use_told(said)
    cached = used.cache_read_tokens + used.audio_cached_tokens
    written = used.cache_write_tokens + used.cache_write_1h_tokens
    return {
        "input_tokens": used.prompt_tokens - cached - written,
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": cached,
        "output_tokens": used.completion_tokens,
        **copied(said, "cost"),
        **(told_tier(body) if said else {}),
    }
