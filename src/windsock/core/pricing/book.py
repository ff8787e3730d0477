"""The price book: the price in force of every deployment, now and at any past moment."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from math import inf
from typing import Any

from windsock.core.model.events import Event, EventKind
from windsock.core.model.ticks import Quote, Vanished
from windsock.core.model.units import Counts, Prices, Usage
from windsock.core.pricing.call_costs import known_cost_usd
from windsock.core.pricing.comparison import Bill
from windsock.core.pricing.consensus.late_ticks import Entry
from windsock.core.pricing.consensus.standing import (
    PriceStatus,
    Statement,
    aged,
    measured,
    statements_of,
    status_of,
)
from windsock.core.pricing.consensus.timeline import PriceTimeline, Standing
from windsock.core.pricing.entries import Entries
from windsock.core.pricing.facets.bills import backed_quote
from windsock.core.pricing.facets.contract import Adjustment
from windsock.core.pricing.facets.effective import EffectivePrices
from windsock.core.pricing.facets.voices import NONE, Said
from windsock.core.pricing.peers.peer_prices import PeerPrices, is_measured
from windsock.core.pricing.rules import GuardRules
from windsock.core.pricing.schedule import flat_prices
from windsock.core.pricing.validation import Held, can_be_approved


class PriceBook:
    """Believes or holds quotes; `version` grows on every change that can move a weight."""

    def __init__(self, *, rules: GuardRules | None = None) -> None:
        self.rules = rules or GuardRules()
        self.version = 0
        self._entries = Entries(self.rules)
        self._peers = PeerPrices(self.rules)
        self.effective = EffectivePrices()
        self._changed_at: dict[str | None, int] = {None: 0}
        self._now = -inf

    def absorb(self, tick: Quote | Vanished, now: float) -> list[Event]:
        """Take in one statement; an equal price only refreshes the age.

        Ticks may come late (`seen_at` before `now`): the book is the same in whatever order.
        """
        if now < self._now:  # the clock was set back: nothing known may lie in the future
            self._entries.rewind(now)
            self._relearn()
        self._now = now
        entry = self._entries.made(tick.deployment)
        before = entry.timeline.revision
        told = entry.insert(tick) if entry.is_late(tick) else entry.append(tick)
        if isinstance(tick, Quote):
            self._remeasure(self._peers.hear(entry.timeline, tick))
        return self._moved(entry, tick.deployment, now, before, told)

    def note(self, name: str, quote: Quote) -> None:
        """What a list says of `seller/model`, no deployment here: others are measured by it."""
        self._remeasure(self._peers.note(name, quote))

    def adjust(self, adjustments: Mapping[str, Sequence[Adjustment]]) -> None:
        """Bill list prices by these contracts from now on; what is left out has none."""
        self.effective.adjust(adjustments)
        self._changed(None)

    def in_force(self, deployment: str, at: float) -> Quote | None:
        """What bills a request at `at`: the believed quote, whole, as its contract has it."""
        name = self._entries.name_of(deployment) if self._entries.redirects else deployment
        entry = self._entries.by_name.get(name)
        return None if entry is None else self.effective.of(name, entry.timeline, at)

    def believed(self, deployment: str, at: float) -> Quote | None:
        """The accepted quote alone, as its feed states it."""
        entry = self._entries.billed(deployment)
        return None if entry is None else entry.timeline.in_force(at)

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
        size, counts = usage.prompt_tokens, usage.counts()
        return self.effective_usd(
            deployment, counts, at, prompt_tokens=size, service_tier=service_tier
        )

    def effective_usd(
        self,
        deployment: str,
        mix: Counts,
        at: float,
        *,
        prompt_tokens: int = 0,
        service_tier: str | None = None,
    ) -> Decimal | None:
        """Expected dollars of one request that uses its meters like `mix`."""
        prices = self.prices(deployment, at, prompt_tokens=prompt_tokens, service_tier=service_tier)
        return None if prices is None else known_cost_usd(mix, prices)

    def status(self, deployment: str, now: float) -> PriceStatus:
        """How its price stands at `now`."""
        entry = self._entries.billed(deployment)
        timeline = entry.timeline if entry else PriceTimeline(self.rules)
        status = status_of(timeline, now, billed_as=self._entries.redirects.get(deployment))
        return measured(status, self.in_force(deployment, now), self.standing(deployment, now))

    def quoted(self, deployment: str, now: float) -> tuple[Quote | None, float | None]:
        """The quote in force and its age in s: the part of `status` that weight tables show."""
        quote, entry = self.in_force(deployment, now), self._entries.billed(deployment)
        return (quote, entry.timeline.age_s(quote, now)) if entry else (None, None)

    def statements(self, deployment: str, now: float) -> list[Statement]:
        """What every feed says of a price, its age and trust, and whether it agrees."""
        entry = self._entries.billed(deployment)
        return statements_of(entry.timeline, now) if entry else []

    def standing(self, deployment: str, at: float | None = None) -> Standing:
        """What is to be thought of the price in force: provisional, dearer than stated, disputed.

        at      unix s, by which its age counts, too; None: as of the last statement
        """
        name, entry = self._entries.name_of(deployment), self._entries.billed(deployment)
        if entry is None:
            return Standing()
        now = max(self._now, entry.timeline.counted_at) if at is None else at
        return aged(self._peers.placed(name, entry.timeline, now), entry.timeline, now)

    def is_stale(self, age_s: float | None) -> bool:
        """True if nothing confirmed a price for longer than the rules allow."""
        return age_s is not None and age_s > self.rules.stale_s

    def next_change_at(self, deployments: Iterable[str], after: float) -> float:
        """The next moment at which a price changes by the clock alone; inf if never."""
        return min((self._entries.next_change_at(name, after) for name in deployments), default=inf)

    def next_aging_at(self, deployments: Iterable[str], after: float) -> float:
        """The next moment at which a price is taken for dearer since nothing confirmed it."""
        return min((self._entries.next_aging_at(name, after) for name in deployments), default=inf)

    def history(self, deployment: str, since: float, until: float) -> list[Quote]:
        """Accepted quotes, in the order in which they came into force."""
        entry = self._entries.by_name.get(deployment)
        accepted = entry.timeline.accepted if entry else []
        return [quote for quote in accepted if since <= quote.seen_at < until]

    def knows(self, deployment: str) -> bool:
        """True if a price of it was ever believed."""
        return bool(self.history(deployment, -inf, inf))

    def changed_since(self, version: int, deployments: Iterable[str]) -> bool:
        """True if anything that moves a weight of these changed after `version`."""
        known = self._changed_at
        return known[None] > version or any(
            known.get(self._entries.name_of(name), 0) > version for name in deployments
        )

    def held(self) -> list[Held]:
        """Every quote that is not believed yet."""
        return self._entries.held()

    def held_quote(self, deployment: str, feed: str) -> Quote:
        """What is held of a feed; raises KeyError if nothing is."""
        return self._entries[deployment].timeline.held_of(feed).quote

    def said_since(self, quote: Quote) -> Quote | None:
        """Another price that the feed of a quote has stated after it, held or not."""
        return self._entries.made(quote.deployment).timeline.said_since(quote)

    def rule(self, quote: Quote, now: float, *, is_believed: bool) -> list[Event]:
        """A person believes a quote, held here or by another replica, or drops it and its equals.

        raises  ValueError if it is no price that can be believed
        """
        entry = self._entries.made(quote.deployment)
        if not is_believed:
            before = entry.timeline.revision
            return self._moved(entry, quote.deployment, now, before, entry.drop(quote, now))
        if not can_be_approved(quote):
            raise ValueError(f"what {quote.feed} says of {quote.deployment} is no price")
        return self._backed(entry, replace(quote, zero_reason=quote.zero_reason or "approved"), now)

    def confirm_bill(
        self,
        deployment: str,
        usage: Usage,
        billed_usd: Decimal,
        at: float,
        now: float,
        *,
        service_tier: str | None = None,
    ) -> list[Event]:
        """A bill speaks for the price in force, or for a statement of a feed that it matches.

        at      unix s at which the call began
        """
        entry = self._entries.by_name.get(deployment)
        if entry is None or billed_usd <= 0 or deployment in self._entries.redirects:
            return []
        bill = Bill(usage=usage, usd=billed_usd, at=at, service_tier=service_tier)
        quote = backed_quote(bill, self.effective, deployment, entry.timeline, now)
        return self._backed(entry, quote, now) if quote else []

    def redirect(self, deployment: str, served: str, now: float) -> list[Event]:
        """Answers come from `served` (`provider/model`) instead: its price bills from now on.

        Without a price of `served` the deployment is unpriced; naming the deployment itself undoes.
        """
        if self._entries.name_of(deployment) == served:
            return []
        before = self.in_force(deployment, now)
        self._entries.redirects[deployment] = served
        if served == deployment:
            del self._entries.redirects[deployment]
        self._changed(None)
        after = self.in_force(deployment, now)
        found = {"usd_per_mtok": after, "before": before}.items()
        prices = {name: dict(each.usd_per_mtok) if each else None for name, each in found}
        facts = {"served": served, **prices}
        return [Event(kind=EventKind.PRICE_SHIFTED, deployment=deployment, at=now, facts=facts)]

    def forget(self, deployment: str) -> None:
        """Know nothing of this deployment any more."""
        self._entries.forget(deployment)
        self._changed(deployment)

    def restore(
        self, quotes: Iterable[Quote], held: Iterable[Held] = (), said: Said = NONE
    ) -> None:
        """Take over what a store kept, without judging it anew; `said` as of `moment`."""
        self._entries.restore(quotes, held, said)
        self._relearn()

    def moment(self) -> Callable[[], dict[str, Any]]:
        """What is known now, to be kept beside the history; the call makes JSON-able values of it,
        in any thread."""
        return self._entries.moment()

    def to_state(self) -> dict[str, Any]:
        """JSON-able and exact."""
        return self._entries.to_state()

    def from_state(self, state: Mapping[str, Any]) -> None:
        """Take over a state of `to_state` in place of what was known."""
        self._entries.from_state(state)
        self._relearn()

    def _relearn(self) -> None:
        """What is known was replaced."""
        self._peers.relearn(self._entries.timelines())
        self._changed(None)

    def _remeasure(self, names: Iterable[str]) -> None:
        """Others are measured by a price that has moved."""
        for name in names:
            entry = self._entries.by_name.get(name)
            if entry is not None and is_measured(entry.timeline, self._now):
                self._changed(name)

    def _changed(self, deployment: str | None) -> None:
        """Count a change of one deployment's price, or of all (None)."""
        self.version += 1
        self._changed_at[deployment] = self.version

    def _moved(
        self, entry: Entry, name: str, now: float, revision: int, told: list[Event]
    ) -> list[Event]:
        """Count a change of what a deployment is believed to cost, or of its terms, if any."""
        is_filled = self.effective.refresh(entry.timeline, name, now)
        if is_filled or entry.timeline.revision != revision:
            self._changed(name)
        return told

    def _backed(self, entry: Entry, quote: Quote, now: float) -> list[Event]:
        """A bill or a person speaks for a quote, from `now` on."""
        before = entry.timeline.revision
        entry.timeline.back(quote, now)
        return self._moved(entry, quote.deployment, now, before, entry.settle(now))
