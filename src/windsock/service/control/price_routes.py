"""Prices, their history and the quarantine over HTTP."""

from __future__ import annotations

from windsock.core.pricing.validation import Held
from windsock.core.routing.router import Router
from windsock.service.control.schemas.prices import HeldView, PriceView, numbers


def price_view(router: Router, name: str, now: float) -> PriceView:
    status = router.book.status(name, now)
    quote = status.quote
    if quote is None:
        return PriceView(deployment=name, is_priced=False, reason=status.reason)
    return PriceView(
        deployment=name,
        is_priced=True,
        reason=None,
        feed=quote.feed,
        feed_model=quote.feed_model,
        quoted_at=quote.quoted_at,
        seen_at=quote.seen_at,
        age_s=status.age_s,
        is_stale=status.is_stale,
        uncertainty=status.uncertainty,
        usd_per_mtok=numbers(router.book.prices(name, now) or {}),
        has_tiers=bool(quote.tiers),
        has_windows=bool(quote.windows),
    )


def held_view(held: Held) -> HeldView:
    return HeldView(
        deployment=held.quote.deployment,
        feed=held.quote.feed,
        reason=held.reason,
        since=held.since,
        polls=held.polls,
        usd_per_mtok=numbers(held.quote.usd_per_mtok),
    )
