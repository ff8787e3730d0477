"""Deployments over HTTP."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends

from windsock.core.evidence.doubts import Doubts
from windsock.core.model.catalog import Deployment
from windsock.core.routing.router import Router
from windsock.service.auth import Principal
from windsock.service.control.access_check import Insight
from windsock.service.control.schemas.admin import DeploymentsAnswer, DeploymentView

SHOWN_CAPABILITIES = (
    "vision",
    "audio",
    "tools",
    "json_schema",
    "context_tokens",
    "max_output_tokens",
)


def deployment_routes(insight: Insight) -> APIRouter:
    """GET /v1/deployments."""
    router, clock = insight.router, insight.clock
    routes = APIRouter(tags=["inspect"])
    Caller = Annotated[Principal, Depends(insight.allowed("read"))]  # noqa: N806

    @routes.get("/v1/deployments", summary="Health, cooldowns and latency")
    async def deployments(caller: Caller) -> DeploymentsAnswer:
        now = clock.now()
        return DeploymentsAnswer(
            data=[deployment_view(router, name, now) for name in router.catalog.deployments]
        )

    return routes


def deployment_view(router: Router, name: str, now: float) -> DeploymentView:
    """Health of a deployment of the catalog at `now` (unix s)."""
    deployment = router.catalog.deployments[name]
    health, provider = router.health, deployment.provider
    latency = health.latency(name, now)
    report = health.report_of(name, provider, now)
    until, rise = health.cooldown_until(name), health.errors.rise_at(name)
    return DeploymentView(
        deployment=name,
        provider=provider,
        model=deployment.model,
        state=health.state_of(name, provider, now),
        why_out=router.availability.why_out(name, now),
        cooldown_until=until if until > now else None,
        errors=None if rise is None else str(rise),
        reported=report.state.value if report else "unknown",
        p50_first_byte_ms=_ms(latency.p50_s),
        p95_first_byte_ms=_ms(latency.p95_s),
        latency_samples=latency.samples,
        capabilities=_capabilities(deployment),
        unsupported=router.catalog.unsupported.heard(name, now),
        **_uptime(*health.tallies(name)),
        **_doubts(router.doubts_of(name)),
    )


def _doubts(doubts: Doubts) -> dict[str, Any]:
    return {
        "usage_doubted": doubts.usages,
        "usage_doubt": doubts.usage_doubt or None,
        "bills_doubted": doubts.bills,
        "bill_factor": doubts.bill_factor,
    }


def _uptime(successes: int, failures: int) -> dict[str, Any]:
    calls = successes + failures
    uptime = successes / calls if calls else None
    return {"successes": successes, "failures": failures, "uptime": uptime}


def _capabilities(deployment: Deployment) -> dict[str, Any]:
    has = deployment.capabilities
    return {name: getattr(has, name) for name in SHOWN_CAPABILITIES}


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 3)
