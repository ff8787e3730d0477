"""Every feed's voice for a price, whose voices count together, and which price most speak for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from windsock.core.model.ticks import Quote
from windsock.core.model.units import MAIN_METERS
from windsock.core.pricing.comparison import (
    agrees,
    alike,
    as_decimal,
    blended,
    is_copy,
    is_within_times,
    joint_trust,
    median_usd,
    says_less,
    weighted_median,
)
from windsock.core.pricing.consensus.timeline import PriceTimeline
from windsock.core.pricing.consensus.tracks import Track
from windsock.core.pricing.rules import GuardRules
from windsock.core.pricing.schedule import is_expired

LEAST_LEAD = 0.5
"""Share of a list's trust that another needs for the first to count as late, not as dissenting."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vote:
    """A feed's voice for a price, its own or that of a feed which it lags behind.

    said        its own last word
    is_proven   that word was proven, by a bill, a person, time or a second list
    is_backed   a bill or a person spoke for it lately
    is_sellers  the own list of whoever sells the model, of which it still knows
    lags        the price is that of another feed
    """

    feed: str
    quote: Quote
    said: Quote
    is_proven: bool
    is_backed: bool
    is_sellers: bool
    lags: bool

    @property
    def trust(self) -> float:
        """0..1, of its feed."""
        return self.said.trust


def supports(quote: Quote, other: Quote, rules: GuardRules) -> bool:
    """True if a statement speaks for another: it says the same, or less."""
    return agrees(quote, other, rules) or says_less(quote, other, rules)


def votes_of(timeline: PriceTimeline, now: float) -> list[Vote]:
    """The voices that count at `now`: of feeds that spoke lately, else of all, in order of name."""
    heard, recent_s = heard_lately(timeline, now), timeline.rules.recent_s
    voices = []
    for feed, track in heard.items():
        leader = _leader(feed, heard, now, timeline.rules)
        word = _unexpired(heard[leader], now)
        if word is not None:
            vote = Vote(
                feed=feed,
                quote=word,
                said=track.word,
                is_proven=track.is_proven,
                is_backed=leader == feed and now - track.backed_at <= recent_s,
                is_sellers=_is_sellers_word(track, heard, now, timeline.rules),
                lags=leader != feed,
            )
            voices.append(vote)
    return voices


def heard_lately(timeline: PriceTimeline, now: float) -> dict[str, Track]:
    """What feeds say that spoke lately, else what all do, in order of name."""
    if len(timeline.tracks) <= 1:
        return timeline.tracks
    tracks = {feed: timeline.tracks[feed] for feed in sorted(timeline.tracks)}
    recent_s = timeline.rules.recent_s
    fresh = {feed: track for feed, track in tracks.items() if now - track.heard_at <= recent_s}
    return fresh or tracks


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
    """True if a feed says what another has left behind; of two, the one that moved last leads.

    A move that nobody joined within days leads no longer: it dissents.
    """
    late, lead = heard[feed], heard[ahead]
    if lead.since < late.backed_at or _is_sellers_word(late, heard, now, rules):
        return False
    if lead.word.trust < LEAST_LEAD * late.word.trust:
        return False
    if alike(late.word, lead.word, rules) or not _left(lead, late.word, rules):
        return False
    if _left(late, lead.word, rules) and late.since >= lead.since:
        return False
    return now - lead.since <= rules.recent_s or any(
        agrees(track.word, lead.word, rules) and not is_copy(track.word, lead.word)
        for name, track in heard.items()
        if name not in (feed, ahead)
    )


def _left(track: Track, word: Quote, rules: GuardRules) -> bool:
    """True if a feed once said this, or its input and output, and does not any more.

    Lists state different terms: what two of them say is seldom alike in all.
    """
    has_moved = not agrees(track.word, word, rules)
    return any(
        alike(past, word, rules) or (has_moved and agrees(past, word, rules))
        for past in track.words[:-1]
    )


