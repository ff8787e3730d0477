"""A deployment's price as JSON: what is in force, on whose word, and what others say."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from windsock.core.evidence.doubts import Doubts
from windsock.core.model.ticks import Quote, Window
from windsock.core.model.units import BILLED_AS, Meter, Prices
from windsock.core.pricing.consensus.standing import PriceStatus, Statement
from windsock.core.pricing.facets.contract import Adjustment, adjusted
from windsock.core.pricing.price_table import PriceLine, price_lines
from windsock.core.pricing.schedule import is_open, starts_at
from windsock.core.pricing.validation import Held
from windsock.core.routing.router import Router
from windsock.service.control.schemas.prices import (
    AdjustmentView,
    DoubtsView,
    HeldView,
    LineView,
    PriceView,
    ScheduledView,
    StatementView,
    TierView,
    WindowView,
    numbers,
)


def price_view(router: Router, name: str, now: float) -> PriceView:
    """The price of a deployment in force at `now` (unix s), or why it has none; every voice."""
    status, statements = router.book.status(name, now), router.book.statements(name, now)
    view = PriceView(
        deployment=name,
        is_priced=status.quote is not None,
        reason=status.reason,
        statements=[statement_view(each, now) for each in statements],
        held=[held_view(each) for each in status.held],
        scheduled=[
            _scheduled(each)
            for each in router.book.history(name, 0.0, math.inf)
            if starts_at(each) > now
        ],
        vanished_from=list(status.vanished),
        doubted=_doubted(router.doubts_of(name)),
    )
    if status.quote is None:
        return view
    contract = router.book.effective.contract(status.quote, router.book.rules)
    in_force = _in_force(status, status.quote, statements, contract, now)
    prices = router.book.prices(name, now) or {}
    stated = {"usd_per_mtok": numbers(prices), "billed_as": dict(_billed_as(prices))}
    return view.model_copy(update={**in_force, **stated})


def _scheduled(quote: Quote) -> ScheduledView:
    return ScheduledView(
        valid_from=starts_at(quote), feed=quote.feed, usd_per_mtok=numbers(quote.usd_per_mtok)
    )


def _billed_as(prices: Prices) -> Iterator[tuple[str, str]]:
    """Meters that a price does not state, and the one whose price they are billed at."""
    for meter in BILLED_AS:
        at: Meter | None = meter
        while at is not None and at not in prices:
            at = BILLED_AS.get(at)
        if at is not None and at is not meter:
            yield meter.value, at.value


def _in_force(
    status: PriceStatus,
    quote: Quote,
    statements: Sequence[Statement],
    contract: Sequence[Adjustment],
    now: float,
) -> dict[str, object]:
    lines = price_lines(quote, _speakers(quote, statements, contract), now)
    return {
        "feed": quote.feed,
        "feed_model": quote.feed_model,
        "mode": quote.mode,
        "quoted_at": quote.quoted_at,
        "seen_at": quote.seen_at,
        "age_s": status.age_s,
        "is_stale": status.is_stale,
        "uncertainty": status.uncertainty,
        "valid_until": quote.valid_until,
        "has_tiers": bool(quote.tiers),
        "has_windows": bool(quote.windows),
        "base_usd_per_mtok": numbers(quote.usd_per_mtok),
        **_terms(quote, now),
        "lines": [_line_view(line) for line in lines],
        "adjustments": [_adjustment(each) for each in contract],
        "dearer_by": status.dearer_by,
        "measured_by": status.measured_by or None,
        "is_bounded": status.is_bounded,
        "is_disputed": bool(status.disputed_by),
        "disputed_by": list(status.disputed_by),
        **_provisional(status, quote),
    }


def _terms(quote: Quote, now: float) -> dict[str, Any]:
    """All conditions under which other prices hold than the base ones."""
    return {
        "tiers": [
            TierView(
                min_prompt_tokens=tier.min_prompt_tokens,
                is_strict=tier.is_strict,
                service_tier=tier.service_tier,
                usd_per_mtok=numbers(tier.usd_per_mtok),
            )
            for tier in quote.tiers
        ],
        "windows": [_window_view(window, now) for window in quote.windows],
        "service_tiers": {name: numbers(each) for name, each in quote.service_tiers.items()},
    }


def _window_view(window: Window, now: float) -> WindowView:
    return WindowView(
        days=sorted(window.days),
        start=_clock(window.start_minute),
        end=_clock(window.end_minute),
        timezone=window.timezone,
        min_prompt_tokens=window.min_prompt_tokens,
        is_open=is_open(window, now),
        usd_per_mtok=numbers(window.usd_per_mtok),
    )


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def _line_view(line: PriceLine) -> LineView:
    return LineView(
        from_prompt_tokens=line.from_prompt_tokens,
        service_tier=line.service_tier,
        open_windows=list(line.open_windows),
        usd_per_mtok=numbers(line.usd_per_mtok),
        feed_by_meter={meter.value: feed for meter, feed in line.feed_by_meter.items()},
    )


def _speakers(
    quote: Quote, statements: Sequence[Statement], contract: Sequence[Adjustment]
) -> list[Quote]:
    """Feeds that say the price in force, as its contract bills them, its own feed first."""
    return [
        adjusted(each.quote, contract)
        for each in sorted(statements, key=lambda each: each.quote.feed != quote.feed)
        if each.agrees and not each.quote.is_indirect
    ]


def _adjustment(of: Adjustment) -> AdjustmentView:
    return AdjustmentView(reason=of.reason, share=float(of.share), source=of.source)


def _provisional(status: PriceStatus, quote: Quote) -> dict[str, object]:
    if not status.is_provisional:
        return {"is_provisional": False}
    why = f"no second list and no bill confirms what {quote.feed} says"
    until = status.provisional_until
    return {"is_provisional": True, "provisional_reason": why, "provisional_until": until}


def statement_view(statement: Statement, now: float) -> StatementView:
    """What a feed last said, with the windows that are open at `now` (unix s)."""
    quote = statement.quote
    return StatementView(
        feed=quote.feed,
        feed_model=quote.feed_model,
        usd_per_mtok=numbers(quote.usd_per_mtok),
        **_terms(quote, now),
        age_s=statement.age_s,
        quoted_at=quote.quoted_at,
        trust=quote.trust,
        agrees=statement.agrees,
        stands=statement.stands,
        is_provisional=statement.provisional_until is not None,
        provisional_until=statement.provisional_until,
    )


def _doubted(doubts: Doubts) -> DoubtsView:
    return DoubtsView(
        bills=doubts.bills,
        bill_factor=doubts.bill_factor,
        usages=doubts.usages,
        usage_doubt=doubts.usage_doubt or None,
    )


def held_view(held: Held) -> HeldView:
    """A quote that waits to be believed."""
    return HeldView(
        deployment=held.quote.deployment,
        feed=held.quote.feed,
        reason=held.reason,
        since=held.since,
        polls=held.polls,
        needs_polls=held.needs,
        valid_from=held.quote.valid_from,
        needs_until=held.until,
        usd_per_mtok=numbers(held.quote.usd_per_mtok),
    )
