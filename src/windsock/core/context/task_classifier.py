"""A task for requests that name none, learnt from those that name theirs.

Diagonal discriminant analysis on the numbers of `context.features`: a mean per task, one variance
per number for all. It proposes only where it is nearly sure, and never learns from its own
proposals.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from windsock.core.model.arrays import FloatArray

LEAST_TAGGED = 30.0
"""Tagged requests of a task before it is proposed."""

SURE = 0.9
"""Least posterior of a task that is proposed."""

MEMORY = 2000.0
"""Tagged requests of one task that are remembered."""

LEAST_VARIANCE = 1e-3
"""Of a feature; a smaller one would make the classifier too sure."""


@dataclass(slots=True)
class Seen:
    """Tagged requests of one task: their number, and sums of features and of their squares."""

    count: float
    total: FloatArray
    squares: FloatArray

    def observe(self, x: FloatArray) -> None:
        """A tagged request; the older ones count less from MEMORY on."""
        if self.count >= MEMORY:
            keep = 1.0 - 1.0 / MEMORY
            self.count *= keep
            self.total *= keep
            self.squares *= keep
        self.count += 1.0
        self.total += x
        self.squares += x * x


class TaskClassifier:
    """Proposes a task from features. The tables are rebuilt once per 50 tagged requests."""

    def __init__(self) -> None:
        self._seen: dict[str, Seen] = {}
        self._tasks: list[str] = []
        self._means = self._bias = np.zeros(0)
        self._scale = np.zeros(0)
        self._unused = 0

    def learn(self, task: str, features: Sequence[float]) -> None:
        """A request with these features was tagged with this task."""
        x = np.array(features)
        seen = self._seen.get(task)
        if seen is None or len(seen.total) != len(x):
            seen = self._seen[task] = Seen(0.0, np.zeros(len(x)), np.zeros(len(x)))
        seen.observe(x)
        self._unused += 1
        if self._unused >= 50 or not self._tasks:
            self._rebuild(len(x))

    def propose(self, features: Sequence[float]) -> str | None:
        """The task of a request, or None if it is not sure."""
        if len(self._tasks) < 2 or len(features) != len(self._scale):
            return None
        gaps = (np.array(features) - self._means) * self._scale
        scores = self._bias - 0.5 * (gaps * gaps).sum(axis=1)
        likely = int(scores.argmax())
        posterior = 1.0 / np.exp(scores - scores[likely]).sum()
        return self._tasks[likely] if posterior >= SURE else None

    def to_state(self) -> dict[str, Any]:
        """JSON-able, exact."""
        return {
            task: [seen.count, seen.total.tolist(), seen.squares.tolist()]
            for task, seen in sorted(self._seen.items())
        }

    def from_state(self, state: Mapping[str, Any]) -> None:
        """Take over a state of `to_state`."""
        self._seen = {
            task: Seen(count, np.array(total), np.array(squares))
            for task, (count, total, squares) in state.items()
        }
        for seen in self._seen.values():
            self._rebuild(len(seen.total))

    def _rebuild(self, width: int) -> None:
        known = {
            task: seen
            for task, seen in sorted(self._seen.items())
            if seen.count >= LEAST_TAGGED and len(seen.total) == width
        }
        self._tasks, self._unused = list(known), 0
        if not known:
            return
        counts = np.array([seen.count for seen in known.values()])
        self._means = np.array([seen.total / seen.count for seen in known.values()])
        squares = np.array([seen.squares / seen.count for seen in known.values()])
        spread = (counts[:, None] * (squares - self._means**2)).sum(axis=0) / counts.sum()
        self._scale = 1.0 / np.sqrt(np.maximum(spread, LEAST_VARIANCE))
        self._bias = np.log(counts / counts.sum())
