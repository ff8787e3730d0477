"""What is believed of each deployment at each task: success and token use, never price.

Evidence is kept as discounted sums, so that a late reward counts as if it had come in time. It
ages with the latest reward of its route, not with the clock: where nothing is learnt, nothing is
forgotten, and the same rows give the same belief.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

from windsock.core.beliefs.benchmark_priors import NOTHING, BenchmarkPriors
from windsock.core.beliefs.kept.moment import state_of
from windsock.core.beliefs.quality_watch import QualityWatch
from windsock.core.beliefs.statistics import NEVER, BeliefSettings, Change
from windsock.core.beliefs.summaries import BeliefSummary, Intervals, summaries_of
from windsock.core.beliefs.use.proxy_listening import ProxyListening
from windsock.core.model.requests import Cell

DEFAULTS = BeliefSettings()
"""As documented in `BeliefSettings`."""


class Beliefs(ProxyListening):
    """Every belief of the router. Rewards and counted use enter; prices never do.

    published   public figures that priors lean on; they are no evidence and in no state
    quality     finds silent changes of quality, and knows whose is in doubt
    """

    def __init__(
        self, settings: BeliefSettings = DEFAULTS, *, published: BenchmarkPriors = NOTHING
    ) -> None:
        super().__init__(settings, published)
        self.quality = QualityWatch(self._groups, self._open)
        self._intervals = Intervals()

    def observe(
        self,
        cell: Cell,
        deployment: str,
        value: float,
        *,
        weight: float = 1.0,
        now: float,
        is_news: bool = True,
    ) -> None:
        """Count a reward in 0..1 as `weight` rewards; what is no news tells of no change."""
        sums = weight, weight * value, weight * value * value
        judges = is_news and self.quality.is_judge
        self._learn(cell, deployment, value, sums, now, judges=judges)

    def observe_sums(
        self, cell: Cell, deployment: str, count: float, total: float, squares: float, *, now: float
    ) -> None:
        """Count `count` rewards at once, by their sum and the sum of their squares."""
        mean = total / count if count else 0.0
        sums = count, total, squares
        self._learn(cell, deployment, mean, sums, now, judges=self.quality.is_judge)

    def observe_answers(
        self, cell: Cell, deployment: str, weight: float, *, most: float, fades: bool, now: float
    ) -> None:
        """Count answers as `weight` rewards of what is expected of them, `most` rewards in all.

        fades   they take the place of earlier evidence, else only the room that is left
        """
        group, task = self._open(cell), cell.name
        row = group.rows.get((task, deployment)) or group.open(task, deployment)
        if not fades:
            weight = min(weight, max(0.0, most - row.count))
        total = weight * group.fitting.mean(task, deployment, group.judging.expected)
        row.observe_sums(weight, total, total, now, self.settings)
        if fades and row.count > most:
            row.shrink_to(most)
        group.touch(now)

    def retract(
        self,
        cell: Cell,
        deployment: str,
        value: float,
        *,
        weight: float = 1.0,
        observed_at: float,
    ) -> None:
        """Take back what is left of a reward that was observed then."""
        change = -weight, -weight * value, -weight * value * value
        self.count_sums(cell, deployment, *change, observed_at=observed_at)

    def count_sums(
        self,
        cell: Cell,
        deployment: str,
        count: float,
        total: float,
        squares: float,
        *,
        observed_at: float,
    ) -> None:
        """Count rewards by their sums, which tell of no change; below 0 they are taken back."""
        group = self._open(cell)
        group.learn(cell.name, deployment, count, total, squares, observed_at)
        group.changes += 1

    def correct(
        self, cell: Cell, deployment: str, change: Change, *, counted: float, now: float
    ) -> None:
        """See `RouteBeliefs.correct`."""
        self._open(cell).correct(cell.name, deployment, change, counted, now)

    def posterior(self, cell: Cell, deployment: str) -> tuple[float, float]:
        """Beta parameters of mean success. The clock alone changes nothing (see above)."""
        return self.posteriors(cell, (deployment,))[0]

    def posteriors(self, cell: Cell, deployments: Iterable[str]) -> list[tuple[float, float]]:
        """The same for several at once."""
        group, task = self._groups.get(cell[:2]) or self._new(cell[:2]), cell.name
        group.refresh_pool()
        return [group.beta(task, name) for name in deployments]

    def fit(self, cell: Cell) -> bool:
        """Fit the priors of its route anew if anything was learnt there; False if nothing was."""
        return cell[:2] in self._groups and self._groups[cell[:2]].refresh_pool()

    def summary(self, cell: Cell, deployment: str) -> BeliefSummary:
        """One belief for people, from the pool of the last posterior."""
        return self.summaries(cell, (deployment,))[0]

    def summaries(self, cell: Cell, deployments: Sequence[str]) -> list[BeliefSummary]:
        """The same for several at once, which takes a call's time for all of them."""
        group = self._groups.get(cell[:2]) or self._new(cell[:2])
        if not group.is_pooled:
            group.refresh_pool()
        return summaries_of(group, cell.name, deployments, self._intervals)

    def tasks(self, namespace: str, route: str) -> dict[str, float]:
        """Known tasks of a route, each with its share of recent requests or rewards."""
        group = self._groups.get((namespace, route))
        counts: dict[str, float] = {}
        for (task, _), row in group.rows.items() if group else ():
            counts[task] = counts.get(task, 0.0) + max(row.count, row.requests)
        total = sum(counts.values()) or 1.0
        return {task: count / total for task, count in counts.items()}

    def labels_to_come(self, cell: Cell) -> float:
        """Rewards that a task may be expected to get: a multiple of those it got."""
        group = self._groups.get(cell[:2]) or self._new(cell[:2])
        group.refresh_pool()
        return group.fitting.labels_to_come(cell.name)

    def drift(self, cell: Cell, deployment: str) -> float:
        """How far a deployment's last rewards move its beliefs of all tasks, as of now."""
        return self._groups[cell[:2]].drift(deployment) if cell[:2] in self._groups else 0.0

    def evidence(self, cell: Cell, deployment: str) -> float:
        """Discounted rewards behind a belief; 0 where there are none."""
        known = self._groups.get(cell[:2])
        return known.evidence(cell.name, deployment) if known else 0.0

    def is_young(self, cell: Cell, deployment: str) -> bool:
        """True if a deployment has little evidence on its route where others have much."""
        return cell[:2] in self._groups and self._groups[cell[:2]].is_young(deployment)

    def seed(
        self, cell: Cell, deployment: str, mean: float, *, rewards: float, now: float
    ) -> float:
        """Start a belief as if `rewards` rewards had averaged `mean`, at their usual dispersion;
        the sum of their squares."""
        return self._open(cell).seed(cell.name, deployment, mean, rewards, now)

    def add_to_start(
        self, cell: Cell, deployment: str, sums: tuple[float, float, float], at: float
    ) -> None:
        """As `seed`, by rewards' number, sum and sum of squares; below 0 they are taken back."""
        group = self._open(cell)
        group.open(cell.name, deployment).observe_sums(*sums, at, self.settings)
        group.touch(at)

    def as_of(self, cell: Cell) -> float:
        """When something was last learnt on its route, unix s: all evidence counts as of then."""
        known = self._groups.get(cell[:2])
        return known.as_of if known else NEVER

    def routes(self) -> list[tuple[str, str]]:
        """(namespace, route) of all that anything is believed of."""
        return list(self._groups)

    def shrink_to(self, cell: Cell, most: float) -> None:
        """Shrink the evidence of every deployment at a task to `most` rewards; the means stay."""
        group = self._groups.get(cell[:2])
        if group is None:
            return
        for (task, _), row in group.rows.items():
            if task == cell.name:
                row.shrink_to(most)
        group.changes += 1

    def forget(self, cells: frozenset[Cell]) -> None:
        """Drop all evidence of these cells: it is as if nothing had been learnt there."""
        for key in {cell[:2] for cell in cells} & self._groups.keys():
            self._groups[key].forget({cell.name for cell in cells if cell[:2] == key})

    def merge_task(self, cell: Cell, task: str) -> None:
        """Requests of another task fall in this cell from now on: its evidence goes with them."""
        self._open(cell).merge_task(cell.name, task)

    def give(self, cell: Cell, deployment: str, rewards: float) -> None:
        """So many rewards' worth of evidence stand elsewhere now; the mean stays."""
        group = self._open(cell)
        if (row := group.rows.get((cell.name, deployment))) is not None:
            row.shrink_to(max(0.0, row.count - rewards))
            group.changes += 1

    def to_state(self) -> dict[str, Any]:
        """JSON-able, exact: `from_state` of it gives the same beliefs bit for bit."""
        return self.moment()()

    def moment(self) -> Callable[[], dict[str, Any]]:
        """What is believed now, whatever is learnt later: the call makes of it what `to_state`
        says, in any thread."""
        groups = {key: group.moment() for key, group in self._groups.items()}
        return partial(state_of, asdict(self.settings), groups)

    def from_state(self, state: Mapping[str, Any]) -> None:
        """Take over the rows of `to_state`; the settings stay those of this object."""
        self._groups.clear()
        for body in state["groups"]:
            key = (body["namespace"], body["route"])
            self._groups[key] = self._new(key)
            self._groups[key].from_state(body)

    def _learn(
        self, cell: Cell, deployment: str, mean: float, sums: Change, now: float, *, judges: bool
    ) -> None:
        """Count rewards; where they show that the quality has changed, act on that."""
        group = self._open(cell)
        finding = group.judge(cell.name, deployment, mean, sums[0]) if judges else None
        group.learn(cell.name, deployment, *sums, now)
        group.touch(now)
        if finding is not None:
            self.quality.act_on(finding, group, cell, deployment, now)
