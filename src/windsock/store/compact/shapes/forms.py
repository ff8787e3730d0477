"""How records are built, and their values by column: what is the same of many is told once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from enum import Enum
from functools import lru_cache
from itertools import accumulate, chain
from operator import attrgetter, eq, is_
from typing import Any, Final

from windsock.store.compact.shapes.holes import SUMS, VALUE, WEIGHTS, Hole, Write
from windsock.store.compact.shapes.values import write_of

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


Column = Sequence[Any]
"""Values that stand at the same place of their records."""


def by_form(records: Sequence[Any]) -> Iterator[tuple[Form, Sequence[int], list[Column]]]:
    """A form, the places of the records that are built so, and all their values.

    Gone through column by column, for as long as the records are built alike; where some are built
    otherwise they part, and each part is gone through anew.
    """
    waiting = _parts(range(len(records)), [*map(type, records)])
    while waiting:
        places = waiting.pop()
        taken = _Taken()
        try:
            _record([records[place] for place in places], taken, ())
        except _Parting as parting:
            waiting += _parts(places, parting.marks)
        else:
            yield tuple(taken.form), places, taken.columns


class _Parting(Exception):
    """Records are built differently: `marks` tell of each how."""

    def __init__(self, marks: Sequence[Any]) -> None:
        self.marks = marks


def _parts(places: Sequence[int], marks: Sequence[Any]) -> list[Sequence[int]]:
    found: defaultdict[Any, list[int]] = defaultdict(list)
    for place, mark in zip(places, marks, strict=True):
        found[mark].append(place)
    return [*found.values()]


def _common(marks: Sequence[Any]) -> Any:
    """The mark of all records; raises _Parting if they have not all the same."""
    first = marks[0]
    if marks.count(first) != len(marks):
        raise _Parting(marks)
    return first


@dataclass(slots=True)
class _Taken:
    """Records of one form, as far as they were gone through.

    columns of all fields, those that have fields of their own among them
    seen    by class the places in the form where such records stand, and they
    """

    form: list[Any] = field(default_factory=list)
    columns: list[Column] = field(default_factory=list)
    seen: defaultdict[type[Any], list[tuple[int, Column]]] = field(
        default_factory=lambda: defaultdict(list)
    )

    def place_of(self, kind: type[Any], records: Column) -> int | None:
        """Where in the form these very records have been before; None if nowhere."""
        for place, others in self.seen[kind]:
            if _common([*map(is_, records, others)]):
                return place
        self.seen[kind].append((len(self.form), records))
        return None


Put = Callable[[Column, _Taken, Column], None]
"""Adds a column to what was taken, of these records."""


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
    puts = [
        PUTS.get(name) if issubclass(each, tuple) and name in PUTS else _put_of(each)
        for name, each in zip(names, types, strict=True)
    ]
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


def _record(records: Column, taken: _Taken, _: Column) -> None:
    kind = type(records[0])
    before = taken.place_of(kind, records)
    if before is not None:
        taken.form.append(before)
        return
    rows = [*map(_fields_of(kind), records)]
    columns = [*zip(*rows, strict=True)]
    types = [{*map(type, each)} for each in columns]
    if any(len(each) > 1 for each in types):
        raise _Parting([tuple(map(type, row)) for row in rows])
    layout = _layout(kind, tuple(chain.from_iterable(types)))
    taken.form.append(layout)
    taken.columns += columns
    for place, put in layout.parts:
        put(columns[place], taken, records)


def _puts(kind: type[Any]) -> Put | None:
    if issubclass(kind, tuple):
        return _items
    if hasattr(kind, "__dataclass_fields__"):
        return _record
    return _named if issubclass(kind, Mapping) else None


_put_of: Callable[[Any], Put | None] = lru_cache(maxsize=256)(_puts)
"""What goes through values of a type; None: they are single."""


def _named(column: Column, taken: _Taken, _: Column) -> None:
    names = _common([*map(tuple, column)])
    taken.form.append(NAMES)
    for name in names:
        taken.form.append("." + name)
        _element([each[name] for each in column], taken)
    taken.form.append(END)


def _items(column: Column, taken: _Taken, _: Column) -> None:
    if {*map(type, chain.from_iterable(column))} <= OF_TEXTS:
        taken.form.append(TEXTS)
        return
    mark = _common([*map(_mark_of, column)])
    if isinstance(mark, tuple):
        taken.form.append(ITEMS)
        for each in zip(*column, strict=True):
            _element(each, taken)
        taken.form.append(END)
    else:
        taken.form.append(mark)


def _mark_of(values: tuple[Any, ...]) -> Any:
    """What stands for a sequence that stays together; the types of one that does not."""
    types = {*map(type, values)}
    if types <= OF_TEXTS:
        return TEXTS
    return VALUE if types <= OF_NUMBERS else tuple(map(type, values))


def _element(column: Column, taken: _Taken) -> None:
    """What is no field of a record: it stands among the values by itself."""
    kind = _common([*map(type, column)])
    taken.columns.append(column)
    put = _put_of(kind)
    if put is None:
        taken.form.append(kind)
    else:
        put(column, taken, ())


def _weights(column: Column, taken: _Taken, tables: Column) -> None:
    follows = (tuple(arm.weight for arm in each.arms) for each in tables)
    _following(column, taken, [*follows], WEIGHTS)


def _cumulative(column: Column, taken: _Taken, tables: Column) -> None:
    follows = (tuple(accumulate(each.weights)) for each in tables)
    _following(column, taken, [*follows], SUMS)


def _following(column: Column, taken: _Taken, follows: Column, mark: Hole) -> None:
    if _common([*map(eq, column, follows)]):
        taken.form.append(mark)
    else:
        _items(column, taken, ())


PUTS: Mapping[str, Put] = {"weights": _weights, "cumulative": _cumulative}
"""Fields that follow from others of their record, as they mostly do."""
