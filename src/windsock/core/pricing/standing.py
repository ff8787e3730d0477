"""How a price stands: whose word it is, who says otherwise, how sure it is, what is held back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from windsock.core.model.ticks import Quote
from windsock.core.model.units import MAIN_METERS
from windsock.core.pricing.comparison import agrees, alike, blended, says_less, weighted_median
from windsock.core.pricing.rules import GuardRules
from windsock.core.pricing.schedule import is_expired
from windsock.core.pricing.timeline import PriceTimeline, Standing, Track
from windsock.core.pricing.validation import Held

UNPRICED = "no feed quotes a price"
"""Why there is no price where nobody ever stated one."""

DAY_S = 86400.0

LEAST_LEAD = 0.5
"""Share of a list's trust that another needs for the first to count as late, not as dissenting."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceStatus:
    """How a deployment's price stands.

    reason          why there is none, if there is none
    age_s           since a feed or a bill last confirmed it
    uncertainty     relative: what other feeds disagree by, and more with every day of age
    is_provisional  one list alone says it: taken for as dear as is plausible, for a bounded share
    dearer_by       relative: what it is taken to cost more than stated, as feeds disagree
    vanished        feeds that once listed it and no longer do
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What one feed last said of a price, and what becomes of it.

    age_s       seconds since it said so
    agrees      with the price in force
    stands      agrees, dissents, lags (others have left that price behind), held, or elsewhere
                (the same model, sold by another)
    """

    quote: Quote
    age_s: float
    agrees: bool
    stands: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Vote:
    """A feed's voice for a price, its own or that of a feed which it lags behind."""

    feed: str
    quote: Quote
    trust: float
    is_proven: bool
    is_backed: bool
    lags: bool


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
    )


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
        quote=quote, age_s=max(0.0, now - quote.seen_at), agrees=is_same, stands=stands
    )


def supports(quote: Quote, other: Quote, rules: GuardRules) -> bool:
    """True if a statement speaks for another: it says the same, or less."""
    return agrees(quote, other, rules) or says_less(quote, other, rules)


def votes_of(timeline: PriceTimeline, now: float) -> list[Vote]:
    """The voices that count at `now`: of feeds that spoke lately, else of all, in order of name."""
    tracks = {feed: timeline.tracks[feed] for feed in sorted(timeline.tracks)}
    recent_s = timeline.rules.recent_s
    fresh = {feed: track for feed, track in tracks.items() if now - track.heard_at <= recent_s}
    heard = fresh or tracks
    voices = []
    for feed, track in heard.items():
        leader = _leader(feed, heard, now, timeline.rules)
        word = _unexpired(heard[leader], now)
        if word is not None:
            vote = Vote(
                feed=feed,
                quote=word,
                trust=track.word.trust,
                is_proven=track.is_proven,
                is_backed=leader == feed and now - track.backed_at <= recent_s,
                lags=leader != feed,
            )
            voices.append(vote)
    return voices


def _unexpired(track: Track, now: float) -> Quote | None:
    return next((word for word in reversed(track.words) if not is_expired(word, now)), None)


def _leader(feed: str, heard: dict[str, Track], now: float, rules: GuardRules) -> str:
    """The feed that a late one stands behind, at the end of the chain; itself if it is not late."""
    seen = {feed}
    while True:
        ahead = [
            name for name in heard if name not in seen and _lags(feed, name, heard, now, rules)
        ]
        if not ahead:
            return feed
        feed = max(ahead, key=lambda name: (heard[name].word.trust, name))
        seen.add(feed)


def _lags(feed: str, ahead: str, heard: dict[str, Track], now: float, rules: GuardRules) -> bool:
    """True if a feed says what another has left behind; of two, that moved last leads.

    A move that nobody joined within days leads no longer: it dissents.
    """
    late, lead = heard[feed], heard[ahead]
    if lead.word.trust < LEAST_LEAD * late.word.trust or lead.since < late.backed_at:
        return False
    if alike(late.word, lead.word, rules) or not _left(lead, late.word, rules):
        return False
    if _left(late, lead.word, rules) and late.since >= lead.since:
        return False
    return now - lead.since <= rules.recent_s or any(
        agrees(track.word, lead.word, rules)
        for name, track in heard.items()
        if name not in (feed, ahead)
    )


def _left(track: Track, word: Quote, rules: GuardRules) -> bool:
    return any(alike(past, word, rules) for past in track.words[:-1])


def winner(votes: Sequence[Vote], elsewhere: Decimal | None, rules: GuardRules) -> Vote | None:
    """The voice with the most trust behind it, the dearer one on a tie.

    What a bill, a person, time or a second list proved goes before what one list alone says; the
    owner's word before all.

    elsewhere   blended USD per million at which others sell the model
    """
    if not votes:
        return None
    return max(votes, key=lambda vote: _rank(vote, votes, elsewhere, rules))


