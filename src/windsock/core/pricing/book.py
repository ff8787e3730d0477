"""The price book: the price in force of every deployment, now and at any past moment."""

from __future__ import annotations

import math
from bisect import insort
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Protocol

from windsock.core.model.calls import CallResult
from windsock.core.model.events import Event, EventKind
from windsock.core.model.ticks import Quote, Vanished
from windsock.core.model.units import Counts, Prices, Usage, cost_usd
from windsock.core.pricing.rules import GuardRules
from windsock.core.pricing.schedule import flat_prices, is_expired, next_moment, starts_at
from windsock.core.pricing.state import page_of_state, page_state
from windsock.core.pricing.timeline import PriceTimeline
from windsock.core.pricing.validation import Held, can_be_approved

LATE_TICKS = 32
"""Ticks per deployment among which one that comes late is put in its place."""

Place = tuple[float, float, str]
"""(seen_at, less trust, feed): of statements of one moment the most trusted comes first."""

UNPRICED = "no feed quotes a price"


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceStatus:
    """How a deployment's price stands.

    reason          why there is none, if there is none
    age_s           since a feed or a bill last confirmed it
    uncertainty     relative: what other feeds disagree by, and more with every day of age
    vanished        feeds that once listed it and no longer do
    """

    quote: Quote | None
    reason: str | None
    age_s: float | None
    is_stale: bool
    uncertainty: float
    held: tuple[Held, ...]
    vanished: tuple[str, ...] = ()


@dataclass(slots=True)
class _Entry:
    """A page, and what is needed to put a late tick in its place: the page before the last ticks.

    upto    place of the last tick
    """

    page: PriceTimeline
    base: PriceTimeline
    ticks: list[Quote | Vanished] = field(default_factory=list)
    upto: Place = (-math.inf, 0.0, "")

    def replay(self) -> list[Event]:
        """Build the page again from the last ticks."""
        self.page = self.base.copy()
        return [shift for tick in self.ticks for shift in self.page.take(tick)]

    def settle(self) -> None:
        """Something outside the feeds acted: later ticks count from here."""
        self.base = self.page.copy()
        self.ticks.clear()


