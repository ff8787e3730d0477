"""Empirical Bayes: what the other cells say about one with little evidence of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

SHRINK = 10.0
"""Rewards that the grand mean is worth against a task's or a deployment's own effect."""

ROUNDS = 3

NO_LEANS: Mapping[tuple[str, str], float] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """A prior mean per cell: grand mean + task effect + deployment effect, both shrunk."""

    grand: float
    effect_by_task: Mapping[str, float]
    effect_by_deployment: Mapping[str, float]

    def mean(self, task: str, deployment: str, lean: float = 0.0) -> float:
        """The prior mean of a cell; `lean` is what is known of it besides the fitted evidence."""
        raw = (
            lean
            + self.grand
            + self.effect_by_task.get(task, 0.0)
            + self.effect_by_deployment.get(deployment, 0.0)
        )
        return min(0.97, max(0.03, raw))


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """What the rows of a route say together: prior means, and dispersion by deployment."""

    pool: Pool
    phi: Mapping[str, float]

    def to_state(self) -> dict[str, Any]:
        fitted = self.pool
        return {
            "grand": fitted.grand,
            "tasks": dict(fitted.effect_by_task),
            "deployments": dict(fitted.effect_by_deployment),
            "phi": dict(self.phi),
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Fit:
        fitted = Pool(
            grand=state["grand"],
            effect_by_task=state["tasks"],
            effect_by_deployment=state["deployments"],
        )
        return cls(pool=fitted, phi=state["phi"])


def unfitted(prior_mean: float) -> Fit:
    """Nothing was learnt yet."""
    return Fit(pool=Pool(grand=prior_mean, effect_by_task={}, effect_by_deployment={}), phi={})


def pool(
    evidence: Mapping[tuple[str, str], tuple[float, float]],
    *,
    prior_mean: float,
    leans: Mapping[tuple[str, str], float] = NO_LEANS,
) -> Pool:
    """Fit the additive model to (rewards, their sum) by (task, deployment), beyond their leans."""
    cells = [
        (*key, n, s / n - leans.get(key, 0.0)) for key, (n, s) in sorted(evidence.items()) if n > 0
    ]
    weights = [n / (1 + n / SHRINK) for _, _, n, _ in cells]
    total = sum(weights)
    grand = (prior_mean * 2 + sum(w * c[3] for w, c in zip(weights, cells, strict=True))) / (
        2 + total
    )
    by_task: dict[str, float] = {}
    by_deployment: dict[str, float] = {}
    for _ in range(ROUNDS):
        rest = [mean - grand - by_deployment.get(name, 0.0) for _, name, _, mean in cells]
        by_task = _effects([task for task, *_ in cells], rest, weights)
        rest = [mean - grand - by_task.get(task, 0.0) for task, _, _, mean in cells]
        by_deployment = _effects([name for _, name, *_ in cells], rest, weights)
    return Pool(grand=grand, effect_by_task=by_task, effect_by_deployment=by_deployment)


def _effects(keys: list[str], rest: list[float], weights: list[float]) -> dict[str, float]:
    sums: dict[str, float] = {}
    counts: dict[str, float] = {}
    for key, residual, weight in zip(keys, rest, weights, strict=True):
        sums[key] = sums.get(key, 0.0) + weight * residual
        counts[key] = counts.get(key, 0.0) + weight
    return {key: total / (counts[key] + SHRINK / 2) for key, total in sums.items()}
