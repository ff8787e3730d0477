"""Single values of a record: what of them stands in its shape, and the numbers that leave it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from functools import cache
from math import copysign
from typing import Any

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

ID_LENGTH = 24
MAX_DIGITS = 17
"""Of money that is kept as one whole number."""

MAX_INT = 2**31


@dataclass(frozen=True, slots=True, eq=False)
class Hole:
    """Where number `place` belongs; one object for each place and kind, see `hole_of`.

    kind    value, or what it is made into: moment, money, hex (an id); at, weights and sums (of
            weights) are made of what is there
    """

    place: int
    kind: str = "value"


@cache
def hole_of(place: int, kind: str = "value") -> Hole:
    """The one of its place and kind: a request has twenty, which are hashed and compared."""
    return Hole(place, kind)


AT = hole_of(0, "at")

Shape = tuple[Any, ...]
"""Layouts, marks, holes and constants of JSON, one after the other: flat, for it is made, hashed
and compared once a request."""


@dataclass(slots=True)
class Taken:
    """What of the record was gone through; money that occurs twice is taken once.

    parts   where in the shape records stand, by their identity
    """

    at: float
    shape: list[Any] = field(default_factory=list)
    numbers: list[Any] = field(default_factory=list)
    money: dict[str, Hole] = field(default_factory=dict)
    parts: dict[int, slice] = field(default_factory=dict)
    shared: dict[float, Hole] = field(default_factory=dict)

    def hole(self, number: Any, kind: str = "value") -> Hole:
        """Take a number, and what stands in its place."""
        place = len(self.numbers)
        self.numbers.append(number)
        return hole_of(place, kind)


Write = Callable[[Any, Taken], Any]
"""What of a value stands in the shape; its number, if it has one, is taken."""


def is_steady(name: str, kind: type[Any]) -> bool:
    """Whether values of a field that have this type stay in the shape as they are."""
    if kind is str:
        return name not in OF_ITS_OWN | SENTENCES | {"id"}
    return kind in {type(None), bool} or (name in STEADY and kind in {int, float})


def write_of(name: str, kind: type[Any]) -> Write | None:
    """What writes other single values; None: they are not known to be single."""
    if issubclass(kind, Enum):
        return _plain
    if kind is Decimal:
        return _as_text if name in STEADY else money
    if kind is float:
        write: Write = FLOATS.get(name, _float)
    elif kind is str:
        write = TEXTS.get(name, number)
    else:
        return number if kind is int else None
    return write


def _plain(value: Enum, taken: Taken) -> Any:
    return value._value_


def _as_text(value: Any, taken: Taken) -> str:
    return str(value)


def number(value: Any, taken: Taken) -> Hole:
    """It leaves as it is."""
    return taken.hole(value)


def _at(value: float, taken: Taken) -> Any:
    return AT if value and value == taken.at else _float(value, taken)


def _float(value: float, taken: Taken) -> Any:
    if not value.is_integer():
        return taken.hole(value)
    if value in (0.0, 1.0) and copysign(1.0, value) > 0:
        return value
    return taken.hole(int(value) if value and abs(value) < MAX_INT else value)


def _shared(value: float, taken: Taken) -> Any:
    if value in (0.0, 1.0):
        return _float(value, taken)
    if value not in taken.shared:
        taken.shared[value] = taken.hole(value)
    return taken.shared[value]


def _moment(value: float, taken: Taken) -> Any:
    ticks = (value - taken.at) * TICKS_PER_S
    if value in (0.0, 1.0) or not (abs(ticks) < MAX_INT and ticks.is_integer()):
        return _float(value, taken)
    later = int(ticks)
    if moment_of(taken.at, later) != value:
        return _float(value, taken)
    return taken.hole(later, "moment")


def _id(value: str, taken: Taken) -> Hole:
    is_hex = len(value) == ID_LENGTH and not value.strip("0123456789abcdef")
    return taken.hole(bytes.fromhex(value), "hex") if is_hex else taken.hole(value)


def _sentence(value: str, taken: Taken) -> Any:
    return taken.hole(value) if any(map(str.isdigit, value)) else value


FLOATS: Mapping[str, Write] = {
    "at": _at,
    **dict.fromkeys(SHARED, _shared),
    **dict.fromkeys(MOMENTS, _moment),
}
TEXTS: Mapping[str, Write] = {"id": _id, **dict.fromkeys(SENTENCES, _sentence)}


def money(value: Decimal, taken: Taken) -> Hole:
    """It leaves as one whole number, else as its text."""
    text = str(value)
    if text not in taken.money:
        number = _digits(text)
        number = _whole(value) if number is None else number
        taken.money[text] = taken.hole(text) if number is None else taken.hole(number, "money")
    return taken.money[text]


def _digits(text: str) -> int | None:
    """The same as `_whole` where money is written plainly, in a third of the time."""
    whole, _, places = text.partition(".")
    digits = whole + places
    if len(digits) > MAX_DIGITS or not digits.isdecimal():
        return None
    return int(digits) * MAX_PLACES + len(places)


def _whole(money: Decimal) -> int | None:
    """Its digits and how many stand behind the point; None if they are too many."""
    sign, digits, exponent = money.as_tuple()
    if sign or not isinstance(exponent, int) or len(digits) > MAX_DIGITS:
        return None
    return (
        int(money.scaleb(-exponent)) * MAX_PLACES - exponent
        if -MAX_PLACES < exponent <= 0
        else None
    )
