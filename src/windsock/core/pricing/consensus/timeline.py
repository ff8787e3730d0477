"""One deployment's prices: what was believed since when, what is held back, who said what."""

from __future__ import annotations

import math
from bisect import bisect_right, insort
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from windsock.core.model.events import Event, EventKind
from windsock.core.model.ticks import Quote
from windsock.core.pricing.comparison import alike
from windsock.core.pricing.consensus.tracks import Track, moved, of_source, quote_by, track_by
from windsock.core.pricing.rules import GuardRules
from windsock.core.pricing.schedule import is_expired, starts_at
from windsock.core.pricing.validation import Doubt, Held, held_by

HeldKey = tuple[str, float | None]
"""(feed, valid_from of a forecast)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What the votes say of the price in force, as of the last statement.

    is_provisional  one list says so, and nothing else speaks for it
    is_alone        no other list states any price either, and nothing proves it
    is_bounded      it may draw only a bounded share of traffic
    dearer_by       relative: what it should be taken to cost more than is stated, or less
    measured_by     what comparable prices it was measured by; empty: by none
    lagging         feeds that say what another has left behind
    dissenting      feeds that speak for another price
    """

    is_provisional: bool = False
    is_alone: bool = False
    is_bounded: bool = False
    dearer_by: float = 0.0
    measured_by: str = ""
    lagging: frozenset[str] = frozenset()
    dissenting: frozenset[str] = frozenset()


