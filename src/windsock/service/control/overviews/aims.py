"""What is in force: every route's objective and limits, and every setting, secrets masked."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import Field

from windsock.core.policies.objectives import Objective
from windsock.core.policies.protocol import Policy
from windsock.core.routing.routes import Route
from windsock.service.auth import Principal
from windsock.service.control.access_check import Insight
from windsock.service.control.schemas.base import Answer


class BudgetInForce(Answer):
    """What a budget allows just now."""

    usd_per_request: float = Field(description="that one request may cost now")
    left_usd: float | None = Field(description="of the day; null where it is not by the day")
    is_spent: bool


class RouteInForce(Answer):
    """One route as it is asked for."""

    route: str
    aliases: list[str]
    candidates: list[str]
    fallbacks: list[str]
    policy: str
    objective: str | None = Field(description="null: the policy aims at nothing")
    quality: str | None
    quality_floor: float | None
    route_quality_floor: float | None
    usd_per_success: float | None
    usd_per_day: float | None
    usd_per_request: float | None
    incumbent: str | None
    explore: float | None
    max_share_change_per_min: float | None
    budget: BudgetInForce | None
    max_latency_s: float | None
    max_attempts: int
    escalate_below: float | None
    has_checks: bool


class RoutesAnswer(Answer):
    """In the order of the configuration."""

    data: list[RouteInForce]


class SettingView(Answer):
    """One setting. A secret's value is masked, and is null where there is none."""

    key: str
    value: Any
    is_stated: bool = Field(description="written down, not the default")


class SettingsAnswer(Answer):
    """All of windsock.toml as it is in force."""

    data: list[SettingView]


Shown = Callable[[], Sequence[tuple[str, Any, bool]]]
"""(key, value, whether it was written down) of every setting."""

AIMS = (
    "quality",
    "quality_floor",
    "route_quality_floor",
    "usd_per_success",
    "usd_per_day",
    "usd_per_request",
    "incumbent",
    "explore",
    "max_share_change_per_min",
)


def aim_routes(insight: Insight, settings: Shown) -> APIRouter:
    """GET /v1/routes, /v1/config."""
    routes = APIRouter(tags=["inspect"])
    Caller = Annotated[Principal, Depends(insight.allowed("read"))]  # noqa: N806
    Admin = Annotated[Principal, Depends(insight.allowed("admin"))]  # noqa: N806

    @routes.get("/v1/routes", summary="What every route aims at")
    async def in_force(_: Caller) -> RoutesAnswer:
        now = insight.clock.now()
        return RoutesAnswer(data=[route_view(r, now) for r in insight.router.routes.values()])

    @routes.get("/v1/config", summary="Every setting, secrets masked")
    async def config(_: Admin) -> SettingsAnswer:
        rows = (dict(zip(("key", "value", "is_stated"), row, strict=True)) for row in settings())
        return SettingsAnswer(data=[SettingView(**row) for row in rows])

    return routes


def route_view(route: Route, now: float) -> RouteInForce:
    """A route as it stands at `now` (unix s)."""
    return RouteInForce(
        route=route.name,
        aliases=list(route.aliases),
        candidates=list(route.candidates),
        fallbacks=list(route.fallbacks),
        policy=route.policy.name,
        budget=_budget(route.policy, now),
        max_latency_s=route.max_latency_s,
        max_attempts=route.max_attempts,
        escalate_below=route.cascade.escalate_below if route.cascade else None,
        has_checks=route.checks is not None,
        **_aims(route.policy.aims),
    )


def _aims(objective: Objective | None) -> dict[str, Any]:
    if objective is None:
        return dict.fromkeys(("objective", *AIMS))
    return {"objective": objective.kind, **{name: getattr(objective, name) for name in AIMS}}


def _budget(policy: Policy, now: float) -> BudgetInForce | None:
    if policy.pacer is None:
        return None
    allowed = policy.pacer.allowance(now)
    return BudgetInForce(
        usd_per_request=allowed.usd,
        left_usd=None if allowed.left_usd == float("inf") else allowed.left_usd,
        is_spent=allowed.is_spent,
    )
