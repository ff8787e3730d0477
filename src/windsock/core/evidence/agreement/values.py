"""JSON, and what a database holds, as values that are equal where they mean the same."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Hashable
from decimal import Decimal
from functools import partial
from typing import Any

from windsock.core.evidence.agreement.numbers import exact
from windsock.core.evidence.checks.texts import NOTHING, json_in


def json_of(text: str) -> Any:
    """The JSON of an answer, in a fence or with words around it; NOTHING if there is none.

    What no standard knows is none: NaN, and a key that stands twice.
    """
    return json_in(text, is_lenient=True, loads=_loads)


def value_of(text: str) -> Hashable | None:
    """The JSON of an answer as one value; None if it has none."""
    value = json_of(text)
    try:
        return None if value is NOTHING else valued(value)
    except RecursionError:
        return None


def valued(value: Any) -> Hashable:
    """Equal for what means the same: 1 and 1.0, keys in any order, letters composed or not.

    A list keeps its order, `true` is no 1, null is no missing key.
    """
    if isinstance(value, dict):
        return "object", frozenset((_composed(key), valued(each)) for key, each in value.items())
    if isinstance(value, list | tuple):
        return "list", tuple(valued(each) for each in value)
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return "number", exact(value)
    if isinstance(value, str):
        return "text", _composed(value)
    return type(value).__name__, value


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def _refused(word: str) -> Any:
    raise ValueError(f"{word} is no JSON")


def _decimal(text: str) -> Decimal:
    try:
        exact(text)
    except ArithmeticError as error:
        raise ValueError(f"{text} is out of range") from error
    return Decimal(text)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(found := dict(pairs)) < len(pairs):
        raise ValueError("a key stands twice")
    return found


_loads = partial(json.loads, parse_float=_decimal, parse_constant=_refused, object_pairs_hook=_once)
