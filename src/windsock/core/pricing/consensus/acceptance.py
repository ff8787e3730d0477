"""What becomes of a statement: a vote on the price, held until it is confirmed, or only noted."""

from __future__ import annotations

import math
from collections.abc import Iterable

from windsock.core.model.events import Event, EventKind
from windsock.core.model.ticks import Quote, Vanished
from windsock.core.pricing.comparison import agrees, alike
from windsock.core.pricing.consensus.proofs import evidence_of, is_seconded, is_witness
from windsock.core.pricing.consensus.standing import standing_of
from windsock.core.pricing.consensus.timeline import PriceTimeline
from windsock.core.pricing.consensus.tracks import Track
from windsock.core.pricing.consensus.votes import elsewhere_usd, supports, votes_of, winner
from windsock.core.pricing.plausibility import suspicion
from windsock.core.pricing.schedule import is_expired, starts_at
from windsock.core.pricing.validation import (
    Doubt,
    Evidence,
    can_be_approved,
    invalid_reason,
    without_impossible,
    without_signals,
    without_vain_zeros,
)

FORECAST = Doubt("is announced for later, a forecast until then")
"""Why a price of later is held, unless its owner is trusted to schedule it."""

MAX_PAST_PRICES = 64
"""Accepted prices among which an old one is looked for."""


def absorb(timeline: PriceTimeline, tick: Quote | Vanished) -> list[Event]:
    """Take one statement into a timeline, not earlier than those before; tells what it changed."""
    if isinstance(tick, Vanished):
        timeline.vanished[tick.feed] = tick.seen_at
        return []
    timeline.vanished.pop(tick.feed, None)
    if _goes_by_another_name(timeline, tick):
        return []
    if tick.feed not in timeline.rules.owner_feeds:
        track = timeline.tracks.get(tick.feed)
        before = track.word.usd_per_mtok.keys() if track else ()
        tick = without_impossible(tick, before, timeline.rules)
    reason = _no_price(timeline, tick)
    if reason is not None:
        tick = without_signals(tick)
        reason = None if _was_believed(timeline, tick) else reason
    if is_expired(tick, tick.seen_at):
        return []
    if reason is not None:
        return timeline.hold(tick, Doubt(reason), is_final=True)[0]
    quote = without_vain_zeros(tick)
    if quote.valid_from is not None and quote.valid_from > quote.seen_at:
        return _announced(timeline, quote)
    if quote.is_indirect:
        timeline.statements[f"{quote.feed} of {quote.feed_model}"] = quote
        return _seconded(timeline, quote)
    return _stated(timeline, quote)


def _no_price(timeline: PriceTimeline, tick: Quote) -> str | None:
    """Why it cannot be a price; the owner's own is bounded by sense alone."""
    if tick.feed in timeline.rules.owner_feeds and can_be_approved(tick):
        return None
    return invalid_reason(tick, timeline.rules)


def _was_believed(timeline: PriceTimeline, tick: Quote) -> bool:
    """True if it is its feed's word, since a person believed it."""
    track = None if tick.is_indirect else timeline.tracks.get(tick.feed)
    return track is not None and tick.same_price(track.word)


def _goes_by_another_name(timeline: PriceTimeline, tick: Quote) -> bool:
    """One name per feed: of two rows about one deployment the one met first is followed."""
    said = None if tick.is_indirect else timeline.statements.get(tick.feed)
    return (
        said is not None
        and said.feed_model != tick.feed_model
        and tick.seen_at - said.seen_at <= timeline.rules.stale_s
    )


def _announced(timeline: PriceTimeline, quote: Quote) -> list[Event]:
    """A price of later: a fact from its owner, from others a forecast until it is confirmed."""
    if any(quote.same_price(past) for past in timeline.accepted[-MAX_PAST_PRICES:]):
        return []
    is_fact = quote.trust >= timeline.rules.scheduling_trust
    doubt = _doubt(timeline, quote) if is_fact else FORECAST
    if doubt is None:
        return timeline.accept(quote, quote.seen_at)
    return timeline.hold(quote, Doubt(doubt.reason))[0]


def _stated(timeline: PriceTimeline, quote: Quote) -> list[Event]:
    """A feed's word of now: heard again, a vote, or held; then all votes are counted anew."""
    now, feed = quote.seen_at, quote.feed
    timeline.statements[feed] = quote
    track = timeline.tracks.get(feed)
    if timeline.is_refused(quote):
        return settle(timeline, now)
    if track is not None and alike(quote, track.word, timeline.rules):
        timeline.held.pop((feed, None), None)
        timeline.hear(quote)
        return _seconded(timeline, quote)
    told = _judged(timeline, quote)
    return [*told, *_seconded(timeline, quote), *_disputed(timeline, feed, track, now)]


def _judged(timeline: PriceTimeline, quote: Quote) -> list[Event]:
    """A new word becomes the feed's vote, or is held."""
    now = quote.seen_at
    doubt = _doubt(timeline, quote)
    if doubt is None:
        timeline.believe(quote, now, is_proven=False)
        return []
    is_back, is_proven = _was_recent(timeline, quote), is_seconded(timeline, quote, doubt)
    is_proven = is_proven or (doubt.polls is not None and _was_announced(timeline, quote))
    told: list[Event] = []
    if not (is_back or is_proven):
        _believe_part(timeline, doubt.cautious)
        told, is_proven = timeline.hold(quote, doubt)
    if is_back or is_proven:
        timeline.believe(quote, now, is_proven=is_proven)
    return told


