"""Adding a tally to the kept sums, in the transaction of the ledger's own rows."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, Dialect, Table
from sqlalchemy.dialects import postgresql, sqlite

from windsock.store.rollups.money import PART
from windsock.store.rollups.sums import SPANS_S, Series, Sums, Tally
from windsock.store.rollups.tables import CallSumsRow, DelaySumsRow, RequestSumsRow

DOLLARS = ("cost", "saved", "billed", "counted", "doubted")
MAX_SUM = 2**50
"""Of one batch in one column: what a provider says of its use is no number one can trust."""

Number = Callable[[Sequence[Series]], Sequence[int]]

request_sums: Table = RequestSumsRow.__table__  # type: ignore[attr-defined]
call_sums: Table = CallSumsRow.__table__  # type: ignore[attr-defined]
delay_sums: Table = DelaySumsRow.__table__  # type: ignore[attr-defined]


def keep(connection: Connection, tally: Tally, number: Number) -> None:
    """Add what is tallied to every span that it falls in; `number` gives series theirs."""
    asked = [key[0] for sums in (tally.requests, tally.calls, tally.delays) for key in sums]
    numbers = dict(zip(asked, number(asked), strict=True))
    _add(connection, request_sums, _spread(tally.requests, numbers))
    _add(connection, call_sums, _spread(tally.calls, numbers))
    delays = _spread_delays(tally, numbers)
    _add(connection, delay_sums, {key: {"requests": each} for key, each in delays.items()})


def _spread(
    minutes: Mapping[tuple[Series, int], Sums], numbers: Mapping[Series, int]
) -> dict[tuple[int, ...], Sums]:
    sums: dict[tuple[int, ...], Sums] = defaultdict(Counter)
    for (series, at), added in minutes.items():
        for span in SPANS_S:
            sums[span, at // span * span, numbers[series]].update(added)
    return sums


def _spread_delays(tally: Tally, numbers: Mapping[Series, int]) -> Counter[tuple[int, ...]]:
    sums: Counter[tuple[int, ...]] = Counter()
    for (series, at, ms), requests in tally.delays.items():
        for span in SPANS_S[1:]:
            sums[span, at // span * span, numbers[series], ms] += requests
    return sums


def _add(
    connection: Connection, table: Table, sums: Mapping[tuple[int, ...], Mapping[str, int]]
) -> None:
    if sums:
        names = table.primary_key.columns.keys()
        sql, order = _upsert(table, connection.dialect)
        empty = dict.fromkeys(table.c.keys(), 0)
        rows = [
            order(empty | dict(zip(names, key, strict=True)) | _columns(added))
            for key, added in sums.items()
        ]
        connection.exec_driver_sql(sql, rows)


def _columns(sums: Mapping[str, int]) -> dict[str, int]:
    found = {name: max(-MAX_SUM, min(MAX_SUM, each)) for name, each in sums.items()}
    for name in DOLLARS:
        if name in sums:
            del found[name]
            found[f"{name}_high"], found[f"{name}_low"] = divmod(sums[name], PART)
    return found


@lru_cache(maxsize=8)
def _upsert(table: Table, dialect: Dialect) -> tuple[str, Callable[[Mapping[str, int]], Any]]:
    """The statement as its driver takes it, and what brings a row into its order."""
    insert: Any = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}[dialect.name](table)
    keys = table.primary_key.columns.keys()
    added = {each.name: each + insert.excluded[each.name] for each in table.c
             if each.name not in keys}  # fmt: skip
    statement = insert.on_conflict_do_update(index_elements=keys, set_=added)
    compiled: Any = statement.compile(dialect=dialect)
    return str(compiled), itemgetter(*compiled.positiontup) if compiled.positional else dict
