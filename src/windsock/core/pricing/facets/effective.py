"""What a believed price comes to: completed by feeds that agree, and as the contract bills it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from windsock.core.model.ticks import Quote
from windsock.core.pricing.consensus.timeline import PriceTimeline
from windsock.core.pricing.facets.contract import Adjustment, adjusted
from windsock.core.pricing.facets.merge import completed
from windsock.core.pricing.rules import GuardRules
from windsock.core.pricing.schedule import starts_at

MAX_COMPLETIONS = 16
"""Per deployment; calls that began under an older one are over."""


@dataclass(frozen=True, slots=True)
class _Completion:
    since: float
    base: Quote
    billed: Quote


class _Completions:
    """The billed prices of one deployment: which feed completed what, since when."""

    __slots__ = ("_found", "adjustments")

    def __init__(self, adjustments: tuple[Adjustment, ...] = ()) -> None:
        self.adjustments = adjustments
        self._found: list[_Completion] = []

    def of(self, timeline: PriceTimeline, at: float) -> Quote | None:
        base = timeline.in_force(at)
        if base is None:
            return None
        if self._found and self._found[-1].base is base and self._found[-1].since <= at:
            return self._found[-1].billed
        known = [each for each in self._found if each.base is base or each.base == base]
        if not known:
            return self._added(timeline, base, at)
        return next((each for each in reversed(known) if each.since <= at), known[0]).billed

    def lasting(self, timeline: PriceTimeline) -> tuple[float, Quote] | None:
        newest = self._found[-1] if self._found else None
        last = timeline.accepted[-1] if timeline.accepted else None
        if newest is None or last is None or last.valid_until is not None or newest.base != last:
            return None
        return max(starts_at(last), newest.since), newest.billed

    def refresh(self, timeline: PriceTimeline, now: float) -> bool:
        """Complete the price in force anew; True if it bills otherwise than before."""
        base, before = timeline.in_force(now), self.of(timeline, now)
        if base is None or before is None:
            return False
        if self._completed(timeline, base, now).same_price(before):
            return False
        self._added(timeline, base, now)
        return True

    def billed(self, timeline: PriceTimeline, quote: Quote) -> Quote:
        is_own = quote.feed in timeline.rules.owner_feeds
        return quote if is_own else adjusted(quote, self.adjustments)

    def _completed(self, timeline: PriceTimeline, base: Quote, at: float) -> Quote:
        words = [replace(t.word, seen_at=t.heard_at) for t in timeline.tracks.values()]
        return self.billed(timeline, completed(base, words, timeline.rules, at))

    def _added(self, timeline: PriceTimeline, base: Quote, at: float) -> Quote:
        billed = self._completed(timeline, base, at)
        self._found.append(_Completion(at, base, billed))
        del self._found[:-MAX_COMPLETIONS]
        return billed


class EffectivePrices:
    """The billed prices of every deployment; an owner's own price is billed as it stands."""

    def __init__(self) -> None:
        self._by_name: dict[str, _Completions] = {}

    def adjust(self, adjustments: Mapping[str, Sequence[Adjustment]]) -> None:
        """Other contracts from now on; a deployment that is left out has none."""
        self._by_name = {name: _Completions(tuple(each)) for name, each in adjustments.items()}

    def of(self, deployment: str, timeline: PriceTimeline, at: float) -> Quote | None:
        """What bills a request at `at` (unix s): the believed quote, whole, by its contract."""
        found = self._by_name.get(deployment) or self._at(deployment)
        return found.of(timeline, at)

    def lasting(self, deployment: str, timeline: PriceTimeline) -> tuple[float, Quote] | None:
        """What bills from a moment (unix s) on until anything is said of a price; None if the
        clock alone may change it, or nobody has asked for it yet."""
        return self._at(deployment).lasting(timeline)

    def billed(self, deployment: str, timeline: PriceTimeline, quote: Quote) -> Quote:
        """A statement of a feed as the contract bills it."""
        return self._at(deployment).billed(timeline, quote)

    def contract(self, quote: Quote, rules: GuardRules) -> tuple[Adjustment, ...]:
        """What its contract adds to a list price; nothing to an owner's own."""
        is_own = quote.feed in rules.owner_feeds
        return () if is_own else self._at(quote.deployment).adjustments

    def refresh(self, timeline: PriceTimeline, deployment: str, now: float) -> bool:
        """Fill in the price in force anew, as somebody spoke; True if it bills otherwise.

        Feeds that have been silent for long fill in nothing from then on.
        """
        return self._at(deployment).refresh(timeline, now)

    def _at(self, deployment: str) -> _Completions:
        found = self._by_name.get(deployment)
        if found is None:
            found = self._by_name[deployment] = _Completions()
        return found
