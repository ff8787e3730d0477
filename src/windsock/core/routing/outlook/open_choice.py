"""What is not known yet of who is the best buy, and what that costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

import numpy as np
from scipy import special

from windsock.core.model.arrays import FloatArray
from windsock.core.model.decisions import WeightTable
from windsock.core.policies.contest.best_arm import best_weights
from windsock.core.routing.router import Router

NODES = 1024
"""Of the trapezoidal rule; dollars are exact to 1e-6 of a success."""

LEAST = 0.5
"""Beta parameter, as `best_weights` takes them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenChoice:
    """Who is the best buy of a cell by expectation, and what may be lost by taking it for that.

    certainty       0..1, chance that it is
    loss            of success, 0..1, that one request loses on average for want of knowing: the
                    expected value of perfect information (Raiffa and Schlaifer 1961, section 4.5)
    loss_usd        the same at the value of a success; None where that is unknown or has no bound
    """

    leader: str
    certainty: float
    loss: float
    loss_usd: float | None


def open_choice(router: Router, table: WeightTable) -> OpenChoice | None:
    """By what is believed now, at the costs and the value of a success of this table.

    None where nobody can serve. Looking changes nothing.
    """
    names = [arm.deployment for arm in table.arms]
    if not names:
        return None
    beliefs = np.maximum(router.beliefs.posteriors(table.cell, names), LEAST)
    usd = np.array([arm.expected_usd for arm in table.arms])
    value = table.value_usd
    if value is not None and not isfinite(value):
        value = None
    return choice_of(names, beliefs, usd, value)


def choice_of(
    names: Sequence[str], beliefs: FloatArray, usd: FloatArray, value_usd: float | None
) -> OpenChoice:
    """The choice among arms.

    beliefs     (arms, 2) Beta parameters of success
    usd         (arms,) expected dollars of one request
    value_usd   dollars per success; None: the best at any price. At 0, which a floor leaves where
                the cheapest holds it, the cheapest is the best buy and nothing is lost
    """
    a, b = beliefs[:, 0], beliefs[:, 1]
    if value_usd == 0:
        cheapest = int(best_weights(a, b, usd, 0.0).argmax())
        return OpenChoice(leader=names[cheapest], certainty=1.0, loss=0.0, loss_usd=0.0)
    shift = np.zeros(len(names)) if value_usd is None else usd / value_usd
    worth = a / (a + b) - shift
    best = int(worth.argmax())
    loss = max(0.0, _expected_best(a, b, shift) - float(worth[best]))
    chances = best_weights(a, b, usd, np.inf if value_usd is None else value_usd)
    return OpenChoice(
        leader=names[best],
        certainty=float(chances[best]),
        loss=loss,
        loss_usd=None if value_usd is None else loss * value_usd,
    )


def beside_best(table: WeightTable) -> dict[str, tuple[float, float]]:
    """By deployment, dollars that a request costs there beyond the best buy, and success that it
    lacks beside it, as believed now; 0 where it is the cheaper, or the better.

    What asking it costs where it is asked to be known. The best buy is whose success, at what a
    success is worth, exceeds its cost most; where that has no bound, the best.
    """
    value = table.value_usd
    shares = (1.0, 0.0) if value is None or not isfinite(value) else (value, 1.0)
    best = max(
        table.arms,
        key=lambda arm: shares[0] * arm.success_mean - shares[1] * arm.expected_usd,
        default=None,
    )
    if best is None:
        return {}
    return {
        arm.deployment: (
            max(0.0, arm.expected_usd - best.expected_usd),
            max(0.0, best.success_mean - arm.success_mean),
        )
        for arm in table.arms
    }


def _expected_best(a: FloatArray, b: FloatArray, shift: FloatArray) -> float:
    """Expectation of the greatest theta - shift: its range's end less the integral below it."""
    low, high = float((-shift).max()), float((1.0 - shift).max())
    z = np.linspace(low, high, NODES)
    theta = np.clip(z + shift[:, None], 0.0, 1.0)
    below = special.betainc(a[:, None], b[:, None], theta).prod(axis=0)
    return high - float(np.trapezoid(below, z))
