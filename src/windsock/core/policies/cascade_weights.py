"""Cascades among the arms of a cell: the policy weighs them last, the table folds them in."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from windsock.core.cascades.cascade_arm import CascadeArm
from windsock.core.model.arrays import FloatArray
from windsock.core.policies.views import CellView


def useful_arms(view: CellView) -> tuple[CascadeArm, ...]:
    """The cascades of a cell that are arms: those that beat a plain mixture."""
    return tuple(compound for compound in view.compounds or () if compound.pays)


def fold_into_deployments(
    view: CellView, weights: FloatArray
) -> tuple[FloatArray, dict[str, float]]:
    """Weights by first deployment, and the part of each that is its cascade's, maybe on trial."""
    plain = weights[: len(view.deployments)].copy()
    within: dict[str, float] = {}
    for compound, weight in zip(useful_arms(view), weights[len(plain) :], strict=True):
        at = view.deployments.index(compound.deployment)
        plain[at] += weight
        within[compound.deployment] = float(weight / plain[at]) if plain[at] > 0 else 0.0
    return plain, within | _on_trial(view, plain)


MOST_ON_TRIAL = 0.5
"""Of one deployment's requests: the others teach what it is worth alone."""


def _on_trial(view: CellView, weights: FloatArray) -> dict[str, float]:
    """The part of each deployment's weight by which a cascade is measured that is no arm yet.

    Together they are at most as large a part of the requests, and of the dollars, as one may be.
    """
    trials = [each for each in view.compounds or () if each.trial]
    usd = float(weights @ np.asarray(view.usd))
    found = {}
    for each in trials:
        at = view.deployments.index(each.deployment)
        extra = each.usd - view.usd[at]
        share = each.trial / len(trials) * (min(1.0, usd / extra) if extra > 0 else 1.0)
        if weights[at] > 0:
            found[each.deployment] = min(MOST_ON_TRIAL, share / float(weights[at]))
    return found


def cascade_weights(
    view: CellView, weights: FloatArray, within: Mapping[str, float]
) -> tuple[float, ...] | None:
    """For each compound of a view, the weight that it is drawn with."""
    if view.compounds is None:
        return None
    whole = dict(zip(view.deployments, weights.tolist(), strict=True))
    return tuple(
        whole[each.deployment] * within.get(each.deployment, 0.0) for each in view.compounds
    )


def arm_names(view: CellView) -> tuple[str, ...]:
    """The deployments of a view, then its useful cascades as "cheap > strong"."""
    return (*view.deployments, *(compound.arm for compound in useful_arms(view)))


def pad(bounds: FloatArray | None, count: int, value: float) -> FloatArray | None:
    """(arms,) bounds of deployments with `value` for as many cascades; None stays None."""
    return None if bounds is None else np.append(bounds, np.full(count, value))
