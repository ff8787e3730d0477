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
    part        of what the model costs elsewhere, or what the cheapest of its family costs, that is
                stated; None where neither is known
    sellers     others that sell the same model
    """

    prices: Prices
    basis: Basis | None = None
    is_cheap: bool = False
    part: Decimal | None = None
    sellers: int = 0


def plausible(
    stated: Prices,
    name: str,
    listings: Listings,
    now: float,
    rules: GuardRules,
    *,
    is_hearsay: bool = True,
    is_move: bool = False,
) -> Plausible:
    """Measured by the same model elsewhere, else by its family, else by what its seller sells.

    What lies within the range is taken as stated: of real first listings nearly all are right.

    is_hearsay  nothing but one list speaks for it, and not the seller's own: it is the cheapest
                or the dearest of several sellers by no more than the next one
    is_move     its list said otherwise before: then that holds from the range's bounds on
    """
    same = listings.same_model(name, now)
    if same:
        middle = {meter: usual(same, meter) for meter in MAIN_METERS}
        found = _within(stated, middle, rules.alone_ratios[0])
        sellers = len({ask.seller for ask in same} - {seller_of(name)})
        part, most = blended(stated) / blended(middle), as_decimal(rules.alone_ratios[0])
        is_inside = found == stated and 1 / most < part < most
        is_doubted = is_hearsay and not (is_move and is_inside)
        is_narrow = is_doubted and sellers >= rules.several_sellers
        taken = _among(found, same) if is_narrow else found
        return Plausible(taken, Basis.MODEL, _is_less(stated, found), part, sellers)
    kin = listings.family(name, now)
    if kin:
        middle = {meter: usual(kin, meter) for meter in MAIN_METERS}
        found = _within(stated, middle, rules.family_ratio)
        part = blended(stated) / min(blended(ask.prices) for ask in kin)
        return Plausible(found, Basis.FAMILY, _is_less(stated, found), part)
    return _of_seller(stated, listings.of_seller(name, now), rules)


def _is_less(one: Prices, other: Prices) -> bool:
    return blended(one) < blended(other)


def _within(stated: Prices, middle: Prices, most: float) -> Prices:
    """At most so many times what is usual, nor less than one such part of it."""
    times = as_decimal(most)
    return {m: min(max(stated[m], middle[m] / times), middle[m] * times) for m in MAIN_METERS}


def _among(prices: Prices, asks: list[Ask]) -> Prices:
    """Not below the cheapest, nor above the dearest of those who sell the model."""
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
