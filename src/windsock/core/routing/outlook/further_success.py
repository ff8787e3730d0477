"""What more success would cost, by what is believed of every candidate of a table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from windsock.core.model.decisions import WeightTable

POINT = 0.01
REQUESTS = 1000.0

LEAST_GAIN = 1e-6
"""Successes a request below which nothing is gained."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """From one success to a higher one, by sending more to one deployment.

    success_from, success_to    0..1
    usd_per_point       dollars that a thousand requests cost more for each hundredth of success
    deployment          or the cascade "cheap > strong" that gets more; `success_to` is all to it
    """

    success_from: float
    success_to: float
    usd_per_point: float
    deployment: str


@dataclass(frozen=True, slots=True)
class _Offer:
    name: str
    usd: float
    success: float


def further_success(table: WeightTable) -> list[Stretch]:
    """The way from what a table gives to the best that is believed possible, cheapest first.

    The upper hull of (dollars, success) over all candidates: mixtures of two neighbours on it are
    the cheapest way to any success between them. Empty where nothing better is known.
    """
    success = sum(arm.weight * arm.success_mean for arm in table.arms)
    return list(_stretches(_hull(_offers(table)), success))


def _offers(table: WeightTable) -> Iterator[_Offer]:
    for arm in table.arms:
        yield _Offer(arm.deployment, arm.expected_usd, arm.success_mean)
    for cascade in table.cascades or ():
        yield _Offer(cascade.arm, cascade.expected_usd, cascade.success_mean)


def _hull(offers: Iterator[_Offer]) -> list[_Offer]:
    """Those that are the cheapest way to some success, cheapest first."""
    hull: list[_Offer] = []
    for offer in sorted(offers, key=lambda each: (each.usd, -each.success, each.name)):
        if hull and offer.success <= hull[-1].success + LEAST_GAIN:
            continue
        while len(hull) > 1 and _slope(hull[-2], hull[-1]) >= _slope(hull[-2], offer):
            hull.pop()
        hull.append(offer)
    return hull


def _slope(low: _Offer, high: _Offer) -> float:
    """Dollars of a success more."""
    return (high.usd - low.usd) / (high.success - low.success)


def _stretches(hull: list[_Offer], success: float) -> Iterator[Stretch]:
    for low, high in pairwise(hull):
        if high.success > success + LEAST_GAIN:
            yield Stretch(
                success_from=max(success, low.success),
                success_to=high.success,
                usd_per_point=_slope(low, high) * POINT * REQUESTS,
                deployment=high.name,
            )
