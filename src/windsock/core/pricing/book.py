"""The price book: takes in what feeds, lists, bills and people say of prices."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from windsock.core.model.events import Event, EventKind
from windsock.core.model.ticks import Quote, Vanished
from windsock.core.model.units import Meter, Usage
from windsock.core.pricing.comparison import Bill
from windsock.core.pricing.consensus.late_ticks import Entry
from windsock.core.pricing.consensus.sources import hears_others
from windsock.core.pricing.facets.bills import backed_quote
from windsock.core.pricing.facets.contract import Adjustment
from windsock.core.pricing.facets.voices import NONE, Said
from windsock.core.pricing.peers.peer_prices import is_measured
from windsock.core.pricing.prices_in_force import PricesInForce
from windsock.core.pricing.rules import GuardRules
from windsock.core.pricing.validation import Held, can_be_approved


class PriceBook(PricesInForce):
    """Believes what is said of prices, or holds it until somebody rules on it."""

    def __init__(self, *, rules: GuardRules | None = None) -> None:
        super().__init__(rules or GuardRules())

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

    def hear_only(self, deployment: str, feeds: Container[str], now: float) -> list[Event]:
        """Other feeds than these are not read, or not any more: what they said is no voice."""
        entry = self._entries.by_name.get(deployment)
        if entry is None or not hears_others(entry.timeline, feeds):
            return []
        before = entry.timeline.revision
        return self._moved(entry, deployment, now, before, entry.hear_only(feeds, now))

    def hear_lists(self, feeds: Container[str]) -> None:
        """Other lists than these measure nobody any more."""
        self._remeasure(self._peers.hear_only(feeds))

    def held(self) -> list[Held]:
        """Every quote that is not believed yet."""
        return self._entries.held()

    def held_quote(self, deployment: str, feed: str) -> Quote:
        """What is held of a feed; raises KeyError if nothing is."""
        return self._entries[deployment].timeline.held_of(feed).quote

    def said_by(self, deployment: str, feed: str) -> Quote:
        """What a feed last said of a price; raises KeyError if it said nothing."""
        return self._entries[deployment].timeline.statements[feed]

    def said_since(self, quote: Quote) -> Quote | None:
        """Another price that the feed of a quote has stated after it, held or not."""
        entry = self._entries.by_name.get(quote.deployment)
        return None if entry is None else entry.timeline.said_since(quote)

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
        timeline = entry.timeline
        is_doubted = self._peers.placed(deployment, timeline, now).is_bounded
        quote = backed_quote(bill, self.effective, deployment, timeline, now, is_doubted=is_doubted)
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
        facts = {"served": served, "usd_per_mtok": _prices(after), "before": _prices(before)}
        return [Event(kind=EventKind.PRICE_SHIFTED, deployment=deployment, at=now, facts=facts)]

    def forget(self, deployment: str) -> None:
        """Know nothing of this deployment any more."""
        self._entries.forget(deployment)
        self._remeasure(self._peers.forget(deployment))
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

    def _forget_lasting(self, deployment: str | None) -> None:
        """Something was said of one deployment's price, or of all (None): look again."""
        if deployment is None:
            self._lasting.clear()
        else:
            self._lasting.pop(deployment, None)

    def _changed(self, deployment: str | None) -> None:
        """Count a change of one deployment's price, or of all (None)."""
        self._forget_lasting(deployment)
        self.version += 1
        self._changed_at[deployment] = self.version

    def _moved(
        self, entry: Entry, name: str, now: float, revision: int, told: list[Event]
    ) -> list[Event]:
        """Count a change of what a deployment is believed to cost, or of its terms, if any."""
        is_filled = self.effective.refresh(entry.timeline, name, now)
        self._forget_lasting(name)
        if is_filled or entry.timeline.revision != revision:
            self._changed(name)
        return told

    def _backed(self, entry: Entry, quote: Quote, now: float) -> list[Event]:
        """A bill or a person speaks for a quote, from `now` on."""
        before = entry.timeline.revision
        entry.timeline.back(quote, now)
        return self._moved(entry, quote.deployment, now, before, entry.settle(now))


def _prices(quote: Quote | None) -> dict[Meter, Decimal] | None:
    return dict(quote.usd_per_mtok) if quote else None
