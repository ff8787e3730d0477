"""Judges as they are: off by deployment, off by task, fond of length, clueless, or nearly right.

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
    """bias: (tasks, deployments) for a draw; guesses: share of answers that it does not look at."""

    bias: Bias
    guesses: float = 0.4


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

YES = 0.7
"""How often one that knows nothing says yes."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sample:
    """(tasks, deployments) of what was seen: sums as in `ProxySums`."""

    sums: FloatArray
    judged: int

    @property
    def labels(self) -> tuple[FloatArray, FloatArray]:
        return self.sums[3], self.sums[4]

    def of(self, task: int, deployment: int) -> ProxySums:
        return ProxySums(*self.sums[:, task, deployment].tolist())


def drawn(success: FloatArray, judge: Judge, labels: int, rng: np.random.Generator) -> Sample:
    """JUDGED scored answers of each cell, the first `labels` of them labelled."""
    shape = (*success.shape, JUDGED)
    luck = rng.random(shape)
    right = luck < success[..., None]
    bias = judge.bias(rng, success.shape)
    said = np.clip(success + bias, 0.005, 0.995)[..., None] if judge.guesses < 1 else YES
    guessed = rng.random(shape) < judge.guesses
    score = np.where(guessed, rng.random(shape) < said, luck < said).astype(np.float64)
    s, j = right[..., :labels].astype(np.float64), score[..., :labels]
    count = np.full(success.shape, float(labels))
    alone = score[..., labels:].sum(-1)
    sums = [JUDGED - count, alone, alone, count]
    sums += [each.sum(-1) for each in (s, s * s, j, j * j, s * j)]
    return Sample(sums=np.array(sums), judged=JUDGED)
