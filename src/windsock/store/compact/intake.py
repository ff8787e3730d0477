"""What the writer does for a batch beside inserting rows: numbers for shapes, and sums."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from sqlalchemy import Connection

from windsock.core.model.calls import Outcome
from windsock.core.model.rewards import Feedback
from windsock.store.compact.judging import judge
from windsock.store.compact.requests import Numbers
from windsock.store.compact.tables import RequestRow, TableRow
from windsock.store.rollups.keeping import keep
from windsock.store.rollups.sums import Tally

Rows = list[dict[str, Any]]


class Intake:
    """For one writer; all in the transaction of the rows, which alone may change the sums."""

    def __init__(self) -> None:
        self._numbers = Numbers()

    def forget(self) -> None:
        """The transaction failed: what it had numbered is not there."""
        self._numbers.forget()

    def number(self, connection: Connection, rows: Mapping[type[Any], Rows]) -> None:
        """Before the rows are inserted, by table."""
        shaped = [*rows.get(RequestRow, ()), *rows.get(TableRow, ())]
        if shaped:
            self._numbers.settle(connection, shaped)

    def add(self, connection: Connection, entries: Sequence[object], tally: Tally) -> None:
        """Once the rows of these are there, whose sums `tally` is."""
        spoken_of = [each.decision_id for each in entries if isinstance(each, Feedback)]
        finished = [each.decision.id for each in entries if isinstance(each, Outcome)]
        judge(connection, spoken_of, finished, tally)
        keep(connection, tally, partial(self._numbers.series.numbers, connection))
