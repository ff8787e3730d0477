"""Decisions, outcomes and weight tables as rows of the short form, and back."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, Engine, Row, Select, Table, insert, select

from windsock.core.model.calls import Outcome
from windsock.core.model.decisions import Decision, WeightTable
from windsock.store.compact.dictionary import AT_ONCE, Dictionary, parts
from windsock.store.compact.shapes.splitting import Shape, split
from windsock.store.compact.tables import NameRow, RequestRow, SeriesRow, ShapeRow
from windsock.store.compact.templates import Fill, Pick, joined, numbers_in, picked, with_holes
from windsock.store.compact.transactions import reading
from windsock.store.rollups.sums import Series, series_in, series_of

Fits = Callable[[Mapping[str, Any]], bool]
"""Whether a record is asked for, told of it as JSON with something else in place of numbers."""

KINDS: dict[str, type[Any]] = {"outcome": Outcome, "decision": Decision, "table": WeightTable}
MOST_NAMED = 64
"""Requests of one name that are looked at, the newest: callers may give all the same."""

LONG_S = 60
"""Requests that take as long are found by a list of their own."""

_request: Table = RequestRow.__table__  # type: ignore[attr-defined]
_shape: Table = ShapeRow.__table__  # type: ignore[attr-defined]
_series: Table = SeriesRow.__table__  # type: ignore[attr-defined]
_name: Table = NameRow.__table__  # type: ignore[attr-defined]

UNREADABLE = (msgspec.DecodeError, LookupError, TypeError, ValueError)
"""What a row raises that is no whole record."""


class ShapeKey(NamedTuple):
    """All that a row of `shape` says."""

    kind: str
    series: Series
    shape: Shape


class Numbers:
    """The numbers of shapes and series, for one writer."""

    def __init__(self) -> None:
        self.series: Dictionary[Series] = Dictionary(
            _series, lambda key: _text(cleaned(key)), lambda _, key: cleaned(key)
        )
        self.shapes: Dictionary[ShapeKey] = Dictionary(
            _shape, lambda key: key.kind + key.shape.text, self._row
        )

    def forget(self) -> None:
        """What is at hand: the transaction that gave it failed."""
        self.series.forget()
        self.shapes.forget()

    def settle(self, connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
        """Put numbers in place of what rows refer to."""
        shapes = self.shapes.numbers(connection, [row["shape"] for row in rows])
        for row, shape in zip(rows, shapes, strict=True):
            row["shape"] = shape
            if "cell" in row:
                row["cell"] = self.series.numbers(connection, [row["cell"]])[0]

    def _row(self, connection: Connection, key: ShapeKey) -> dict[str, Any]:
        (series,) = self.series.numbers(connection, [key.series])
        return {"kind": key.kind, "series": series, "body": key.shape.text}


def _text(columns: Mapping[str, str]) -> str:
    return msgspec.json.encode([*columns.values()]).decode()


def cleaned(series: Series) -> dict[str, str]:
    """Its columns, without characters that a database refuses."""
    return {
        name: value.replace("\x00", "\ufffd").encode(errors="replace").decode()
        for name, value in series._asdict().items()
    }


def rows_of_requests(
    entries: Sequence[tuple[int, Outcome | Decision]],
) -> dict[type[Any], list[dict[str, Any]]]:
    """By table, the rows of requests, each with its position, and those by which they are found.

    raises  TypeError, ValueError, OverflowError or AttributeError if any of them fits none
    """
    records = [entry for _, entry in entries]
    at = [each.decision.at if isinstance(each, Outcome) else each.at for each in records]
    parts = split(records, at)
    examples = {shape: entry for (shape, _), entry in zip(parts, records, strict=True)}
    keys = {shape: _key(shape, entry) for shape, entry in examples.items()}
    requests = [
        {
            "position": position,
            "at": begun_at,
            "shape": keys[shape],
            "lasted_s": _long_s(entry, begun_at),
            "success_nano": None,
            "body": body,
        }
        for (position, entry), begun_at, (shape, body) in zip(entries, at, parts, strict=True)
    ]
    names = [
        {"name": name, "position": position}
        for position, entry in entries
        for name in dict.fromkeys(map(name_of, names_in(entry)))
    ]
    return {RequestRow: requests, NameRow: names}


def _key(shape: Shape, entry: Outcome | Decision) -> ShapeKey:
    is_outcome = isinstance(entry, Outcome)
    series = series_of(entry) if isinstance(entry, Outcome) else series_in(entry.cell)
    if not all(isinstance(name, str) for name in series):
        raise TypeError(series)
    return ShapeKey("outcome" if is_outcome else "decision", series, shape)


def _long_s(entry: Outcome | Decision, at: float) -> int | None:
    lasted_s = int(entry.finished_at - at) if isinstance(entry, Outcome) else 0
    return lasted_s if lasted_s >= LONG_S else None


def row_of_table(table: WeightTable, position: int) -> dict[str, Any]:
    """The row of a weight table."""
    ((shape, body),) = split([table], [table.at])
    cell = series_in(table.cell)
    return {
        "position": position,
        "version": table.version,
        "at": table.at,
        "cell": cell,
        "shape": ShapeKey("table", cell, shape),
        "body": body,
    }


def names_in(entry: Outcome | Decision) -> list[str]:
    """By what it may be asked for: its id, its caller's names for it, and those of its answers."""
    decision = entry.decision if isinstance(entry, Outcome) else entry
    names = [decision.id, *decision.known_as.split()]
    if isinstance(entry, Outcome):
        names += [each.response_id for each in entry.results if each.response_id]
    return names


