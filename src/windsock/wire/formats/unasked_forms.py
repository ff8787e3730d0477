"""Completions that came in the form nobody asked for: whole for a stream, or as its chunks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from windsock.wire.formats.openai_ends import choices_in
from windsock.wire.json_codec import dumps, parsed
from windsock.wire.sse import BOUNDARY, data_of

STATED_ONCE = frozenset({"role", "id", "type", "name", "index", "format"})
"""Texts of a delta that do not go on in the next one; some repeat them in each."""


class _Text(list[str]):
    """Pieces of one text."""


def events_of(body: Any) -> bytes:
    """A completion that came whole where a stream was asked for, as a chunk and one of its usage.

    Empty for all else.
    """
    choices = choices_in(body) if isinstance(body, dict) else []
    if not choices or not all(isinstance(each.get("message"), dict) for each in choices):
        return b""
    head = {**body, "object": "chat.completion.chunk", "usage": None}
    deltas = [{**each, "delta": _numbered(each["message"])} for each in choices]
    for each in deltas:
        del each["message"]
    chunks = {**head, "choices": deltas}, {**head, "choices": [], "usage": body.get("usage")}
    return b"".join(b"data: " + dumps(each) + b"\n\n" for each in chunks)


def completion_of(events: bytes) -> dict[str, Any]:
    """The completion that chunks add up to which came where a whole one was asked for."""
    whole: dict[str, Any] = {}
    choices: dict[Any, dict[str, Any]] = {}
    for event in BOUNDARY.split(events):
        chunk = parsed(data_of(event))
        if not isinstance(chunk, dict):
            continue
        whole |= {name: value for name, value in chunk.items() if value is not None}
        for each in choices_in(chunk):
            _take(choices.setdefault(each.get("index") or 0, {"message": {}}), each)
    told = [_told(number, each) for number, each in choices.items()]
    return {**whole, "object": "chat.completion", "choices": told}


def _take(choice: dict[str, Any], part: Mapping[str, Any]) -> None:
    """Of a chunk's choice what is new of its message; of the rest what was said last."""
    for name, value in part.items():
        if name in ("delta", "message") and isinstance(value, dict):
            _add(choice["message"], value)
        elif name == "logprobs" and isinstance(value, dict):
            _add(choice.setdefault("logprobs", {}), value)
        elif value is not None:
            choice[name] = value


def _add(whole: dict[str, Any], part: Mapping[str, Any]) -> None:
    for name, value in part.items():
        known = whole.get(name)
        if name == "tool_calls" and isinstance(value, list):
            calls = whole.setdefault(name, {}) if known is None else known
            for number, call in enumerate(each for each in value if isinstance(each, dict)):
                _add(calls.setdefault(call.get("index", number), {}), call)
        elif isinstance(value, str) and name not in STATED_ONCE:
            if not isinstance(known, _Text):
                known = whole[name] = _Text()
            known.append(value)
        elif isinstance(value, dict) and isinstance(known, dict | None):
            _add(whole.setdefault(name, {}) if known is None else known, value)
        elif isinstance(value, list) and isinstance(known, list):
            known.extend(value)
        elif not known:
            whole[name] = value


def _told(number: Any, choice: dict[str, Any]) -> dict[str, Any]:
    message = _joined(choice["message"])
    if calls := message.get("tool_calls"):
        message["tool_calls"] = [_without_index(call) for call in calls.values()]
    message = {"role": "assistant", "content": None, **message}
    return {"index": number, "finish_reason": None, **choice, "message": message}


def _joined(value: Any) -> Any:
    if isinstance(value, _Text):
        return "".join(value)
    if isinstance(value, dict):
        return {name: _joined(each) for name, each in value.items()}
    return value


def _without_index(call: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in call.items() if name != "index"}


def _numbered(message: dict[str, Any]) -> dict[str, Any]:
    """With the numbers that parts of tool calls have in a stream."""
    calls = message.get("tool_calls")
    if not isinstance(calls, list):
        return message
    own = [{"index": n, **call} for n, call in enumerate(calls) if isinstance(call, dict)]
    return {**message, "tool_calls": own}
