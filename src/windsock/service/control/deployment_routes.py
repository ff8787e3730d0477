"""Models and deployments over HTTP."""

from __future__ import annotations

from typing import Any

from windsock.core.model.units import Meter
from windsock.core.routing.router import Router
from windsock.service.control.schemas.admin import DeploymentView
from windsock.service.control.schemas.prices import usd_per_unit


def model_view(router: Router, name: str, now: float) -> dict[str, Any]:
    """OpenAI's minimum and OpenRouter's `pricing`, for a route or a deployment."""
    deployment = router.catalog.deployments.get(name)
    model: dict[str, Any] = {"id": name, "object": "model", "created": 0, "owned_by": "windsock"}
    if deployment is None:
        candidates = router.routes[name].candidates
        return {**model, "name": f"route {name}", "candidates": list(candidates)}
    has = deployment.capabilities
    prices = router.book.prices(name, now) or {}
    return {
        **model,
        "owned_by": deployment.provider,
        "name": deployment.model,
        "context_length": has.context_tokens,
        "architecture": {
            "input_modalities": [
                "text",
                *["image"] * bool(has.vision),
                *["audio"] * bool(has.audio),
            ],
            "output_modalities": ["text"],
        },
        "pricing": {
            "prompt": usd_per_unit(prices.get(Meter.INPUT)),
            "completion": usd_per_unit(prices.get(Meter.OUTPUT)),
            "input_cache_read": usd_per_unit(prices.get(Meter.CACHE_READ)),
            "request": usd_per_unit(prices.get(Meter.REQUEST)),
        },
    }


def deployment_view(router: Router, name: str, now: float) -> DeploymentView:
    deployment = router.catalog.deployments[name]
    health = router.health
    latency = health.latency(name, now)
    report = health.report_of(name, deployment.provider, now)
    successes, failures = health.tallies(name)
    calls = successes + failures
    until = health.cooldown_until(name)
    has = deployment.capabilities
    return DeploymentView(
        deployment=name,
        provider=deployment.provider,
        model=deployment.model,
        state=health.state_of(name, deployment.provider, now),
        why_out=health.why_out(name, deployment.provider, now),
        cooldown_until=until if until > now else None,
        reported=report.state.value if report else "unknown",
        p50_first_byte_ms=_ms(latency.p50_s),
        p95_first_byte_ms=_ms(latency.p95_s),
        latency_samples=latency.samples,
        successes=successes,
        failures=failures,
        uptime=successes / calls if calls else None,
        capabilities={
            "vision": has.vision,
            "audio": has.audio,
            "tools": has.tools,
            "json_schema": has.json_schema,
            "context_tokens": has.context_tokens,
            "max_output_tokens": has.max_output_tokens,
        },
    )


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 3)