@dataclass(slots=True)
class PriceTimeline:
    """Everything known of one deployment's price.

    accepted        in order of `starts_at`; the last that has started and not expired is in force
    statements      the last possible price of each feed, believed or not; of the same model sold
                    elsewhere under a key of its own
    held            not believed yet; forecasts stand under their `valid_from`
    refused         quotes a person rejected, per feed
    vanished        when a feed was seen to list it no more
    tracks          what each feed was believed to say: the votes on the price
    standing        what they say of the price in force, as counted at `counted_at`
    revision        grows whenever that may move a weight; not kept
    """

    rules: GuardRules
    accepted: list[Quote] = field(default_factory=list)
    statements: dict[str, Quote] = field(default_factory=dict)
    held: dict[HeldKey, Held] = field(default_factory=dict)
    refused: dict[str, Quote] = field(default_factory=dict)
    vanished: dict[str, float] = field(default_factory=dict)
    confirmed_at: float = -math.inf
    tracks: dict[str, Track] = field(default_factory=dict)
    standing: Standing = Standing()
    counted_at: float = -math.inf
    revision: int = field(default=0, compare=False)

    def copy(self) -> PriceTimeline:
        """The same, to be changed apart; quotes are shared."""
        return replace(
            self,
            accepted=list(self.accepted),
            statements=dict(self.statements),
            held=dict(self.held),
            refused=dict(self.refused),
            vanished=dict(self.vanished),
            tracks=dict(self.tracks),
        )

    def in_force(self, at: float) -> Quote | None:
        """The accepted quote that bills a request at `at`."""
        accepted = self.accepted
        index = len(accepted)
        if index:
            last = accepted[-1]
            if starts_at(last) > at:
                index = bisect_right(accepted, at, key=starts_at)
            elif last.valid_until is None:
                return last
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

    def refuse(self, quote: Quote) -> None:
        """Drop a quote, held or to come, and its equals."""
        self.refused[quote.feed] = quote
        for key, held in list(self.held.items()):
            if key[0] == quote.feed and _says_the_same(held.quote, quote):
                del self.held[key]

    def is_refused(self, quote: Quote) -> bool:
        """True if a person has dropped it or its equal."""
        refused = self.refused.get(quote.feed)
        return refused is not None and _says_the_same(refused, quote)

    def take_back(self, quote: Quote, now: float) -> None:
        """If a quote is in force, what was before it is again, and is its feed's word."""
        last = self.in_force(now)
        if last is None or last.feed != quote.feed or not last.same_price(quote):
            return
        self.accepted.remove(last)
        self.revision += 1
        said = [each for each in self.accepted if each.feed == quote.feed]
        if said:
            self.believe(said[-1], now, is_proven=True)
        else:
            self.tracks.pop(quote.feed, None)

    def said_since(self, quote: Quote) -> Quote | None:
        """Another price that the feed of a quote has stated after it, held or not."""
        held, stated = self.held.get((quote.feed, None)), self.statements.get(quote.feed)
        said = [held.quote] if held else []
        said += [stated] if stated else []
        last = max(said, key=lambda each: each.seen_at, default=quote)
        return None if last.seen_at <= quote.seen_at or last.same_price(quote) else last

    def rewind(self, now: float) -> None:
        """The clock was set back: what was learnt later is taken as learnt now."""
        self.accepted = [quote_by(quote, now) for quote in self.accepted]
        self.statements = {feed: quote_by(quote, now) for feed, quote in self.statements.items()}
        self.held = {key: held_by(held, now) for key, held in self.held.items()}
        self.confirmed_at = min(self.confirmed_at, now)
        self.tracks = {feed: track_by(track, now) for feed, track in self.tracks.items()}

    def age_s(self, quote: Quote | None, now: float) -> float | None:
        """Seconds since the price in force was last confirmed; None without one."""
        return None if quote is None else max(0.0, now - self.confirmed_at)

    def restore(self, quote: Quote) -> None:
        """Take over a quote that was in force before a restart, unjudged."""
        insort(self.accepted, quote, key=starts_at)
        self.statements[quote.feed] = quote
        self.believe(quote, quote.seen_at, is_proven=True)
        self.confirm(quote.seen_at)

    def confirm(self, seen_at: float) -> None:
        """Something spoke for the price in force at `seen_at`."""
        self.confirmed_at = max(self.confirmed_at, seen_at)

    def others(self, feed: str, now: float) -> Iterator[Quote]:
        """What other feeds last said, not long ago."""
        for quote in self.statements.values():
            if quote.feed != feed and now - quote.seen_at <= self.rules.recent_s:
                yield quote

    def hear(self, quote: Quote) -> None:
        """A feed says again what it was believed to say, trusted and copying as it is now."""
        track, now = self.tracks[quote.feed], quote.seen_at
        is_proven = track.is_proven or now - track.since >= self.rules.provisional_s
        heard = replace(track, heard_at=now, is_proven=is_proven)
        self.tracks[quote.feed] = of_source(heard, quote)

    def believe(self, quote: Quote, now: float, *, is_proven: bool) -> None:
        """A feed's vote is this from `now` on.

        is_proven   by more than its own word: falls are then measured from here
        """
        track = self.tracks.get(quote.feed)
        made = moved(track, quote, now, is_proven=is_proven, rules=self.rules)
        self.tracks[quote.feed] = made

    def prove(self, feed: str) -> None:
        """More than the feed itself speaks for its word."""
        track = self.tracks.get(feed)
        if track is not None and not track.is_proven:
            self.tracks[feed] = replace(track, is_proven=True)

    def back(self, quote: Quote, now: float) -> None:
        """A bill or a person speaks for a quote: it is its feed's word, before other lists."""
        if self.is_refused(quote):
            del self.refused[quote.feed]
        track = self.tracks.get(quote.feed)
        if track is None or not alike(quote, track.word, self.rules):
            self.believe(quote, now, is_proven=True)
        track = self.tracks[quote.feed]
        self.tracks[quote.feed] = replace(track, is_proven=True, backed_at=now)

    def stand(self, standing: Standing, now: float) -> None:
        """Take over what a count of the votes gave."""
        self.revision += standing != self.standing
        self.standing, self.counted_at = standing, now

    def accept(self, quote: Quote, now: float) -> list[Event]:
        """The price in force is this from `now` on, and that is told."""
        last = self.in_force(now)
        if quote.seen_at != now:
            quote = replace(quote, seen_at=now)
        insort(self.accepted, quote, key=starts_at)
        self.revision += 1
        self.confirm(now)
        settled = [key for key, held in self.held.items() if self._settles(quote, key, held)]
        released = [held for key in settled if _is_of(held := self.held.pop(key), quote)]
        facts: dict[str, object] = {
            "feed": quote.feed,
            "usd_per_mtok": dict(quote.usd_per_mtok),
            "before": dict(last.usd_per_mtok) if last else None,
        }
        if starts_at(quote) > now:
            facts["valid_from"] = quote.valid_from
        kind = EventKind.PRICE_RELEASED if released else EventKind.PRICE_SHIFTED
        return [Event(kind=kind, deployment=quote.deployment, at=now, facts=facts)]

    def _settles(self, quote: Quote, key: HeldKey, held: Held) -> bool:
        """True if accepting the quote leaves nothing to decide about a held one."""
        feed, valid_from = key
        if valid_from is not None and valid_from > quote.seen_at:
            return feed == quote.feed and valid_from == quote.valid_from
        return feed == quote.feed or (not held.is_final and alike(held.quote, quote, self.rules))

    def hold(
        self, quote: Quote, doubt: Doubt, *, is_final: bool = False
    ) -> tuple[list[Event], bool]:
        """Hold a quote back and count its polls; what that tells, and True if they are enough.

        is_final    it is no price at all: no poll releases it
        """
        if self.is_refused(quote):
            return [], False
        now = quote.seen_at
        held = self.held.get(_held_key(quote))
        if held is None or not _repeats(quote, held, doubt):
            since, polls = now, 1
        else:
            since, polls = held.since, held.polls + (now > held.quote.seen_at)
        made = Held(quote=quote, reason=doubt.reason, since=since, polls=polls)
        until = since + doubt.seconds if doubt.seconds else None
        self.put_on_hold(replace(made, needs=doubt.polls, until=until, is_final=is_final))
        is_known = held is not None and since == held.since
        least = doubt.polls or (self.rules.contradicted_polls if doubt.seconds else math.inf)
        is_enough = polls >= least and now - since >= doubt.seconds
        return [] if is_known or is_enough else [_told(quote, doubt)], is_enough

    def _key(self, feed: str) -> HeldKey:
        """Of what is held now, else of the next forecast; raises KeyError."""
        keys = [key for key in self.held if key[0] == feed]
        if not keys:
            raise KeyError(feed)
        return min(keys, key=lambda key: key[1] or -math.inf)


def _says_the_same(one: Quote, other: Quote) -> bool:
    """Also of what is no number, which as a price equals nothing."""
    is_number = not any(price.is_nan() for price in one.usd_per_mtok.values())
    return one.same_price(other) if is_number else str(one.usd_per_mtok) == str(other.usd_per_mtok)


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
