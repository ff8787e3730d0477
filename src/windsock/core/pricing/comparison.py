"""When two quotes say the same, what several say together, and which of them a bill fits."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from windsock.core.model.ticks import Quote, Window
from windsock.core.model.units import MAIN_METERS, Meter, Prices, Usage, cost_usd
from windsock.core.pricing.rules import GuardRules
from windsock.core.pricing.schedule import flat_prices, is_expired, tier_in
from windsock.core.pricing.validation import all_prices

STANDARD_TIERS = frozenset({None, "", "default", "standard", "auto", "on_demand"})
"""How providers say that a call was served as usual."""


def prices_tier(quote: Quote, service_tier: str | None) -> bool:
    """True if the quote says what a call of this tier costs."""
    return service_tier in STANDARD_TIERS or tier_in(quote, service_tier) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """What a provider says that a call cost.

    at              unix s at which the call began
    service_tier    the provider's own word for how it was served
    """

    usage: Usage
    usd: Decimal
    at: float
    service_tier: str | None = None

    @property
    def is_standard(self) -> bool:
        """It speaks of base prices."""
        return self.service_tier in STANDARD_TIERS

    def backs(self, quote: Quote, now: float, within: float) -> bool:
        """True if it may bring this statement into force: one of base prices that fits, and due."""
        is_due = quote.valid_from is None or quote.valid_from <= now
        is_in_time = is_due and not is_expired(quote, now)
        return self.is_standard and is_in_time and self.fits(quote, within)

    def fits(self, quote: Quote, within: float) -> bool:
        """True if the call costs as much at this quote, up to the share `within`.

        A quote without a price of the tier that was used says nothing of such a call.
        """
        if not prices_tier(quote, self.service_tier):
            return False
        prices = flat_prices(
            quote,
            self.at,
            prompt_tokens=self.usage.prompt_tokens,
            service_tier=self.service_tier,
        )
        expected = cost_usd(self.usage.counts(), prices)
        return expected > 0 and abs(self.usd - expected) <= as_decimal(within) * expected


def alike(one: Quote, other: Quote, rules: GuardRules) -> bool:
    """True if both bill alike up to float noise, whoever says so and since when."""
    if one.same_price(other):
        return True
    return (
        one.valid_until == other.valid_until
        and one.currency == other.currency
        and len(one.windows) == len(other.windows)
        and len(one.tiers) == len(other.tiers)
        and one.service_tiers.keys() == other.service_tiers.keys()
        and all(
            _near(a, b, rules.same_within)
            for a, b in zip(all_prices(one), all_prices(other), strict=True)
        )
        and all(_same_hours(a, b) for a, b in zip(one.windows, other.windows, strict=True))
        and all(
            a.min_prompt_tokens == b.min_prompt_tokens
            for a, b in zip(one.tiers, other.tiers, strict=True)
        )
    )


def agrees(one: Quote, other: Quote, rules: GuardRules) -> bool:
    """True if input and output differ by little."""
    return _agree(one.usd_per_mtok, other.usd_per_mtok, rules)


def _agree(one: Prices, other: Prices, rules: GuardRules) -> bool:
    within = as_decimal(rules.agree_within)
    return all(_is_near(one[meter], other[meter], within) for meter in MAIN_METERS)


def witnesses(quotes: Iterable[Quote]) -> list[Quote]:
    """Those that were not taken over from another of them, the most trusted of each lineage."""
    found: list[Quote] = []
    for quote in sorted(quotes, key=lambda each: -each.trust):
        if not any(is_copy(quote, other) for other in found):
            found.append(quote)
    return found


def is_copy(one: Quote, other: Quote) -> bool:
    """True if one of the feeds takes over rows of the other, or both of a third."""
    sources = ({each.feed, *each.copies} for each in (one, other))
    return not set.isdisjoint(*sources)


def says_less(quote: Quote, fuller: Quote, rules: GuardRules) -> bool:
    """True if `quote` has fewer terms and agrees with `fuller` at its base or in some window."""
    terms = len(quote.tiers) + len(quote.windows)
    if quote.windows or terms > len(fuller.tiers) + len(fuller.windows):
        return False
    faces = [
        fuller.usd_per_mtok,
        *({**fuller.usd_per_mtok, **w.usd_per_mtok} for w in fuller.windows),
    ]
    return any(_agree(quote.usd_per_mtok, face, rules) for face in faces)


def blended(prices: Prices) -> Decimal:
    """Three parts input to one part output, USD per million tokens."""
    return (3 * prices[Meter.INPUT] + prices[Meter.OUTPUT]) / 4


def is_within_times(price: Decimal, other: Decimal, times: float) -> bool:
    """True if neither is more than so many times the other, which is above 0."""
    most = as_decimal(times)
    return 1 / most <= price / other <= most


def median_usd(quotes: Iterable[Quote]) -> Decimal | None:
    """The blended price in the middle of their trust, USD per million tokens; None of none."""
    values = [(blended(each.usd_per_mtok), each.trust) for each in quotes]
    return weighted_median(values) if values else None


def joint_trust(quotes: Iterable[Quote]) -> float:
    """Of the lists behind them, each lineage once."""
    return round(sum(each.trust for each in witnesses(quotes)), 9)


def weighted_median(values: Sequence[tuple[Decimal, float]]) -> Decimal:
    """The value at half of the total weight, the dearer one on a tie.

    values      (value, weight) pairs, not empty
    """
    ordered = sorted(values, reverse=True)
    half = sum(weight for _, weight in ordered) / 2
    for value, weight in ordered:
        half -= weight
        if half <= 0:
            return value
    return ordered[-1][0]


@lru_cache(maxsize=64)
def as_decimal(share: float) -> Decimal:
    """The bound of a rule as it is written: 0.1 is a tenth, not the float next to it."""
    return Decimal(str(share))


def _near(one: Prices, other: Prices, within: float) -> bool:
    share = as_decimal(within)
    return one.keys() == other.keys() and all(_is_near(one[m], other[m], share) for m in one)


def _is_near(one: Decimal, other: Decimal, within: Decimal) -> bool:
    return one == other or abs(one - other) <= within * max(one, other)


def _same_hours(one: Window, other: Window) -> bool:
    names = ("days", "start_minute", "end_minute", "timezone", "min_prompt_tokens")
    return all(getattr(one, name) == getattr(other, name) for name in names)
