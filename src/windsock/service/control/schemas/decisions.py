"""Facts of a decision as inspection shows them."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from windsock.core.model.calls import CallResult, Outcome
from windsock.core.model.decisions import Decision
from windsock.service.control.schemas.base import number


def decision_facts(found: Outcome | Decision) -> dict[str, Any]:
    """A decision as it is exported: everything anyone's off-policy evaluation needs."""
    if isinstance(found, Outcome):
        return {**_decided(found.decision), **_finished(found)}
    return _decided(found)


def _decided(decision: Decision) -> dict[str, Any]:
    return {
        "decision_id": decision.id,
        "number": decision.number,
        "at": decision.at,
        "route": decision.cell.route,
        "task": decision.cell.name,
        "is_task_guessed": decision.is_task_guessed,
        "requested_model": decision.requested_model,
        "deployment": decision.deployment,
        "propensity": decision.propensity,
        "escalates_to": decision.escalates_to,
        "table_version": decision.table_version,
        "prompt_tokens": decision.prompt_tokens,
        "conversation": asdict(decision.conversation) if decision.conversation else None,
    }


def _finished(outcome: Outcome) -> dict[str, Any]:
    return {
        "served": outcome.served,
        "ok": outcome.ok,
        "cost_usd": None if outcome.cost_usd is None else float(outcome.cost_usd),
        "finished_at": outcome.finished_at,
        "attempts": [_attempt(result) for result in outcome.results],
    }


def _attempt(result: CallResult) -> dict[str, Any]:
    return {
        "deployment": result.attempt.deployment,
        "reason": result.attempt.reason.value,
        "kind": result.kind.value,
        "status": result.status,
        "adapted": list(result.adapted),
        "latency_s": result.latency_s,
        "held_s": result.held_s,
        "service_tier": result.service_tier,
        "is_usage_estimated": result.is_usage_estimated,
        "usage_doubt": result.usage_doubt or None,
        "billed_usd": number(result.billed_usd),
        "counted_usd": number(result.counted_usd),
        "is_bill_doubted": result.is_bill_doubted,
        "agrees": result.agrees,
    }
