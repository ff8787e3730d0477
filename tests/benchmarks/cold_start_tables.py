"""Public outcome tables as worlds, and what could be had in each by whoever knew it."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from windsock.core.model.arrays import FloatArray
from windsock.core.policies.objectives import Objective
from windsock.core.policies.restraint.reference import Offer, reference_of
from windsock.core.policies.restraint.search import cheapest_pair
from windsock.simulation.world.scenario import Scenario

RATES = Path(__file__).parent / "data" / "success_rates.csv"
UNSEEN = RATES.with_name("unseen_rates.csv")
LATER = RATES.with_name("later_rates.csv")
"""Tables that no rule was shaped by, the second found when all rules stood."""

BOTH = (RATES, UNSEEN)
"""What the benchmarks run by default."""

REQUESTS, HOURS = 6000, 6
FLOORS = {"high": 0.03, "middle": 0.10, "low": 0.30}
"""By how much a floor lies below the mean of each task's best."""

OVER_ROUTE = "route-"
"""Before the name of a floor: it is held over all traffic, not at each task."""

PROMPT_TOKENS = 500.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """Dollars of all requests, mean success, what tasks lack to the aim in points."""

    usd: float
    success: float
    short: float = 0.0

    def __str__(self) -> str:
        return f"{self.usd:.2f} / {self.success:.3f} / {self.short:.2f}"


def mean_of(scores: Sequence[Score]) -> Score:
    """Of several runs."""
    rows = np.array([(each.usd, each.success, each.short) for each in scores])
    return Score(**dict(zip(("usd", "success", "short"), rows.mean(axis=0).tolist(), strict=True)))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Table:
    """A public table. success, usd: (tasks, deployments); share: (tasks,) of the requests."""

    name: str
    tasks: tuple[str, ...]
    names: tuple[str, ...]
    share: FloatArray
    success: FloatArray
    usd: FloatArray

    @property
    def best(self) -> float:
        """Success of whoever always asks the best deployment of the task."""
        return float(self.share @ self.success.max(axis=1))

    @property
    def alone(self) -> list[Score]:
        """What each deployment does where it alone is asked."""
        pairs = zip(self.share @ self.usd, self.share @ self.success, strict=True)
        return [Score(usd=REQUESTS * float(usd), success=float(right)) for usd, right in pairs]

    def incumbent(self, who: str) -> int:
        """`best`: the best single deployment; `dear`: the dearest of those within .05 of it."""
        success, usd = self.share @ self.success, self.share @ self.usd
        good = np.flatnonzero(success >= success.max() - 0.05)
        return int(success.argmax()) if who == "best" else int(good[usd[good].argmax()])

    def floor(self, aim: str) -> float | None:
        """The floor of an aim; None where it is a wish for quality."""
        below = FLOORS.get(aim.removeprefix(OVER_ROUTE))
        return None if below is None else round(self.best - below, 3)

    def worth_usd(self, wish: str, incumbent: str | None = None) -> float:
        """What a success is worth by a wish for quality, with all rates known."""
        offers = [
            Offer(deployment=name, success=right, usd=usd, share=share)
            for share, rights, costs in zip(self.share, self.success, self.usd, strict=True)
            for name, right, usd in zip(self.names, rights, costs, strict=True)
        ]
        wanted = Objective(kind="quality", quality=wish, incumbent=incumbent)
        return wanted.worth_usd(reference_of(offers, incumbent))

    def worth_lost(self, wish: str, found: Score, oracle: Score) -> float:
        """What a run lost to the oracle by a wish, in hundredths of what its requests may give."""
        dearer = (found.usd - oracle.usd) / (REQUESTS * self.worth_usd(wish))
        return 100 * (oracle.success - found.success + dearer)

    def oracle(self, aim: str, incumbent: str | None = None) -> FloatArray:
        """(tasks, deployments) shares of whoever knows all and optimises the same aim."""
        floor = self.floor(aim)
        if floor is None:
            net = self.worth_usd(aim, incumbent) * self.success - self.usd
            return np.eye(len(self.names))[net.argmax(axis=1)]
        if aim.startswith(OVER_ROUTE):
            return self._cheapest_over_route(floor)
        rows = zip(self.success, self.usd, strict=True)
        return np.array([_cheapest(right, usd, floor) for right, usd in rows])

    def _cheapest_over_route(self, floor: float) -> FloatArray:
        """The cheapest shares whose success over all traffic is the floor: one V for all tasks."""

        def at(worth: float) -> FloatArray:
            return np.eye(len(self.names))[(worth * self.success - self.usd).argmax(axis=1)]

        def success(shares: FloatArray) -> float:
            return float(self.share @ (shares * self.success).sum(axis=1))

        low, high = 0.0, 1e6 * float(self.usd.max())
        while high - low > 1e-9 * high:
            middle = (low + high) / 2
            low, high = (low, middle) if success(at(middle)) >= floor else (middle, high)
        under, over = at(low), at(high)
        more = success(over) - success(under)
        part = min(1.0, max(0.0, (floor - success(under)) / more)) if more > 0 else 0.0
        return (1 - part) * under + part * over

    def score(self, shares: FloatArray, aim: str) -> Score:
        """What shares of each task's requests cost and give; shortfall to a floor alone."""
        reached, best = (shares * self.success).sum(axis=1), self.success.max(axis=1)
        own, floor = self.share, self.floor(aim) or 0.0
        if aim.startswith(OVER_ROUTE):
            reached, best, own = own @ reached[:, None], own @ best[:, None], np.ones(1)
        return Score(
            usd=REQUESTS * float(self.share @ (shares * self.usd).sum(axis=1)),
            success=float(self.share @ (shares * self.success).sum(axis=1)),
            short=100 * float(own @ np.maximum(0.0, np.minimum(floor, best) - reached)),
        )

    def single(self, found: Score, aim: str, *, lacks_no_more: bool = False) -> float | None:
        """Dollars of the cheapest deployment that alone succeeds as often; None if none does.

        lacks_no_more   and tasks must lack no more to a floor, which the oracle itself may pay for
        """
        alone = (self.score(each, aim) for each in self._each_alone)
        good = (
            s.usd
            for s in alone
            if s.success >= found.success and (s.short <= found.short or not lacks_no_more)
        )
        return min(good, default=None)

    @property
    def _each_alone(self) -> list[FloatArray]:
        """(tasks, deployments) shares where each deployment alone is asked."""
        return [np.tile(row, (len(self.tasks), 1)) for row in np.eye(len(self.names))]

    def scenario(self, aim: str, labels: float, incumbent: str | None) -> Scenario:
        """This table as a world where a share of answers is judged."""
        sizes, prices = self.usd[:, 0] / self.usd[0, 0], self.usd[0] / PROMPT_TOKENS * 1e6
        return Scenario.model_validate(
            {
                "title": self.name,
                "hours": HOURS,
                "requests_per_hour": REQUESTS / HOURS,
                "feedback_share": labels,
                "route": self._route(aim) | ({"incumbent": incumbent} if incumbent else {}),
                "rivals": {"flagship": self.names[0], "otherwise": self.names[0]},
                "tasks": {
                    task: {
                        "share": float(share),
                        "prompt_tokens": PROMPT_TOKENS * float(size),
                        "output_tokens": 1,
                    }
                    for task, share, size in zip(self.tasks, self.share, sizes, strict=True)
                },
                "deployments": {
                    name: {
                        "input": float(price),
                        "output": 0.0,
                        "quality": dict(zip(self.tasks, rates.tolist(), strict=True)),
                    }
                    for name, price, rates in zip(self.names, prices, self.success.T, strict=True)
                },
            }
        )

    def _route(self, aim: str) -> dict[str, Any]:
        floor = self.floor(aim)
        if floor is not None:
            over_route = aim.startswith(OVER_ROUTE)
            return {"route_quality_floor" if over_route else "quality_floor": floor}
        return {"objective": "quality", "quality": aim, "quality_floor": None}