class PriceBook:
    """Believes or holds quotes; `version` grows on every change that can move a weight."""

    def __init__(self, *, rules: GuardRules | None = None) -> None:
        self.rules = rules or GuardRules()
        self.version = 0
        self._lines: dict[str, _Entry] = {}
        self._redirects: dict[str, str] = {}
        self._changed_at: dict[str | None, int] = {None: 0}
        self._now = -math.inf

    def absorb(self, tick: Quote | Vanished, now: float) -> list[Event]:
        """Take in one statement; an equal price only refreshes the age.

        Ticks may come late (`seen_at` before `now`): the book is the same in whatever order.
        """
        if now < self._now:
            self._rewind(now)
        self._now = now
        line = self._lines.get(tick.deployment)
        if line is None:
            line = self._lines[tick.deployment] = _Entry(
                PriceTimeline(self.rules), PriceTimeline(self.rules)
            )
        place = _place(tick)
        if place <= line.upto:
            return self._insert(line, tick, now)
        line.upto = place
        line.ticks.append(tick)
        if len(line.ticks) > LATE_TICKS:
            line.base.take(line.ticks.pop(0))
        return self._moved(line.page.take(tick))

    def in_force(self, deployment: str, at: float) -> Quote | None:
        """The accepted quote that bills a request at `at`."""
        line = self._line(deployment)
        return None if line is None else line.page.in_force(at)

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
        return flat_prices(quote, at, prompt_tokens=prompt_tokens, service_tier=service_tier)

    def cost_usd(
        self, deployment: str, usage: Usage, at: float, *, service_tier: str | None = None
    ) -> Decimal | None:
        """Dollars for a counted use; None without a price of all that was used."""
        prices = self.prices(
            deployment, at, prompt_tokens=usage.prompt_tokens, service_tier=service_tier
        )
        return None if prices is None else known_cost_usd(usage.counts(), prices)

    def call_cost_usd(self, result: CallResult) -> Decimal | None:
        """Dollars of one call, by `call_cost_usd`."""
        return call_cost_usd(result, self)

    def effective_usd(
        self, deployment: str, mix: Counts, at: float, *, prompt_tokens: int = 0
    ) -> Decimal | None:
        """Expected dollars of one request that uses its meters like `mix`."""
        prices = self.prices(deployment, at, prompt_tokens=prompt_tokens)
        return None if prices is None else known_cost_usd(mix, prices)

    def status(self, deployment: str, now: float) -> PriceStatus:
        line = self._line(deployment)
        page = line.page if line else PriceTimeline(self.rules)
        quote = page.in_force(now)
        age_s = page.age_s(quote, now)
        return PriceStatus(
            quote=quote,
            reason=None if quote else self._why_unpriced(deployment, page),
            age_s=age_s,
            is_stale=self.is_stale(age_s),
            uncertainty=self._uncertainty(page, quote, age_s, now),
            held=tuple(page.held.values()),
            vanished=tuple(sorted(page.vanished)),
        )

    def quoted(self, deployment: str, now: float) -> tuple[Quote | None, float | None]:
        """The quote in force and its age in s: the part of `status` that weight tables show."""
        line = self._line(deployment)
        if line is None:
            return None, None
        quote = line.page.in_force(now)
        return quote, line.page.age_s(quote, now)

    def is_stale(self, age_s: float | None) -> bool:
        return age_s is not None and age_s > self.rules.stale_s

    def next_change_at(self, deployments: Iterable[str], after: float) -> float:
        """The next moment at which a price changes by the clock alone; inf if never."""
        moment = math.inf
        for name in deployments:
            line = self._line(name)
            for quote in reversed(line.page.accepted) if line else ():
                moment = min(moment, next_moment(quote, after))
                if starts_at(quote) <= after and quote.valid_until is None:
                    break
        return moment

    def history(self, deployment: str, since: float, until: float) -> list[Quote]:
        """Accepted quotes, in the order in which they came into force."""
        line = self._lines.get(deployment)
        accepted = line.page.accepted if line else []
        return [quote for quote in accepted if since <= quote.seen_at < until]

    def knows(self, deployment: str) -> bool:
        """True if a price of it was ever believed."""
        line = self._lines.get(deployment)
        return line is not None and bool(line.page.accepted)

    def changed_since(self, version: int, deployments: Iterable[str]) -> bool:
        """True if anything that moves a weight of these changed after `version`."""
        known = self._changed_at
        return known[None] > version or any(
            known.get(self._redirects.get(name, name), 0) > version for name in deployments
        )

    def held(self) -> list[Held]:
        return [held for line in self._lines.values() for held in line.page.held.values()]

    def approve(self, deployment: str, feed: str, now: float) -> list[Event]:
        """A person believes a held quote.

        raises  KeyError if none is held, ValueError if it is no price at all
        """
        line = self._lines[deployment]
        quote = line.page.held_of(feed).quote
        if not can_be_approved(quote):
            raise ValueError(
                f"what {feed} says of {deployment} is no price, so none can approve it"
            )
        return self._ruled(line, line.page.approve(feed, now))

    def reject(self, deployment: str, feed: str, now: float) -> list[Event]:
        """A person drops a held quote; equal ones stay dropped; raises KeyError if none is held."""
        line = self._lines[deployment]
        line.page.reject(feed)
        return self._ruled(line, [])

    def confirm_bill(
        self, deployment: str, usage: Usage, billed_usd: Decimal, at: float, now: float
    ) -> list[Event]:
        """A bill speaks for the price in force, or for a statement of a feed that it matches."""
        line = self._lines.get(deployment)
        if line is None or billed_usd <= 0 or deployment in self._redirects:
            return []
        current = line.page.in_force(at)
        if current is not None and self._bills(current, usage, billed_usd, at):
            line.page.confirm(now)
            return []
        held = [h.quote for h in line.page.held.values() if not h.is_final]
        direct = [quote for quote in line.page.said.values() if not quote.is_indirect]
        for quote in (*held, *direct):
            is_due = quote.valid_from is None or quote.valid_from <= now
            if is_due and not is_expired(quote, now) and self._bills(quote, usage, billed_usd, at):
                return self._ruled(line, line.page.release(quote, now))
        return []

    def redirect(self, deployment: str, served: str, now: float) -> list[Event]:
        """Answers come from `served` (`provider/model`) instead: its price bills from now on.

        Without a price of `served` the deployment is unpriced; naming the deployment itself undoes.
        """
        if self._redirects.get(deployment, deployment) == served:
            return []
        before = self.in_force(deployment, now)
        self._redirects[deployment] = served
        if served == deployment:
            del self._redirects[deployment]
        self._changed(None)
        after = self.in_force(deployment, now)
        facts: dict[str, object] = {
            "served": served,
            "usd_per_mtok": dict(after.usd_per_mtok) if after else None,
            "before": dict(before.usd_per_mtok) if before else None,
        }
        return [Event(kind=EventKind.PRICE_SHIFTED, deployment=deployment, at=now, facts=facts)]

    def forget(self, deployment: str) -> None:
        """Know nothing of this deployment any more."""
        self._lines.pop(deployment, None)
        self._changed(deployment)

    def restore(self, accepted: Iterable[Quote], held: Iterable[Held] = ()) -> None:
        """Take over what a store kept, without judging it anew."""
        for quote in accepted:
            page = self._page(quote.deployment)
            insort(page.accepted, quote, key=starts_at)
            page.said[quote.feed] = quote
            page.confirm(quote.seen_at)
        for each in held:
            self._page(each.quote.deployment).keep(each)
        for line in self._lines.values():
            line.settle()
        self._changed(None)

    def to_state(self) -> dict[str, Any]:
        """JSON-able and exact."""
        return {
            "pages": {name: page_state(line.page) for name, line in self._lines.items()},
            "redirects": dict(self._redirects),
        }

    def from_state(self, state: Mapping[str, Any]) -> None:
        """Take over a state of `to_state` in place of what was known."""
        self._lines = {}
        for name, body in state["pages"].items():
            page = page_of_state(body, self.rules)
            self._lines[name] = _Entry(page, page.copy())
        self._redirects = dict(state["redirects"])
        self._changed(None)

    def _changed(self, deployment: str | None) -> None:
        """Count a change of one deployment's price, or of all (None)."""
        self.version += 1
        self._changed_at[deployment] = self.version

    def _insert(self, line: _Entry, tick: Quote | Vanished, now: float) -> list[Event]:
        """Replay the last ticks with a late one in its place; tells what that changed."""
        before = line.page.in_force(now)
        told = line.replay()
        insort(line.ticks, tick, key=_order)
        shifts = line.replay()
        if line.page.in_force(now) != before:
            self._changed(tick.deployment)
        return [shift for shift in shifts if shift not in told]

    def _rewind(self, now: float) -> None:
        """The clock was set back: nothing known may lie in the future."""
        for line in self._lines.values():
            line.page.rewind(now)
            line.upto = min(line.upto, (now, -math.inf, ""))
            line.settle()
        self._changed(None)

    def _moved(self, shifts: list[Event]) -> list[Event]:
        for shift in shifts:
            if shift.kind != "price.held":
                self._changed(shift.deployment)
        return shifts

    def _ruled(self, line: _Entry, shifts: list[Event]) -> list[Event]:
        line.settle()
        return self._moved(shifts)

    def _bills(self, quote: Quote, usage: Usage, billed_usd: Decimal, at: float) -> bool:
        prices = flat_prices(quote, at, prompt_tokens=usage.prompt_tokens)
        expected = cost_usd(usage.counts(), prices)
        within = Decimal(str(self.rules.bill_within))
        return expected > 0 and abs(billed_usd - expected) <= within * expected

    def _uncertainty(
        self, page: PriceTimeline, quote: Quote | None, age_s: float | None, now: float
    ) -> float:
        if quote is None or age_s is None:
            return 1.0
        aged = age_s / 86400.0 * self.rules.uncertainty_per_day
        return min(1.0, aged + page.disagreement(quote, now))

    def _why_unpriced(self, deployment: str, page: PriceTimeline) -> str:
        served = self._redirects.get(deployment)
        if served is not None:
            return f"answers come from {served}, whose price is not known"
        for held in page.held.values():
            return f"price held: {held.quote.feed} {held.reason}"
        return "price is not in force yet, or no longer" if page.accepted else UNPRICED

    def _line(self, deployment: str) -> _Entry | None:
        if self._redirects:
            deployment = self._redirects.get(deployment, deployment)
        return self._lines.get(deployment)

    def _page(self, deployment: str) -> PriceTimeline:
        if deployment not in self._lines:
            self._lines[deployment] = _Entry(PriceTimeline(self.rules), PriceTimeline(self.rules))
        return self._lines[deployment].page


