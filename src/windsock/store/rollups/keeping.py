"""Adding a tally to the kept sums, in the transaction of the ledger's own rows."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite

from windsock.store.rollups.money import PART
from windsock.store.rollups.sums import SPANS_S, Series, Sums, Tally
from windsock.store.rollups.tables import CallSumsRow, DelaySumsRow, RequestSumsRow

DOLLARS = ("cost", "saved", "billed", "counted", "doubted")
MAX_SUM = 2**50
"""Of one batch in one column: what a provider says of its use is no number one can trust."""

Number = Callable[[Iterable[Series]], Mapping[Series, int]]

request_sums: Table = RequestSumsRow.__table__  # type: ignore[attr-defined]
call_sums: Table = CallSumsRow.__table__  # type: ignore[attr-defined]
delay_sums: Table = DelaySumsRow.__table__  # type: ignore[attr-defined]


def keep(connection: Connection, tally: Tally, number: Number) -> None:
    """Add what is tallied to every span that it falls in; `number` gives series theirs."""
    asked = [series for series, *_ in tally.delays]
    asked += [series for series, _ in (*tally.requests, *tally.calls)]
    if not asked:
        return
    numbers = number(asked)
    _add(connection, request_sums, _spread(tally.requests, numbers))
    _add(connection, call_sums, _spread(tally.calls, numbers))
    _add(connection, delay_sums, _spread_delays(tally, numbers))


def _spread(
    minutes: Mapping[tuple[Series, int], Sums], numbers: Mapping[Series, int]
) -> dict[tuple[int, ...], Sums]:
    sums: dict[tuple[int, ...], Sums] = defaultdict(Counter)
    for (series, at), added in minutes.items():
        for span in SPANS_S:
            sums[span, at // span * span, numbers[series]].update(added)
    return sums


def _spread_delays(tally: Tally, numbers: Mapping[Series, int]) -> dict[tuple[int, ...], Sums]:
    sums: dict[tuple[int, ...], Sums] = defaultdict(Counter)
    for (series, at, ms), requests in tally.delays.items():
        for span in SPANS_S[1:]:
            sums[span, at // span * span, numbers[series], ms]["requests"] += requests
    return sums


def _add(connection: Connection, table: Table, sums: Mapping[tuple[int, ...], Sums]) -> None:
    if sums:
        names = table.primary_key.columns.keys()
        columns = [name for name in table.c.keys() if name not in names]  # noqa: SIM118
        rows = [
            {**dict(zip(names, key, strict=True)), **_columns(added, columns)}
            for key, added in sums.items()
        ]
        connection.execute(_upsert(table, connection.dialect.name), rows)


def _columns(sums: Sums, columns: list[str]) -> dict[str, int]:
    found = {name: max(-MAX_SUM, min(MAX_SUM, sums[name])) for name in columns}
    for name in DOLLARS:
        if name in sums:
            found[f"{name}_high"], found[f"{name}_low"] = divmod(sums[name], PART)
    return found


@lru_cache(maxsize=8)
def _upsert(table: Table, dialect: str) -> Any:
    insert: Any = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}[dialect](table)
    keys = table.primary_key.columns.keys()
    added = {each.name: each + insert.excluded[each.name] for each in table.c
             if each.name not in keys}  # fmt: skip
    return insert.on_conflict_do_update(index_elements=keys, set_=added)
