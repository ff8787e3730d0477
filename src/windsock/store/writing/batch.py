"""Entries as the rows of one transaction, and what they add to the sums."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from windsock.store.replicas.lease import Held as HeldLease
from windsock.store.rollups.sums import Tally, tally_of
from windsock.store.rows import Entry, Led, Placed, Record, Tables, record_of, rows_of

BREATH, BREATH_S = 32, 0.0005
"""After so many entries, .7 ms, the writer's thread lets go of the interpreter for the event loop.
Longer turns spare up to 3 % of the CPU, for after each pause another's memory is in the cache, and
cost a sixth more at the 99th percentile of one open.
"""

NO_ROW: tuple[type[Exception], ...] = (TypeError, ValueError, ArithmeticError, AttributeError)
"""What a record raises that fits no row, or has numbers that are none."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows with positions from 1 on, and what follows from them.

    taken   their records; tally: what those add to the sums
    led     leases by position
    lost    entries that make no row, or no sum
    """

    tables: Tables
    taken: list[Record]
    tally: Tally
    led: Mapping[int, HeldLease]
    lost: int

    def without(self, places: Collection[int]) -> Batch:
        """Less the rows at these positions."""
        if not places:
            return self
        tables: Tables = defaultdict(list)
        for table, rows in self.tables.items():
            for row in rows:
                if row["position"] not in places:
                    tables[table].append(row)
        return replace(self, tables=tables)


def batch_of(entries: Sequence[Entry | None]) -> Batch:
    """An entry of which nobody can say what it adds to the sums makes no row either."""
    placed = [(place, record_of(entry)) for place, entry in enumerate(entries, 1) if entry]
    led = {n: each.lease for n, each in enumerate(entries, 1) if isinstance(each, Led)}
    try:
        tables, taken, tally = _made(placed)
    except NO_ROW:
        tables, taken, tally = _made([each for each in placed if _adds_up(each[1])])
    return Batch(tables, taken, tally, led, len(placed) - len(taken))


def _made(placed: Sequence[Placed]) -> tuple[Tables, list[Record], Tally]:
    tables: Tables = defaultdict(list)
    taken: list[Record] = []
    for begin in range(0, len(placed), BREATH):
        for some, rows in _fitting(placed[begin : begin + BREATH]):
            taken += [entry for _, entry in some]
            for table, found in rows.items():
                tables[table] += found
        time.sleep(BREATH_S)
    return tables, taken, tally_of(taken)


def _adds_up(record: Record) -> bool:
    try:
        tally_of([record])
    except NO_ROW:
        return False
    return True


def _fitting(entries: Sequence[Placed]) -> list[tuple[Sequence[Placed], Tables]]:
    """Entries and their rows, without those that make none."""
    try:
        return [(entries, rows_of(entries))]
    except NO_ROW:
        if len(entries) == 1:
            return []
        return [found for each in entries for found in _fitting([each])]
