"""Function calls whose arguments Gemini tells in parts, by their place (`partialArgs`)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

STEP = re.compile(r"""\.([^.\[\]]+)|\[(?:(\d{1,4})|'([^']*)'|"([^"]*)")\]""")
"""Of a JSON path: a name, or a number of a list."""

VALUES = ("stringValue", "numberValue", "boolValue")
CALL, GOES_ON = "functionCall", "willContinue"


class PartialCalls:
    """The calls of one candidate; each is told once it is whole."""

    __slots__ = ("_begun",)

    def __init__(self) -> None:
        self._begun: dict[str, Any] | None = None

    def joined(self, parts: Iterable[dict[str, Any]], *, is_end: bool) -> list[dict[str, Any]]:
        """These parts of an answer, with whole calls in the place of the last part of each.

        is_end  nothing follows: what is begun is whole
        """
        told = []
        for part in parts:
            call = part.get(CALL)
            if isinstance(call, dict) and (self._begun is not None or _is_partial(call)):
                if (whole := self._with_next(part, call)) is not None:
                    told.append(whole)
            else:
                told.append(part)
        if is_end and self._begun is not None:
            told.append(self._begun)
            self._begun = None
        return told

    def _with_next(self, part: dict[str, Any], call: Mapping[str, Any]) -> dict[str, Any] | None:
        """The call once it is whole, None while it goes on."""
        begun = self._begun
        if begun is None:
            begun = self._begun = {**part, CALL: {"args": {}}}
        made = begun[CALL]
        made |= {name: call[name] for name in ("id", "name") if call.get(name)}
        if isinstance(call.get("args"), dict):
            made["args"] |= call["args"]
        begun |= {name: value for name, value in part.items() if name != CALL}
        for each in call.get("partialArgs") or ():
            if isinstance(each, dict):
                _put(made["args"], each)
        if call.get(GOES_ON):
            return None
        self._begun = None
        return begun


def whole_calls(body: dict[str, Any], calls: dict[int, PartialCalls]) -> dict[str, Any]:
    """A partial answer in which no call is in parts; the same object where none is.

    calls   by the number of the candidate; those that go on are kept there
    """
    candidates = body.get("candidates")
    if not isinstance(candidates, list) or not (calls or any(map(_has_partial, candidates))):
        return body
    told = []
    for number, each in enumerate(candidates):
        if isinstance(each, dict):
            index = each.get("index")
            known = calls.setdefault(index if isinstance(index, int) else number, PartialCalls())
            parts = known.joined(_parts(each), is_end=bool(each.get("finishReason")))
            content = each.get("content")
            said = content if isinstance(content, dict) else {"role": "model"}
            each = {**each, "content": {**said, "parts": parts}}
        told.append(each)
    return {**body, "candidates": told}


def _parts(candidate: Mapping[str, Any]) -> list[dict[str, Any]]:
    content = candidate.get("content")
    parts = content.get("parts") if isinstance(content, dict) else None
    return [each for each in parts if isinstance(each, dict)] if isinstance(parts, list) else []


def _has_partial(candidate: Any) -> bool:
    calls = (part.get(CALL) for part in _parts(candidate)) if isinstance(candidate, dict) else ()
    return any(isinstance(call, dict) and _is_partial(call) for call in calls)


def _is_partial(call: Mapping[str, Any]) -> bool:
    return bool(call.get("partialArgs") or call.get(GOES_ON))


def _put(args: dict[str, Any], part: Mapping[str, Any]) -> None:
    """One value at its place, or more of a text that is there; what has no place is left out."""
    path = str(part.get("jsonPath") or "")
    steps: list[str | int] = [
        int(step[2]) if step[2] else step[1] or step[3] or step[4] or ""
        for step in STEP.finditer(path.removeprefix("$"))
    ]
    if not steps:
        return
    value = next((part[name] for name in VALUES if name in part), None)
    with suppress(TypeError, IndexError, KeyError, AttributeError):
        place: Any = args
        for step, following in zip(steps, [*steps[1:], None], strict=True):
            if isinstance(step, int):
                place.extend([None] * (step + 1 - len(place)))
            known = place[step] if isinstance(step, int) else place.get(step)
            if following is None:
                is_more = isinstance(known, str) and isinstance(value, str)
                place[step] = known + value if is_more else value
            elif known is None:
                place[step] = [] if isinstance(following, int) else {}
            place = place[step]
