"""Whether beliefs are as sure as they may be, on random worlds.

    python -m tests.benchmarks.bandit_calibration [WORLDS]

The worlds of bandit_worlds, a floor held in each. At every solve, each belief is held against the
truth: 1 is a squared error as large as the variance that the belief owns to. Writes its table into
docs/routing_measured.md.
"""

from __future__ import annotations

import sys
from collections import defaultdict

import numpy as np

from tests.benchmarks import bandit_worlds as worlds
from tests.benchmarks.tables import DOCS, markdown, write_between
from windsock.core.beliefs.beliefs import Beliefs
from windsock.core.model.requests import RouteRequest
from windsock.core.policies.objectives import Objective
from windsock.core.policies.price_aware import PriceAware
from windsock.core.policies.protocol import Weighing
from windsock.core.policies.views import CellView

STAGES = ("first 500 requests", "500 to 1,000", "1,000 to 2,000", "2,000 to 4,000")
ENDS = (500, 1000, 2000, worlds.REQUESTS)

Figures = dict[tuple[str, str], list[tuple[float, float, float]]]


class Watched(PriceAware):
    """The policy as it is; notes what it believes, and what is true, whenever it is asked."""

    def __init__(self, beliefs: Beliefs, at: worlds.World, figures: Figures) -> None:
        super().__init__(beliefs, Objective(quality_floor=at.floor))
        self._at, self._figures = at, figures
        self._kind = "with drift of quality" if "drift" in at.traits else "without"

    def weigh(self, view: CellView, now: float, request: RouteRequest | None = None) -> Weighing:
        weighing = super().weigh(view, now, request)
        arms, weights = self.ladder(view, now).arms, np.array(weighing.weights)
        period = int(now) * len(self._at.success) // worlds.REQUESTS
        truth = self._at.success[period, int(view.cell.task.split()[1])]
        ratio = (arms.mean - truth) ** 2 / arms.spread**2
        stage = next(name for name, end in zip(STAGES, ENDS, strict=True) if now < end)
        self._figures[self._kind, stage].append(
            (float(ratio.mean()), float(weights @ ratio), float(weights @ (arms.mean - truth)))
        )
        return weighing


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    figures: Figures = defaultdict(list)
    for seed in range(count):
        at = worlds.world(seed)
        worlds.play(at, lambda beliefs, at=at: Watched(beliefs, at, figures))  # type: ignore[misc]
    rows = []
    for kind in ("without", "with drift of quality"):
        for stage in STAGES:
            every, chosen, hope = np.mean(figures[kind, stage], axis=0)
            rows.append([kind, stage, f"{every:.2f}", f"{chosen:.2f}", f"{hope:+.4f}"])
    head = ["worlds", "when", "squared error / variance", "the same, by weight",
            "expected less true success"]  # fmt: skip
    text = markdown(head, rows) + f"\n\n{count} worlds."
    print(text)
    write_between(DOCS / "routing_measured.md", "calibration", text)


if __name__ == "__main__":
    main()
