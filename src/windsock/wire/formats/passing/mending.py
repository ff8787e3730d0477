"""Chunks that clients break at, made whole: a choice without its delta, a call without its number.

Azure's filter speaks in choices that have none, MiniMax repeats the whole message at the end, and
likenesses of OpenAI leave out which call a part is of.
"""

from __future__ import annotations

from typing import Any

from windsock.wire.formats.openai_ends import choices_in
from windsock.wire.formats.openai_usage import part_of
from windsock.wire.json_codec import dumps


def mended(
    event: bytes, body: dict[str, Any], numbers: dict[Any, int], *, has_begun: bool
) -> bytes:
    """The event of a chunk, as it came where nothing is missing.

    numbers     of the last call of each choice, by the choice's; what is new is noted there
    has_begun   something was shown before, so that a whole message says it again
    """
    broken = [each for each in choices_in(body) if _is_broken(each)]
    for choice in broken:
        message = choice.pop("message", None)
        if not isinstance(choice.get("delta"), dict):
            choice["delta"] = message if isinstance(message, dict) and not has_begun else {}
        for call in _calls_in(choice):
            if not _is_numbered(call):
                call["index"] = _number(call, choice.get("index"), numbers)
    return b"data: " + dumps(body) + b"\n\n" if broken else event


def broken_event(message: str) -> bytes:
    """What ends a stream that broke off: an error within it."""
    error = {"message": message, "type": "upstream_error", "param": None, "code": "stream_broken"}
    return b"data: " + dumps({"error": error}) + b"\n\n"


def _is_broken(choice: dict[str, Any]) -> bool:
    has_delta = isinstance(choice.get("delta"), dict)
    return not has_delta or not all(map(_is_numbered, _calls_in(choice)))


def _calls_in(choice: dict[str, Any]) -> list[dict[str, Any]]:
    calls = part_of(choice, "delta").get("tool_calls")
    return [each for each in calls if isinstance(each, dict)] if isinstance(calls, list) else []


def _is_numbered(call: dict[str, Any]) -> bool:
    return type(call.get("index")) is int


def _number(call: dict[str, Any], choice: Any, numbers: dict[Any, int]) -> int:
    """A part that names its tool begins the next call; others are of the last one."""
    begins = bool(part_of(call, "function").get("name"))
    numbers[choice] = max(0, numbers.get(choice, -1) + begins)
    return numbers[choice]
