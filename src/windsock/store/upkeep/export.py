"""Decisions as flat rows, fast enough for millions: read without making records of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from sqlalchemy import Engine

from windsock.store.compact.history import trees

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

Line = tuple[Any, ...]


def export_lines(
    engine: Engine, *, since: float, until: float, namespace: str | None = None
) -> Iterator[Line]:
    """A tuple a decision, in the order of COLUMNS and of time; raises StoreError."""
    for tree, success in trees(engine, since=since, until=until, namespace=namespace):
        yield _line(tree, None if success is None else success / 1e9)


def _line(tree: Mapping[str, Any], success: float | None) -> Line:
    decision = tree.get("decision", tree)
    namespace, route, task, *segment = decision["cell"]
    name = f"{task}#{segment[0]}" if segment and segment[0] else task
    begin = [decision.get(each) for each in OF_DECISION]
    return (
        decision["id"],
        begin[0],
        float(begin[1]),
        namespace,
        route,
        name,
        *begin[2:5],
        float(begin[5]),
        float(begin[6]),
        begin[7],
        decision.get("prompt_tokens", 0),
        *(_ended(tree) if "decision" in tree else (None,) * 8),
        success,
    )


def _ended(tree: Mapping[str, Any]) -> Line:
    results, usage = tree.get("results", ()), tree.get("usage") or {}
    cost = tree.get("cost_usd")
    answers = (each["response_id"] for each in reversed(results) if each.get("response_id"))
    return (
        float(tree["finished_at"]),
        tree.get("served"),
        tree["ok"],
        len(results),
        cost if cost is None or isinstance(cost, Decimal) else Decimal(cost),
        usage.get("input_tokens", 0) if usage else None,
        usage.get("output_tokens", 0) if usage else None,
        next(answers, None),
    )
