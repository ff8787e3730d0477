"""Completions that came in the form nobody asked for: whole for a stream, or as its chunks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Any, TypeVar

from windsock.wire.formats.openai_ends import choices_in
from windsock.wire.json_codec import dumps, parsed
from windsock.wire.sse import BOUNDARY, data_of

T = TypeVar("T")

STATED_ONCE = frozenset({"role", "id", "type", "name", "index", "format"})
"""Fields of a delta that do not go on in the next one; some repeat them in each."""

WRAPPERS = ("data", "result", "response")
"""Fields in which gateways put a whole answer."""

GOES_ON = (str, list, dict)
"""Kinds of values that add up; of a number the last word stands."""

ADDED_UP = frozenset({"delta", "logprobs", "text"})
"""Fields of a choice that go on in the next chunk; of all others the last word stands."""


class _Pieces(list[Any]):
    """Texts, and lists of parts, that came one after the other under one name."""

    def joined(self) -> str | list[Any]:
        """One text, or one list in which texts are parts too."""
        if list not in map(type, self):
            return "".join(self)
        parts: list[Any] = []
        for kind, run in groupby(self, type):
            if kind is list:
                parts += (part for each in run for part in each)
            elif text := "".join(run):
                parts.append({"type": "text", "text": text})
        return parts


class _Calls(list[dict[str, Any]]):
    """Tool calls; which of them goes on, by its number in the deltas."""

    def __init__(self) -> None:
        super().__init__()
        self._last: dict[int, dict[str, Any]] = {}

    def add(self, parts: Iterable[Any]) -> None:
        """Some number each call, some none: a part with another id or name begins a new one."""
        for place, part in enumerate(parts):
            number = _number(part, place)
            call = self._last.get(number)
            if call is None or not _goes_on(call, part):
                call = self._last[number] = {}
                self.append(call)
            _add(call, {name: value for name, value in part.items() if name != "index"})


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


def unwrapped(body: dict[str, Any]) -> dict[str, Any]:
    """The completion within an object of a gateway's own; else the body itself."""
    parts = (body.get(name) for name in WRAPPERS)
    return next((part for part in parts if isinstance(part, dict) and choices_in(part)), body)


def completion_of(events: bytes) -> dict[str, Any]:
    """The completion that chunks add up to which came where a whole one was asked for.

    raises  one of MISSHAPEN, or RecursionError, where they add up to nothing
    """
    whole: dict[str, Any] = {}
    choices: dict[int, dict[str, Any]] = {}
    for event in BOUNDARY.split(events):
        chunk = parsed(data_of(event))
        if not isinstance(chunk, dict):
            continue
        whole |= {name: value for name, value in chunk.items() if value is not None}
        for place, each in enumerate(choices_in(chunk)):
            _take(choices.setdefault(_number(each, place), {}), each)
    told = [_told(number, each) for number, each in choices.items()]
    return {**whole, "object": "chat.completion", "choices": told}


def _number(part: Mapping[str, Any], place: int) -> int:
    """Its index; of what states none its place in its list."""
    index = part.get("index")
    return index if isinstance(index, int) else place


def _take(choice: dict[str, Any], part: Mapping[str, Any]) -> None:
    for name, value in part.items():
        if value is None or value == "":
            continue
        if name in ADDED_UP:
            _add(choice, {name: value})
        else:
            choice[name] = value


def _add(whole: dict[str, Any], part: Mapping[str, Any]) -> None:
    """What a part says more: texts and lists go on, objects are added up, null says nothing.

    raises  one of MISSHAPEN for what cannot be added to what was said
    """
    for name, value in part.items():
        if value is None or value == []:
            continue
        if name in STATED_ONCE:
            whole[name] = whole.get(name) or value
        elif not isinstance(value, GOES_ON):
            whole[name] = value
        elif name == "tool_calls":
            _kept(whole, name, _Calls).add(value)
        elif isinstance(value, dict):
            _add(_kept(whole, name, dict), value)
        else:
            _kept(whole, name, _Pieces).append(value)


def _kept(whole: dict[str, Any], name: str, kind: type[T]) -> T:
    """What is known of a field, which must be of this kind."""
    if (known := whole.get(name)) is None:
        known = whole[name] = kind()
    if type(known) is not kind:
        raise ValueError(f"{name} goes on as something else")
    return known


def _goes_on(call: Mapping[str, Any], part: Mapping[str, Any]) -> bool:
    """Whether a part may be of this call: it has no other id, and names no other tool."""
    pairs = zip(_id_and_name(call), _id_and_name(part), strict=True)
    return all(not new or not old or new == old for old, new in pairs)


def _id_and_name(call: Mapping[str, Any]) -> tuple[Any, Any]:
    function = call.get("function")
    return call.get("id"), function.get("name") if isinstance(function, dict) else None


def _told(number: int, choice: dict[str, Any]) -> dict[str, Any]:
    """With a message that came whole where the deltas say nothing."""
    said = _joined({**choice, "index": number})
    message = {"role": "assistant", "content": None, **said.pop("delta", {})}
    whole = said.get("message")
    if isinstance(whole, dict):
        message |= {name: value for name, value in whole.items() if not message.get(name)}
    return {"finish_reason": None, **said, "message": message}


def _joined(value: Any) -> Any:
    if isinstance(value, _Pieces):
        return value.joined()
    if isinstance(value, _Calls):
        return [*map(_joined, value)]
    if isinstance(value, dict):
        return {name: _joined(each) for name, each in value.items()}
    return value


def _numbered(message: dict[str, Any]) -> dict[str, Any]:
    """With the numbers that parts of tool calls have in a stream."""
    calls = message.get("tool_calls")
    if not isinstance(calls, list):
        return message
    own = [{"index": n, **call} for n, call in enumerate(calls) if isinstance(call, dict)]
    return {**message, "tool_calls": own}
