"""How records are built, and all their values in one row: what is the same of many is told once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from enum import Enum
from functools import lru_cache
from itertools import accumulate
from operator import attrgetter
from typing import Any, Final

from windsock.store.compact.shapes.values import SUMS, VALUE, WEIGHTS, Write, write_of

MAX_KNOWN = 4096
"""Layouts, forms and shapes kept at hand; others are made once more."""


class _Mark:
    """Begins a mapping (names before their values) or a sequence, ends either, or stands for texts
    that stay together."""


NAMES: Final = _Mark()
ITEMS: Final = _Mark()
END: Final = _Mark()
TEXTS: Final = _Mark()

OF_TEXTS, OF_NUMBERS = frozenset({str}), frozenset({int, float})

Form = tuple[Any, ...]
"""How a record is built: layouts, marks, types of values that are no fields, and the places of
records that have been before."""


def by_form(records: Sequence[Any]) -> dict[Form, tuple[list[int], list[list[Any]]]]:
    """Places of the records that are built alike, and all values of each."""
    found: dict[Form, tuple[list[int], list[list[Any]]]] = {}
    for place, record in enumerate(records):
        taken = _Taken([], [], {})
        _record(record, taken, None)
        form = tuple(taken.form)
        alike = found.get(form)
        if alike is None:
            alike = found[form] = ([], [])
        alike[0].append(place)
        alike[1].append(taken.values)
    return found


@dataclass(slots=True)
class _Taken:
    """A record gone through.

    values  of all fields, those that have fields of their own among them
    seen    where in the form a part stands, by its identity
    """

    form: list[Any]
    values: list[Any]
    seen: dict[int, int]


Put = Callable[[Any, _Taken, Any], None]
"""Adds a value to what was taken, of a record."""


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """The fields of a class where they have these very types, so that nothing need be asked of a
    value that its type tells.

    writes  what takes the column of a field apart; None of those that have parts
    parts   (place, what goes through them)
    """

    names: tuple[str, ...]
    defaults: tuple[Any, ...]
    writes: tuple[Write | None, ...]
    parts: tuple[tuple[int, Put], ...]


def _laid_out(kind: type[Any], types: tuple[type[Any], ...]) -> Layout:
    names = tuple(each.name for each in fields(kind))
    defaults = tuple(
        each.default._value_ if isinstance(each.default, Enum) else each.default
        for each in fields(kind)
    )
    puts = [PUTS.get(name) if issubclass(each, tuple) and name in PUTS else _put_of(each)
            for name, each in zip(names, types, strict=True)]  # fmt: skip
    writes = tuple(
        write_of(*facts) if put is None else None
        for put, *facts in zip(puts, names, types, defaults, strict=True)
    )
    parts = tuple((place, put) for place, put in enumerate(puts) if put is not None)
    return Layout(names, defaults, writes, parts)


def _reads(kind: type[Any]) -> Callable[[Any], tuple[Any, ...]]:
    """What reads all fields of a class at once."""
    names = [each.name for each in fields(kind)]
    read = attrgetter(*names)
    return read if len(names) > 1 else lambda record: (read(record),)


_fields_of: Callable[[Any], Callable[[Any], tuple[Any, ...]]] = lru_cache(maxsize=64)(_reads)
_layout: Callable[[Any, Any], Layout] = lru_cache(maxsize=MAX_KNOWN)(_laid_out)


def _record(record: Any, taken: _Taken, _: Any) -> None:
    form = taken.form
    known = taken.seen.setdefault(id(record), len(form))
    if known != len(form):
        form.append(known)
        return
    kind = type(record)
    values = _fields_of(kind)(record)
    layout = _layout(kind, tuple(map(type, values)))
    form.append(layout)
    taken.values += values
    for place, put in layout.parts:
        put(values[place], taken, record)


def _puts(kind: type[Any]) -> Put | None:
    if issubclass(kind, tuple):
        return _items
    if hasattr(kind, "__dataclass_fields__"):
        return _record
    return _named if issubclass(kind, Mapping) else None


_put_of: Callable[[Any], Put | None] = lru_cache(maxsize=256)(_puts)
"""What goes through values of a type; None: they are single."""


def _named(values: Mapping[str, Any], taken: _Taken, _: Any) -> None:
    taken.form.append(NAMES)
    for name, each in values.items():
        taken.form.append("." + name)
        _element(each, taken)
    taken.form.append(END)


def _items(values: tuple[Any, ...], taken: _Taken, _: Any) -> None:
    types = {*map(type, values)}
    if types <= OF_TEXTS:
        taken.form.append(TEXTS)
    elif types <= OF_NUMBERS:
        taken.form.append(VALUE)
    else:
        taken.form.append(ITEMS)
        for each in values:
            _element(each, taken)
        taken.form.append(END)


def _element(value: Any, taken: _Taken) -> None:
    """What is no field of a record: it stands among the values by itself."""
    taken.values.append(value)
    put = _put_of(type(value))
    if put is None:
        taken.form.append(type(value))
    else:
        put(value, taken, None)


def _weights(value: Any, taken: _Taken, table: Any) -> None:
    if value == tuple(each.weight for each in table.arms):
        taken.form.append(WEIGHTS)
    else:
        _items(value, taken, None)


def _cumulative(value: Any, taken: _Taken, table: Any) -> None:
    if value == tuple(accumulate(table.weights)):
        taken.form.append(SUMS)
    else:
        _items(value, taken, None)


PUTS: Mapping[str, Put] = {"weights": _weights, "cumulative": _cumulative}
"""Fields that follow from others of their record, as they mostly do."""
