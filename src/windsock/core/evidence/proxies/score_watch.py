"""Scores that suddenly fall or rise: what a proxy had said of a deployment is soon forgotten.

Each score is held against what its source had said of the deployment at the task, by the CUSUMs
that watch labels, so that the bias of a source is no change. Beliefs move by the sums alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from windsock.core.beliefs.drift.change_detection import SHIFT_SHRINK, ChangeDetector, Mode
from windsock.core.beliefs.proxies.sums import ProxySums
from windsock.core.beliefs.statistics import dispersion

KEEPS = 12.0
"""Scored answers of a task that are kept after a change, as with labels."""

Watched = tuple[str, str, str]
"""(namespace, deployment, source)"""


class ScoreWatch:
    """One detector for each source and deployment, over all tasks of a route."""

    def __init__(self) -> None:
        self._detectors: dict[Watched, ChangeDetector] = {}

    def note(
        self, key: Watched, score: float, before: ProxySums, weight: float
    ) -> dict[str, Any] | None:
        """Hold a score against what was said `before` at its task; the facts of a change."""
        if before.judged < 1.0:
            return None
        watch = self._detectors.setdefault(key, ChangeDetector())
        mean = before.total / before.judged
        phi = dispersion(before.judged, before.total, before.squares)
        finding = watch.observe(score, mean, phi, before.judged, weight, mean)
        if finding is None:
            return None
        side = max(watch.down, watch.up, key=lambda each: each.statistic)
        facts = {
            "finding": finding.value,
            "statistic": side.statistic,
            "shift": side.mean_excess(SHIFT_SHRINK),
            "rewards": side.count,
            "source": key[2],
        }
        watch.settle(Mode.STEADY)
        return facts

    def forget(self, source: str) -> None:
        """Somebody else speaks by this name from now on."""
        self._detectors = {key: it for key, it in self._detectors.items() if key[2] != source}

    def to_state(self) -> list[list[Any]]:
        """JSON-able and exact."""
        return [[*key, each.to_state()] for key, each in sorted(self._detectors.items())]

    def from_state(self, state: Iterable[list[Any]]) -> None:
        """Take over a state of `to_state`."""
        self._detectors = {
            (namespace, deployment, source): ChangeDetector.from_state(held)
            for namespace, deployment, source, held in state
        }
