"""Adding a tally to the kept sums, in the transaction of the ledger's own rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from itertools import repeat
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, Dialect, Table
from sqlalchemy.dialects import postgresql, sqlite

from windsock.store.rollups.money import PART
from windsock.store.rollups.sums import SPANS_S, Series, Sums, Tally, add_up
from windsock.store.rollups.tables import CallSumsRow, DelaySumsRow, RequestSumsRow

DOLLARS = ("cost", "saved", "billed", "counted", "doubted")
MAX_SUM = 2**50
"""Of one batch in one column: what a provider says of its use is no number one can trust."""

Number = Callable[[Sequence[Series]], Sequence[int]]
Added = Mapping[str, int]

request_sums: Table = RequestSumsRow.__table__  # type: ignore[attr-defined]
call_sums: Table = CallSumsRow.__table__  # type: ignore[attr-defined]
delay_sums: Table = DelaySumsRow.__table__  # type: ignore[attr-defined]


def keep(connection: Connection, tally: Tally, number: Number) -> None:
    """Add what is tallied to every span that it falls in; `number` gives series theirs."""
    asked = [*{key[0] for sums in (tally.requests, tally.calls, tally.delays) for key in sums}]
    numbers = dict(zip(asked, number(asked), strict=True))
    for table, sums in ((request_sums, tally.requests), (call_sums, tally.calls)):
        _adding(table, connection.dialect)(connection, _spread(sums, numbers))
    delays = _spread_delays(tally, numbers).items()
    counted = {key: {"requests": requests} for key, requests in delays}
    _adding(delay_sums, connection.dialect)(connection, counted)


def _spread(
    minutes: Mapping[tuple[Series, int], Sums], numbers: Mapping[Series, int]
) -> dict[tuple[int, ...], Sums]:
    sums: dict[tuple[int, ...], Sums] = {}
    for (series, at), added in minutes.items():
        for span in SPANS_S:
            add_up(sums, (span, at // span * span, numbers[series]), added)
    return sums


def _spread_delays(tally: Tally, numbers: Mapping[Series, int]) -> dict[tuple[int, ...], int]:
    sums: dict[tuple[int, ...], int] = defaultdict(int)
    for (series, at, ms), requests in tally.delays.items():
        for span in SPANS_S[1:]:
            sums[span, at // span * span, numbers[series], ms] += requests
    return sums


class _Adding:
    """What adds sums to the rows of a table, in the driver's own words."""

    def __init__(self, table: Table, dialect: Dialect) -> None:
        keys = table.primary_key.columns.keys()
        self._dollars = [name for name in DOLLARS if f"{name}_high" in table.c]
        of_dollars = [f"{name}_{part}" for name in self._dollars for part in ("high", "low")]
        self._whole = [each.name for each in table.c if each.name not in {*keys, *of_dollars}]
        names = [*keys, *self._whole, *of_dollars]
        compiled = _upsert(table, dialect)
        self._sql = str(compiled)
        self._as_taken: Callable[[tuple[int, ...]], Any] = (
            itemgetter(*map(names.index, compiled.positiontup))
            if compiled.positional
            else lambda row: dict(zip(names, row, strict=True))
        )

    def __call__(self, connection: Connection, sums: Mapping[tuple[int, ...], Added]) -> None:
        rows = [self._as_taken(key + self._row(added)) for key, added in sums.items()]
        if rows:
            connection.exec_driver_sql(self._sql, rows)

    def _row(self, sums: Added) -> tuple[int, ...]:
        whole = tuple(map(sums.get, self._whole, repeat(0)))
        if max(whole) > MAX_SUM or min(whole) < -MAX_SUM:
            whole = tuple(max(-MAX_SUM, min(MAX_SUM, each)) for each in whole)
        for name in self._dollars:
            whole += divmod(sums.get(name, 0), PART)
        return whole


_adding = lru_cache(maxsize=8)(_Adding)


def _upsert(table: Table, dialect: Dialect) -> Any:
    insert: Any = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}[dialect.name](table)
    keys = table.primary_key.columns.keys()
    added = {
        each.name: each + insert.excluded[each.name] for each in table.c if each.name not in keys
    }
    statement = insert.on_conflict_do_update(index_elements=keys, set_=added)
    return statement.compile(dialect=dialect)
