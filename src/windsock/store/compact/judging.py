"""What is said of a request, at any time, corrects its success and the sums of its hour."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from sqlalchemy import (
    JSON,
    Connection,
    Row,
    Table,
    Text,
    bindparam,
    cast,
    column,
    func,
    select,
    update,
)

from windsock.core.evidence.sources import tells_success
from windsock.store.compact.dictionary import parts
from windsock.store.compact.requests import Reader, name_of
from windsock.store.compact.tables import NameRow, RequestRow
from windsock.store.rollups.sums import Series, Tally, success_nano
from windsock.store.tables import FeedbackRow

_request: Table = RequestRow.__table__  # type: ignore[attr-defined]
_name: Table = NameRow.__table__  # type: ignore[attr-defined]
_feedback: Table = FeedbackRow.__table__  # type: ignore[attr-defined]

JUDGE = (
    update(_request)
    .where(_request.c.position == bindparam("place"))
    .values(success_nano=bindparam("success"))
)

SAID = select(
    _feedback.c.decision_id,
    _feedback.c.value,
    _feedback.c.metric,
    _feedback.c.source,
    _feedback.c.key_id,
).order_by(_feedback.c.position)
IDS = bindparam("ids", type_=Text)
SAID_OF = {
    "sqlite": SAID.where(
        _feedback.c.decision_id.in_(select(column("value")).select_from(func.json_each(IDS)))
    ),
    "postgresql": SAID.where(
        _feedback.c.decision_id.in_(
            select(func.json_array_elements_text(cast(IDS, JSON)).label("value"))
        )
    ),
}
"""The ids as one parameter: a list of 500 takes the writer half a millisecond to write out."""


def judge(
    connection: Connection, spoken_of: Collection[str], finished: Collection[str], tally: Tally
) -> None:
    """Bring requests up to date, by their decisions' ids: those that something was said of just
    now, and those just finished, of which something may have been said before."""
    heard = said(connection, {*spoken_of, *finished})
    changes = []
    for row, series, decision_id in _finished(connection, heard):
        after = success_nano(heard[decision_id])
        if after != row.success_nano:
            tally.judge(series, row.at, row.success_nano, after)
            changes.append({"place": row.position, "success": after})
    if changes:
        connection.execute(JUDGE, changes)


def said(connection: Connection, ids: Collection[str]) -> dict[str, list[float]]:
    """The last words on each matter (metric, source, key) of those decisions that have any."""
    words: dict[str, dict[Any, float]] = defaultdict(dict)
    for part in parts(ids):
        told = connection.execute(SAID_OF[connection.dialect.name], {"ids": json.dumps(part)})
        for name, value, metric, source, key in told:
            if tells_success(source):
                words[name][metric, source, key] = value
    return {name: list(values.values()) for name, values in words.items()}


def _finished(
    connection: Connection, ids: Collection[str]
) -> Iterator[tuple[Row[Any], Series, str]]:
    """Finished requests of these decisions, whose sums they are in, and the decision's id."""
    query = select(_request).join(_name, _name.c.position == _request.c.position).distinct()
    reader = Reader(connection)
    for part in parts(ids):
        names = [name_of(each) for each in part]
        rows = connection.execute(query.where(_name.c.name.in_(names))).all()
        for row, found in reader.picked(rows, _decision_id):
            series = reader.series_of(row.shape)
            if series is not None and found["id"] in ids:
                yield row, series, found["id"]


def _decision_id(record: Mapping[str, Any]) -> dict[str, Any]:
    decision = record.get("decision", record)
    return {"id": decision["id"]}
