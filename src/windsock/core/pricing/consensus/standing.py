"""How a price stands: whose word it is, who says otherwise, how sure it is, what is held back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import inf

from windsock.core.model.ticks import Quote
from windsock.core.pricing.comparison import blended, median_usd, witnesses
from windsock.core.pricing.consensus.timeline import PriceTimeline, Standing
from windsock.core.pricing.consensus.votes import Vote, is_owner, supports
from windsock.core.pricing.validation import Held

UNPRICED = "no feed quotes a price"
"""Why there is no price where nobody ever stated one."""

DAY_S = 86400.0

MOST_APART = 3.0
"""Lists that differ by more do not differ about a price: one of them is wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceStatus:
    """How a deployment's price stands.

    reason          why there is none, if there is none
    age_s           since a feed or a bill last confirmed it
    uncertainty     relative: what other feeds disagree by, and more with every day of age
    is_provisional  no second list says it: taken for as dear as is plausible, for a bounded share
                    if no other list knows the deployment at all
    dearer_by       relative: what it is taken to cost more than stated, as feeds disagree; below 0
                    where it is far above what others sell the model at
    vanished        feeds that once listed it and no longer do
    provisional_until   unix s at which time alone will have proven it; None unless provisional
    disputed_by     feeds that speak for another price, now
    measured_by     comparable prices by which one list's word was measured; empty: by none
    is_bounded      it may draw only `provisional_share` of a task's requests
    """

    quote: Quote | None
    reason: str | None
    age_s: float | None
    is_stale: bool
    uncertainty: float
    held: tuple[Held, ...]
    is_provisional: bool = False
    dearer_by: float = 0.0
    vanished: tuple[str, ...] = ()
    provisional_until: float | None = None
    disputed_by: tuple[str, ...] = ()
    measured_by: str = ""
    is_bounded: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What one feed last said of a price, and what becomes of it.

    age_s       seconds since it said so
    agrees      with the price in force
    stands      agrees, dissents, lags (others have left that price behind), held, or elsewhere
                (the same model, sold by another)
    provisional_until   unix s at which time alone will have proven it; None: more than this one
                feed speaks for it, or it has no vote
    """

    quote: Quote
    age_s: float
    agrees: bool
    stands: str
    provisional_until: float | None = None


def status_of(timeline: PriceTimeline, now: float, *, billed_as: str | None) -> PriceStatus:
    """How the price of a timeline stands at `now`.

    billed_as   the deployment that answers instead, if another does
    """
    quote = timeline.in_force(now)
    age_s = timeline.age_s(quote, now)
    return PriceStatus(
        quote=quote,
        reason=None if quote else _why_unpriced(timeline, billed_as),
        age_s=age_s,
        is_stale=age_s is not None and age_s > timeline.rules.stale_s,
        uncertainty=_uncertainty(timeline, quote, age_s, now),
        held=tuple(timeline.held.values()),
        is_provisional=timeline.standing.is_provisional,
        dearer_by=timeline.standing.dearer_by,
        vanished=tuple(sorted(timeline.vanished)),
        provisional_until=_provisional_until(timeline, quote),
        disputed_by=tuple(sorted(timeline.standing.dissenting)),
    )


def measured(status: PriceStatus, quote: Quote | None, standing: Standing) -> PriceStatus:
    """The status of a price as it is billed, and as comparable prices have it stand."""
    return replace(
        status,
        quote=quote,
        dearer_by=standing.dearer_by,
        measured_by=standing.measured_by,
        is_bounded=standing.is_bounded,
    )


def _provisional_until(timeline: PriceTimeline, quote: Quote | None) -> float | None:
    """When the feed that first said so will have said it for long enough."""
    if quote is None or not timeline.standing.is_provisional:
        return None
    rules = timeline.rules
    since = [t.since for t in timeline.tracks.values() if supports(t.word, quote, rules)]
    return min(since) + rules.provisional_s if since else None


def statements_of(timeline: PriceTimeline, now: float) -> list[Statement]:
    """What every feed last said, the most trusted first."""
    current = timeline.in_force(now)
    held = {h.quote.feed for h in timeline.held.values() if h.quote.valid_from is None}
    spoken = sorted(timeline.statements.values(), key=lambda q: (-q.trust, q.feed, q.feed_model))
    return [_statement(timeline, quote, current, held, now) for quote in spoken]


def _statement(
    timeline: PriceTimeline, quote: Quote, current: Quote | None, held: set[str], now: float
) -> Statement:
    is_same = current is not None and supports(quote, current, timeline.rules)
    if quote.is_indirect:
        stands = "elsewhere"
    elif is_same:
        stands = "agrees"
    elif quote.feed in held:
        stands = "held"
    else:
        stands = "lags" if quote.feed in timeline.standing.lagging else "dissents"
    return Statement(
        quote=quote,
        age_s=max(0.0, now - quote.seen_at),
        agrees=is_same,
        stands=stands,
        provisional_until=_unproven_until(timeline, quote, stands),
    )


def _unproven_until(timeline: PriceTimeline, quote: Quote, stands: str) -> float | None:
    track = timeline.tracks.get(quote.feed)
    if track is None or track.is_proven or stands in ("held", "elsewhere"):
        return None
    return None if is_owner(quote, timeline.rules) else track.since + timeline.rules.provisional_s


def standing_of(timeline: PriceTimeline, votes: Sequence[Vote], now: float) -> Standing:
    """What there is to know about the price in force, besides what it is."""
    current = timeline.in_force(now)
    if current is None:
        return Standing()
    behind = [vote for vote in votes if supports(vote.quote, current, timeline.rules)]
    is_single = len(witnesses(vote.said for vote in votes)) == 1 and bool(behind)
    is_single = is_single and not is_owner(current, timeline.rules)
    is_proven = is_owner(current, timeline.rules) or any(vote.is_proven for vote in behind)
    return Standing(
        is_provisional=bool(behind) and not is_proven,
        is_alone=is_single and not is_proven,
        is_bounded=is_single and not is_proven,
        dearer_by=_dearer_by(timeline, current, votes, is_proven=is_proven),
        lagging=frozenset(vote.feed for vote in votes if vote.lags),
        dissenting=frozenset(vote.feed for vote in votes if vote not in behind),
    )


def _dearer_by(
    timeline: PriceTimeline, current: Quote, votes: Sequence[Vote], *, is_proven: bool
) -> float:
    """How much dearer than stated: while provisional the dearest of what lists say, where they
    differ by little; what is proven is as stated. Where a single list has begun to state a deep
    fall, as deep as is believed at once.
    """
    price = blended(current.usd_per_mtok)
    if not price or is_owner(current, timeline.rules):
        return 0.0
    if len(votes) == 1:
        return _falls_to(timeline, current, votes[0]) - 1
    if is_proven:
        return 0.0
    times = (float(blended(vote.quote.usd_per_mtok) / price) for vote in votes)
    return max((each for each in times if 1 <= each <= MOST_APART), default=1.0) - 1


def aged(standing: Standing, timeline: PriceTimeline, now: float) -> Standing:
    """A price that nothing confirmed for days is the less sure, and taken for dearer, each day."""
    rules = timeline.rules
    late_s = now - timeline.confirmed_at - rules.stale_s
    if late_s < 0:
        return standing
    quote = timeline.in_force(now)
    if quote is None or is_owner(quote, rules):
        return standing
    by = min(1.0, (late_s // DAY_S + 1) * rules.dearer_per_day)
    return replace(standing, dearer_by=(1 + standing.dearer_by) * (1 + by) - 1)


def next_aging(timeline: PriceTimeline, after: float) -> float:
    """The next moment at which the price in force is a day more without confirmation; inf: none."""
    quote, rules = timeline.in_force(after), timeline.rules
    if quote is None or is_owner(quote, rules) or not rules.dearer_per_day:
        return inf
    stale_at = timeline.confirmed_at + rules.stale_s
    return stale_at + max(0.0, (after - stale_at) // DAY_S + 1) * DAY_S


def _falls_to(timeline: PriceTimeline, current: Quote, vote: Vote) -> float:
    """Part of its price that a held fall of the same list leaves, where polls can release it."""
    held, rules = timeline.held.get((vote.feed, None)), timeline.rules
    if held is None or held.needs != rules.fall_polls:
        return 1.0
    part = float(blended(held.quote.usd_per_mtok) / blended(current.usd_per_mtok))
    return min(1.0, max(rules.max_fall, part))


def _uncertainty(
    timeline: PriceTimeline, quote: Quote | None, age_s: float | None, now: float
) -> float:
    if quote is None or age_s is None:
        return 1.0
    aged = age_s / DAY_S * timeline.rules.uncertainty_per_day
    return min(1.0, aged + _disagreement(timeline, quote, now))


def _disagreement(timeline: PriceTimeline, quote: Quote, now: float) -> float:
    """How far the trust-weighted median of direct statements lies off, relative to it."""
    median = median_usd(each for each in timeline.others("", now) if not each.is_indirect)
    return float(abs(blended(quote.usd_per_mtok) / median - 1)) if median else 0.0


def _why_unpriced(timeline: PriceTimeline, billed_as: str | None) -> str:
    if billed_as is not None:
        return f"answers come from {billed_as}, whose price is not known"
    for held in timeline.held.values():
        return f"price held: {held.quote.feed} {held.reason}"
    return "price is not in force yet, or no longer" if timeline.accepted else UNPRICED
