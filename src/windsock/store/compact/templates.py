"""A record put together again from its shape and its numbers."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from itertools import accumulate
from typing import Any

import msgspec

TICKS_PER_S = 2**22
"""A moment of our time in a float of 64 bits is a whole number of such ticks."""

MAX_PLACES = 32
"""Digits behind the point of money that is kept as one whole number, which says how many."""

Fill = Callable[[Sequence[Any], float], Any]

Pick = Callable[[Mapping[str, Any]], Mapping[str, Any]]
"""Parts of a record, or of its shape, by new names."""

_unpack = msgspec.msgpack.Decoder(list[Any]).decode


def joined(shape: str, numbers: bytes, at: float, kind: type[Any]) -> Any:
    """The record of a kind; raises msgspec.DecodeError or LookupError if the parts do not fit."""
    return msgspec.convert(tree(shape, numbers, at), kind)


def tree(shape: str, numbers: bytes, at: float) -> dict[str, Any]:
    """The record as JSON would have it, without what has its default."""
    filled: dict[str, Any] = template(shape)(_unpack(numbers), at)
    return filled


@lru_cache(maxsize=4096)
def with_holes(shape: str) -> Mapping[str, Any]:
    """What all records of a shape have in common, and holes."""
    found: dict[str, Any] = msgspec.json.decode(shape)
    return found


@lru_cache(maxsize=4096)
def template(shape: str) -> Fill:
    """What fills the holes of a shape."""
    fill, _ = _filler(msgspec.json.decode(shape))
    return fill


@lru_cache(maxsize=4096)
def picked(shape: str, pick: Pick) -> Fill:
    """What fills those parts of a shape alone that `pick` takes of it, by their names."""
    fill, _ = _filler(dict(pick(msgspec.json.decode(shape))))
    return fill


def numbers_in(body: bytes) -> list[Any]:
    """What a template fills in; raises msgspec.DecodeError."""
    return _unpack(body)


def moment_of(at: float, ticks: int) -> float:
    """So many ticks later."""
    return at + ticks / TICKS_PER_S


def _dollars(number: int) -> Decimal:
    return Decimal(number // MAX_PLACES).scaleb(-(number % MAX_PLACES))


def _filler(node: Any) -> tuple[Fill, bool]:
    """(what fills a part of a shape, whether that is the same for all records)."""
    if isinstance(node, dict):
        return _hole(*node["?"]) if "?" in node else _mapping(node)
    if isinstance(node, list):
        fills = [_filler(each) for each in node]
        return _either(lambda numbers, at: [fill(numbers, at) for fill, _ in fills], fills)
    return (lambda numbers, at: node), True


def _mapping(node: dict[str, Any]) -> tuple[Fill, bool]:
    fills = {name.removeprefix("."): _filler(part) for name, part in node.items()}
    made = {name for name, (fill, _) in fills.items() if fill is _sums}
    if made:
        fill = _filled({name: each for name, each in fills.items() if name not in made})
        return (lambda numbers, at: _weighed(fill(numbers, at), made)), False
    return _either(_filled(fills), [*fills.values()])


def _filled(fills: Mapping[str, tuple[Fill, bool]]) -> Fill:
    """What is the same for all records, and what goes in as it is, needs no call each time."""
    common = {name: fill((), 0.0) if is_same else None for name, (fill, is_same) in fills.items()}
    changing = {name: fill for name, (fill, is_same) in fills.items() if not is_same}
    plain = [(name, fill.place) for name, fill in changing.items() if isinstance(fill, _Plain)]
    others = [(name, fill) for name, fill in changing.items() if not isinstance(fill, _Plain)]

    def filled(numbers: Sequence[Any], at: float) -> dict[str, Any]:
        made = common.copy()
        for name, place in plain:
            made[name] = numbers[place]
        for name, fill in others:
            made[name] = fill(numbers, at)
        return made

    return filled


def _either(fill: Fill, parts: Sequence[tuple[Fill, bool]]) -> tuple[Fill, bool]:
    """What no number changes is made once."""
    if not all(is_constant for _, is_constant in parts):
        return fill, False
    made = fill((), 0.0)
    return (lambda numbers, at: made), True


def _hole(index: int, kind: str) -> tuple[Fill, bool]:
    fills: dict[str, Fill] = {
        "value": _Plain(index),
        "moment": lambda numbers, at: moment_of(at, numbers[index]),
        "hex": lambda numbers, at: numbers[index].hex(),
        "money": lambda numbers, at: _dollars(numbers[index]),
        "at": lambda numbers, at: at,
        "weights": _sums,
        "sums": _sums,
    }
    return fills[kind], False


@dataclass(frozen=True, slots=True)
class _Plain:
    """A number as it left."""

    place: int

    def __call__(self, numbers: Sequence[Any], at: float) -> Any:
        return numbers[self.place]


def _sums(numbers: Sequence[Any], at: float) -> None:
    """Marks weights and their sums, which are made once all else is there."""


def _weighed(table: dict[str, Any], made: Collection[str]) -> dict[str, Any]:
    if "weights" in made:
        table = {**table, "weights": [arm["weight"] for arm in table["arms"]]}
    if "cumulative" in made:
        table = {**table, "cumulative": list(accumulate(table["weights"]))}
    return table
