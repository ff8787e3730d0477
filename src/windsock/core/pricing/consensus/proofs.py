"""What speaks for a quote and against it besides its own feed: other lists, other sellers."""

from __future__ import annotations

from windsock.core.model.ticks import Quote
from windsock.core.pricing.comparison import (
    agrees,
    blended,
    is_copy,
    is_within_times,
    joint_trust,
    median_usd,
    witnesses,
)
from windsock.core.pricing.consensus.timeline import PriceTimeline
from windsock.core.pricing.consensus.tracks import Track
from windsock.core.pricing.consensus.votes import elsewhere_usd, is_silent
from windsock.core.pricing.validation import Doubt, Evidence


def evidence_of(timeline: PriceTimeline, quote: Quote, track: Track | None) -> Evidence:
    """What a quote of a feed, whose track this is, is judged against."""
    now, is_unopposed = quote.seen_at, _is_unopposed(timeline, quote)
    if track is None:
        return Evidence(is_unopposed=is_unopposed)
    is_today = now - track.anchored_at < timeline.rules.fall_window_s
    return Evidence(
        last=track.word,
        anchor=track.anchor if is_today else None,
        is_contradicted=_is_contradicted(timeline, quote),
        is_unopposed=is_unopposed,
        is_mending=is_unopposed and _is_sold_so(timeline, track.word, now) is False,
    )


def _is_unopposed(timeline: PriceTimeline, quote: Quote) -> bool:
    """Nobody says otherwise, and others sell the model for neither twice nor half as much."""
    now, rules = quote.seen_at, timeline.rules
    others = (each for each in timeline.others(quote.feed, now) if not each.is_indirect)
    if any(not agrees(each, quote, rules) for each in others):
        return False
    return _is_sold_so(timeline, quote, now) is not False


def _is_sold_so(timeline: PriceTimeline, quote: Quote, now: float) -> bool | None:
    """True if others sell the model for half to twice as much, None if none is known to."""
    elsewhere = elsewhere_usd(timeline, now)
    if not elsewhere:
        return None
    return is_within_times(blended(quote.usd_per_mtok), elsewhere, timeline.rules.alone_ratios[0])


def _is_contradicted(timeline: PriceTimeline, quote: Quote) -> bool:
    """The dearer half of trust restates something else since this was first said."""
    held = timeline.held.get((quote.feed, None))
    if held is None:
        return False
    others = timeline.others(quote.feed, quote.seen_at)
    since = [each for each in others if not each.is_indirect and each.seen_at > held.since]
    middle = median_usd([*witnesses(since), quote])
    return middle is not None and middle > blended(quote.usd_per_mtok)


def is_witness(other: Quote, quote: Quote, timeline: PriceTimeline) -> bool:
    """True if a list says the same that neither copies the other nor is copied from the same."""
    return not is_copy(other, quote) and agrees(other, quote, timeline.rules)


def is_seconded(
    timeline: PriceTimeline, quote: Quote, doubt: Doubt, now: float | None = None
) -> bool:
    """True if a second list says so, and what looks like an error outweighs what others restate.

    now     unix s of the last statement; None: that of the quote
    """
    now = quote.seen_at if now is None else now
    others = [each for each in timeline.others(quote.feed, now) if not is_copy(each, quote)]
    behind = [each for each in others if agrees(each, quote, timeline.rules)]
    if not behind or doubt.polls is not None:
        return bool(behind)
    restated = (each for each in others if not is_silent(each.seen_at, now, timeline.rules))
    against = [each for each in restated if not each.is_indirect and each not in behind]
    return joint_trust([quote, *behind]) >= joint_trust(against)
