"""Carrying what is readable of a broken SQLite file into a new store, around the damage."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, insert
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import SQLModel

from windsock.store.compact.requests import index_names
from windsock.store.compact.tables import RequestRow, SeriesRow, ShapeRow, TableRow
from windsock.store.recovery.write_ahead_log import damage_of, frames_of
from windsock.store.rollups.tables import CallSumsRow, DelaySumsRow, RequestSumsRow
from windsock.store.tables import (
    AttemptRow,
    DecisionRow,
    EventRow,
    FeedbackRow,
    HealthRow,
    HeldRow,
    KeyRow,
    MetaRow,
    QuoteRow,
    SnapshotRow,
    UncalledRow,
    WeightsRow,
    WriterRow,
)

CARRIED: dict[type[SQLModel], str] = {
    KeyRow: "rowid",
    MetaRow: "rowid",
    QuoteRow: "position",
    HeldRow: "position",
    HealthRow: "position",
    SnapshotRow: "position",
    SeriesRow: "id",
    ShapeRow: "id",
    RequestRow: "position",
    RequestSumsRow: "span_s",
    CallSumsRow: "span_s",
    DelaySumsRow: "span_s",
    TableRow: "position",
    DecisionRow: "position",
    AttemptRow: "position",
    FeedbackRow: "position",
    UncalledRow: "position",
    WeightsRow: "position",
    EventRow: "position",
}
"""Tables in the order in which they are carried, and the number by which their rows stand."""

RANGE_ROWS = 1024
"""Numbers that are read at once; where one of them cannot be read, half as many at a time."""

MAX_PAGE = 2**25
"""A frame whose damaged head names a page above it would make a file of holes."""

MAX_FAILURES = 20_000
"""Ranges of a table that could not be read, after which those that fail are not halved any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rescued:
    """What was carried over, and what was not.

    rows    carried over, by table
    lost    of which an index or a count still told, by table; None where nothing tells
    frames  pages of the log behind a damaged one, from which rows were taken all the same
    """

    rows: dict[str, int]
    lost: dict[str, int | None]
    frames: int = 0


def rescue(aside: Path, engine: Engine) -> Rescued:
    """Carry every readable row of a broken file, and of its log, into a new store."""
    damage = damage_of(aside)
    source = aside if damage is None else _with_log(aside)
    rows: dict[str, int] = {}
    lost: dict[str, int | None] = {}
    position = 0
    with contextlib.closing(sqlite3.connect(source, timeout=5)) as broken:
        broken.row_factory = sqlite3.Row
        for table, number in CARRIED.items():
            name = str(table.__tablename__)
            taken, highest = _carry(broken, table, number, engine)
            rows[name] = taken
            known = _asked(broken, f"SELECT count(*) FROM {name}")  # noqa: S608 (by an index)
            lost[name] = None if known is None else max(0, known - taken)
            position = max(position, highest)
    with engine.begin() as connection:
        connection.execute(insert(WriterRow).values(id="rescue", batch=0, position=position))
    index_names(engine)
    if source != aside:
        source.unlink()
    return Rescued(rows=rows, lost=lost, frames=damage.frames if damage else 0)


def _with_log(aside: Path) -> Path:
    """A copy of the file with every whole page of its log, also those that SQLite leaves out.

    A page that is not as it was written could hold anything: the one before it stays.
    """
    copy = aside.with_name(aside.name + ".salvage")
    shutil.copyfile(aside, copy)
    with copy.open("r+b") as file:
        for number, frame in enumerate(frames_of(aside)):
            # Nothing says how the first is to be under a damaged header: it is taken.
            if (frame.is_whole or number == 0) and 0 < frame.page <= MAX_PAGE:
                file.seek((frame.page - 1) * len(frame.content))
                file.write(frame.content)
        size = file.seek(0, 2) // (len(frame.content) or 1)
        file.seek(18)
        file.write(b"\x01\x01")  # no log is needed to read it
        file.seek(28)
        file.write(struct.pack(">I", size))
    return copy


def _carry(
    broken: sqlite3.Connection, table: type[SQLModel], number: str, engine: Engine
) -> tuple[int, int]:
    """(rows carried, the highest position among them) of one table."""
    known = set(table.__table__.c.keys())  # type: ignore[attr-defined]
    taken = highest = 0
    for rows in _readable(broken, str(table.__tablename__), number):
        values = [{name: row[name] for name in row.keys() if name in known} for row in rows]  # noqa: SIM118
        taken += _insert(table, values, engine)
        highest = max([highest, *(value.get("position", 0) for value in values)])
    return taken, highest


def _readable(broken: sqlite3.Connection, table: str, number: str) -> Iterator[list[sqlite3.Row]]:
    """Rows in lots: ranges that cannot be read whole are halved until what is damaged is alone."""
    query = f"SELECT * FROM {table} WHERE {number} >= ? AND {number} < ?"  # noqa: S608
    failures = 0
    for begin in range(*_range(broken, table, number), RANGE_ROWS):
        waiting = [(begin, begin + RANGE_ROWS)]
        while waiting:
            start, end = waiting.pop()
            try:
                rows = broken.execute(query, (start, end)).fetchall()
            except sqlite3.Error:
                failures += 1
                middle = (start + end) // 2
                if middle > start and failures < MAX_FAILURES:
                    waiting += [(middle, end), (start, middle)]
                continue
            if rows:
                yield rows


def _range(broken: sqlite3.Connection, table: str, number: str) -> tuple[int, int]:
    """From the lowest to above the highest number; where an edge is damaged, by what others say."""
    low = _asked(broken, f"SELECT min({number}) FROM {table}")  # noqa: S608
    high = _asked(broken, f"SELECT max({number}) FROM {table}")  # noqa: S608
    if high is None:
        others = [name for each in CARRIED if (name := str(each.__tablename__)) != table]
        asked = (f"SELECT max(position) FROM {name}" for name in (*others, "writer"))  # noqa: S608
        told = [found for query in asked if (found := _asked(broken, query)) is not None]
        high = max(told, default=0) + RANGE_ROWS
    return low or 0, high + 1


def _asked(broken: sqlite3.Connection, query: str) -> int | None:
    """One number; None if it cannot be read, or is of nothing."""
    try:
        found = broken.execute(query).fetchone()[0]
    except sqlite3.Error:
        return None
    return found if isinstance(found, int) else None


def _insert(table: type[SQLModel], values: list[dict[str, Any]], engine: Engine) -> int:
    """Those that fit: all at once, or, where one does not, one by one."""
    try:
        with engine.begin() as connection:
            connection.execute(insert(table), values)
        return len(values)
    except SQLAlchemyError:
        if len(values) == 1:
            return 0
        return sum(_insert(table, [value], engine) for value in values)
