"""Columns of single values: what of them stands in shapes, and the numbers that leave them.

A batch is taken apart column by column, for a function called once a value is what a request's
record costs most by.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from itertools import repeat
from operator import attrgetter
from typing import Any

import msgspec

from windsock.store.compact.shapes.floats import FLOATS, floats
from windsock.store.compact.shapes.holes import (
    HEX,
    MADE,
    NOTHING,
    VALUE,
    Batch,
    Hole,
    Write,
    Written,
    written,
)
from windsock.store.compact.shapes.money import money

OF_ITS_OWN = frozenset({"response_id", "session", "known_as"})
"""Texts that no other record has."""

SENTENCES = frozenset({"note", "text", "usage_doubt"})
"""Texts that are of one record where they hold a figure."""

STEADY = frozenset(
    {"status", "quote_seen_at", "input_usd_per_mtok", "output_usd_per_mtok", "timeout_s"}
)
"""Numbers that are the same for long."""

ID_LENGTH, HEX_DIGITS = 24, "0123456789abcdef"


def write_of(name: str, kind: type[Any], default: object) -> Write:
    """What takes a column of a field apart whose values all have this type."""
    if is_steady(name, kind):
        return constants
    if issubclass(kind, Enum):
        return _enums
    if kind is float:
        return FLOATS.get(name, floats)
    if kind is Decimal:
        return _texts if name in STEADY else money
    if kind is str and name in TEXTS:
        return TEXTS[name]
    if kind not in {str, int}:
        return anything
    return _all_but(default) if type(default) is kind else _numbers


def is_steady(name: str, kind: type[Any]) -> bool:
    """Whether values of a field that have this type stay in the shape as they are."""
    if kind is str:
        return name not in OF_ITS_OWN | SENTENCES | {"id"}
    return kind in {type(None), bool} or (name in STEADY and kind in {int, float})


def anything(values: Sequence[Any], batch: Batch, column: int) -> Written:
    """Of values whose field is not known."""
    if isinstance(values[0], Decimal):
        return money(values, batch, column)
    return written(map(_single, values))


def whole(mark: Hole) -> Write:
    """The same hole in all, by which their values leave unless they can be made."""
    return _made(mark) if mark in MADE else _numbers


def constants(values: Sequence[Any], batch: Batch, column: int) -> Written:
    """They stay as they are."""
    return Written(values)


def _single(value: Any) -> tuple[Any, Any]:
    if value is None or isinstance(value, bool | str):
        return (value._value_ if isinstance(value, Enum) else value), NOTHING
    return VALUE, value if isinstance(value, int | float) else msgspec.to_builtins(value)


_value_of = attrgetter("_value_")


def _enums(values: Sequence[Any], batch: Batch, column: int) -> Written:
    return Written([*map(_value_of, values)])


def _texts(values: Sequence[Any], batch: Batch, column: int) -> Written:
    return Written([*map(str, values)])


def _numbers(values: Sequence[Any], batch: Batch, column: int) -> Written:
    return Written(repeat(VALUE), values)


def _made(mark: Hole) -> Write:
    return lambda values, batch, column: Written(repeat(mark))


@lru_cache(maxsize=64)
def _all_but(default: Any) -> Write:
    """Numbers and texts of which those that are the default stay."""

    def write(values: Sequence[Any], batch: Batch, column: int) -> Written:
        same = values.count(default)
        if same == len(values):
            return Written(repeat(default))
        if not same:
            return Written(repeat(VALUE), values)
        return written((default, NOTHING) if each == default else (VALUE, each) for each in values)

    return write


def _ids(values: Sequence[str], batch: Batch, column: int) -> Written:
    if {*map(len, values)} == {ID_LENGTH} and not "".join(values).strip(HEX_DIGITS):
        return Written(repeat(HEX), [*map(bytes.fromhex, values)])
    return written(map(_id, values))


def _id(value: str) -> tuple[Hole, Any]:
    is_hex = len(value) == ID_LENGTH and not value.strip(HEX_DIGITS)
    return (HEX, bytes.fromhex(value)) if is_hex else (VALUE, value)


def _sentences(values: Sequence[str], batch: Batch, column: int) -> Written:
    if not any(values):
        return Written(values)
    return written(
        (VALUE, each) if any(map(str.isdigit, each)) else (each, NOTHING) for each in values
    )


TEXTS: Mapping[str, Write] = {"id": _ids, **dict.fromkeys(SENTENCES, _sentences)}
