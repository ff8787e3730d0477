"""What a price that one list alone states may be, by what comparable models cost."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from windsock.core.model.units import MAIN_METERS, Meter, Prices
from windsock.core.pricing.comparison import as_decimal, blended
from windsock.core.pricing.peers.listings import Ask, Listings, seller_of, usual
from windsock.core.pricing.rules import GuardRules

LEAST_OF_SELLER = 5
"""Other models of a seller from which its own ratio of output to input can be told."""


class Basis(StrEnum):
    """What a price is measured by, the nearest first."""

    MODEL = "the same model elsewhere"
    FAMILY = "its family"
    SELLER = "the dearest model of its seller"
    RATIO = "its seller's ratio of output to input"


@dataclass(frozen=True, slots=True)
class Plausible:
    """A stated price as it should be taken.

    prices      input and output, USD per million: as stated where that is plausible, else the
                bound that is nearer
    basis       what they were measured by; None: nothing comparable is known
    is_cheap    stated for less than is plausible
    """

    prices: Prices
    basis: Basis | None = None
    is_cheap: bool = False


def plausible(
    stated: Prices,
    name: str,
    listings: Listings,
    now: float,
    rules: GuardRules,
    *,
    is_hearsay: bool = True,
) -> Plausible:
    """Measured by the same model elsewhere, else by its family, else by what its seller sells.

    What lies within the range is taken as stated: of real first listings nearly all are right.

    is_hearsay  nothing but one list speaks for it, and not the seller's own: it is the cheapest
                or the dearest of several sellers by no more than the next one
    """
    same = listings.same_model(name, now)
    if same:
        found = _within(stated, same, rules.alone_ratios[0])
        taken = _among(found, same, name, rules) if is_hearsay else found
        return Plausible(taken, Basis.MODEL, _is_less(stated, found))
    kin = listings.family(name, now)
    if kin:
        found = _within(stated, kin, rules.family_ratio)
        return Plausible(found, Basis.FAMILY, _is_less(stated, found))
    return _of_seller(stated, listings.of_seller(name, now), rules)


def _is_less(one: Prices, other: Prices) -> bool:
    return blended(one) < blended(other)


def _within(stated: Prices, asks: list[Ask], most: float) -> Prices:
    """At most so many times what is usual, nor less than one such part of it."""
    times, middle = as_decimal(most), {meter: usual(asks, meter) for meter in MAIN_METERS}
    return {m: min(max(stated[m], middle[m] / times), middle[m] * times) for m in MAIN_METERS}


def _among(prices: Prices, asks: list[Ask], name: str, rules: GuardRules) -> Prices:
    """Not below the cheapest, nor above the dearest, where several others sell the model."""
    if len({ask.seller for ask in asks} - {seller_of(name)}) < rules.several_sellers:
        return prices
    said = {meter: [ask.prices[meter] for ask in asks] for meter in MAIN_METERS}
    return {m: min(max(prices[m], min(said[m])), max(said[m])) for m in MAIN_METERS}


def _of_seller(stated: Prices, asks: list[Ask], rules: GuardRules) -> Plausible:
    """By the seller's ratio of output to input, and at most so many times its dearest model."""
    found = _by_ratio(stated, asks, rules)
    if len(asks) < LEAST_OF_SELLER:
        return found
    dearest = max(blended(ask.prices) for ask in asks)
    part = as_decimal(rules.family_ratio) * dearest / blended(found.prices)
    if part >= 1:
        return found
    prices = {meter: part * usd for meter, usd in found.prices.items()}
    return Plausible(prices, Basis.SELLER, _is_less(stated, prices))


def _by_ratio(stated: Prices, of_seller: list[Ask], rules: GuardRules) -> Plausible:
    """One meter is off if output is too many or too few times input: the cheaper of the two."""
    low, high = _ratios(of_seller, rules)
    given, got = stated[Meter.INPUT], stated[Meter.OUTPUT]
    prices = {Meter.INPUT: max(given, got / high), Meter.OUTPUT: max(got, given * low)}
    return Plausible(prices, Basis.RATIO if prices != stated else None, prices != stated)


def _ratios(of_seller: list[Ask], rules: GuardRules) -> tuple[Decimal, Decimal]:
    ratios = sorted(ask.output_ratio for ask in of_seller)
    if len(ratios) < LEAST_OF_SELLER:
        low, high = rules.output_ratios
    else:
        middle = ratios[len(ratios) // 2]
        low, high = middle / rules.family_ratio, middle * rules.family_ratio
    return Decimal(str(low)), Decimal(str(high))
