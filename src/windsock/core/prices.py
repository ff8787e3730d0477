"""The price book: the price in force of every deployment, now and at any past moment."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from windsock.core.guard import GuardRules, Held, agrees, fault, suspicion
from windsock.core.quotes import Quote, Vanished, Window
from windsock.core.records import Shift
from windsock.core.units import Counts, Prices, Usage, cost_usd


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceStatus:
    """How a deployment's price stands.

    reason          why there is none, if there is none
    age_s           since a feed last confirmed it
    uncertainty     relative, grows with age
    """

    quote: Quote | None
    reason: str | None
    age_s: float | None
    is_stale: bool
    uncertainty: float
    held: tuple[Held, ...]


@dataclass(slots=True)
class _Page:
    accepted: list[Quote] = field(default_factory=list)
    confirmed_at: float = -math.inf
    said: dict[str, Quote] = field(default_factory=dict)
    held: dict[str, Held] = field(default_factory=dict)
    refused: dict[str, Quote] = field(default_factory=dict)
    vanished: dict[str, float] = field(default_factory=dict)


class PriceBook:
    """Believes or holds quotes; `version` grows on every change that can move a weight."""

    def __init__(self, *, rules: GuardRules | None = None) -> None:
        self.rules = rules or GuardRules()
        self.version = 0
        self._pages: dict[str, _Page] = {}

    def absorb(self, tick: Quote | Vanished, now: float) -> list[Shift]:
        """Take in one statement; equal prices only refresh the age."""
        page = self._pages.setdefault(tick.deployment, _Page())
        if isinstance(tick, Vanished):
            page.vanished[tick.feed] = now
            return []
        page.vanished.pop(tick.feed, None)
        last = page.accepted[-1] if page.accepted else None
        if last is not None and tick.same_price(last):
            page.said[tick.feed] = tick
            page.held.pop(tick.feed, None)
            page.confirmed_at = max(page.confirmed_at, tick.seen_at)
            return []
        reason = fault(tick, self.rules)
        if reason is not None:
            return self._hold(page, tick, reason, now, is_final=True)
        if tick.is_indirect:
            return []
        if last is not None and not self._is_news(page, tick, last, now):
            page.said[tick.feed] = tick
            return []
        doubt = suspicion(tick, last, self.rules)
        if doubt is None or self._was_recent(page, tick, now) or self._is_seconded(page, tick):
            return self._accept(page, tick, now, "price.shifted")
        return self._hold(page, tick, doubt, now, is_final=False)

    def in_force(self, deployment: str, at: float) -> Quote | None:
        """The accepted quote that bills a request at `at`."""
        page = self._pages.get(deployment)
        if page is None:
            return None
        return self._in_force(page, at)

    def _in_force(self, page: _Page, at: float) -> Quote | None:
        accepted = page.accepted
        if len(accepted) == 1 or (accepted and accepted[-1].seen_at <= at):
            index = len(accepted)
        else:
            index = bisect_right(accepted, at, key=lambda quote: quote.seen_at)
        for quote in reversed(accepted[:index] if index < len(accepted) else accepted):
            if (quote.valid_from or -math.inf) <= at < (quote.valid_until or math.inf):
                return quote
        return None

    def prices(
        self,
        deployment: str,
        at: float,
        *,
        prompt_tokens: int = 0,
        service_tier: str | None = None,
    ) -> Prices | None:
        """Flat prices by meter for one request at this hour and of this size."""
        quote = self.in_force(deployment, at)
        if quote is None:
            return None
        if not (quote.tiers or quote.windows or service_tier):
            return quote.usd_per_mtok
        flat = dict(quote.usd_per_mtok)
        flat.update(quote.service_tiers.get(service_tier or "", {}))
        for tier in sorted(quote.tiers, key=lambda tier: tier.min_prompt_tokens):
            bound = tier.min_prompt_tokens + tier.is_strict
            if prompt_tokens >= bound:
                flat.update(tier.usd_per_mtok)
        for window in quote.windows:
            if is_open(window, at):
                flat.update(window.usd_per_mtok)
        return flat

    def cost_usd(
        self, deployment: str, usage: Usage, at: float, *, service_tier: str | None = None
    ) -> Decimal | None:
        """Dollars for a counted use, or None without a price."""
        prices = self.prices(
            deployment, at, prompt_tokens=usage.prompt_tokens, service_tier=service_tier
        )
        return None if prices is None else cost_usd(usage.counts(), prices)

    def effective_usd(
        self, deployment: str, mix: Counts, at: float, *, prompt_tokens: int = 0
    ) -> Decimal | None:
        """Expected dollars of one request that uses its meters like `mix`."""
        prices = self.prices(deployment, at, prompt_tokens=prompt_tokens)
        if prices is None:
            return None
        try:
            return cost_usd(mix, prices)
        except KeyError:
            return None

    def status(self, deployment: str, now: float) -> PriceStatus:
        page = self._pages.get(deployment)
        if page is None:
            return PriceStatus(
                quote=None,
                reason="no feed quotes a price",
                age_s=None,
                is_stale=False,
                uncertainty=1.0,
                held=(),
            )
        quote = self._in_force(page, now)
        held = tuple(page.held.values())
        age_s = None if quote is None else max(0.0, now - page.confirmed_at)
        return PriceStatus(
            quote=quote,
            reason=None if quote else self._why_unpriced(page, now),
            age_s=age_s,
            is_stale=age_s is not None and age_s > self.rules.stale_s,
            uncertainty=1.0 if age_s is None else min(1.0, age_s / self.rules.stale_s * 0.02),
            held=held,
        )

    def next_change_at(self, deployments: Iterable[str], after: float) -> float:
        """The next moment at which a price changes by the clock alone; inf if never."""
        moments = [math.inf]
        for name in deployments:
            page = self._pages.get(name)
            for quote in page.accepted[-2:] if page else ():
                bounds = [t for t in (quote.valid_from, quote.valid_until) if t is not None]
                moments += [t for t in bounds if t > after]
                moments += [next_boundary(window, after) for window in quote.windows]
        return min(moments)

    def history(self, deployment: str, since: float, until: float) -> list[Quote]:
        page = self._pages.get(deployment, _Page())
        return [quote for quote in page.accepted if since <= quote.seen_at < until]

    def held(self) -> list[Held]:
        return [held for page in self._pages.values() for held in page.held.values()]

    def approve(self, deployment: str, feed: str, now: float) -> list[Shift]:
        """A person believes a held quote; raises KeyError if none is held."""
        page = self._pages[deployment]
        quote = page.held[feed].quote
        return self._accept(
            page, replace(quote, zero_reason=quote.zero_reason or "approved"), now, "price.released"
        )

    def reject(self, deployment: str, feed: str, now: float) -> list[Shift]:
        """A person drops a held quote; equal ones stay dropped; raises KeyError if none is held."""
        page = self._pages[deployment]
        page.refused[feed] = page.held.pop(feed).quote
        return []

    def confirm_bill(
        self, deployment: str, usage: Usage, billed_usd: Decimal, at: float, now: float
    ) -> list[Shift]:
        """A bill that matches a held quote releases it."""
        page = self._pages.get(deployment)
        for held in list(page.held.values()) if page else ():
            if held.is_final or page is None:
                continue
            expected = cost_usd(usage.counts(), held.quote.usd_per_mtok)
            if expected and abs(billed_usd / expected - 1) < Decimal("0.02"):
                return self._accept(page, held.quote, now, "price.released")
        return []

    def restore(self, accepted: Iterable[Quote], held: Iterable[Held] = ()) -> None:
        """Take over what a store kept, oldest first, without judging it anew."""
        for quote in accepted:
            page = self._pages.setdefault(quote.deployment, _Page())
            page.accepted.append(quote)
            page.said[quote.feed] = quote
            page.confirmed_at = max(page.confirmed_at, quote.seen_at)
        for each in held:
            page = self._pages.setdefault(each.quote.deployment, _Page())
            page.held[each.quote.feed] = each
        self.version += 1

    def _accept(self, page: _Page, quote: Quote, now: float, kind: str) -> list[Shift]:
        last = page.accepted[-1] if page.accepted else None
        page.accepted.append(quote)
        page.said[quote.feed] = quote
        page.held.pop(quote.feed, None)
        page.confirmed_at = max(page.confirmed_at, quote.seen_at)
        self.version += 1
        facts: dict[str, object] = {
            "feed": quote.feed,
            "usd_per_mtok": dict(quote.usd_per_mtok),
            "before": dict(last.usd_per_mtok) if last else None,
        }
        return [Shift(kind=kind, deployment=quote.deployment, at=now, facts=facts)]

    def _hold(
        self, page: _Page, quote: Quote, reason: str, now: float, *, is_final: bool
    ) -> list[Shift]:
        refused = page.refused.get(quote.feed)
        if refused is not None and refused.same_price(quote):
            return []
        held = page.held.get(quote.feed)
        if held is not None and held.quote.same_price(quote):
            polls = held.polls + 1
            if not is_final and polls >= self.rules.confirm_polls:
                return self._accept(page, quote, now, "price.released")
            page.held[quote.feed] = replace(held, polls=polls)
            return []
        page.held[quote.feed] = Held(quote=quote, reason=reason, since=now, is_final=is_final)
        facts: dict[str, object] = {
            "feed": quote.feed,
            "reason": reason,
            "usd_per_mtok": dict(quote.usd_per_mtok),
        }
        return [Shift(kind="price.held", deployment=quote.deployment, at=now, facts=facts)]

    def _is_news(self, page: _Page, quote: Quote, last: Quote, now: float) -> bool:
        """A feed's word counts when it changes its mind, or is trusted more than who spoke last."""
        said = page.said.get(quote.feed)
        if said is not None:
            return not said.same_price(quote) or quote.feed == last.feed
        return quote.trust > last.trust or now - page.confirmed_at > self.rules.stale_s

    def _was_recent(self, page: _Page, quote: Quote, now: float) -> bool:
        for past in reversed(page.accepted):
            if now - past.seen_at > self.rules.recent_s and past is not page.accepted[-1]:
                return past.same_price(quote) and self._ended_recently(page, past, now)
            if past.same_price(quote):
                return True
        return False

    def _ended_recently(self, page: _Page, past: Quote, now: float) -> bool:
        index = page.accepted.index(past)
        ended_at = page.accepted[index + 1].seen_at
        return now - ended_at <= self.rules.recent_s

    def _is_seconded(self, page: _Page, quote: Quote) -> bool:
        others = [*page.said.values(), *(held.quote for held in page.held.values())]
        return any(
            other.feed != quote.feed and agrees(other, quote, self.rules)
            for other in others
            if fault(other, self.rules) is None
        )

    def _why_unpriced(self, page: _Page, now: float) -> str:
        if page.held:
            held = next(iter(page.held.values()))
            return f"price held: {held.quote.feed} {held.reason}"
        if page.accepted:
            return "price is not in force yet, or no longer"
        return "no feed quotes a price"

    def to_state(self) -> dict[str, Any]:
        raise NotImplementedError

    def from_state(self, state: Mapping[str, Any]) -> None:
        raise NotImplementedError


def is_open(window: Window, at: float) -> bool:
    """True if the recurring window holds at this moment; it opens on its days, in its timezone."""
    local = datetime.fromtimestamp(at, UTC).astimezone(ZoneInfo(window.timezone))
    minute = local.hour * 60 + local.minute
    start, end = window.start_minute, window.end_minute
    today = local.isoweekday()
    if start < end:
        return today in window.days and start <= minute < end
    yesterday = (today - 2) % 7 + 1
    return (today in window.days and minute >= start) or (yesterday in window.days and minute < end)


def next_boundary(window: Window, after: float) -> float:
    """The next minute at which the window may open or close."""
    local = datetime.fromtimestamp(after, UTC).astimezone(ZoneInfo(window.timezone))
    now_s = local.hour * 3600 + local.minute * 60 + local.second + local.microsecond / 1e6
    waits = []
    for minute in (window.start_minute, window.end_minute % 1440, 0):
        wait = minute * 60 - now_s
        waits.append(wait if wait > 0 else wait + 86400)
    return after + min(waits)