Rank = tuple[bool, bool, bool, bool, float, int, float, Decimal, str]


def _rank(vote: Vote, votes: Sequence[Vote], elsewhere: Decimal | None, rules: GuardRules) -> Rank:
    quote = vote.quote
    behind = [each for each in votes if supports(each.quote, quote, rules)]
    is_proven = any(each.is_proven for each in behind)
    return (
        is_owner(quote, rules),
        vote.is_backed,
        is_proven,
        not (is_strange(quote, elsewhere, rules) or _is_foreign(quote, votes, rules)),
        round(sum(each.trust for each in behind), 9),
        len(quote.windows) + len(quote.tiers),
        quote.trust,
        blended(quote.usd_per_mtok),
        quote.feed,
    )


def is_owner(quote: Quote, rules: GuardRules) -> bool:
    """True for the word of whoever runs the service: the configuration, the own price sheet."""
    return quote.feed in rules.owner_feeds or quote.trust >= rules.scheduling_trust


def is_strange(quote: Quote, elsewhere: Decimal | None, rules: GuardRules) -> bool:
    """True if others sell the model at a very different price."""
    price = blended(quote.usd_per_mtok)
    if not elsewhere or not price:
        return False
    most = Decimal(str(rules.alone_ratios[1]))
    return not 1 / most <= price / elsewhere <= most


def _is_foreign(quote: Quote, votes: Iterable[Vote], rules: GuardRules) -> bool:
    """True if it is another's price times the rate of a currency: taken for dollars."""
    low, high = (Decimal(str(bound)) for bound in rules.fx_ratios)
    return any(
        all(
            other.quote.usd_per_mtok[m]
            and low <= quote.usd_per_mtok[m] / other.quote.usd_per_mtok[m] <= high
            for m in MAIN_METERS
        )
        for other in votes
    )


def elsewhere_usd(timeline: PriceTimeline, now: float) -> Decimal | None:
    """Trust-weighted median of the blended price at which others sell the model, if they do."""
    sold = [
        (blended(each.usd_per_mtok), each.trust)
        for each in timeline.others("", now)
        if each.is_indirect
    ]
    return weighted_median(sold) if sold else None


def standing_of(timeline: PriceTimeline, votes: Sequence[Vote], now: float) -> Standing:
    """What there is to know about the price in force, besides what it is."""
    current, rules = timeline.in_force(now), timeline.rules
    if current is None:
        return Standing()
    behind = [vote for vote in votes if supports(vote.quote, current, rules)]
    is_proven = is_owner(current, rules) or any(vote.is_proven for vote in behind)
    return Standing(
        is_provisional=bool(behind) and not is_proven,
        dearer_by=_dearer_by(timeline, current, votes, now, is_proven=is_proven),
        lagging=frozenset(vote.feed for vote in votes if vote.lags),
        dissenting=frozenset(vote.feed for vote in votes if vote not in behind),
    )


def _dearer_by(
    timeline: PriceTimeline, current: Quote, votes: Sequence[Vote], now: float, *, is_proven: bool
) -> float:
    """How much dearer than stated: what feeds say on average; at the most, while provisional."""
    price, total = blended(current.usd_per_mtok), sum(vote.trust for vote in votes)
    if not price or not total or is_owner(current, timeline.rules):
        return 0.0
    above = [
        (max(0.0, float(blended(vote.quote.usd_per_mtok) / price) - 1), vote.trust)
        for vote in votes
    ]
    dearer = sum(rise * trust for rise, trust in above) / total
    if not is_proven:
        elsewhere = elsewhere_usd(timeline, now) or price
        dearer = max(float(elsewhere / price) - 1, *(rise for rise, _ in above))
    return min(max(dearer, 0.0), timeline.rules.alone_ratios[0] - 1)


def _uncertainty(
    timeline: PriceTimeline, quote: Quote | None, age_s: float | None, now: float
) -> float:
    if quote is None or age_s is None:
        return 1.0
    aged = age_s / DAY_S * timeline.rules.uncertainty_per_day
    return min(1.0, aged + _disagreement(timeline, quote, now))


def _disagreement(timeline: PriceTimeline, quote: Quote, now: float) -> float:
    """How far the trust-weighted median of direct statements lies off, relative to it."""
    said = [q for q in timeline.others("", now) if not q.is_indirect]
    median = weighted_median([(blended(q.usd_per_mtok), q.trust) for q in said]) if said else 0
    return float(abs(blended(quote.usd_per_mtok) / median - 1)) if median else 0.0


def _why_unpriced(timeline: PriceTimeline, billed_as: str | None) -> str:
    if billed_as is not None:
        return f"answers come from {billed_as}, whose price is not known"
    for held in timeline.held.values():
        return f"price held: {held.quote.feed} {held.reason}"
    return "price is not in force yet, or no longer" if timeline.accepted else UNPRICED
