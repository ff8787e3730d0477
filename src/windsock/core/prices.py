"""The price book: the price in force of every deployment, now and at any past moment."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from decimal import Decimal

from windsock.core.guard import (
    Doubt,
    GuardRules,
    Held,
    agrees,
    disagreement,
    fault,
    suspicion,
)
from windsock.core.quotes import Quote, Vanished
from windsock.core.records import Shift
from windsock.core.units import Counts, Prices, Usage, cost_usd
from windsock.core.windows import is_open, next_boundary


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
    forecasts: dict[str, Quote] = field(default_factory=dict)


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
            page.said.pop(tick.feed, None)
            return []
        last = page.accepted[-1] if page.accepted else None
        if last is not None and tick.same_price(last):
            return self._confirm(page, tick)
        reason = fault(tick, self.rules)
        if reason is not None:
            return self._hold(page, tick, Doubt(reason=reason), now, is_final=True)
        if tick.valid_from is not None and tick.valid_from > now:
            page.forecasts[tick.feed] = tick
            return []
        if tick.is_indirect:
            return self._corroborate(page, tick, now)
        if last is not None and not self._is_news(page, tick, last, now):
            page.said[tick.feed] = tick
            return []
        doubt = self._doubt(page, tick, last, now)
        if doubt is None:
            return self._accept(page, tick, now, "price.shifted")
        return self._hold(page, tick, doubt, now, is_final=False)

    def _confirm(self, page: _Page, tick: Quote) -> list[Shift]:
        """A feed repeats the price in force."""
        page.said[tick.feed] = tick
        page.held.pop(tick.feed, None)
        page.confirmed_at = max(page.confirmed_at, tick.seen_at)
        return []

    def _corroborate(self, page: _Page, tick: Quote, now: float) -> list[Shift]:
        """An indirect statement sets no price; it may be the second word that a held one needs."""
        page.said[tick.feed] = tick
        for held in list(page.held.values()):
            if not held.is_final and agrees(held.quote, tick, self.rules):
                return self._accept(page, held.quote, now, "price.released")
        return []

    def _doubt(self, page: _Page, tick: Quote, last: Quote | None, now: float) -> Doubt | None:
        """Why to wait, unless this price was in force lately or another feed says the same."""
        others = [
            said
            for feed, said in page.said.items()
            if feed != tick.feed and now - said.seen_at <= self.rules.recent_s
        ]
        others += [
            held.quote
            for feed, held in page.held.items()
            if feed != tick.feed and not held.is_final
        ]
        if any(agrees(other, tick, self.rules) for other in others):
            return None
        if self._was_recent(page, tick, now):
            return None
        if last is None:
            return suspicion(tick, None, self.rules) or disagreement(tick, others, self.rules)
        return suspicion(tick, last, self.rules)

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
        self, page: _Page, quote: Quote, doubt: Doubt, now: float, *, is_final: bool
    ) -> list[Shift]:
        refused = page.refused.get(quote.feed)
        if refused is not None and refused.same_price(quote):
            return []
        held = page.held.get(quote.feed)
        if held is not None and held.quote.same_price(quote):
            polls = held.polls + 1
            may_release = not (is_final or doubt.needs_proof)
            if may_release and polls >= self.rules.confirm_polls:
                return self._accept(page, quote, now, "price.released")
            page.held[quote.feed] = replace(held, polls=polls)
            return []
        page.held[quote.feed] = Held(
            quote=quote,
            reason=doubt.reason,
            since=now,
            needs_proof=doubt.needs_proof,
            is_final=is_final,
        )
        facts: dict[str, object] = {
            "feed": quote.feed,
            "reason": doubt.reason,
            "usd_per_mtok": dict(quote.usd_per_mtok),
        }
        return [Shift(kind="price.held", deployment=quote.deployment, at=now, facts=facts)]

    def _is_news(self, page: _Page, quote: Quote, last: Quote, now: float) -> bool:
        """A feed's word counts when it changes its mind, or is trusted more than who spoke last.

        A feed that has said something else all along is no news; nor is a less trusted one that
        joins late, unless another joins it.
        """
        said = page.said.get(quote.feed)
        if said is not None and quote.feed != last.feed:
            return not said.same_price(quote)
        if said is not None or quote.feed == last.feed:
            return True
        is_stale = now - page.confirmed_at > self.rules.stale_s
        return quote.trust > last.trust or is_stale or self._is_joined(page, quote, last)

    def _is_joined(self, page: _Page, quote: Quote, last: Quote) -> bool:
        """True if another feed says the same, believed or not."""
        said = [each for feed, each in page.said.items() if feed not in (quote.feed, last.feed)]
        held = [each.quote for feed, each in page.held.items() if feed != quote.feed]
        return any(agrees(other, quote, self.rules) for other in (*said, *held))

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

    def _why_unpriced(self, page: _Page, now: float) -> str:
        if page.held:
            held = next(iter(page.held.values()))
            return f"price held: {held.quote.feed} {held.reason}"
        if page.accepted:
            return "price is not in force yet, or no longer"
        return "no feed quotes a price"
