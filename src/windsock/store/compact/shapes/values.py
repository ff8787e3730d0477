"""Columns of single values: what of them stands in shapes, and the numbers that leave them.

A batch is taken apart column by column, for a function called once a value is what a request's
record costs most by.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from functools import cache, lru_cache
from itertools import repeat
from math import copysign
from operator import attrgetter
from typing import Any, Final, NamedTuple

import msgspec

from windsock.store.compact.templates import MAX_PLACES, TICKS_PER_S, moment_of

OF_ITS_OWN = frozenset({"response_id", "session", "known_as"})
"""Texts that no other record has."""

SENTENCES = frozenset({"note", "text", "usage_doubt"})
"""Texts that are of one record where they hold a figure."""

STEADY = frozenset(
    {"status", "quote_seen_at", "input_usd_per_mtok", "output_usd_per_mtok", "timeout_s"}
)
"""Numbers that are the same for long."""

SHARED = frozenset({"price_age_s"})
"""Numbers that several parts of a record have alike."""

MOMENTS = frozenset({"started_at", "finished_at", "not_before", "expires_at"})
"""Kept as what they are later than the record's own `at`, where that is exact."""

ID_LENGTH, HEX_DIGITS = 24, "0123456789abcdef"
MAX_DIGITS = 17
"""Of money that is kept as one whole number."""

MAX_INT = 2**31
OF_SHAPES = frozenset({0.0, 1.0})
"""Floats that stay as they are, wherever they stand."""


@dataclass(frozen=True, slots=True, eq=False)
class Hole:
    """Where a number belongs that has left.

    kind    value, or what it is made into: moment, money, hex (an id); at, weights and sums (of
            weights) are made of what is there; same: see `column`
    column  whose number it is, where that is another column's
    """

    kind: str
    column: int | None = None


VALUE, MOMENT, MONEY, HEX = map(Hole, ("value", "moment", "money", "hex"))
AT, WEIGHTS, SUMS = map(Hole, ("at", "weights", "sums"))
MADE = frozenset({AT, WEIGHTS, SUMS})
NOTHING: Final = object()
"""In place of a number where none has left."""


@cache
def same_as(column: int) -> Hole:
    """The number of an earlier column once more, if it has one of its own."""
    return Hole("same", column)


class Written(NamedTuple):
    """A column: what stands in the shape of each record, and the number that left it.

    numbers     None where none has left any; NOTHING where one has not
    has_gaps    whether there is such a one
    """

    marks: Iterable[Any]
    numbers: Sequence[Any] | None = None
    has_gaps: bool = False


@dataclass(slots=True)
class Batch:
    """Records of one form. Money and shared numbers that occur twice in one are taken once.

    at          unix s, of each
    shared      by place in the batch: the hole of each number that was taken
    money       columns of money so far, as texts
    """

    at: Sequence[float]
    shared: defaultdict[int, dict[float, Hole]] = field(default_factory=lambda: defaultdict(dict))
    money: list[tuple[int, Sequence[str]]] = field(default_factory=list)


Write = Callable[[Sequence[Any], Batch, int], Written]
"""Takes a column apart, whose number it is told."""


def write_of(name: str, kind: type[Any], default: object) -> Write:
    """What takes a column of a field apart whose values all have this type."""
    if is_steady(name, kind):
        return constants
    if issubclass(kind, Enum):
        return _enums
    if kind is float:
        return FLOATS.get(name, _floats)
    if kind is Decimal:
        return _texts if name in STEADY else _money
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
        return _money(values, batch, column)
    return _each(map(_single, values))


def whole(mark: Hole) -> Write:
    """The same hole in all, by which their values leave unless they can be made."""
    return _made(mark) if mark in MADE else _numbers


def _each(parts: Iterable[tuple[Any, Any]]) -> Written:
    marks, numbers = zip(*parts, strict=True)
    gaps = numbers.count(NOTHING)
    return Written(marks) if gaps == len(numbers) else Written(marks, numbers, gaps > 0)


def _single(value: Any) -> tuple[Any, Any]:
    if value is None or isinstance(value, bool | str):
        return (value._value_ if isinstance(value, Enum) else value), NOTHING
    return VALUE, value if isinstance(value, int | float) else msgspec.to_builtins(value)


