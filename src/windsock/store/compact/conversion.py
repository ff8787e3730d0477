"""Rows of before revision 8 into the short form and the sums, a slice at a time.

Until all are, reports add up what is left of them one by one, and reading reads both.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, Engine, Row, Select, Table, delete, insert, select, update

from windsock.core.model.calls import Outcome
from windsock.core.model.decisions import Decision
from windsock.store.codec import decode
from windsock.store.compact.intake import Intake
from windsock.store.compact.judging import said
from windsock.store.compact.requests import rows_of_requests
from windsock.store.compact.transactions import begin_alone, reading
from windsock.store.rollups.money import usd
from windsock.store.rollups.sums import success_nano, tally_of
from windsock.store.rollups.uncalled import Uncalled, UncalledKind
from windsock.store.tables import AttemptRow, DecisionRow, UncalledRow

SLICE = 250
"""Rows of one transaction: the ledger's writer waits so long at most, some 30 ms."""

_decision: Table = DecisionRow.__table__  # type: ignore[attr-defined]
_attempt: Table = AttemptRow.__table__  # type: ignore[attr-defined]
_uncalled: Table = UncalledRow.__table__  # type: ignore[attr-defined]


class Conversion:
    """Goes through a store's old rows once, in their order; begun again, it goes on."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._intake = Intake()
        self._after = -(2**62)

    def step(self) -> bool:
        """Convert a slice; False once there is nothing left. Raises StoreError."""
        with reading(), self._engine.connect() as connection:
            begin_alone(connection)
            self._intake.forget()  # another writer numbers as well
            rows = connection.execute(_after(self._after)).all()
            left_aside = connection.execute(_unsummed()).all()
            if rows:
                self._convert(connection, rows)
            if left_aside:
                self._sum(connection, left_aside)
            connection.commit()
        self._after = rows[-1].position if rows else self._after
        return bool(rows or left_aside)

    def _convert(self, connection: Connection, rows: Sequence[Row[Any]]) -> None:
        entries = list(_readable(rows))
        tables = rows_of_requests(entries)
        self._intake.number(connection, tables)
        for table, found in tables.items():
            if found:
                connection.execute(insert(table), found)
        records = [entry for _, entry in entries]
        self._intake.add(connection, records, tally_of(records))
        gone = [position for position, _ in entries]
        for source in (_decision, _attempt):
            connection.execute(delete(source).where(source.c.position.in_(gone)))

    def _sum(self, connection: Connection, rows: Sequence[Row[Any]]) -> None:
        records = [uncalled_of(row) for row in rows]
        self._intake.add(connection, records, tally_of(records))
        places = [row.position for row in rows]
        done = update(_uncalled).where(_uncalled.c.position.in_(places)).values(is_summed=True)
        connection.execute(done)


def old_outcomes(
    connection: Connection, since: float, until: float
) -> Iterator[tuple[Outcome, int | None]]:
    """Finished requests that are not converted yet, and how they are judged."""
    query = select(_decision).where(
        _decision.c.at >= since, _decision.c.at < until, _decision.c.finished_at.is_not(None)
    )
    rows = connection.execute(query).partitions(SLICE)
    for part in rows:
        found = [entry for _, entry in _readable(part) if isinstance(entry, Outcome)]
        words = said(connection, [each.decision.id for each in found])
        yield from ((each, success_nano(words.get(each.decision.id, ()))) for each in found)


def uncalled_of(row: Any) -> Uncalled:
    """The record of a row of `uncalled`."""
    names = ("at", "namespace", "route", "task", "key_id", "deployment", "cause", "requests")
    facts = {name: getattr(row, name) for name in names}
    return Uncalled(kind=UncalledKind(row.kind), saved_usd=usd(row.saved_pico_usd), **facts)


def _after(position: int) -> Select[Any]:
    query = select(_decision).where(_decision.c.position > position)
    return query.order_by(_decision.c.position).limit(SLICE)


def _unsummed() -> Select[Any]:
    query = select(_uncalled).where(_uncalled.c.is_summed.is_(None))
    return query.order_by(_uncalled.c.position).limit(SLICE)


def _readable(rows: Sequence[Row[Any]]) -> Iterator[tuple[int, Outcome | Decision]]:
    for row in rows:
        with contextlib.suppress(msgspec.DecodeError):
            yield row.position, _record(row)


def _record(row: Row[Any]) -> Outcome | Decision:
    return decode(Decision, row.body) if row.finished_at is None else decode(Outcome, row.body)
