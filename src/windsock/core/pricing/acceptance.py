"""What becomes of a statement: believed at once, held until it is confirmed, or only noted."""

from __future__ import annotations

import math

from windsock.core.model.events import Event
from windsock.core.model.ticks import Quote, Vanished
from windsock.core.pricing.comparison import agrees, alike, blended, says_less, weighted_median
from windsock.core.pricing.plausibility import suspicion
from windsock.core.pricing.schedule import is_expired, starts_at
from windsock.core.pricing.timeline import PriceTimeline
from windsock.core.pricing.validation import (
    Doubt,
    Evidence,
    invalid_reason,
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
    if timeline.vanished:
        timeline.vanished.pop(tick.feed, None)
    reason = invalid_reason(tick, timeline.rules)
    if _goes_by_another_name(timeline, tick):
        return []
    if reason is not None:
        tick = without_signals(tick)
    if _refreshes(timeline, tick) or is_expired(tick, tick.seen_at):
        return []
    if reason is not None:
        return timeline.hold(tick, Doubt(reason), is_final=True)
    quote = tick if tick.feed in timeline.rules.owner_feeds else without_vain_zeros(tick)
    if quote.valid_from is not None and quote.valid_from > quote.seen_at:
        return _announced(timeline, quote)
    return _stated(timeline, quote)


def _refreshes(timeline: PriceTimeline, tick: Quote) -> bool:
    """True for the word of a feed that sets the price, or of a direct one that repeats it."""
    if tick.is_indirect or not timeline.accepted or not tick.same_price(timeline.accepted[-1]):
        return False
    timeline.statements[tick.feed] = tick
    timeline.confirm(tick.seen_at)
    if timeline.held:
        timeline.held.pop((tick.feed, None), None)
    return True


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
    doubt = _doubt(timeline, quote, timeline.in_force(quote.seen_at)) if is_fact else FORECAST
    if doubt is None:
        return timeline.accept(quote, quote.seen_at)
    return timeline.hold(quote, Doubt(doubt.reason))


def _stated(timeline: PriceTimeline, quote: Quote) -> list[Event]:
    now = quote.seen_at
    if quote.is_indirect:
        timeline.statements[f"{quote.feed} of {quote.feed_model}"] = quote
        return _second(timeline, quote)
    before = timeline.statements.get(quote.feed)
    timeline.statements[quote.feed] = quote
    current = timeline.in_force(now)
    if current is not None and alike(quote, current, timeline.rules):
        timeline.confirm(now)
        timeline.held.pop((quote.feed, None), None)
        return []
    if current is not None and not _is_news(timeline, quote, before, current):
        return _second(timeline, quote)
    return _judge(timeline, quote, current)


def _judge(timeline: PriceTimeline, quote: Quote, current: Quote | None) -> list[Event]:
    now = quote.seen_at
    doubt = _doubt(timeline, quote, current)
    if doubt is None:
        return timeline.accept(quote, now, is_proven=current is None)
    if _was_recent(timeline, quote) or _is_seconded(timeline, quote):
        return timeline.accept(quote, now)
    if doubt.polls is not None and _was_announced(timeline, quote):
        return timeline.accept(quote, now)
    return timeline.hold(quote, doubt)


def _doubt(timeline: PriceTimeline, quote: Quote, current: Quote | None) -> Doubt | None:
    if quote.feed in timeline.rules.owner_feeds:
        return None
    return suspicion(quote, _evidence(timeline, quote, current), timeline.rules)


def _evidence(timeline: PriceTimeline, quote: Quote, current: Quote | None) -> Evidence:
    now = quote.seen_at
    others = list(timeline.others(quote.feed, now))
    direct = [other for other in others if not other.is_indirect]
    values = [(blended(each.usd_per_mtok), each.trust) for each in direct or others]
    return Evidence(
        last=current,
        anchor=timeline.anchor
        if now - timeline.anchored_at < timeline.rules.fall_window_s
        else None,
        elsewhere=weighted_median(values) if values else None,
        is_elsewhere_direct=bool(direct),
        is_contradicted=_is_contradicted(timeline, quote, direct),
    )


def _is_contradicted(timeline: PriceTimeline, quote: Quote, direct: list[Quote]) -> bool:
    """The dearer half of trust restates something else since this was first said."""
    held = timeline.held.get((quote.feed, None))
    if held is None:
        return False
    price = blended(quote.usd_per_mtok)
    restated = [
        (blended(each.usd_per_mtok), each.trust) for each in direct if each.seen_at > held.since
    ]
    return weighted_median([*restated, (price, quote.trust)]) > price


def _is_news(timeline: PriceTimeline, quote: Quote, before: Quote | None, current: Quote) -> bool:
    """A feed's word counts when it changes its mind, or when nothing better is known."""
    owners = timeline.rules.owner_feeds
    if quote.feed == current.feed or quote.feed in owners:
        return True
    if current.feed in owners and current.feed not in timeline.vanished:
        return False
    held = timeline.held.get((quote.feed, None))
    if held is not None and alike(held.quote, quote, timeline.rules):
        return True
    if says_less(quote, current, timeline.rules):
        timeline.confirm(quote.seen_at)
        return False
    is_stale = quote.seen_at - timeline.confirmed_at > timeline.rules.stale_s
    if before is None:
        outweighs = quote.trust > current.trust or _is_joined(timeline, quote, current)
        return is_stale or (outweighs and not _lags(timeline, quote, current))
    if alike(before, quote, timeline.rules):
        return is_stale
    return is_stale or not _lags(timeline, quote, current)


def _is_joined(timeline: PriceTimeline, quote: Quote, current: Quote) -> bool:
    """True if feeds that say the same have, together, more trust than those for the current."""
    direct = [q for q in timeline.others(quote.feed, quote.seen_at) if not q.is_indirect]
    pro = sum(each.trust for each in direct if agrees(each, quote, timeline.rules))
    con = sum(each.trust for each in direct if agrees(each, current, timeline.rules))
    return pro > 0 and pro + quote.trust > con


def _lags(timeline: PriceTimeline, quote: Quote, current: Quote) -> bool:
    """True if it states a price that the feed of the current one has already left behind."""
    leader = timeline.statements.get(current.feed)
    if leader is None or not alike(leader, current, timeline.rules):
        return False
    return any(
        alike(past, quote, timeline.rules)
        for past in timeline.accepted[-MAX_PAST_PRICES:]
        if past is not current
    )


def _was_recent(timeline: PriceTimeline, quote: Quote) -> bool:
    """A price that was in force within the last days may come back at once."""
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


def _is_seconded(timeline: PriceTimeline, quote: Quote) -> bool:
    return any(
        agrees(other, quote, timeline.rules) for other in timeline.others(quote.feed, quote.seen_at)
    )


def _second(timeline: PriceTimeline, witness: Quote) -> list[Event]:
    """A witness that does not set the price releases a held one that it agrees with."""
    for (feed, valid_from), held in timeline.held.items():
        is_open = valid_from is None and not held.is_final and feed != witness.feed
        if is_open and agrees(held.quote, witness, timeline.rules):
            return timeline.accept(held.quote, witness.seen_at)
    return []
