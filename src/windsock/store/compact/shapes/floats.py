"""Columns of floats: moments, numbers that several parts of a record share, and all others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import repeat
from math import copysign
from typing import Any

from windsock.store.compact.shapes.holes import (
    AT,
    MOMENT,
    NOTHING,
    VALUE,
    Batch,
    Write,
    Written,
    same_as,
    written,
)
from windsock.store.compact.templates import TICKS_PER_S, moment_of

SHARED = frozenset({"price_age_s"})
"""Numbers that several parts of a record have alike."""

MOMENTS = frozenset({"started_at", "finished_at", "not_before", "expires_at"})
"""Kept as what they are later than the record's own `at`, where that is exact."""

OF_SHAPES = frozenset({0.0, 1.0})
"""Floats that stay as they are, wherever they stand."""

MAX_INT = 2**31


def floats(values: Sequence[float], batch: Batch, column: int) -> Written:
    """They leave as they are, those that are whole as whole numbers; 0 and 1 stay."""
    if not any(map(float.is_integer, values)):
        return Written(repeat(VALUE), values)
    are_zero = not any(values) and min(map(copysign, repeat(1.0), values)) > 0
    return Written(repeat(0.0)) if are_zero else written(map(_float, values))


def _float(value: float) -> tuple[Any, Any]:
    if not value.is_integer():
        return VALUE, value
    if value in OF_SHAPES and copysign(1.0, value) > 0:
        return value, NOTHING
    return VALUE, int(value) if value and abs(value) < MAX_INT else value


def _ats(values: Sequence[float], batch: Batch, column: int) -> Written:
    if all(values) and values == batch.at:
        return Written(repeat(AT))
    return written(
        (AT, NOTHING) if value and value == at else _float(value)
        for value, at in zip(values, batch.at, strict=True)
    )


def _moments(values: Sequence[float], batch: Batch, column: int) -> Written:
    if not any(values):
        return floats(values, batch, column)
    ticks = [(value - at) * TICKS_PER_S for value, at in zip(values, batch.at, strict=True)]
    if all(map(float.is_integer, ticks)) and max(map(abs, ticks)) < MAX_INT:
        later = [*map(int, ticks)]
        if OF_SHAPES.isdisjoint(values) and [*map(moment_of, batch.at, later)] == [*values]:
            return Written(repeat(MOMENT), later)
    return written(map(_moment, values, batch.at))


def _moment(value: float, at: float) -> tuple[Any, Any]:
    ticks = (value - at) * TICKS_PER_S
    if value in OF_SHAPES or not (-MAX_INT < ticks < MAX_INT and ticks.is_integer()):
        return _float(value)
    later = int(ticks)
    return (MOMENT, later) if moment_of(at, later) == value else _float(value)


def _shared(values: Sequence[float], batch: Batch, column: int) -> Written:
    def one(place: int, value: float) -> tuple[Any, Any]:
        if value in OF_SHAPES:
            return _float(value)
        known = batch.shared[place]
        if value in known:
            return known[value], NOTHING
        known[value] = same_as(column)
        return VALUE, value

    return written(map(one, range(len(values)), values))


FLOATS: Mapping[str, Write] = {
    "at": _ats,
    **dict.fromkeys(SHARED, _shared),
    **dict.fromkeys(MOMENTS, _moments),
}
"""By the name of a field; those of all others are taken apart by `floats`."""