def _cheapest(success: FloatArray, usd: FloatArray, floor: float) -> FloatArray:
    """The cheapest mixture of two that reaches the floor, or the best there is."""
    pair = cheapest_pair(success, usd, min(floor, float(success.max())))
    assert pair is not None
    return pair


@cache
def tables(*files: Path) -> dict[str, Table]:
    """By name, as they stand in the files; in all of the benchmark's if none is given."""
    rows = [row for file in files or (*BOTH, LATER) for row in _rows(file)]
    starts = [i for i, row in enumerate(rows) if i == 0 or row["table"] != rows[i - 1]["table"]]
    parts = (rows[start:end] for start, end in pairwise([*starts, len(rows)]))
    return {part[0]["table"]: _table(part) for part in parts}


def _rows(file: Path) -> list[dict[str, str]]:
    with file.open() as lines:
        return list(csv.DictReader(lines))


def _table(rows: list[dict[str, str]]) -> Table:
    tasks = tuple(dict.fromkeys(row["task"] for row in rows))
    names = tuple(dict.fromkeys(row["deployment"] for row in rows))
    success, usd, share = (np.zeros((len(tasks), len(names))) for _ in range(3))
    for row in rows:
        at = tasks.index(row["task"]), names.index(row["deployment"])
        success[at], usd[at], share[at] = (float(row[k]) for k in ("success", "usd", "share"))
    # A deployment costs each task the same multiple of its mean: prices are by token alone.
    own, scale = share[:, 0] / share[:, 0].sum(), np.exp(np.log(usd).mean(axis=1))
    scale /= own @ scale
    return Table(
        name=rows[0]["table"],
        tasks=tasks,
        names=names,
        share=own,
        success=success,
        usd=scale[:, None] * (own @ usd),
    )
