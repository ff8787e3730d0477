"""A record taken apart into its shape and its numbers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from itertools import accumulate
from operator import attrgetter
from typing import Any, Final, NamedTuple

import msgspec

from windsock.store.compact.shapes.values import Hole, Shape, Taken, Write, money, number, writes_of

_pack = msgspec.msgpack.Encoder().encode


class _Mark(Enum):
    """Begins a record or mapping (names before their values) or a sequence, and ends either."""

    FIELDS = 1
    ITEMS = 2
    END = 3


FIELDS: Final = _Mark.FIELDS
ITEMS: Final = _Mark.ITEMS
END: Final = _Mark.END


def split(record: Any, at: float) -> tuple[Shape, bytes]:
    """(shape, the numbers that left it) of a record of a moment."""
    taken = Taken(at)
    _record(record, taken)
    return tuple(taken.shape), _pack(taken.numbers)


def written(shape: Shape) -> str:
    """A shape as JSON; half characters, which have no place in it, become question marks."""
    tree = _json(iter(shape))
    try:
        return msgspec.json.encode(tree).decode()
    except UnicodeEncodeError:
        text = json.dumps(tree, ensure_ascii=False, separators=(",", ":"))
        return text.encode(errors="replace").decode()


class _Part(NamedTuple):
    """A field of a class, and how its values are written by their type."""

    name: str
    default: Any
    writes: Mapping[type[Any], Write]


Plan = tuple[Callable[[Any], tuple[Any, ...]], tuple[_Part, ...]]


def _plan_of(kind: type[Any]) -> Plan:
    """(what reads all fields at once, the fields) of a class."""
    names = [each.name for each in fields(kind)]
    parts = tuple(_Part(each.name, each.default, writes_of(each.name)) for each in fields(kind))
    if len(names) > 1:
        return attrgetter(*names), parts
    return lambda record: tuple(getattr(record, name) for name in names), parts


_plan: Callable[[Any], Plan] = lru_cache(maxsize=64)(_plan_of)


def _record(record: Any, taken: Taken) -> None:
    shape = taken.shape
    known = taken.parts.get(id(record))
    if known is not None:
        shape += shape[known]
        return
    begin = len(shape)
    shape.append(FIELDS)
    read, parts = _plan(type(record))
    for (name, default, writes), value in zip(parts, read(record), strict=True):
        kind = type(value)
        if value is not default and not (
            (kind is int or kind is str) and kind is type(default) and value == default
        ):
            shape.append(name)
            if kind in writes:
                shape.append(writes[kind](value, taken))
            else:
                _composed(name, value, record, taken)
    shape.append(END)
    taken.parts[id(record)] = slice(begin, len(shape))


def _composed(name: str, value: Any, record: Any, taken: Taken) -> None:
    if name == "weights" and value == tuple(each.weight for each in record.arms):
        taken.shape.append(Hole(0, "weights"))
    elif name == "cumulative" and value == tuple(accumulate(record.weights)):
        taken.shape.append(Hole(0, "sums"))
    else:
        _part(value, taken)


def _part(value: Any, taken: Taken) -> None:
    if isinstance(value, tuple):
        _items(value, taken)
    elif hasattr(value, "__dataclass_fields__"):
        _record(value, taken)
    elif isinstance(value, str | Decimal) or not isinstance(value, Mapping):
        taken.shape.append(_single(value, taken))
    else:
        taken.shape.append(FIELDS)
        for name, each in value.items():
            taken.shape.append("." + name)
            _part(each, taken)
        taken.shape.append(END)


def _items(values: tuple[Any, ...], taken: Taken) -> None:
    if values and not isinstance(values[0], str) and all(map(_is_number, values)):
        taken.shape.append(number(values, taken))
        return
    taken.shape.append(ITEMS)
    for each in values:
        _part(each, taken)
    taken.shape.append(END)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float)


def _single(value: Any, taken: Taken) -> Any:
    if value is None or isinstance(value, bool | str):
        return value._value_ if isinstance(value, Enum) else value
    if isinstance(value, Decimal):
        return money(value, taken)
    return taken.hole(value if isinstance(value, int | float) else msgspec.to_builtins(value))


def _json(shape: Iterator[Any]) -> Any:
    """What comes next of a shape; END where nothing more does."""
    part = next(shape)
    if part is FIELDS:
        return {name: _json(shape) for name in iter(lambda: next(shape), END)}
    if part is ITEMS:
        return [*iter(lambda: _json(shape), END)]
    return {"?": list(part)} if isinstance(part, Hole) else part
