"""The decision alone, for callers who make the call themselves."""

from __future__ import annotations

from typing import Any

from windsock.core.routing.exchange import Exchange


def decision_view(exchange: Exchange) -> dict[str, Any]:
    """What POST /v1/route answers."""
    decision, table = exchange.decision, exchange.table
    return {
        "decision_id": decision.id,
        "deployment": decision.deployment,
        "propensity": decision.propensity,
        "weights": dict(zip(table.deployments, table.weights, strict=True)),
        "candidates": [
            {
                "deployment": arm.deployment,
                "success_mean": arm.success_mean,
                "expected_usd": arm.expected_usd,
            }
            for arm in table.arms
        ],
        "ruled_out": table.reasons,
        "note": table.note,
    }
