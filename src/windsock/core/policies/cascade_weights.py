"""Cascades among the arms of a cell: the policy weighs them last, the table folds them in."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from windsock.core.cascades.cascade_arm import CascadeArm
from windsock.core.model.arrays import FloatArray
from windsock.core.policies.protocol import CellView


def useful_arms(view: CellView) -> tuple[CascadeArm, ...]:
    """The cascades of a cell that are arms: those that beat a plain mixture."""
    return tuple(compound for compound in view.compounds or () if compound.pays)


def fold_into_deployments(
    view: CellView, weights: FloatArray
) -> tuple[FloatArray, dict[str, float]]:
    """Weights by first deployment, and the part of each that may escalate."""
    plain = weights[: len(view.deployments)].copy()
    within: dict[str, float] = {}
    for compound, weight in zip(useful_arms(view), weights[len(plain) :], strict=True):
        at = view.deployments.index(compound.deployment)
        plain[at] += weight
        within[compound.deployment] = float(weight / plain[at]) if plain[at] > 0 else 0.0
    return plain, within


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
