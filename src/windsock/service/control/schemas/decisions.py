"""Facts of a decision as inspection shows them."""

from __future__ import annotations

from typing import Any

from windsock.core.model.calls import Outcome
from windsock.core.model.decisions import Decision


def decision_facts(found: Outcome | Decision) -> dict[str, Any]:
    """A decision as it is exported: everything anyone's off-policy evaluation needs."""
    decision = found.decision if isinstance(found, Outcome) else found
    facts: dict[str, Any] = {
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
    }
    if isinstance(found, Outcome):
        facts |= {
            "served": found.served,
            "ok": found.ok,
            "cost_usd": None if found.cost_usd is None else float(found.cost_usd),
            "finished_at": found.finished_at,
            "attempts": [
                {
                    "deployment": result.attempt.deployment,
                    "reason": result.attempt.reason.value,
                    "kind": result.kind.value,
                    "status": result.status,
                    "latency_s": result.latency_s,
                }
                for result in found.results
            ],
        }
    return facts
