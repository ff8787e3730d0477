"""Rows as windsock kept them before revision 8."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Engine, insert, text

from tests.store.samples import last_position
from windsock.core.model.calls import CallResult, Outcome
from windsock.core.model.decisions import Decision, WeightTable
from windsock.store.codec import encode
from windsock.store.rollups.money import pico_usd
from windsock.store.tables import AttemptRow, DecisionRow, WeightsRow

WRITER = text("INSERT INTO writer VALUES (:id, 0, :place)")


def decision_row(found: Outcome | Decision, position: int) -> dict[str, Any]:
    outcome = found if isinstance(found, Outcome) else None
    decision = found.decision if isinstance(found, Outcome) else found
    namespace, route, task = decision.cell.stored
    return {
        "position": position,
        "id": decision.id,
        "number": decision.number,
        "at": decision.at,
        "finished_at": outcome and outcome.finished_at,
        "namespace": namespace,
        "route": route,
        "task": task,
        "key_id": decision.key_id,
        "response_id": outcome and outcome.response_id,
        "deployment": decision.deployment,
        "propensity": decision.propensity,
        "table_version": decision.table_version,
        "served": outcome and outcome.served,
        "ok": outcome and outcome.ok,
        "attempts": len(outcome.results) if outcome else 0,
        "cost_pico_usd": pico_usd(outcome.cost_usd) if outcome and outcome.cost_usd else 0,
        "is_cost_unknown": outcome and outcome.cost_usd is None,
        "latency_s": outcome and outcome.finished_at - decision.at,
        "body": encode(found),
    }


def attempt_row(result: CallResult, position: int) -> dict[str, Any]:
    return {
        "position": position,
        "number": result.attempt.number,
        "deployment": result.attempt.deployment,
        "reason": result.attempt.reason.value,
        "kind": result.kind.value,
        "status": result.status,
        "latency_s": result.latency_s,
        "first_byte_s": result.first_byte_s,
        "cost_pico_usd": None if result.cost_usd is None else pico_usd(result.cost_usd),
    }


def weights_row(table: WeightTable, position: int) -> dict[str, Any]:
    namespace, route, task = table.cell.stored
    return {
        "position": position,
        "version": table.version,
        "at": table.at,
        "namespace": namespace,
        "route": route,
        "task": task,
        "body": encode(table),
    }


def keep_old(engine: Engine, entries: Iterable[Outcome | Decision | WeightTable]) -> None:
    """Write them in the form of before."""
    place = first = last_position(engine)
    with engine.begin() as store:
        for place, entry in enumerate(entries, first + 1):
            if isinstance(entry, WeightTable):
                store.execute(insert(WeightsRow), weights_row(entry, place))
                continue
            store.execute(insert(DecisionRow), decision_row(entry, place))
            for result in entry.results if isinstance(entry, Outcome) else ():
                store.execute(insert(AttemptRow), attempt_row(result, place))
        store.execute(WRITER, {"id": f"old{place}", "place": place})
