"""One deployment's prices: what was believed since when, what is held back, who said what."""

from __future__ import annotations

import math
from bisect import bisect_right, insort
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal

from windsock.core.model.events import Event, EventKind
from windsock.core.model.ticks import Quote
from windsock.core.pricing.comparison import alike, blended, weighted_median
from windsock.core.pricing.rules import GuardRules
from windsock.core.pricing.schedule import is_expired, starts_at
from windsock.core.pricing.validation import Doubt, Held

HeldKey = tuple[str, float | None]
"""(feed, valid_from of a forecast)."""


@dataclass(slots=True)
class PriceTimeline:
    """Everything known of one deployment's price.

    accepted        in order of `starts_at`; the last that has started and not expired is in force
    statements      the last possible price of each feed, believed or not; of the same model sold
                    elsewhere under a key of its own
    held            not believed yet; forecasts stand under their `valid_from`
    refused         quotes a person rejected, per feed
    vanished        when a feed was seen to list it no more
    anchor          price before the unproven falls of the last day, and since when
    """

    rules: GuardRules
    accepted: list[Quote] = field(default_factory=list)
    statements: dict[str, Quote] = field(default_factory=dict)
    held: dict[HeldKey, Held] = field(default_factory=dict)
    refused: dict[str, Quote] = field(default_factory=dict)
    vanished: dict[str, float] = field(default_factory=dict)
    confirmed_at: float = -math.inf
    anchor: Quote | None = None
    anchored_at: float = -math.inf

    def copy(self) -> PriceTimeline:
        """The same, to be changed apart; quotes are shared."""
        return replace(
            self,
            accepted=list(self.accepted),
            statements=dict(self.statements),
            held=dict(self.held),
            refused=dict(self.refused),
            vanished=dict(self.vanished),
        )

    def in_force(self, at: float) -> Quote | None:
        """The accepted quote that bills a request at `at`."""
        accepted = self.accepted
        index = len(accepted)
        if index and starts_at(accepted[-1]) > at:
            index = bisect_right(accepted, at, key=starts_at)
        while index:
            index -= 1
            if not is_expired(accepted[index], at):
                return accepted[index]
        return None

    def held_of(self, feed: str) -> Held:
        """What is held of this feed; raises KeyError if nothing is."""
        return self.held[self._key(feed)]

    def put_on_hold(self, held: Held) -> None:
        """Hold a quote, in place of what was held before."""
        self.held[_held_key(held.quote)] = held

    def approve(self, feed: str, now: float) -> list[Event]:
        """Believe what is held of this feed; raises KeyError if nothing is."""
        held = self.held_of(feed)
        reason = held.quote.zero_reason or "approved"
        return self.accept(replace(held.quote, zero_reason=reason), now)

    def reject(self, feed: str) -> None:
        """Drop what is held of this feed; equal quotes stay dropped."""
        self.refused[feed] = self.held.pop(self._key(feed)).quote

    def release(self, quote: Quote, now: float) -> list[Event]:
        """Believe a statement that something outside the feeds has proved."""
        return self.accept(quote, now)

    def rewind(self, now: float) -> None:
        """The clock was set back: what was learnt later is taken as learnt now."""
        self.accepted = [_by(quote, now) for quote in self.accepted]
        self.statements = {feed: _by(quote, now) for feed, quote in self.statements.items()}
        self.held = {k: replace(h, since=min(h.since, now)) for k, h in self.held.items()}
        self.confirmed_at = min(self.confirmed_at, now)
        self.anchored_at = min(self.anchored_at, now)

    def age_s(self, quote: Quote | None, now: float) -> float | None:
        """Seconds since the price in force was last confirmed; None without one."""
        return None if quote is None else max(0.0, now - self.confirmed_at)

    def confirm(self, seen_at: float) -> None:
        """Something spoke for the price in force at `seen_at`."""
        self.confirmed_at = max(self.confirmed_at, seen_at)

    def others(self, feed: str, now: float) -> Iterator[Quote]:
        """What other feeds last said, not long ago."""
        for quote in self.statements.values():
            if quote.feed != feed and now - quote.seen_at <= self.rules.recent_s:
                yield quote

    def disagreement(self, quote: Quote, now: float) -> float:
        """How far the trust-weighted median of direct statements lies off, relative to it."""
        stated = [
            (blended(q.usd_per_mtok), q.trust) for q in self.others("", now) if not q.is_indirect
        ]
        median = weighted_median(stated) if stated else Decimal(0)
        return float(abs(blended(quote.usd_per_mtok) / median - 1)) if median else 0.0

    def accept(self, quote: Quote, now: float, *, is_proven: bool = True) -> list[Event]:
        """Believe a quote from `now` on, and tell it.

        is_proven   False where one feed alone says so: falls are measured from the price before
        """
        last = self.in_force(now)
        self._anchor(quote, last, now, is_proven=is_proven)
        if quote.seen_at != now:
            quote = replace(quote, seen_at=now)
        insort(self.accepted, quote, key=starts_at)
        if starts_at(quote) <= now:
            self.statements[quote.feed] = quote
        self.confirm(now)
        settled = [key for key, held in self.held.items() if self._settles(quote, key, held)]
        released = [held for key in settled if _is_of(held := self.held.pop(key), quote)]
        facts: dict[str, object] = {
            "feed": quote.feed,
            "usd_per_mtok": dict(quote.usd_per_mtok),
            "before": dict(last.usd_per_mtok) if last else None,
        }
        kind = EventKind.PRICE_RELEASED if released else EventKind.PRICE_SHIFTED
        return [Event(kind=kind, deployment=quote.deployment, at=now, facts=facts)]

    def _settles(self, quote: Quote, key: HeldKey, held: Held) -> bool:
        """True if accepting the quote leaves nothing to decide about a held one."""
        feed, valid_from = key
        if valid_from is not None and valid_from > quote.seen_at:
            return feed == quote.feed and valid_from == quote.valid_from
        return feed == quote.feed or (not held.is_final and alike(held.quote, quote, self.rules))

    def _anchor(self, quote: Quote, last: Quote | None, now: float, *, is_proven: bool) -> None:
        """Remember the price that the falls of a day are measured against."""
        if is_proven:
            self.anchor, self.anchored_at = quote, now
        elif now - self.anchored_at >= self.rules.fall_window_s:
            self.anchor, self.anchored_at = last, now

    def hold(self, quote: Quote, doubt: Doubt, *, is_final: bool = False) -> list[Event]:
        """Hold a quote back, count its polls, and believe it once there are enough of them.

        is_final    it is no price at all: no poll releases it
        """
        refused = self.refused.get(quote.feed)
        if refused is not None and refused.same_price(quote):
            return []
        now = quote.seen_at
        held = self.held.get(_held_key(quote))
        if held is None or not _repeats(quote, held, doubt):
            since, polls = now, 1
        else:
            since, polls = held.since, held.polls + (now > held.quote.seen_at)
        if doubt.polls is not None and polls >= doubt.polls:
            return self.accept(quote, now)
        made = Held(quote=quote, reason=doubt.reason, since=since, polls=polls)
        self.put_on_hold(replace(made, needs=doubt.polls, is_final=is_final))
        return [] if held is not None and since == held.since else [_told(quote, doubt)]

    def _key(self, feed: str) -> HeldKey:
        """Of what is held now, else of the next forecast; raises KeyError."""
        keys = [key for key in self.held if key[0] == feed]
        if not keys:
            raise KeyError(feed)
        return min(keys, key=lambda key: key[1] or -math.inf)


def _told(quote: Quote, doubt: Doubt) -> Event:
    facts: dict[str, object] = {
        "feed": quote.feed,
        "reason": doubt.reason,
        "usd_per_mtok": dict(quote.usd_per_mtok),
    }
    return Event(
        kind=EventKind.PRICE_HELD, deployment=quote.deployment, at=quote.seen_at, facts=facts
    )


def _held_key(quote: Quote) -> HeldKey:
    valid_from = quote.valid_from
    return quote.feed, valid_from if valid_from and valid_from > quote.seen_at else None


def _is_of(held: Held, quote: Quote) -> bool:
    """True if this was the quote held back."""
    return held.quote.usd_per_mtok == quote.usd_per_mtok


def _repeats(quote: Quote, held: Held, doubt: Doubt) -> bool:
    """True for the same price again; a price that is no number equals nothing, itself included."""
    return quote.same_price(held.quote) or (held.is_final and held.reason == doubt.reason)


def _by(quote: Quote, now: float) -> Quote:
    return quote if quote.seen_at <= now else replace(quote, seen_at=now)