def winner(votes: Sequence[Vote], elsewhere: Decimal | None, rules: GuardRules) -> Vote | None:
    """The voice with the most trust behind it, the dearer one on a tie.

    What a bill, a person, time or a second list proved goes before what one list alone says; the
    word of whoever sells it before what others say of it, unless it is new and far from all of
    that; the owner's before all.

    elsewhere   blended USD per million at which others sell the model
    """
    if len(votes) < 2:
        return votes[0] if votes else None
    return max(votes, key=lambda vote: _rank(vote, votes, elsewhere, rules))


Rank = tuple[bool, bool, bool, bool, bool, float, int, float, Decimal, str]
"""What a voice goes by, the first difference deciding; in the order of `winner`."""


def _rank(vote: Vote, votes: Sequence[Vote], elsewhere: Decimal | None, rules: GuardRules) -> Rank:
    quote = vote.quote
    behind = [each for each in votes if supports(each.quote, quote, rules)]
    is_odd = is_strange(quote, elsewhere, rules)
    return (
        is_owner(quote, rules),
        vote.is_backed,
        not is_odd and _is_first_hand(behind, votes, rules),
        any(each.is_proven for each in behind),
        not (is_odd or _is_foreign(quote, votes, rules)),
        joint_trust(vote.said for vote in behind),
        len(quote.windows) + len(quote.tiers),
        quote.trust,
        blended(quote.usd_per_mtok),
        quote.feed,
    )


def is_owner(quote: Quote, rules: GuardRules) -> bool:
    """True for the word of whoever runs the service: the configuration, the own price sheet."""
    return quote.feed in rules.owner_feeds or quote.trust >= rules.scheduling_trust


def is_sellers(quote: Quote) -> bool:
    """True for the own list of whoever sells the model: a feed of the seller's name."""
    return quote.feed == quote.deployment.partition("/")[0].partition("@")[0]


def is_silent(heard_at: float, now: float, rules: GuardRules) -> bool:
    """True of a list that was not heard for a day: it restates nothing."""
    return now - heard_at > rules.stale_s


def _is_sellers_word(track: Track, heard: dict[str, Track], now: float, rules: GuardRules) -> bool:
    """True for the seller's own list, unless it fell silent and others have moved since."""
    is_outlived = is_silent(track.heard_at, now, rules) and any(
        other.since > track.heard_at for other in heard.values()
    )
    return is_sellers(track.word) and not is_outlived


def _is_first_hand(behind: Sequence[Vote], votes: Sequence[Vote], rules: GuardRules) -> bool:
    """True if the seller's own list speaks so; a new one that is far from all others may be none.

    Whoever names a feed as a seller has not read its unit right by that.
    """
    sellers = [vote for vote in behind if vote.is_sellers]
    return any(vote.is_proven or not _is_far(vote.quote, votes, rules) for vote in sellers)


def _is_far(quote: Quote, votes: Sequence[Vote], rules: GuardRules) -> bool:
    """True if it is free, ten times off or in another currency by what others say."""
    others = [vote for vote in votes if not supports(vote.quote, quote, rules)]
    if not others:
        return False
    usual = weighted_median([(blended(vote.quote.usd_per_mtok), vote.trust) for vote in others])
    is_free = usual > 0 == blended(quote.usd_per_mtok)
    return is_free or is_strange(quote, usual, rules) or _is_foreign(quote, others, rules)


def is_strange(quote: Quote, elsewhere: Decimal | None, rules: GuardRules) -> bool:
    """True if others sell the model at a very different price."""
    price = blended(quote.usd_per_mtok)
    if not elsewhere or not price:
        return False
    return not is_within_times(price, elsewhere, rules.alone_ratios[1])


def _is_foreign(quote: Quote, votes: Iterable[Vote], rules: GuardRules) -> bool:
    """True if it is another's price times the rate of a currency: taken for dollars."""
    low, high = (as_decimal(bound) for bound in rules.fx_ratios)
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
    return median_usd(each for each in timeline.others("", now) if each.is_indirect)
