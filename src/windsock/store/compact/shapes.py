"""A record as its shape, which repeats from request to request, and the numbers in it.

The shape is the record with holes: names, kinds and reasons stay, numbers leave. It describes
itself, so that records of before stay readable when a field comes or goes: what is missing has
its default. `templates.joined` gives back what `split` took apart, bit for bit.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from itertools import accumulate
from math import copysign
from typing import Any, NamedTuple

import msgspec

from windsock.store.compact.templates import MAX_PLACES, TICKS_PER_S, moment_of

OF_ITS_OWN = frozenset({"response_id", "session"})
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

_pack = msgspec.msgpack.Encoder().encode


class Hole(NamedTuple):
    """Where number `place` belongs.

    kind    value, or what it is made into: moment, money, hex (an id); at, weights and sums (of
            weights) are made of what is there
    """

    place: int
    kind: str = "value"


class Fields(NamedTuple):
    """A record or a mapping: its parts by name."""

    parts: tuple[tuple[str, Any], ...]


class Items(NamedTuple):
    """A sequence."""

    parts: tuple[Any, ...]


MADE = 256
HOLES = {
    kind: tuple(Hole(place, kind) for place in range(MADE))
    for kind in ("value", "moment", "money", "hex")
}
"""Made once: a request has twenty."""

Shape = Any
"""Hashable: Fields, Items, Hole, or a constant of JSON."""


@dataclass(slots=True)
class _Taken:
    """What has left the record so far; money that occurs twice is taken once."""

    at: float
    numbers: list[Any] = field(default_factory=list)
    money: dict[str, Hole] = field(default_factory=dict)
    parts: dict[int, Fields] = field(default_factory=dict)
    shared: dict[float, Hole] = field(default_factory=dict)

    def hole(self, number: Any, kind: str = "value") -> Hole:
        place = len(self.numbers)
        self.numbers.append(number)
        return HOLES[kind][place] if place < MADE else Hole(place, kind)


def split(record: Any, at: float) -> tuple[Shape, bytes]:
    """(shape, the numbers that left it) of a record of a moment."""
    taken = _Taken(at)
    shape = _record(record, taken)
    return shape, _pack(taken.numbers)


def written(shape: Shape) -> str:
    """A shape as JSON; half characters, which have no place in it, become question marks."""
    try:
        return msgspec.json.encode(_json(shape)).decode()
    except UnicodeEncodeError:
        text = json.dumps(_json(shape), ensure_ascii=False, separators=(",", ":"))
        return text.encode(errors="replace").decode()


def _defaults_of(kind: Any) -> tuple[tuple[str, Any], ...]:
    return tuple((each.name, each.default) for each in fields(kind))


_defaults: Callable[[Any], tuple[tuple[str, Any], ...]] = lru_cache(maxsize=64)(_defaults_of)


def _record(record: Any, taken: _Taken) -> Fields:
    known = taken.parts.get(id(record))
    if known is None:
        parts = []
        for name, default in _defaults(type(record)):
            value = getattr(record, name)
            if value is None or value is True or value is False:
                if value is not default:
                    parts.append((name, value))
            elif not _is_default(value, default):
                parts.append((name, _field(name, value, record, taken)))
        known = taken.parts[id(record)] = Fields(tuple(parts))
    return known


def _is_default(value: Any, default: Any) -> bool:
    kind = type(value)
    return value is default or (
        (kind is int or kind is str) and kind is type(default) and value == default
    )


def _field(name: str, value: Any, record: Any, taken: _Taken) -> Shape:
    if name in STEADY:
        return str(value) if isinstance(value, Decimal) else value
    kind = type(value)
    if kind is float:
        return _float(name, value, taken)
    if kind is int:
        return taken.hole(value)
    if kind is str:
        return _text(name, value, taken)
    if name == "weights" and value == tuple(each.weight for each in record.arms):
        return Hole(0, "weights")
    if name == "cumulative" and value == tuple(accumulate(record.weights)):
        return Hole(0, "sums")
    return _part(value, taken)


def _part(value: Any, taken: _Taken) -> Shape:
    if value is None or isinstance(value, bool | str):
        return value.value if isinstance(value, Enum) else value
    if isinstance(value, Decimal):
        return _money(value, taken)
    if hasattr(value, "__dataclass_fields__"):
        return _record(value, taken)
    if isinstance(value, Mapping):
        return Fields(tuple(("." + name, _part(each, taken)) for name, each in value.items()))
    if isinstance(value, tuple):
        return _items(value, taken)
    return taken.hole(value if isinstance(value, int | float) else msgspec.to_builtins(value))


def _items(values: tuple[Any, ...], taken: _Taken) -> Shape:
    if values and all(isinstance(each, int | float) for each in values):
        return taken.hole(values)
    return Items(tuple(_part(each, taken) for each in values))


def _float(name: str, value: float, taken: _Taken) -> Shape:
    if name == "at" and value and value == taken.at:
        return Hole(0, "at")
    if value in (0.0, 1.0) and copysign(1.0, value) > 0:
        return float(value)
    if name in SHARED:
        if value not in taken.shared:
            taken.shared[value] = taken.hole(value)
        return taken.shared[value]
    if name in MOMENTS:
        ticks = (value - taken.at) * TICKS_PER_S
        if abs(ticks) < MAX_INT and ticks.is_integer() and moment_of(taken.at, int(ticks)) == value:
            return taken.hole(int(ticks), "moment")
    is_whole = value and value.is_integer() and abs(value) < MAX_INT
    return taken.hole(int(value) if is_whole else value)


def _text(name: str, value: str, taken: _Taken) -> Shape:
    if name == "id":
        is_hex = len(value) == ID_LENGTH and not value.strip("0123456789abcdef")
        return taken.hole(bytes.fromhex(value), "hex") if is_hex else taken.hole(value)
    if name in OF_ITS_OWN or (name in SENTENCES and any(map(str.isdigit, value))):
        return taken.hole(value)
    return value


def _money(value: Decimal, taken: _Taken) -> Hole:
    text = str(value)
    if text not in taken.money:
        number = _whole(value)
        taken.money[text] = taken.hole(text) if number is None else taken.hole(number, "money")
    return taken.money[text]


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


def _json(shape: Shape) -> Any:
    if isinstance(shape, Hole):
        return {"?": list(shape)}
    if isinstance(shape, Fields):
        return {name: _json(part) for name, part in shape.parts}
    if isinstance(shape, Items):
        return [_json(part) for part in shape.parts]
    return shape
