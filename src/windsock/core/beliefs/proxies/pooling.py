"""How far scores that differ tell of success that differs.

Deployments that a judge likes and dislikes differ in its scores also where they are equally good.
Each part of a score, its deployment's and its own at the task, is shrunk by the share of its
variance that is not the usual bias (James & Stein 1961); what is common to a task stays.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from windsock.core.model.arrays import FloatArray, IntArray

USUAL = 0.10**2, 0.07**2
"""Variances of success between deployments, and of cells besides, before any scores."""

WORTH = 0.25, 1.0
"""Deployments, and cells, that these guesses are worth."""


class Pooled(NamedTuple):
    """(cells,) mean of each cell's task, and its own mean as drawn to the others."""

    centre: FloatArray
    mean: FloatArray


def pooled(
    mean: FloatArray,
    is_scored: FloatArray,
    place: tuple[IntArray, IntArray],
    doubt: tuple[FloatArray, FloatArray],
) -> Pooled:
    """Draw scores together as far as bias may explain that they differ.

    mean, is_scored     (cells,) corrected scores, and 1 where there are any; less where they
                        are to tell less of their task
    place       (cells,) numbers of the task and of the deployment
    doubt       (cells,) variances of what biases a deployment everywhere, and a cell alone
    """
    task, deployment = place
    scored = max(1e-9, float(is_scored.sum()))
    centre = _means(mean, is_scored, task)[task]
    common = _means(mean - centre, is_scored, deployment)
    own = mean - centre - common[deployment]
    seen = np.minimum(np.bincount(deployment, is_scored), 1.0)
    counts = float(seen.sum()) - 1, scored - float(seen.sum()) - len(np.unique(task)) + 1
    biases = [float(is_scored @ each) / scored for each in doubt]
    left = float(is_scored @ own**2)
    between = float(seen @ common**2) - left * (float(seen.sum()) / scored) ** 2
    shares = [
        _share(squares, count, bias, usual, worth)
        for squares, count, bias, usual, worth in zip(
            (between, left), counts, biases, USUAL, WORTH, strict=True
        )
    ]
    together = centre + shares[0] * common[deployment] + shares[1] * own
    return Pooled(centre=centre, mean=together)


def _share(squares: float, count: float, bias: float, usual: float, worth: float) -> float:
    """Of a difference that is success and not bias, 0..1."""
    count = max(0.0, count)
    success = (worth * usual + max(0.0, squares - count * bias)) / (worth + count)
    return success / (success + bias)


def _means(values: FloatArray, weights: FloatArray, of: IntArray) -> FloatArray:
    """By number; 0 where nothing weighs."""
    held = np.bincount(of, weights)
    made: FloatArray = np.bincount(of, values * weights) / np.maximum(held, 1e-12)
    return made
