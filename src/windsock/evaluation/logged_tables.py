"""The weight tables that a log was drawn from: read together, before they are asked for."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

from sqlalchemy import Engine

from windsock.core.model.calls import Outcome
from windsock.core.model.decisions import Decision, WeightTable
from windsock.store import queries

AT_ONCE = 500
"""Entries of the log whose tables are read together."""

MOST_HELD = 5000
"""Tables, the last that were asked for; of an earlier one the store is asked again."""

T = TypeVar("T")


class LoggedTables:
    """Of one store, by version; raises StoreError where it cannot be read."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._held: OrderedDict[int, WeightTable | None] = OrderedDict()

    def ahead(self, entries: Iterable[T]) -> Iterator[T]:
        """The same entries, once the tables of those that follow are read."""
        rest = iter(entries)
        while some := list(islice(rest, AT_ONCE)):
            self._read({version for each in some for version in _versions(each)})
            yield from some

    def of(self, version: int) -> WeightTable | None:
        """None if it is not kept."""
        if version not in self._held:
            self._read({version})
        self._held.move_to_end(version)
        return self._held[version]

    def _read(self, versions: set[int]) -> None:
        new = versions - self._held.keys()
        found = queries.tables(self._engine, new) if new else {}
        self._held.update((version, found.get(version)) for version in sorted(new))
        while len(self._held) > MOST_HELD:
            self._held.popitem(last=False)


def _versions(entry: object) -> Iterator[int]:
    decision = entry.decision if isinstance(entry, Outcome) else entry
    if isinstance(decision, Decision):
        yield decision.table_version
