"""Judges as they are: off by deployment, off by task, fond of length, clueless, or nearly right;
and worse ones, and labels that lie.

Each gives an answer 0 or 1. Answers and scores are drawn together: a judge of bias b says yes with
the chance success + b, to the answers that are right first, except in the share that it guesses.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from windsock.core.beliefs.proxies.sums import ProxySums
from windsock.core.model.arrays import FloatArray

OFF = 0.15
JUDGED = 200
"""Answers of each deployment at each task that a judge has scored; labelled ones are among them."""

Bias = Callable[[np.random.Generator, tuple[int, int]], FloatArray]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """How it judges.

    bias        (tasks, deployments) for a draw
    guesses     share of answers that it does not look at
    yes         how often it says yes where it looks at none
    is_contrary it says yes to what is wrong, and no to what is right
    is_partial  it says nothing of the first deployment
    drift       bias of a deployment, up or down, in the later half of its answers
    lies        share of the labels beside that say the contrary of what is true
    """

    bias: Bias
    guesses: float = 0.4
    yes: float = 0.7
    is_contrary: bool = False
    is_partial: bool = False
    drift: float = 0.0
    lies: float = 0.0


def _per_deployment(rng: np.random.Generator, shape: tuple[int, int]) -> FloatArray:
    return np.tile(rng.choice([-OFF, OFF], shape[1]), (shape[0], 1))


def _per_cell(rng: np.random.Generator, shape: tuple[int, int]) -> FloatArray:
    return rng.choice([-OFF, OFF], shape)


def _by_length(rng: np.random.Generator, shape: tuple[int, int]) -> FloatArray:
    """Deployments are long-winded by nature, and a little more or less so in each task."""
    length = rng.normal(0.0, 0.7, shape[1]) + rng.normal(0.0, 0.3, shape)
    return OFF * np.clip(length, -1.5, 1.5)


def _none(_: np.random.Generator, shape: tuple[int, int]) -> FloatArray:
    return np.zeros(shape)


JUDGES = {
    "off by deployment": Judge(bias=_per_deployment),
    "off by task and deployment": Judge(bias=_per_cell),
    "favours length": Judge(bias=_by_length),
    "random": Judge(bias=_none, guesses=1.0),
    "95 % right": Judge(bias=_none, guesses=0.1),
}

HARDER = {
    "always says yes": Judge(bias=_none, guesses=1.0, yes=1.0),
    "says the contrary": Judge(bias=_none, guesses=0.1, is_contrary=True),
    "silent on one deployment": Judge(bias=_none, guesses=0.1, is_partial=True),
    "off by deployment, silent on one": Judge(bias=_per_deployment, is_partial=True),
    "95 % right, then off by deployment": Judge(bias=_none, guesses=0.1, drift=OFF),
    "95 % right, one label of 20 a lie": Judge(bias=_none, guesses=0.1, lies=0.05),
    "off by deployment, one label of 20 a lie": Judge(bias=_per_deployment, lies=0.05),
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sample:
    """(tasks, deployments) of what was seen: sums as in `ProxySums`; labels, how many and their
    sum, also of answers that the judge says nothing of."""

    sums: FloatArray
    labels: tuple[FloatArray, FloatArray]

    def of(self, task: int, deployment: int) -> ProxySums:
        return ProxySums(*self.sums[:, task, deployment].tolist())


def drawn(success: FloatArray, judge: Judge, labels: int, rng: np.random.Generator) -> Sample:
    """JUDGED scored answers of each cell, of which `labels` are labelled, early and late alike."""
    shape = (*success.shape, JUDGED)
    luck = rng.random(shape)
    right = luck < success[..., None]
    bias = np.repeat(judge.bias(rng, success.shape)[..., None], JUDGED, axis=-1)
    if judge.drift:
        later = np.arange(JUDGED) % 2 == 1
        bias = bias + judge.drift * rng.choice([-1, 1], (success.shape[1], 1)) * later
    said = np.clip(success[..., None] + bias, 0.005, 0.995) if judge.guesses < 1 else judge.yes
    guessed = rng.random(shape) < judge.guesses
    score = np.where(guessed, rng.random(shape) < said, luck < said).astype(np.float64)
    if judge.is_contrary:
        score = 1 - score
    s, j = right[..., :labels].astype(np.float64), score[..., :labels]
    if judge.lies:
        s = np.where(rng.random(s.shape) < judge.lies, 1 - s, s)
    count = np.full(success.shape, float(labels))
    alone = score[..., labels:].sum(-1)
    sums = [JUDGED - count, alone, alone, count]
    sums += [each.sum(-1) for each in (s, s * s, j, j * j, s * j)]
    made = np.array(sums)
    if judge.is_partial:
        made[:, :, 0] = 0.0
    return Sample(sums=made, labels=(count, s.sum(-1)))