def constants(values: Sequence[Any], batch: Batch, column: int) -> Written:
    """They stay as they are."""
    return Written(values)


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
        return _each((default, NOTHING) if each == default else (VALUE, each) for each in values)

    return write


def _floats(values: Sequence[float], batch: Batch, column: int) -> Written:
    if not any(map(float.is_integer, values)):
        return Written(repeat(VALUE), values)
    are_zero = not any(values) and min(map(copysign, repeat(1.0), values)) > 0
    return Written(repeat(0.0)) if are_zero else _each(map(_float, values))


def _float(value: float) -> tuple[Any, Any]:
    if not value.is_integer():
        return VALUE, value
    if value in OF_SHAPES and copysign(1.0, value) > 0:
        return value, NOTHING
    return VALUE, int(value) if value and abs(value) < MAX_INT else value


def _ats(values: Sequence[float], batch: Batch, column: int) -> Written:
    if all(values) and values == batch.at:
        return Written(repeat(AT))
    return _each((AT, NOTHING) if value and value == at else _float(value)
                 for value, at in zip(values, batch.at, strict=True))  # fmt: skip


def _moments(values: Sequence[float], batch: Batch, column: int) -> Written:
    if not any(values):
        return _floats(values, batch, column)
    ticks = [(value - at) * TICKS_PER_S for value, at in zip(values, batch.at, strict=True)]
    if all(map(float.is_integer, ticks)) and max(map(abs, ticks)) < MAX_INT:
        later = [*map(int, ticks)]
        if OF_SHAPES.isdisjoint(values) and [*map(moment_of, batch.at, later)] == [*values]:
            return Written(repeat(MOMENT), later)
    return _each(map(_moment, values, batch.at))


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

    return _each(map(one, range(len(values)), values))


def _ids(values: Sequence[str], batch: Batch, column: int) -> Written:
    if {*map(len, values)} == {ID_LENGTH} and not "".join(values).strip(HEX_DIGITS):
        return Written(repeat(HEX), [*map(bytes.fromhex, values)])
    return _each(map(_id, values))


def _id(value: str) -> tuple[Hole, Any]:
    is_hex = len(value) == ID_LENGTH and not value.strip(HEX_DIGITS)
    return (HEX, bytes.fromhex(value)) if is_hex else (VALUE, value)


def _sentences(values: Sequence[str], batch: Batch, column: int) -> Written:
    if not any(values):
        return Written(values)
    return _each((VALUE, each) if any(map(str.isdigit, each)) else (each, NOTHING)
                 for each in values)  # fmt: skip


FLOATS: Mapping[str, Write] = {
    "at": _ats,
    **dict.fromkeys(SHARED, _shared),
    **dict.fromkeys(MOMENTS, _moments),
}
TEXTS: Mapping[str, Write] = {"id": _ids, **dict.fromkeys(SENTENCES, _sentences)}


def _money(values: Sequence[Decimal], batch: Batch, column: int) -> Written:
    texts = [*map(str, values)]
    for other, amounts in batch.money:
        if texts == amounts:
            return Written(repeat(same_as(other)))
    before, numbers = [*batch.money], [*map(_whole, texts)]
    batch.money.append((column, texts))
    if not before and None not in numbers:
        return Written(repeat(MONEY), numbers)

    def one(place: int, text: str, number: int | None) -> tuple[Any, Any]:
        for other, amounts in before:
            if amounts[place] == text:
                return same_as(other), NOTHING
        return (VALUE, text) if number is None else (MONEY, number)

    return _each(map(one, range(len(texts)), texts, numbers))


@lru_cache(maxsize=4096)
def _whole(text: str) -> int | None:
    """Its digits and how many stand behind the point; None if they are too many."""
    sign, digits, exponent = Decimal(text).as_tuple()
    if sign or not isinstance(exponent, int) or len(digits) > MAX_DIGITS:
        return None
    if not -MAX_PLACES < exponent <= 0:
        return None
    return int("".join(map(str, digits))) * MAX_PLACES - exponent
