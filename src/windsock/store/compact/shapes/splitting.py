"""Records taken apart into shapes and numbers, a batch at a time."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import repeat
from operator import itemgetter
from typing import Any

import msgspec

from windsock.store.compact.shapes.forms import (
    END,
    ITEMS,
    MAX_KNOWN,
    NAMES,
    TEXTS,
    Column,
    Form,
    Layout,
    by_form,
)
from windsock.store.compact.shapes.holes import MADE, NOTHING, Batch, Hole, Write
from windsock.store.compact.shapes.values import anything, constants, whole

_pack = msgspec.msgpack.Encoder().encode


def split(records: Sequence[Any], at: Sequence[float]) -> list[tuple[Shape, bytes]]:
    """(shape, the numbers that left it) of records, each of its own moment (unix s)."""
    found: list[Any] = [None] * len(records)
    for form, places, values in by_form(records):
        parts = _plan(form).split(values, [at[place] for place in places])
        for place, part in zip(places, parts, strict=True):
            found[place] = part
    return found


Tree = Callable[[Sequence[Any]], Any]
"""A part of a record as JSON, of what stands in place of its columns."""


@dataclass(frozen=True, slots=True, eq=False)
class _Plan:
    """What takes records of a form apart.

    columns     (place among the values, what takes it apart)
    """

    columns: tuple[tuple[int, Write], ...]
    tree: Tree

    def split(self, values: Sequence[Column], at: Sequence[float]) -> Iterator[tuple[Shape, bytes]]:
        """The shape of each, and the numbers that left it."""
        batch = Batch(tuple(at))
        marks: list[Iterable[Any]] = [repeat(self, len(at))]
        left: list[Sequence[Any]] = []
        has_gaps = False
        for number, (place, write) in enumerate(self.columns):
            if write is constants:
                marks.append(values[place])
                continue
            found = write(values[place], batch, number)
            marks.append(found.marks)
            if found.numbers is not None:
                left.append(found.numbers)
                has_gaps |= found.has_gaps
        numbers: Iterable[Sequence[Any]] = zip(*left, strict=True) if left else repeat(())
        if has_gaps:
            numbers = ([each for each in row if each is not NOTHING] for row in numbers)
        return zip(map(_shape, zip(*marks, strict=False)), map(_pack, numbers), strict=False)


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """What many records have in common: how they are built, and the marks of all columns."""

    plan: _Plan
    marks: tuple[Any, ...]

    @property
    def text(self) -> str:
        """JSON; half characters, which have no place in it, become question marks."""
        tree = self.plan.tree(_standing(self.marks))
        try:
            return msgspec.json.encode(tree).decode()
        except UnicodeEncodeError:
            text = json.dumps(tree, ensure_ascii=False, separators=(",", ":"))
            return text.encode(errors="replace").decode()


@lru_cache(maxsize=MAX_KNOWN)
def _shape(key: tuple[Any, ...]) -> Shape:
    return Shape(key[0], key[1:])


def _standing(marks: Sequence[Any]) -> list[Any]:
    """What stands in place of each column: holes count the numbers that left."""
    found: list[Any] = []
    left = 0
    for mark in marks:
        if not isinstance(mark, Hole):
            found.append(mark)
        elif mark.column is not None:
            found.append(found[mark.column])
        elif mark in MADE:
            found.append({"?": [0, mark.kind]})
        else:
            found.append({"?": [left, mark.kind]})
            left += 1
    return found


class _Planning:
    """Goes through a form as its values were gone through."""

    def __init__(self, form: Form) -> None:
        self._marks = iter(enumerate(form))
        self._values = 0
        self._parts: dict[int, Tree] = {}
        self.columns: list[tuple[int, Write]] = []

    def whole(self) -> Tree:
        """All of it."""
        return self._next(-1)

    def _next(self, value: int) -> Tree:
        """What comes next, of this place among the values."""
        return self._part(*next(self._marks), value)

    def _part(self, place: int, mark: Any, value: int) -> Tree:
        if isinstance(mark, int):
            return self._parts[mark]
        if isinstance(mark, Layout):
            self._parts[place] = self._record(mark)
            return self._parts[place]
        if mark is NAMES:
            return self._named()
        if mark is ITEMS:
            return self._items()
        return self._column(value, _write_of(mark))

    def _column(self, value: int, write: Write) -> Tree:
        self.columns.append((value, write))
        return itemgetter(len(self.columns) - 1)

    def _new_value(self) -> int:
        self._values += 1
        return self._values - 1

    def _record(self, layout: Layout) -> Tree:
        begin = self._values
        self._values += len(layout.names)
        trees = {
            place: self._column(begin + place, write)
            for place, write in enumerate(layout.writes)
            if write is not None
        }
        trees |= {place: self._next(begin + place) for place, _ in layout.parts}
        fields_of = [
            (name, default, trees[place])
            for place, (name, default) in enumerate(zip(layout.names, layout.defaults, strict=True))
        ]

        def tree(standing: Sequence[Any]) -> dict[str, Any]:
            """Without fields that have their default."""
            found = ((name, default, part(standing)) for name, default, part in fields_of)
            return {
                name: each
                for name, default, each in found
                if type(each) is not type(default) or each != default
            }

        return tree

    def _named(self) -> Tree:
        trees: dict[str, Tree] = {}
        for _, name in self._marks:
            if name is END:
                break
            trees[name] = self._next(self._new_value())
        return lambda standing: {name: part(standing) for name, part in trees.items()}

    def _items(self) -> Tree:
        trees = []
        for place, mark in self._marks:
            if mark is END:
                break
            trees.append(self._part(place, mark, self._new_value()))
        return lambda standing: [part(standing) for part in trees]


def _write_of(mark: Any) -> Write:
    if isinstance(mark, Hole):
        return whole(mark)
    return constants if mark is TEXTS else anything


@lru_cache(maxsize=MAX_KNOWN)
def _plan(form: Form) -> _Plan:
    planning = _Planning(form)
    tree = planning.whole()
    return _Plan(tuple(planning.columns), tree)
