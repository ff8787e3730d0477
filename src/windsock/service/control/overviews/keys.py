"""Keys and their budgets: what each may do, and what is left of it. Never a key itself."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import Field

from windsock.core.model.requests import DEFAULT_NAMESPACE
from windsock.core.model.units import to_float
from windsock.core.routing.caps.account import Account
from windsock.service.auth import Principal
from windsock.service.control.access_check import Insight
from windsock.service.control.cap_routes import CapView, cap_view
from windsock.service.control.schemas.base import Answer
from windsock.store.keys import VirtualKey

DAY_S = 86_400.0

Keys = Callable[[], list[VirtualKey]]
"""All that the store holds; it blocks, and raises StoreError."""


class BudgetView(CapView):
    """A key's own budget in its running period."""

    left_usd: float = Field(description="of the limit, calls under way taken off; 0 at least")
    usd_per_day: float | None = Field(
        description="the mean pace of this period; null before an hour of it, or for good"
    )


class KeyView(Answer):
    """One virtual key, by its public id. Times are unix s."""

    id: str
    name: str
    namespace: str
    state: str = Field(description="active, expired or revoked")
    scopes: list[str]
    models: list[str] = Field(description="what it may ask for, or globs of such; empty: all")
    rpm: int | None
    tpm: int | None
    is_private: bool = Field(description="texts of its requests are held nowhere")
    created_at: float
    expires_at: float | None
    revoked_at: float | None
    continues: str | None = Field(description="the key whose place it took")
    budget: BudgetView | None = Field(description="null: it has none of its own")


class KeysAnswer(Answer):
    """Those of the caller's namespace, all for the default one; active first, then the newest."""

    data: list[KeyView]


def key_routes(insight: Insight, keys: Keys) -> APIRouter:
    """GET /v1/keys."""
    routes = APIRouter(tags=["inspect"])
    Caller = Annotated[Principal, Depends(insight.allowed("read"))]  # noqa: N806

    @routes.get("/v1/keys", summary="What each key may do, what is spent and left")
    async def listed(caller: Caller) -> KeysAnswer:
        known = await asyncio.to_thread(keys)
        now = insight.clock.now()
        accounts = {each.cap.name: each for each in insight.router.caps.all_accounts(now)}
        mine = [key for key in known if caller.namespace in (DEFAULT_NAMESPACE, key.namespace)]
        mine.sort(key=lambda key: (key.state(now) != "active", -key.created_at))
        return KeysAnswer(data=[key_view(key, accounts, now) for key in mine])

    return routes


def key_view(key: VirtualKey, accounts: Mapping[str, Account], now: float) -> KeyView:
    """A key as it stands; `accounts` by the name of their cap."""
    account = accounts.get(f"keys.{key.continues or key.id}")
    return KeyView(
        id=key.id,
        name=key.name,
        namespace=key.namespace,
        state=key.state(now),
        scopes=list(key.scopes),
        models=list(key.models),
        rpm=key.rpm,
        tpm=key.tpm,
        is_private=key.is_private,
        created_at=key.created_at,
        expires_at=key.expires_at,
        revoked_at=key.revoked_at,
        continues=key.continues,
        budget=budget_view(account, now) if account else None,
    )


def budget_view(account: Account, now: float) -> BudgetView:
    """What is spent and left of a budget, and how fast it goes."""
    limit, spent, held = account.limit_usd(now), account.spent_usd, account.held_usd
    view = cap_view(account, (limit, spent, held), now)
    return BudgetView(
        **view.model_dump(),
        left_usd=max(0.0, to_float(limit - spent - held)),
        usd_per_day=_usd_per_day(view, now),
    )


def _usd_per_day(view: CapView, now: float) -> float | None:
    if view.begins_at is None or now - view.begins_at < DAY_S / 24:
        return None
    return view.spent_usd * DAY_S / (now - view.begins_at)
