"""Decisions as flat rows, fast enough for millions: read without making records of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from sqlalchemy import Engine

from windsock.store.compact.history import picked

COLUMNS: Mapping[str, type[Any]] = {
    "decision_id": str,
    "number": int,
    "at": float,
    "namespace": str,
    "route": str,
    "task": str,
    "key_id": str,
    "requested_model": str,
    "deployment": str,
    "propensity": float,
    "draw": float,
    "table_version": int,
    "prompt_tokens": int,
    "finished_at": float,
    "served": str,
    "ok": bool,
    "attempts": int,
    "cost_usd": Decimal,
    "input_tokens": int,
    "output_tokens": int,
    "response_id": str,
    "success": float,
}
"""Columns of an export and what they hold; all but the first thirteen are empty of decisions whose
request did not end here. success: 0..1 as judged so far."""

OF_DECISION = ("number", "at", "key_id", "requested_model", "deployment", "propensity", "draw",
               "table_version")  # fmt: skip
PLACES = {name: place for place, name in enumerate(COLUMNS)}
COST, RESPONSE_ID = PLACES["cost_usd"], PLACES["response_id"]
FLOAT_PLACES = [PLACES[name] for name in ("at", "propensity", "draw", "finished_at")]
"""Stored without their point where nothing stands behind it."""

Line = tuple[Any, ...]


def export_lines(
    engine: Engine, *, since: float, until: float, namespace: str | None = None
) -> Iterator[Line]:
    """A tuple a decision, in the order of COLUMNS and of time; raises StoreError."""
    span = {"since": since, "until": until}
    for parts, success in picked(engine, parts_of, **span, namespace=namespace):
        yield line_of(parts, None if success is None else success / 1e9)


def line_of(parts: Mapping[str, Any], success: float | None) -> Line:
    """A line of the parts of a record, which are in the order of COLUMNS."""
    line = [*parts.values()]
    for place in FLOAT_PLACES:
        if type(line[place]) is int:
            line[place] = float(line[place])
    if isinstance(line[COST], str):
        line[COST] = Decimal(line[COST])
    line[RESPONSE_ID] = line[RESPONSE_ID] or None
    line[-1] = success
    return tuple(line)


def parts_of(record: Mapping[str, Any]) -> dict[str, Any]:
    """By COLUMNS, of a record or of its shape."""
    decision = record.get("decision", record)
    namespace, route, task, *segment = decision["cell"]
    made = dict.fromkeys(COLUMNS) | {name: decision.get(name) for name in OF_DECISION}
    made |= {
        "decision_id": decision["id"],
        "namespace": namespace,
        "route": route,
        "task": f"{task}#{segment[0]}" if segment and segment[0] else task,
        "prompt_tokens": decision.get("prompt_tokens", 0),
    }
    return made | _ended(record) if "decision" in record else made


def _ended(outcome: Mapping[str, Any]) -> dict[str, Any]:
    results, usage = outcome.get("results", ()), outcome.get("usage") or {}
    names = (each.get("response_id") for each in reversed(results))
    return {
        "finished_at": outcome["finished_at"],
        "served": outcome.get("served"),
        "ok": outcome["ok"],
        "attempts": len(results),
        "cost_usd": outcome.get("cost_usd"),
        "input_tokens": usage.get("input_tokens", 0) if usage else None,
        "output_tokens": usage.get("output_tokens", 0) if usage else None,
        "response_id": next((name for name in names if name is not None), None),
    }
