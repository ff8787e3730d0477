"""One deployment's page of the price book: statements come in order, believed ones are kept."""

from __future__ import annotations

import math
from bisect import bisect_right, insort
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal

from windsock.core.model.events import Event, EventKind
from windsock.core.model.ticks import Quote, Vanished
from windsock.core.pricing.comparison import agrees, alike, blended, says_less, weighted_median
from windsock.core.pricing.plausibility import suspicion
from windsock.core.pricing.rules import GuardRules
from windsock.core.pricing.schedule import is_expired, starts_at
from windsock.core.pricing.validation import (
    Doubt,
    Evidence,
    Held,
    invalid_reason,
    without_signals,
    without_vain_zeros,
)

FORECAST = Doubt("is announced for later, a forecast until then")

MEMORY = 64
"""Accepted prices among which an old one is looked for."""

HeldKey = tuple[str, float | None]
"""(feed, valid_from of a forecast)."""


@dataclass(slots=True)
class PriceTimeline:
    """Everything known of one deployment's price.

    accepted        in order of `starts_at`; the last that has started and not expired is in force
    said            the last possible price of each feed, believed or not; of the same model sold
                    elsewhere under a key of its own
    held            not believed yet; forecasts stand under their `valid_from`
    refused         quotes a person rejected, per feed
    vanished        when a feed was seen to list it no more
    anchor          price before the unproven falls of the last day, and since when
    """

    rules: GuardRules
    accepted: list[Quote] = field(default_factory=list)
    said: dict[str, Quote] = field(default_factory=dict)
    held: dict[HeldKey, Held] = field(default_factory=dict)
    refused: dict[str, Quote] = field(default_factory=dict)
    vanished: dict[str, float] = field(default_factory=dict)
    confirmed_at: float = -math.inf
    anchor: Quote | None = None
    anchored_at: float = -math.inf

    def copy(self) -> PriceTimeline:
        return replace(
            self,
            accepted=list(self.accepted),
            said=dict(self.said),
            held=dict(self.held),
            refused=dict(self.refused),
            vanished=dict(self.vanished),
        )

    def take(self, tick: Quote | Vanished) -> list[Event]:
        """Absorb one statement, not earlier than those before."""
        if isinstance(tick, Vanished):
            self.vanished[tick.feed] = tick.seen_at
            return []
        if self.vanished:
            self.vanished.pop(tick.feed, None)
        reason = invalid_reason(tick, self.rules)
        if self._goes_by_another_name(tick):
            return []
        if reason is not None:
            tick = without_signals(tick)
        if self._refreshes(tick) or is_expired(tick, tick.seen_at):
            return []
        if reason is not None:
            return self._hold(tick, Doubt(reason), is_final=True)
        quote = without_vain_zeros(tick)
        if quote.valid_from is not None and quote.valid_from > quote.seen_at:
            return self._announced(quote)
        return self._stated(quote)

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

    def keep(self, held: Held) -> None:
        """Hold a quote, in place of what was held before."""
        self.held[_held_key(held.quote)] = held

    def approve(self, feed: str, now: float) -> list[Event]:
        """Believe what is held of this feed; raises KeyError if nothing is."""
        held = self.held_of(feed)
        reason = held.quote.zero_reason or "approved"
        return self._accept(replace(held.quote, zero_reason=reason), now)

    def reject(self, feed: str) -> None:
        """Drop what is held of this feed; equal quotes stay dropped."""
        self.refused[feed] = self.held.pop(self._key(feed)).quote

    def release(self, quote: Quote, now: float) -> list[Event]:
        """Believe a statement that something outside the feeds has proved."""
        return self._accept(quote, now)

    def rewind(self, now: float) -> None:
        """The clock was set back: what was learnt later is taken as learnt now."""
        self.accepted = [_by(quote, now) for quote in self.accepted]
        self.said = {feed: _by(quote, now) for feed, quote in self.said.items()}
        self.held = {k: replace(h, since=min(h.since, now)) for k, h in self.held.items()}
        self.confirmed_at = min(self.confirmed_at, now)
        self.anchored_at = min(self.anchored_at, now)

    def age_s(self, quote: Quote | None, now: float) -> float | None:
        """Since the price in force was last confirmed."""
        return None if quote is None else max(0.0, now - self.confirmed_at)

    def confirm(self, seen_at: float) -> None:
        self.confirmed_at = max(self.confirmed_at, seen_at)

    def others(self, feed: str, now: float) -> Iterator[Quote]:
        """What other feeds last said, not long ago."""
        for quote in self.said.values():
            if quote.feed != feed and now - quote.seen_at <= self.rules.recent_s:
                yield quote

    def disagreement(self, quote: Quote, now: float) -> float:
        """How far the trust-weighted median of direct statements lies off, relative to it."""
        said = [
            (blended(q.usd_per_mtok), q.trust) for q in self.others("", now) if not q.is_indirect
        ]
        median = weighted_median(said) if said else Decimal(0)
        return float(abs(blended(quote.usd_per_mtok) / median - 1)) if median else 0.0

    def _refreshes(self, tick: Quote) -> bool:
        """True for the word of a feed that sets the price, or of a direct one that repeats it."""
        if tick.is_indirect or not self.accepted or not tick.same_price(self.accepted[-1]):
            return False
        self.said[tick.feed] = tick
        self.confirm(tick.seen_at)
        if self.held:
            self.held.pop((tick.feed, None), None)
        return True

    def _goes_by_another_name(self, tick: Quote) -> bool:
        """One name per feed: of two rows about one deployment the one met first is followed."""
        said = None if tick.is_indirect else self.said.get(tick.feed)
        return (
            said is not None
            and said.feed_model != tick.feed_model
            and tick.seen_at - said.seen_at <= self.rules.stale_s
        )

    def _announced(self, quote: Quote) -> list[Event]:
        """A price of later: a fact from its owner, from others a forecast until it is confirmed."""
        if any(quote.same_price(past) for past in self.accepted[-MEMORY:]):
            return []
        is_fact = quote.trust >= self.rules.scheduling_trust
        doubt = self._doubt(quote, self.in_force(quote.seen_at)) if is_fact else FORECAST
        if doubt is None:
            return self._accept(quote, quote.seen_at)
        return self._hold(quote, Doubt(doubt.reason))

    def _stated(self, quote: Quote) -> list[Event]:
        now = quote.seen_at
        if quote.is_indirect:
            self.said[f"{quote.feed} of {quote.feed_model}"] = quote
            return self._second(quote)
        before = self.said.get(quote.feed)
        self.said[quote.feed] = quote
        current = self.in_force(now)
        if current is not None and alike(quote, current, self.rules):
            self.confirm(now)
            self.held.pop((quote.feed, None), None)
            return []
        if current is not None and not self._is_news(quote, before, current):
            return self._second(quote)
        return self._judge(quote, current)

    def _judge(self, quote: Quote, current: Quote | None) -> list[Event]:
        now = quote.seen_at
        doubt = self._doubt(quote, current)
        if doubt is None:
            return self._accept(quote, now, is_proven=current is None)
        if self._was_recent(quote) or self._is_seconded(quote):
            return self._accept(quote, now)
        if doubt.polls is not None and self._was_announced(quote):
            return self._accept(quote, now)
        return self._hold(quote, doubt)

    def _doubt(self, quote: Quote, current: Quote | None) -> Doubt | None:
        if quote.feed in self.rules.owner_feeds:
            return None
        return suspicion(quote, self._ground(quote, current), self.rules)

    def _ground(self, quote: Quote, current: Quote | None) -> Evidence:
        now = quote.seen_at
        others = list(self.others(quote.feed, now))
        direct = [other for other in others if not other.is_indirect]
        values = [(blended(each.usd_per_mtok), each.trust) for each in direct or others]
        return Evidence(
            last=current,
            anchor=self.anchor if now - self.anchored_at < self.rules.fall_window_s else None,
            elsewhere=weighted_median(values) if values else None,
            is_elsewhere_direct=bool(direct),
            is_contradicted=self._is_contradicted(quote, direct),
        )

    def _is_contradicted(self, quote: Quote, direct: list[Quote]) -> bool:
        """The dearer half of trust restates something else since this was first said."""
        held = self.held.get((quote.feed, None))
        if held is None:
            return False
        price = blended(quote.usd_per_mtok)
        restated = [
            (blended(each.usd_per_mtok), each.trust) for each in direct if each.seen_at > held.since
        ]
        return weighted_median([*restated, (price, quote.trust)]) > price

    def _is_news(self, quote: Quote, before: Quote | None, current: Quote) -> bool:
        """A feed's word counts when it changes its mind, or when nothing better is known."""
        if quote.feed == current.feed:
            return True
        held = self.held.get((quote.feed, None))
        if held is not None and alike(held.quote, quote, self.rules):
            return True
        if says_less(quote, current, self.rules):
            self.confirm(quote.seen_at)
            return False
        is_stale = quote.seen_at - self.confirmed_at > self.rules.stale_s
        if before is None:
            outweighs = quote.trust > current.trust or self._is_joined(quote, current)
            return is_stale or (outweighs and not self._lags(quote, current))
        if alike(before, quote, self.rules):
            return is_stale
        return is_stale or not self._lags(quote, current)

    def _is_joined(self, quote: Quote, current: Quote) -> bool:
        """True if feeds that say the same have, together, more trust than those for the current."""
        direct = [q for q in self.others(quote.feed, quote.seen_at) if not q.is_indirect]
        pro = sum(each.trust for each in direct if agrees(each, quote, self.rules))
        con = sum(each.trust for each in direct if agrees(each, current, self.rules))
        return pro > 0 and pro + quote.trust > con

    def _lags(self, quote: Quote, current: Quote) -> bool:
        """True if it states a price that the feed of the current one has already left behind."""
        leader = self.said.get(current.feed)
        if leader is None or not alike(leader, current, self.rules):
            return False
        return any(
            alike(past, quote, self.rules)
            for past in self.accepted[-MEMORY:]
            if past is not current
        )

    def _was_recent(self, quote: Quote) -> bool:
        """A price that was in force within the last days may come back at once."""
        ended_at = math.inf
        for past in reversed(self.accepted):
            if quote.seen_at - ended_at > self.rules.recent_s:
                return False
            if alike(past, quote, self.rules):
                return True
            ended_at = starts_at(past)
        return False

    def _was_announced(self, quote: Quote) -> bool:
        return any(
            valid_from is not None
            and feed == quote.feed
            and valid_from <= quote.seen_at
            and agrees(held.quote, quote, self.rules)
            for (feed, valid_from), held in self.held.items()
        )

    def _is_seconded(self, quote: Quote) -> bool:
        return any(
            agrees(other, quote, self.rules) for other in self.others(quote.feed, quote.seen_at)
        )

    def _second(self, witness: Quote) -> list[Event]:
        """A witness that does not set the price releases a held one that it agrees with."""
        for (feed, valid_from), held in self.held.items():
            is_open = valid_from is None and not held.is_final and feed != witness.feed
            if is_open and agrees(held.quote, witness, self.rules):
                return self._accept(held.quote, witness.seen_at)
        return []

    def _accept(self, quote: Quote, now: float, *, is_proven: bool = True) -> list[Event]:
        last = self.in_force(now)
        self._anchor(quote, last, now, is_proven=is_proven)
        if quote.seen_at != now:
            quote = replace(quote, seen_at=now)
        insort(self.accepted, quote, key=starts_at)
        if starts_at(quote) <= now:
            self.said[quote.feed] = quote
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

    def _hold(self, quote: Quote, doubt: Doubt, *, is_final: bool = False) -> list[Event]:
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
            return self._accept(quote, now)
        self.keep(
            Held(
                quote=quote,
                reason=doubt.reason,
                since=since,
                polls=polls,
                needs=doubt.polls,
                is_final=is_final,
            )
        )
        if held is not None and since == held.since:
            return []
        facts: dict[str, object] = {
            "feed": quote.feed,
            "reason": doubt.reason,
            "usd_per_mtok": dict(quote.usd_per_mtok),
        }
        return [Event(kind=EventKind.PRICE_HELD, deployment=quote.deployment, at=now, facts=facts)]

    def _key(self, feed: str) -> HeldKey:
        """Of what is held now, else of the next forecast; raises KeyError."""
        keys = [key for key in self.held if key[0] == feed]
        if not keys:
            raise KeyError(feed)
        return min(keys, key=lambda key: key[1] or -math.inf)


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