class PriceSource(Protocol):
    """Who knows what was billed at a moment: the price book, or the world of a simulation."""

    def prices(
        self,
        deployment: str,
        at: float,
        /,
        *,
        prompt_tokens: int = 0,
        service_tier: str | None = None,
    ) -> Prices | None:
        """Flat prices by meter for one request at this hour and of this size."""


def call_cost_usd(result: CallResult, source: PriceSource) -> Decimal | None:
    """Dollars of one call: as billed where its provider says so, else its use at our price.

    The price is that of the moment at which the call began, whatever has become of it since. A
    call that used nothing costs 0; one whose use has no price is None, for nobody knows.
    """
    if result.billed_usd is not None:
        return result.billed_usd
    usage = result.usage
    if usage is None:
        return Decimal(0)
    prices = source.prices(
        result.attempt.deployment,
        result.attempt.started_at,
        prompt_tokens=usage.prompt_tokens,
        service_tier=result.service_tier,
    )
    return None if prices is None else known_cost_usd(usage.counts(), prices)


def known_cost_usd(counts: Counts, prices: Prices) -> Decimal | None:
    """Dollars for these units at these prices; None if one of their meters has no price."""
    try:
        return cost_usd(counts, prices)
    except KeyError:
        return None


def _place(tick: Quote | Vanished) -> Place:
    return tick.seen_at, -tick.trust if isinstance(tick, Quote) else 0.0, tick.feed


def _order(tick: Quote | Vanished) -> tuple[Place, bool, str, float, str]:
    """The one order in which statements count; only equal ones have none."""
    if isinstance(tick, Vanished):
        return _place(tick), False, tick.feed_model, math.inf, ""
    start = -math.inf if tick.valid_from is None else tick.valid_from
    prices = repr(sorted((str(meter), str(usd)) for meter, usd in tick.usd_per_mtok.items()))
    return _place(tick), tick.is_indirect, tick.feed_model, start, prices
