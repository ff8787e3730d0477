"""The seam: rows of the ledger in order, at least once, each with the position that names it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

import orjson

from windsock.core.model.calls import Outcome
from windsock.core.model.decisions import Decision
from windsock.core.model.rewards import Feedback
from windsock.store.codec import encode
from windsock.store.rows import Entry
from windsock.store.upkeep.export import COLUMNS, line_of, parts_of

Rows = list[dict[str, Any]]

DECISIONS: Mapping[str, type[Any]] = {"position": int, **COLUMNS}
"""Columns of decisions; their success stands in feedback, which comes later."""

FEEDBACK: Mapping[str, type[Any]] = {
    "position": int,
    "decision_id": str,
    "at": float,
    "value": float,
    "source": str,
    "metric": str,
    "key_id": str,
}

FINE = Decimal("1e-12")
"""Dollars to which sinks keep money: 38 digits, 12 of them behind the point."""

TABLES = {"decisions": DECISIONS, "feedback": FEEDBACK}
"""Columns by table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Rows by table, all of positions first..last: a batch that is sent again is the same."""

    first: int
    last: int
    rows: Mapping[str, Rows]

    @property
    def name(self) -> str:
        """Of this span and no other; sorts as the spans do."""
        return f"{self.first:015}-{self.last:015}"


class LedgerSink(Protocol):
    """Takes batches one after the other. One that comes twice must not count twice."""

    def put(self, batch: Batch) -> None:
        """Keep it for good; raises SinkFailed, and is asked again with the same."""
        ...


class SinkFailed(Exception):
    """It was not kept, for a reason in one sentence."""


def batch_of(entries: Iterable[tuple[int, Entry]], first: int, last: int) -> Batch:
    """The rows of what stands at these positions of the ledger."""
    rows: dict[str, Rows] = {name: [] for name in TABLES}
    for position, entry in entries:
        if isinstance(entry, Outcome | Decision):
            rows["decisions"].append(_decision(position, entry))
        elif isinstance(entry, Feedback):
            rows["feedback"].append(_feedback(position, entry))
    return Batch(first=first, last=last, rows=rows)


def _decision(position: int, entry: Outcome | Decision) -> dict[str, Any]:
    line = line_of(parts_of(orjson.loads(encode(entry))), None)
    row = dict(zip(DECISIONS, (position, *line), strict=True))
    if row["cost_usd"] is not None:  # a price in another currency has all digits there are
        row["cost_usd"] = row["cost_usd"].quantize(FINE)
    return row


def _feedback(position: int, feedback: Feedback) -> dict[str, Any]:
    reward = feedback.reward
    said = (reward.value, reward.source, reward.metric, reward.key_id)
    values = (position, feedback.decision_id, feedback.at, *said)
    return dict(zip(FEEDBACK, values, strict=True))
