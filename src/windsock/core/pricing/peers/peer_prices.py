"""How a price stands that one list alone states, once it is measured by comparable ones."""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import replace

from windsock.core.model.ticks import CHAT, Quote
from windsock.core.model.units import MAIN_METERS, Prices
from windsock.core.pricing.comparison import as_decimal, blended, witnesses
from windsock.core.pricing.consensus.timeline import PriceTimeline, Standing
from windsock.core.pricing.consensus.votes import heard_lately, is_owner, is_sellers
from windsock.core.pricing.peers.listings import Ask, Listings
from windsock.core.pricing.peers.model_keys import is_moving
from windsock.core.pricing.peers.plausible_range import Basis, Plausible, plausible
from windsock.core.pricing.rules import GuardRules
from windsock.core.pricing.validation import invalid_reason

HOUR_S = 3600.0

Grounds = tuple[Standing, Quote, list[Quote], int, float]
"""What a result follows from: how the price stands, itself, what lists say that dissent, the
listings' version, the hour."""


class PeerPrices:
    """Everything that lists say of other deployments, and what follows for one alone."""

    def __init__(self, rules: GuardRules) -> None:
        self._rules = rules
        self._listings = Listings(rules.recent_s)
        self._known: dict[str, tuple[Grounds, Standing]] = {}

    def hear(self, timeline: PriceTimeline, tick: Quote) -> set[str]:
        """Take over what a feed is believed to say; names that are measured by it, if it is new."""
        if tick.is_indirect:
            quote = timeline.statements.get(f"{tick.feed} of {tick.feed_model}")
            name = f"{tick.feed}/{tick.feed_model}"
        else:
            track = timeline.tracks.get(tick.feed)
            quote = replace(track.word, seen_at=track.heard_at) if track else None
            name = tick.deployment
        if quote is None or quote.mode != CHAT:
            return set()
        return self.note(name, quote, model=tick.deployment)

    def note(self, name: str, quote: Quote, *, model: str | None = None) -> set[str]:
        """Take over one list's word of a model that may be no deployment here.

        What cannot be a price is left out.
        """
        if invalid_reason(quote, self._rules) is not None:
            return set()
        ask = Ask(name, quote.usd_per_mtok, quote.trust, quote.seen_at)
        is_new = self._listings.note(quote.feed, ask, model=model)
        return self._listings.related(model or name) - {name} if is_new else set()

    def hear_only(self, feeds: Container[str]) -> set[str]:
        """Other lists than these say nothing any more; names that were measured by them."""
        return self._listings.drop(lambda key: key[1] not in feeds)

    def forget(self, name: str) -> set[str]:
        """Nobody says anything of this one any more; names that were measured by it."""
        return self._listings.drop(lambda key: key[0] == name)

    def relearn(self, timelines: Iterable[PriceTimeline]) -> None:
        """Start from what these timelines hold."""
        self._listings = Listings(self._rules.recent_s)
        self._known.clear()
        for timeline in timelines:
            words = [track.word for track in timeline.tracks.values()]
            for quote in (*words, *(q for q in timeline.statements.values() if q.is_indirect)):
                self.hear(timeline, quote)

    def placed(self, name: str, timeline: PriceTimeline, now: float) -> Standing:
        """How the price stands: one list's word is taken for what is plausible."""
        standing, quote = timeline.standing, timeline.in_force(now)
        if quote is None or not _is_measured(quote, timeline, now):
            return standing
        rivals = _dissent(timeline, now)
        grounds = (standing, quote, rivals, self._listings.version, now // HOUR_S)
        known = self._known.get(name)
        if known is None or known[0] != grounds:
            measured = self._measured(name, timeline, quote, rivals, now)
            known = self._known[name] = grounds, measured
        return known[1]

    def _measured(
        self, name: str, timeline: PriceTimeline, quote: Quote, rivals: list[Quote], now: float
    ) -> Standing:
        stated, standing, rules = _main(quote), timeline.standing, self._rules
        if quote.mode != CHAT or not all(stated.values()):
            return replace(standing, is_bounded=standing.is_alone)
        is_hearsay = not is_sellers(quote)
        is_move = not standing.is_alone and _has_moved(quote, timeline)
        asks = self._listings
        found = plausible(stated, name, asks, now, rules, is_hearsay=is_hearsay, is_move=is_move)
        if rivals:
            said = [plausible(_main(rival), name, asks, now, rules) for rival in rivals]
            return _between(standing, quote, found, rivals, said)
        if is_hearsay and not standing.is_alone and _is_far(found, quote, timeline, now):
            by = _relative(found.prices, quote)
            return replace(standing, dearer_by=by, is_bounded=True, measured_by=found.basis or "")
        if not _is_single(timeline, now):
            return standing
        return _placed(standing, quote, found, now, rules)


def is_measured(timeline: PriceTimeline, now: float) -> bool:
    """True if comparable prices may move what a price is taken for."""
    quote = timeline.in_force(now)
    return quote is not None and _is_measured(quote, timeline, now)


def _is_measured(quote: Quote, timeline: PriceTimeline, now: float) -> bool:
    if is_owner(quote, timeline.rules):
        return False
    rules = timeline.rules
    if _is_single(timeline, now):
        return timeline.standing.is_alone or _is_young(quote, timeline, now, rules.implausible_s)
    if _dissent(timeline, now):
        return _is_young(quote, timeline, now, rules.implausible_s)
    is_backed = any(track.is_backed for track in timeline.tracks.values())
    return not is_backed and _is_young(quote, timeline, now, rules.provisional_s)


def _has_moved(quote: Quote, timeline: PriceTimeline) -> bool:
    """True if its list said otherwise before."""
    track = timeline.tracks.get(quote.feed)
    return track is not None and len(track.words) > 1


def _is_single(timeline: PriceTimeline, now: float) -> bool:
    """True if one list alone states a price, copies of it left out."""
    return len(witnesses(track.word for track in heard_lately(timeline, now).values())) == 1


def _is_young(quote: Quote, timeline: PriceTimeline, now: float, most_s: float) -> bool:
    """True if neither a bill or a person nor so long a time speaks for its list's word.

    A moving name that has moved is another model than others list under it.
    """
    track = timeline.tracks.get(quote.feed)
    if track is None or track.is_backed:
        return False
    if _has_moved(quote, timeline) and is_moving(quote.deployment):
        return False
    return now - track.since < most_s


def _is_far(found: Plausible, quote: Quote, timeline: PriceTimeline, now: float) -> bool:
    """True if a price is so cheap that time, or a second list that may copy, does not prove it.

    Of one list below `deepest_fall` of what comparable models cost, or fallen to it from what the
    model costs elsewhere; of several ten times below several other sellers of the model, or below
    half of what they ask if one alone fell so far and the others still say what it said.
    """
    rules = timeline.rules
    if found.part is None or not found.is_cheap:
        return False
    is_strange = found.basis is Basis.MODEL and found.part < 1 / as_decimal(rules.alone_ratios[1])
    if not _is_single(timeline, now):
        is_strange = is_strange or (found.basis is Basis.MODEL and _leads_alone(timeline, now))
        return is_strange and found.sellers >= rules.several_sellers
    words = timeline.tracks[quote.feed].words
    before = blended(words[-2].usd_per_mtok) / blended(quote.usd_per_mtok) if words[1:] else 0
    has_fallen = before * found.part >= 1 / as_decimal(rules.alone_ratios[0])
    return found.part < as_decimal(rules.deepest_fall) or (is_strange and has_fallen)


def _leads_alone(timeline: PriceTimeline, now: float) -> bool:
    """True if one list has moved, and all others still say what it said before."""
    heard, lagging = heard_lately(timeline, now), timeline.standing.lagging
    ahead = witnesses(track.word for feed, track in heard.items() if feed not in lagging)
    return bool(lagging) and len(ahead) == 1


def _dissent(timeline: PriceTimeline, now: float) -> list[Quote]:
    """What lists say that speak for another price than the one which a single list leads with."""
    heard, standing = heard_lately(timeline, now), timeline.standing
    behind = witnesses(heard[feed].word for feed in heard.keys() - standing.dissenting)
    others = sorted(heard.keys() & standing.dissenting)
    return [heard[feed].word for feed in others] if len(behind) == 1 else []


def _between(
    standing: Standing,
    quote: Quote,
    found: Plausible,
    rivals: list[Quote],
    rivals_found: list[Plausible],
) -> Standing:
    """Of lists that differ the one that leads is measured, in the direction of another.

    One that leads and is cheap for its family alone is more often right than one that is dear.
    Beside one that is plausible the others make it dearer by no more than is plausible of them.
    """
    by, price = _relative(found.prices, quote), blended(quote.usd_per_mtok)
    if not by and found.basis is Basis.MODEL:
        most = max(_relative(each.prices, quote) for each in rivals_found)
        by_rivals = min(standing.dearer_by, max(0.0, most))
        return replace(standing, dearer_by=by_rivals, measured_by=found.basis)
    said = [blended(rival.usd_per_mtok) for rival in rivals]
    is_dear = by < 0 and min(said) < price and found.basis in (Basis.MODEL, Basis.FAMILY)
    is_cheap = by > 0 and max(said) > price and found.basis is Basis.MODEL
    is_cheap = is_cheap and standing.is_provisional
    if not (is_dear or is_cheap):
        return standing
    by = by if is_dear else max(by, standing.dearer_by)
    return replace(standing, dearer_by=by, measured_by=found.basis or "")


def _placed(
    standing: Standing, quote: Quote, found: Plausible, now: float, rules: GuardRules
) -> Standing:
    if not standing.is_alone:  # time speaks for it: only what looks far too dear is still doubted
        lower = {m: min(usd, quote.usd_per_mtok[m]) for m, usd in found.prices.items()}
        is_too_dear = found.basis is Basis.MODEL and lower != _main(quote)
        return replace(standing, dearer_by=_relative(lower, quote)) if is_too_dear else standing
    by = _relative(found.prices, quote)
    is_near = found.basis in (Basis.MODEL, Basis.FAMILY)
    is_unplaced = not is_near and not _is_old(quote, now, rules)
    return replace(
        standing,
        dearer_by=by,
        is_bounded=found.is_cheap or is_unplaced,
        measured_by=found.basis or "",
    )


def _main(quote: Quote) -> Prices:
    return {meter: quote.usd_per_mtok[meter] for meter in MAIN_METERS}


def _relative(prices: Prices, quote: Quote) -> float:
    return float(blended(prices) / blended(quote.usd_per_mtok)) - 1


def _is_old(quote: Quote, now: float, rules: GuardRules) -> bool:
    """True if its list says since when it holds, and that is long ago."""
    return quote.quoted_at is not None and now - quote.quoted_at >= rules.provisional_s
