"""Policies to be measured against, in the same protocol."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from windsock.core.beliefs.beliefs import Beliefs
from windsock.core.model.arrays import FloatArray
from windsock.core.model.requests import RouteRequest
from windsock.core.policies.contest.best_arm import best_weights
from windsock.core.policies.protocol import BasePolicy, Weighing
from windsock.core.policies.restraint.bounds import above
from windsock.core.policies.views import CellView


def _one(view: CellView, index: int) -> Weighing:
    return Weighing(weights=tuple(float(i == index) for i in range(len(view.deployments))))


def _shares(raw: FloatArray, explore: float = 0.0) -> Weighing:
    weights = above(raw / raw.sum(), np.full(len(raw), explore / len(raw)))
    return Weighing(weights=tuple(weights.tolist()))


class Fixed(BasePolicy):
    """Always the same deployment; the cheapest while it is out."""

    def __init__(self, deployment: str) -> None:
        self.name = f"fixed {deployment}"
        self.deployment = deployment

    def weigh(self, view: CellView, now: float, request: RouteRequest | None = None) -> Weighing:
        """All to the one."""
        if self.deployment in view.deployments:
            return _one(view, view.deployments.index(self.deployment))
        return _one(view, int(np.argmin(view.usd)))


class Cheapest(BasePolicy):
    """The least expected dollars, whatever comes back."""

    name = "cheapest"

    def weigh(self, view: CellView, now: float, request: RouteRequest | None = None) -> Weighing:
        """All to the cheapest."""
        return _one(view, int(np.argmin(view.usd)))


class Uniform(BasePolicy):
    """All alike."""

    name = "uniform"


class RoundRobin(BasePolicy):
    """One after the other."""

    name = "round_robin"
    is_contextual = True
    is_varying = True

    def __init__(self) -> None:
        self._turn = 0

    def weigh(self, view: CellView, now: float, request: RouteRequest | None = None) -> Weighing:
        """All to the next in turn; only a request moves the turn on."""
        turn, self._turn = self._turn, self._turn + (request is not None)
        return _one(view, turn % len(view.deployments))

    def to_state(self) -> dict[str, Any]:
        """The turn."""
        return {"turn": self._turn}

    def from_state(self, state: Mapping[str, Any]) -> None:
        """Go on where it was."""
        self._turn = int(state["turn"])


class InverseSquarePrice(BasePolicy):
    """OpenRouter's default between equal providers: weight 1 / price squared."""

    name = "inverse_square_price"

    def weigh(self, view: CellView, now: float, request: RouteRequest | None = None) -> Weighing:
        """Shares by 1 / dollars squared; all to those that are free, if any is."""
        usd = np.array(view.usd)
        if (usd <= 0).any():
            return _shares((usd <= 0).astype(np.float64))
        return _shares((usd.min() / usd) ** 2)


class EpsilonGreedy(BasePolicy):
    """The best mean net of price at V, but for a share spread evenly."""

    name = "epsilon_greedy"

    def __init__(self, beliefs: Beliefs, *, usd_per_success: float, explore: float = 0.1) -> None:
        self._beliefs = beliefs
        self._value_usd = usd_per_success
        self._explore = explore

    def weigh(self, view: CellView, now: float, request: RouteRequest | None = None) -> Weighing:
        """All but `explore` to the greatest mean success x V - dollars."""
        net = _means(self._beliefs, view) * self._value_usd - np.array(view.usd)
        greedy = (np.arange(len(net)) == int(net.argmax())).astype(np.float64)
        return _shares((1 - self._explore) * greedy + self._explore / len(net))


class PlainThompson(BasePolicy):
    """P(best) by success alone; price is not looked at."""

    name = "plain_thompson"

    def __init__(self, beliefs: Beliefs) -> None:
        self._beliefs = beliefs

    def weigh(self, view: CellView, now: float, request: RouteRequest | None = None) -> Weighing:
        """Chance of each to have the greatest success."""
        a, b = _betas(self._beliefs, view)
        return _shares(best_weights(a, b, np.zeros(len(a)), np.inf))


class SuccessPerCost(BasePolicy):
    """The greatest success per dollar, but for a share spread evenly: a trap kept for show."""

    name = "success_per_cost"

    def __init__(self, beliefs: Beliefs, *, explore: float = 0.02) -> None:
        self._beliefs = beliefs
        self._explore = explore

    def weigh(self, view: CellView, now: float, request: RouteRequest | None = None) -> Weighing:
        """All but the floor to the greatest mean success over dollars."""
        ratio = _means(self._beliefs, view) / np.maximum(np.array(view.usd), 1e-12)
        best = (np.arange(len(ratio)) == int(ratio.argmax())).astype(np.float64)
        return _shares(best, self._explore)


class Rules(BasePolicy):
    """A hand-written table: deployment by task, with one for all the others.

    short_tokens    prompts above this size go to `otherwise`, whatever their task
    """

    name = "rules"

    def __init__(
        self,
        deployment_by_task: Mapping[str, str],
        otherwise: str,
        short_tokens: int | None = None,
    ) -> None:
        self._deployment_by_task = dict(deployment_by_task)
        self._otherwise = otherwise
        self._short_tokens = short_tokens
        self.is_contextual = short_tokens is not None

    def weigh(self, view: CellView, now: float, request: RouteRequest | None = None) -> Weighing:
        """All to the one of the table; to `otherwise` while it is out."""
        wanted = self._deployment_by_task.get(view.cell.task, self._otherwise)
        if request and self._short_tokens and request.prompt_tokens > self._short_tokens:
            wanted = self._otherwise
        for name in (wanted, self._otherwise):
            if name in view.deployments:
                return _one(view, view.deployments.index(name))
        return _one(view, int(np.argmin(view.usd)))


def _betas(beliefs: Beliefs, view: CellView) -> tuple[FloatArray, FloatArray]:
    pairs = [beliefs.posterior(view.cell, name) for name in view.deployments]
    a, b = np.array(pairs, dtype=np.float64).T
    return a, b


def _means(beliefs: Beliefs, view: CellView) -> FloatArray:
    a, b = _betas(beliefs, view)
    return a / (a + b)
