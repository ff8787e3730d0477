"""Segments inside a task, learnt: requests alike in what each deployment would gain per token.

Not clusters of text. One ridge regression per deployment predicts the reward of a request from
its features, and one predicts its size; what decides where a request goes at a price of success V
is the gain of an upgrade over its extra tokens, so that is what is clustered. Prices are not
looked at: a price move changes no border. Each cluster is an ordinary cell with weights of its own.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from windsock.core.posterior import Beliefs
from windsock.core.records import Cell
from windsock.core.weights import FloatArray, Indices

LEAST_SIZE = 0.2
"""Of the mean request; a request predicted to be smaller is taken to have this size."""


MOST_SEEDED = 40.0
"""Rewards that the regressions' prediction is worth in a new segment, at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentSettings:
    """
    most                segments at most
    rewards_each        rewards per deployment that a segment must rest on
    ridge               rewards that "features say nothing" is worth
    remembered          requests whose features are kept to draw borders from
    growth              borders are drawn anew when rewards have grown by this factor
    """

    most: int = 12
    rewards_each: float = 50.0
    ridge: float = 50.0
    remembered: int = 2000
    growth: float = 2.0


@dataclass(slots=True)
class Ridge:
    """Sums of one linear regression on (1, features)."""

    gram: FloatArray
    moment: FloatArray
    count: float = 0.0

    @classmethod
    def of(cls, dimension: int) -> Ridge:
        return cls(np.zeros((dimension, dimension)), np.zeros(dimension))

    def add(self, x: FloatArray, y: float, weight: float = 1.0) -> None:
        self.gram += weight * np.outer(x, x)
        self.moment += weight * y * x
        self.count += weight

    def coefficients(self, ridge: float) -> FloatArray:
        """The constant is not shrunk to zero but by a single observation."""
        penalty = np.full(len(self.moment), ridge)
        penalty[0] = 1.0
        solved = np.linalg.solve(self.gram + np.diag(penalty), self.moment)
        return solved.astype(np.float64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Borders:
    """
    version         grows with every change of borders
    deployments     in the order of the columns
    gain            (features + 1, deployments) predicted success
    size            (features + 1,) predicted size, 1 is the mean request
    centres         (segments, deployments)
    success         (segments, deployments) mean predicted success
    sizes           (segments,) mean predicted size
    """

    version: int
    deployments: tuple[str, ...]
    gain: FloatArray
    size: FloatArray
    centres: FloatArray
    success: FloatArray
    sizes: FloatArray

    def segment(self, x: FloatArray) -> int:
        """Index of the segment that (1, features) belongs to."""
        gap = self.centres - gain_per_size(x @ self.gain, float(x @ self.size))
        return int((gap * gap).sum(axis=1).argmin())

    def words(self, index: int) -> str:
        """What a segment holds, for people."""
        success = dict(zip(self.deployments, self.success[index].tolist(), strict=True))
        best = max(success, key=lambda name: success[name])
        worst = min(success, key=lambda name: success[name])
        size = (
            "short" if self.sizes[index] < 0.75 else "long" if self.sizes[index] > 1.3 else "usual"
        )
        return (
            f"{size} answers; {best} succeeds at {success[best]:.0%}, "
            f"{worst} loses {success[best] - success[worst]:.0%}"
        )


class Segmenter:
    """The segments of one route. Without borders everything is one segment."""

    def __init__(self, settings: SegmentSettings = SegmentSettings()) -> None:
        self.settings = settings
        self.borders: Borders | None = None
        self._gains: dict[str, Ridge] = {}
        self._size: Ridge | None = None
        self._tokens: dict[str, list[float]] = {}
        self._seen: deque[tuple[float, ...]] = deque(maxlen=settings.remembered)
        self._drawn_at = 0.0

    def place(self, task: str, features: Sequence[float]) -> str:
        """The cell's task name: the task alone, or with its segment."""
        borders = self.borders
        if borders is None or len(features) + 1 != len(borders.size):
            return task
        return f"{task}#{borders.version}.{borders.segment(_with_constant(features))}"

    def words(self, task: str) -> str:
        """What the segment of a cell's task name holds; empty if it is not a live segment."""
        _, _, mark = task.rpartition("#")
        version, _, index = mark.partition(".")
        if self.borders is None or not index or int(version) != self.borders.version:
            return ""
        return self.borders.words(int(index))

    def learn(
        self, features: Sequence[float], deployment: str, reward: float, weight: float = 1.0
    ) -> None:
        """A request with these features got this reward, 0..1."""
        x = _with_constant(features)
        ridge = self._gains.get(deployment)
        if ridge is None or len(ridge.moment) != len(x):
            ridge = self._gains[deployment] = Ridge.of(len(x))
        ridge.add(x, reward, weight)

    def learn_size(self, features: Sequence[float], deployment: str, tokens: float) -> None:
        """A request with these features took this many tokens, weighed as the owner likes."""
        x = _with_constant(features)
        if self._size is None or len(self._size.moment) != len(x):
            self._size = Ridge.of(len(x))
            self._seen.clear()
        tally = self._tokens.setdefault(deployment, [0.0, 0.0])
        tally[0] += 1.0
        tally[1] += tokens
        usual = tally[1] / tally[0]
        self._size.add(x, min(5.0, tokens / usual) if usual > 0 else 1.0)
        self._seen.append(tuple(features))

    def rewards(self, deployment: str) -> float:
        """Rewards that a deployment's regression rests on."""
        ridge = self._gains.get(deployment)
        return ridge.count if ridge else 0.0

    def is_due(self) -> bool:
        """True if evidence has grown enough to draw borders anew."""
        rewards = sum(ridge.count for ridge in self._gains.values())
        least = 2 * self.settings.rewards_each * max(1, len(self._gains))
        return rewards >= max(least, self.settings.growth * self._drawn_at)

    def draw_borders(self) -> Borders | None:
        """Cluster the remembered requests; None if there are not enough."""
        names = tuple(sorted(self._gains))
        rewards = sum(self._gains[name].count for name in names)
        count = int(
            min(self.settings.most, rewards / (self.settings.rewards_each * max(1, len(names))))
        )
        if self._size is None or count < 2 or len(names) < 2:
            return None
        gain = np.stack(
            [self._gains[name].coefficients(self.settings.ridge) for name in names], axis=1
        )
        size = self._size.coefficients(self.settings.ridge)
        x = np.array([_with_constant(features) for features in self._seen])
        success, sizes = x @ gain, np.maximum(x @ size, LEAST_SIZE)
        centres, of = cluster(gain_per_size(success, sizes), count)
        live = [g for g in range(len(centres)) if (of == g).any()]
        self.borders = Borders(
            version=self.borders.version + 1 if self.borders else 1,
            deployments=names,
            gain=gain,
            size=size,
            centres=centres[live],
            success=np.array([success[of == g].mean(axis=0) for g in live]).clip(0.03, 0.97),
            sizes=np.array([sizes[of == g].mean() for g in live]),
        )
        self._drawn_at = rewards
        return self.borders

    def to_state(self) -> dict[str, Any]:
        """JSON-able, exact."""
        return {
            "gains": {name: _ridge_state(ridge) for name, ridge in self._gains.items()},
            "size": _ridge_state(self._size) if self._size else None,
            "tokens": self._tokens,
            "seen": [list(features) for features in self._seen],
            "drawn_at": self._drawn_at,
            "borders": _borders_state(self.borders) if self.borders else None,
        }

    def from_state(self, state: Mapping[str, Any]) -> None:
        self._gains = {name: _ridge_of(fields) for name, fields in state["gains"].items()}
        self._size = _ridge_of(state["size"]) if state["size"] else None
        self._tokens = {name: list(tally) for name, tally in state["tokens"].items()}
        self._seen = deque(map(tuple, state["seen"]), maxlen=self.settings.remembered)
        self._drawn_at = float(state["drawn_at"])
        self.borders = _borders_of(state["borders"]) if state["borders"] else None


def found(beliefs: Beliefs, cell: Cell, segmenter: Segmenter, now: float) -> None:
    """Start the cells of new segments of a task from what the regressions predict."""
    borders = segmenter.borders
    if borders is None:
        return
    for index in range(len(borders.centres)):
        place = Cell(cell.namespace, cell.route, f"{cell.task}#{borders.version}.{index}")
        for column, name in enumerate(borders.deployments):
            rewards = min(MOST_SEEDED, segmenter.rewards(name) / len(borders.centres))
            mean = float(borders.success[index, column])
            beliefs.seed(place, name, mean, rewards=rewards, now=now)
            factor = float(borders.sizes[index])
            beliefs.seed_usage(place, name, factor=factor, requests=MOST_SEEDED / 2, now=now)


def gain_per_size(success: FloatArray, size: FloatArray | float) -> FloatArray:
    """What each deployment gains over the mean of all, per relative size; (..., deployments)."""
    contrast = success - success.mean(axis=-1, keepdims=True)
    divided: FloatArray = contrast / np.maximum(np.asarray(size), LEAST_SIZE)[..., None]
    return divided


def cluster(points: FloatArray, count: int, rounds: int = 30) -> tuple[FloatArray, Indices]:
    """k-means from a deterministic start: centres (count, d) and the centre of each point."""
    axis = np.linalg.svd(points - points.mean(axis=0), full_matrices=False)[2][0]
    rank = np.argsort(np.argsort(points @ axis, kind="stable"), kind="stable")
    of: Indices = rank * count // len(points)
    centres = np.array([points[of == g].mean(axis=0) for g in range(count)])
    for _ in range(rounds):
        gaps = ((points[:, None, :] - centres) ** 2).sum(axis=2)
        moved = gaps.argmin(axis=1)
        if (moved == of).all():
            break
        of = moved
        for g in range(count):
            if (of == g).any():
                centres[g] = points[of == g].mean(axis=0)
    return centres, of


def _with_constant(features: Sequence[float]) -> FloatArray:
    return np.array((1.0, *features))


def _ridge_state(ridge: Ridge) -> list[Any]:
    return [ridge.gram.tolist(), ridge.moment.tolist(), ridge.count]


def _ridge_of(fields: list[Any]) -> Ridge:
    return Ridge(np.array(fields[0]), np.array(fields[1]), float(fields[2]))


ARRAYS = ("gain", "size", "centres", "success", "sizes")


def _borders_state(borders: Borders) -> dict[str, Any]:
    return {
        "version": borders.version,
        "deployments": list(borders.deployments),
        **{name: getattr(borders, name).tolist() for name in ARRAYS},
    }


def _borders_of(state: Mapping[str, Any]) -> Borders:
    return Borders(
        version=int(state["version"]),
        deployments=tuple(state["deployments"]),
        **{name: np.array(state[name]) for name in ARRAYS},
    )
