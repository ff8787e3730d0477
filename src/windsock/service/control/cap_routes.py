"""Caps over HTTP: what is spent of them, and more money for a while."""

from collections.abc import Callable
from decimal import Decimal
from typing import Annotated

from fastapi import APIRouter, Body, Depends
from pydantic import Field

from windsock.core.model.requests import DEFAULT_NAMESPACE
from windsock.core.model.units import to_float
from windsock.core.routing.caps.account import Account, Raise
from windsock.core.routing.caps.book import Dollars
from windsock.errors import BadRequest, CallerError
from windsock.resources.declared import seconds
from windsock.service.auth import Principal
from windsock.service.control.access_check import Insight
from windsock.service.control.schemas.base import Answer

MOST_RAISE_S = 31 * 86_400.0

RaiseForNow = Callable[[Raise], None]


class CapView(Answer):
    """One sum of a cap, in dollars and unix s.

    cap, of             its name; whose sum it is, where each key, route, provider or model has one
    usd                 with what it is raised by for now: `raised_usd`
    reserved_usd        by calls under way
    spent_at            when all is spent at the pace of the period; null: not within it
    begins_at, ends_at  of the running period; null: it is for good
    """

    cap: str
    of: str | None
    each: str | None
    period: str
    timezone: str
    usd: float
    raised_usd: float
    spent_usd: float
    reserved_usd: float
    refused: int
    spent_at: float | None
    begins_at: float | None
    ends_at: float | None


class CapsAnswer(Answer):
    """In the order of the configuration, then the budgets of keys."""

    data: list[CapView]


class RaiseBody(Answer):
    """usd: more; lasts: seconds, or 30m, 2h, 1d; of: one key, route, provider or model only."""

    usd: Annotated[Decimal, Field(gt=0, allow_inf_nan=False, max_digits=18)]
    lasts: str | float = "1h"
    of: str | None = None


class NoSuchCap(CallerError):
    """No cap has this name."""


def cap_routes(insight: Insight, raise_for_now: RaiseForNow) -> APIRouter:
    """GET /v1/caps, POST /v1/caps/{name}/raise.

    What is shared is the business of the default namespace, the rest that of its key's.
    """
    caps, clock = insight.router.caps, insight.clock

    def seen(caller: Principal, now: float) -> list[Account]:
        everything, mine = caps.all_accounts(now), caller.namespace
        return [a for a in everything if mine in (DEFAULT_NAMESPACE, a.namespace)]

    routes = insight.commands("inspect")
    Caller = Annotated[Principal, Depends(insight.allowed("read"))]  # noqa: N806
    Admin = Annotated[Principal, Depends(insight.allowed("admin"))]  # noqa: N806

    def owns(caller: Principal, name: str, now: float) -> bool:
        known = [each for each in caps.all_accounts(now) if each.cap.name == name]
        return {each.namespace for each in known} == {caller.namespace}

    @routes.get("/v1/caps", summary="What is spent, reserved and left of every cap")
    async def listed(caller: Caller) -> CapsAnswer:
        now = clock.now()
        return CapsAnswer(
            data=[cap_view(each, caps.whole(each, now), now) for each in seen(caller, now)]
        )

    @routes.post("/v1/caps/{name:path}/raise", summary="Give a cap more for a while")
    async def more(caller: Admin, name: str, body: Annotated[RaiseBody, Body()]) -> CapsAnswer:
        now = clock.now()
        is_owner = caller.namespace == DEFAULT_NAMESPACE
        if caps.cap(name) is None or not (is_owner or owns(caller, name, now)):
            raise NoSuchCap(f"no cap is named {name!r}; GET /v1/caps lists all")
        until = now + _lasts_s(body.lasts)
        raise_for_now(Raise(cap=name, usd=body.usd, until=until, of=body.of))
        accounts = (each for each in seen(caller, now) if each.cap.name == name)
        return CapsAnswer(data=[cap_view(each, caps.whole(each, now), now) for each in accounts])

    return routes


def cap_view(account: Account, dollars: Dollars, now: float) -> CapView:
    """An account as it stands; dollars: by all processes at the port."""
    cap, is_for_good = account.cap, account.ends_at == float("inf")
    limit, spent, held = dollars
    return CapView(
        cap=cap.name,
        of=account.of if cap.each else None,
        each=cap.each or None,
        period=cap.period.value,
        timezone=cap.timezone,
        usd=to_float(limit),
        raised_usd=to_float(account.raised_usd(now)),
        spent_usd=to_float(spent),
        reserved_usd=to_float(held),
        refused=account.refused,
        spent_at=account.spent_at(now),
        begins_at=None if is_for_good else account.begins_at,
        ends_at=None if is_for_good else account.ends_at,
    )


def _lasts_s(text: str | float) -> float:
    try:
        lasts_s = seconds(text)
    except ValueError as error:
        raise BadRequest(f"lasts: {error}", param="lasts") from None
    if not 0 < lasts_s <= MOST_RAISE_S:
        raise BadRequest("lasts must be above 0 and at most 31d", param="lasts")
    return lasts_s
