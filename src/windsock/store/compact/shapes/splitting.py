"""A record taken apart into its shape and its numbers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from itertools import accumulate
from operator import attrgetter, itemgetter
from typing import Any, Final

import msgspec

from windsock.store.compact.shapes.values import (
    Hole,
    Shape,
    Taken,
    Write,
    hole_of,
    is_steady,
    money,
    number,
    write_of,
)

_pack = msgspec.msgpack.Encoder().encode


class _Mark:
    """Begins a mapping (names before their values) or a sequence, ends either, or stands for a
    field that has its default."""


NAMES: Final = _Mark()
ITEMS: Final = _Mark()
END: Final = _Mark()
DEFAULT: Final = _Mark()


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


Put = Callable[[Any, Taken, Any], None]
"""Adds a value to the shape, of a record."""


@dataclass(frozen=True, slots=True, eq=False)
class _Layout:
    """How records of a class are taken apart whose fields have these very types. It begins their
    part of a shape, so that nothing need be asked of a value that its type tells.

    steady      what reads the fields that stay in the shape as they are
    singles     (place, default, what writes it) of single values
    parts       (place, default, what puts it in the shape) of all others
    order       places in the order in which they stand in the shape
    """

    names: tuple[str, ...]
    defaults: tuple[Any, ...]
    steady: Callable[[Any], tuple[Any, ...]]
    singles: tuple[tuple[int, Any, Write], ...]
    parts: tuple[tuple[int, Any, Put], ...]
    order: tuple[int, ...]

    def tree(self, shape: Iterator[Any]) -> dict[str, Any]:
        """The fields that have not their default, in the order of their class."""
        found = {place: _json(shape) for place in self.order}
        return {
            name: found[place]
            for place, (name, default) in enumerate(zip(self.names, self.defaults, strict=True))
            if found[place] is not DEFAULT
            and (type(found[place]) is not type(default) or found[place] != default)
        }


def _reads(kind: type[Any]) -> Callable[[Any], tuple[Any, ...]]:
    return _together(attrgetter, [each.name for each in fields(kind)])


def _laid_out(kind: type[Any], types: tuple[type[Any], ...]) -> _Layout:
    """Of a class whose fields have these types."""
    names = tuple(each.name for each in fields(kind))
    defaults = tuple(each.default for each in fields(kind))
    steady, singles, parts = [], [], []
    for place, (name, each) in enumerate(zip(names, types, strict=True)):
        if is_steady(name, each):
            steady.append(place)
        elif write := write_of(name, each):
            singles.append((place, defaults[place], write))
        else:
            parts.append((place, defaults[place], PUTS.get(name) or _put_of(each)))
    order = (*steady, *(single[0] for single in singles), *(part[0] for part in parts))
    return _Layout(names=names, defaults=defaults, steady=_together(itemgetter, steady),
                   singles=tuple(singles), parts=tuple(parts), order=order)  # fmt: skip


_fields_of: Callable[[Any], Callable[[Any], tuple[Any, ...]]] = lru_cache(maxsize=64)(_reads)
"""What reads all fields of a class at once."""
_layout: Callable[[Any, Any], _Layout] = lru_cache(maxsize=4096)(_laid_out)


def _together(getter: Callable[..., Any], keys: Sequence[Any]) -> Callable[[Any], tuple[Any, ...]]:
    """What gets all of them as a tuple, also where there are fewer than two."""
    if len(keys) > 1:
        found: Callable[[Any], tuple[Any, ...]] = getter(*keys)
        return found
    each = [getter(key) for key in keys]
    return lambda record: tuple(get(record) for get in each)


def _record(record: Any, taken: Taken, _: Any = None) -> None:
    shape = taken.shape
    known = taken.parts.get(id(record))
    if known is not None:
        shape += shape[known]
        return
    begin, kind = len(shape), type(record)
    values = _fields_of(kind)(record)
    layout = _layout(kind, tuple(map(type, values)))
    shape.append(layout)
    shape += layout.steady(values)
    for place, default, write in layout.singles:
        value = values[place]
        shape.append(DEFAULT if value is default else write(value, taken))
    for place, default, put in layout.parts:
        value = values[place]
        if value is default:
            shape.append(DEFAULT)
        else:
            put(value, taken, record)
    taken.parts[id(record)] = slice(begin, len(shape))


def _weights(value: Any, taken: Taken, table: Any) -> None:
    if value == tuple(each.weight for each in table.arms):
        taken.shape.append(hole_of(0, "weights"))
    else:
        _items(value, taken)


def _cumulative(value: Any, taken: Taken, table: Any) -> None:
    if value == tuple(accumulate(table.weights)):
        taken.shape.append(hole_of(0, "sums"))
    else:
        _items(value, taken)


PUTS: Mapping[str, Put] = {"weights": _weights, "cumulative": _cumulative}
"""Fields that follow from others of their record, as they mostly do."""


def _puts(kind: type[Any]) -> Put:
    if issubclass(kind, tuple):
        return _items
    if hasattr(kind, "__dataclass_fields__"):
        return _record
    return _named if issubclass(kind, Mapping) else _one


_put_of: Callable[[Any], Put] = lru_cache(maxsize=256)(_puts)
"""What puts values of a type in a shape."""


def _named(values: Mapping[str, Any], taken: Taken, _: Any = None) -> None:
    taken.shape.append(NAMES)
    for name, each in values.items():
        taken.shape.append("." + name)
        _put_of(type(each))(each, taken, None)
    taken.shape.append(END)


def _items(values: tuple[Any, ...], taken: Taken, _: Any = None) -> None:
    types = {*map(type, values)}
    if types == {str}:
        taken.shape.append(values)
    elif types and types <= {int, float}:
        taken.shape.append(number(values, taken))
    else:
        taken.shape.append(ITEMS)
        for each in values:
            _put_of(type(each))(each, taken, None)
        taken.shape.append(END)


def _one(value: Any, taken: Taken, _: Any = None) -> None:
    taken.shape.append(_single(value, taken))


def _single(value: Any, taken: Taken) -> Any:
    if value is None or isinstance(value, bool | str):
        return value._value_ if isinstance(value, Enum) else value
    if isinstance(value, Decimal):
        return money(value, taken)
    return taken.hole(value if isinstance(value, int | float) else msgspec.to_builtins(value))


def _json(shape: Iterator[Any]) -> Any:
    """What comes next of a shape; a mark where nothing does."""
    part = next(shape)
    if isinstance(part, _Layout):
        return part.tree(shape)
    if part is NAMES:
        return {name: _json(shape) for name in iter(lambda: next(shape), END)}
    if part is ITEMS:
        return [*iter(lambda: _json(shape), END)]
    return {"?": [part.place, part.kind]} if isinstance(part, Hole) else part