def _believe_part(timeline: PriceTimeline, cautious: Quote | None) -> None:
    """What is in no doubt of a held quote is the feed's vote meanwhile."""
    if cautious is None:
        return
    track = timeline.tracks.get(cautious.feed)
    if track is None or not alike(cautious, track.word, timeline.rules):
        timeline.believe(cautious, cautious.seen_at, is_proven=False)
    else:
        timeline.hear(cautious)


def _doubt(timeline: PriceTimeline, quote: Quote) -> Doubt | None:
    """Measured by the feed's own last word, and by the price in force where that differs."""
    rules = timeline.rules
    if quote.feed in rules.owner_feeds:
        return None
    track = timeline.tracks.get(quote.feed)
    doubt = suspicion(quote, evidence_of(timeline, quote, track), rules)
    current = timeline.in_force(quote.seen_at)
    if doubt is None or track is None or current is None or alike(current, track.word, rules):
        return doubt
    is_fine = suspicion(quote, Evidence(last=current), rules) is None
    return None if is_fine else doubt


def _was_recent(timeline: PriceTimeline, quote: Quote) -> bool:
    """A price that was in force within the last days may come back at once, as sure as it was."""
    ended_at = math.inf
    for past in reversed(timeline.accepted):
        if quote.seen_at - ended_at > timeline.rules.recent_s:
            return False
        if alike(past, quote, timeline.rules):
            return True
        ended_at = starts_at(past)
    return False


def _was_announced(timeline: PriceTimeline, quote: Quote) -> bool:
    return any(
        valid_from is not None
        and feed == quote.feed
        and valid_from <= quote.seen_at
        and agrees(held.quote, quote, timeline.rules)
        for (feed, valid_from), held in timeline.held.items()
    )


def _seconded(timeline: PriceTimeline, witness: Quote) -> list[Event]:
    """A witness releases what is held of others that it agrees with; then the votes are counted."""
    now = witness.seen_at
    held = [
        (each.quote, Doubt(each.reason, each.needs))
        for (_, valid_from), each in timeline.held.items()
        if valid_from is None and not each.is_final and is_witness(witness, each.quote, timeline)
    ]
    for quote, doubt in held:
        if is_seconded(timeline, quote, doubt, now):
            timeline.believe(quote, now, is_proven=True)
    return settle(timeline, now)


def settle(timeline: PriceTimeline, now: float) -> list[Event]:
    """Count the votes: the price in force is what most trust speaks for, in whatever order."""
    rules = timeline.rules
    _start_due(timeline, now)
    _prove_agreed(timeline, now)
    votes = votes_of(timeline, now)
    best = winner(votes, elsewhere_usd(timeline, now), rules)
    current = timeline.in_force(now)
    told: list[Event] = []
    if best is not None and (current is None or not alike(best.quote, current, rules)):
        told = timeline.accept(best.quote, now)
    elif current is not None and _is_heard(timeline, current, now):
        timeline.confirm(now)
    timeline.stand(standing_of(timeline, votes, now), now)
    return told


def _is_heard(timeline: PriceTimeline, current: Quote, now: float) -> bool:
    """True if a feed says the price in force at this very moment."""
    return any(
        track.heard_at == now and supports(track.word, current, timeline.rules)
        for track in timeline.tracks.values()
    )


def _start_due(timeline: PriceTimeline, now: float) -> None:
    """What an owner scheduled is its word from then on."""
    for quote in timeline.accepted[-MAX_PAST_PRICES:]:
        track = timeline.tracks.get(quote.feed)
        if quote.valid_from is None or track is None:
            continue
        if track.heard_at < starts_at(quote) <= now:
            timeline.believe(quote, starts_at(quote), is_proven=True)


def _prove_agreed(timeline: PriceTimeline, now: float) -> None:
    """Two lists that say the same prove it, also one that speaks of the model sold elsewhere."""
    unproven = [track.word for track in timeline.tracks.values() if not track.is_proven]
    for word in unproven:
        others: Iterable[Quote] = (
            *(track.word for feed, track in timeline.tracks.items() if feed != word.feed),
            *(quote for quote in timeline.others(word.feed, now) if quote.is_indirect),
        )
        if any(is_witness(other, word, timeline) for other in others):
            timeline.prove(word.feed)


def _disputed(timeline: PriceTimeline, feed: str, before: Track | None, now: float) -> list[Event]:
    """Tells that a feed's new word is not what the price in force is."""
    track, current = timeline.tracks.get(feed), timeline.in_force(now)
    is_new = track is not None and (before is None or track.word is not before.word)
    if track is None or current is None or not is_new or feed not in timeline.standing.dissenting:
        return []
    facts: dict[str, object] = {
        "feed": feed,
        "usd_per_mtok": dict(track.word.usd_per_mtok),
        "in_force": dict(current.usd_per_mtok),
        "in_force_feed": current.feed,
    }
    kind = EventKind.PRICE_DISPUTED
    return [Event(kind=kind, deployment=track.word.deployment, at=now, facts=facts)]