def name_of(text: str) -> int:
    """64 bits of a name; whether it is the very one, the record tells."""
    found = blake2b(text.encode(errors="surrogatepass"), digest_size=8).digest()
    return int.from_bytes(found, signed=True)


def named(text: str) -> Select[Any]:
    """Rows that may be of this name."""
    newest = select(_name.c.position).where(_name.c.name == name_of(text))
    newest = newest.order_by(_name.c.position.desc()).limit(MOST_NAMED)
    return select(_request).where(_request.c.position.in_(newest)).order_by(_request.c.position)


def of_namespace(namespace: str) -> Any:
    """The condition that a request is of a namespace."""
    shapes = select(_shape.c.id).join(_series, _series.c.id == _shape.c.series)
    return _request.c.shape.in_(shapes.where(_series.c.namespace == namespace))


class Reader:
    """Turns rows of `request` and `weight_table` into records; keeps the shapes it has met."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._shapes: dict[int, tuple[str, str, Series]] = {}

    def read(self, rows: Sequence[Row[Any]]) -> Iterator[tuple[Row[Any], Any]]:
        """(row, record); rows that hold no whole record are left out."""
        self.meet(row.shape for row in rows)
        for row in rows:
            with contextlib.suppress(*UNREADABLE):
                kind, body, _ = self._shapes[row.shape]
                yield row, joined(body, row.body, row.at, KINDS[kind])

    def fitting(self, shapes: Iterable[int], fits: Fits, holding: str = "") -> frozenset[int]:
        """Those of these shapes whose records are asked for; holding: a text in all of them."""
        asked = frozenset(shapes)
        self.meet(asked, holding)
        return frozenset(
            number
            for number in asked & self._shapes.keys()
            if fits(with_holes(self._shapes[number][1]))
        )

    def picked(
        self, rows: Sequence[Row[Any]], pick: Pick
    ) -> Iterator[tuple[Row[Any], Mapping[str, Any]]]:
        """Parts of records, taken of their shapes: in a tenth of the time."""
        self.meet(row.shape for row in rows)
        fills: dict[int, Fill] = {}
        for row in rows:
            try:
                shape = row.shape
                fill = fills.get(shape)
                if fill is None:
                    fill = fills[shape] = picked(self._shapes[shape][1], pick)
                found = fill(numbers_in(row.body), row.at)
            except UNREADABLE:
                continue
            yield row, found

    def meet(self, shapes: Iterable[int], holding: str = "") -> None:
        """Have these shapes at hand, or those of them that hold a text."""
        new = [shape for shape in dict.fromkeys(shapes) if shape not in self._shapes]
        query = select(_shape.c.kind, _shape.c.body, _shape.c.id.label("shape"), _series)
        query = query.join(_series, _series.c.id == _shape.c.series)
        if holding:
            query = query.where(_shape.c.body.contains(holding, autoescape=True))
        for part in parts(new):
            for row in self._connection.execute(query.where(_shape.c.id.in_(part))):
                series = Series(*(getattr(row, name) for name in Series._fields[:5]))
                self._shapes[row.shape] = row[0], row[1], series

    def series_of(self, shape: int) -> Series | None:
        """Whose a finished request of this shape is; None of others."""
        kind, _, series = self._shapes[shape]
        return series if kind == "outcome" else None


def index_names(engine: Engine) -> None:
    """Make anew what requests are found by, where that was lost."""
    after, rows = -(2**62), True
    while rows:
        with reading(), engine.begin() as connection:
            query = select(_request).where(_request.c.position > after)
            found = connection.execute(query.order_by(_request.c.position).limit(AT_ONCE)).all()
            names = [
                {"name": name_of(text), "position": row.position}
                for row, record in Reader(connection).read(found)
                for text in dict.fromkeys(names_in(record))
            ]
            if names:
                connection.execute(insert(_name), names)
        after, rows = (found[-1].position, True) if found else (after, False)
