"""What is believed of each deployment at each task: success and token use, never price.

Evidence is kept as discounted sums, so replicas merge by adding and a late reward counts as if
it had come in time. Evidence ages with the latest reward of its route, not with the clock: where
nothing is learnt, nothing is forgotten, and the same rows give the same belief.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy import special

from windsock.core.beliefs.benchmark_priors import NOTHING, BenchmarkPriors, PriorShift
from windsock.core.beliefs.change_detection import Finding, Mode
from windsock.core.beliefs.route_beliefs import RouteBeliefs
from windsock.core.beliefs.statistics import USAGE_METERS, BeliefSettings, rescale_prompt, units_of
from windsock.core.model.events import Event
from windsock.core.model.requests import Cell
from windsock.core.model.units import Meter, Usage

DEFAULTS = BeliefSettings()

INTERVALS = 10_000
"""Intervals kept; 100 new ones take 2 ms."""

Pair = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class BeliefSummary:
    """One belief for people: mean success, its 90 % interval, discounted rewards behind it.

    mode    steady, doubt or lost, as the watch for silent changes has it
    """

    mean: float
    low: float
    high: float
    effective_samples: float
    mode: Mode = Mode.STEADY


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """What is held against a deployment: doubt or lost; steady after a change of model.

    statistic   of the CUSUM of losses since the alarm
    tasks       whose belief from before the alarm is kept
    """

    namespace: str
    route: str
    deployment: str
    mode: Mode
    statistic: float
    tasks: tuple[str, ...]


class Beliefs:
    """Every belief of the router. Rewards and counted use enter; prices never do.

    published   public figures that priors lean on; they are no evidence and in no state
    """

    def __init__(
        self, settings: BeliefSettings = DEFAULTS, *, published: BenchmarkPriors = NOTHING
    ) -> None:
        self.settings = settings
        self.published = published
        self._groups: dict[tuple[str, str], RouteBeliefs] = {}
        self._shifts: list[Event] = []
        self._seen: dict[Pair, Pair] = {}

    def observe(
        self, cell: Cell, deployment: str, value: float, *, weight: float = 1.0, now: float
    ) -> None:
        """Count a reward in 0..1 as `weight` rewards, observed at `now`."""
        group = self._open(cell)
        finding = group.judge(cell.name, deployment, value, weight)
        n, s, q2 = weight, weight * value, weight * value * value
        group.learn(cell.name, deployment, n, s, q2, now)
        self._note(group, finding, cell, deployment, now)

    def observe_sums(
        self, cell: Cell, deployment: str, n: float, s: float, q2: float, *, now: float
    ) -> None:
        """Count `n` rewards at once, which sum to `s` and their squares to `q2`."""
        group = self._open(cell)
        finding = group.judge(cell.name, deployment, s / n, n)
        group.learn(cell.name, deployment, n, s, q2, now)
        self._note(group, finding, cell, deployment, now)

    def retract(
        self,
        cell: Cell,
        deployment: str,
        value: float,
        *,
        weight: float = 1.0,
        now: float,
        observed_at: float | None = None,
    ) -> None:
        """Take back a reward, discounted since `observed_at` (`now` if not known)."""
        at = now if observed_at is None else observed_at
        group = self._open(cell)
        n, s, q2 = -weight, -weight * value, -weight * value * value
        group.learn(cell.name, deployment, n, s, q2, at)
        group.changes += 1

    def observe_usage(self, cell: Cell, deployment: str, usage: Usage, now: float) -> None:
        """Learn how many units of each meter one request consumes."""
        row = self._open(cell).open(cell.name, deployment)
        row.add_units(units_of(usage.counts()), 1.0, now, self.settings)

    def observe_usages(
        self,
        cell: Cell,
        deployment: str,
        counts: Mapping[Meter, float],
        requests: float,
        now: float,
    ) -> None:
        """Learn from `requests` requests at once, which took `counts` in all."""
        row = self._open(cell).open(cell.name, deployment)
        row.add_units(units_of(counts), requests, now, self.settings)

    def mix(
        self, cell: Cell, deployment: str, *, prompt_tokens: float | None = None
    ) -> dict[Meter, float]:
        """Expected units of one request by meter.

        prompt_tokens   if given, prompt meters are scaled to sum to it
        """
        group = self._groups.get(cell[:2])
        units = group.typical_units(cell.name, deployment) if group else None
        if units is None:
            prompt = prompt_tokens or self.settings.prompt_tokens
            completion = self.settings.completion_tokens
            return {Meter.INPUT: prompt, Meter.OUTPUT: completion, Meter.REQUEST: 1.0}
        mix = dict(zip(USAGE_METERS, units, strict=True))
        if prompt_tokens is not None:
            rescale_prompt(mix, prompt_tokens)
        mix[Meter.REQUEST] = 1.0
        return mix

    def posterior(self, cell: Cell, deployment: str, now: float) -> tuple[float, float]:
        """Beta parameters of mean success. The clock alone changes nothing (see above)."""
        group = self._groups.get(cell[:2]) or self._new()
        group.refresh_pool()
        return group.beta(cell.name, deployment)

    def summary(self, cell: Cell, deployment: str, now: float) -> BeliefSummary:
        """One belief for people, from the pool of the last posterior."""
        return self.summaries(cell, (deployment,), now)[0]

    def summaries(self, cell: Cell, deployments: Sequence[str], now: float) -> list[BeliefSummary]:
        """The same for several at once, which takes a call's time for all of them."""
        group = self._groups.get(cell[:2]) or self._new()
        if not group.is_pooled:
            group.refresh_pool()
        pairs = [group.beta(cell.name, name) for name in deployments]
        bounds = self._intervals(pairs)
        return [
            BeliefSummary(
                mean=one / (one + other),
                low=low,
                high=high,
                effective_samples=group.evidence(cell.name, name),
                mode=self.mode(cell, name),
            )
            for name, (one, other), (low, high) in zip(deployments, pairs, bounds, strict=True)
        ]

    def _intervals(self, pairs: Sequence[Pair]) -> list[Pair]:
        """90 % intervals of Beta parameters; those seen before are kept, as prices change none."""
        new = [pair for pair in dict.fromkeys(pairs) if pair not in self._seen]
        if len(self._seen) + len(new) > INTERVALS:
            self._seen, new = {}, list(dict.fromkeys(pairs))
        if new:
            a, b = np.array(new, dtype=np.float64).T
            bounds = special.betaincinv(a, b, 0.05), special.betaincinv(a, b, 0.95)
            self._seen.update(zip(new, map(tuple, np.transpose(bounds).tolist()), strict=True))
        return [self._seen[pair] for pair in pairs]

    def tasks(self, namespace: str, route: str) -> dict[str, float]:
        """Known tasks of a route, each with its share of recent requests or rewards."""
        group = self._groups.get((namespace, route))
        counts: dict[str, float] = {}
        for (task, _), row in group.rows.items() if group else ():
            counts[task] = counts.get(task, 0.0) + max(row.n, row.un)
        total = sum(counts.values()) or 1.0
        return {task: count / total for task, count in counts.items()}

    def mode(self, cell: Cell, deployment: str) -> Mode:
        """Whether the quality of a deployment is steady, in doubt or lost."""
        group = self._groups.get(cell[:2])
        watch = group.watches.get(deployment) if group else None
        return watch.mode if watch else Mode.STEADY

    def probe(self, cell: Cell, deployment: str) -> float:
        """Least share for a look at a deployment whose quality is in doubt or lost."""
        group = self._groups.get(cell[:2])
        watch = group.watches.get(deployment) if group else None
        return watch.probe if watch else 0.0

    def drift(self, cell: Cell, deployment: str) -> float:
        """How far a deployment's last rewards move its beliefs of all tasks, as of now."""
        group = self._groups.get(cell[:2])
        return group.drift(deployment) if group else 0.0

    def is_young(self, cell: Cell, deployment: str) -> bool:
        """True if a deployment has little evidence on its route where others have much."""
        group = self._groups.get(cell[:2])
        return group is not None and group.is_young(deployment)

    def lean(self, cell: Cell, deployment: str) -> PriorShift | None:
        """The public figures that the prior of a cell leans on, if any."""
        return self.published.lean(cell.name, deployment)

    def drain(self) -> list[Event]:
        """Changes of quality found since the last call, oldest first."""
        shifts, self._shifts = self._shifts, []
        return shifts

    def alarms(self) -> list[Alarm]:
        """Every deployment whose belief an alarm has changed, and that a person may undo."""
        return [
            Alarm(
                namespace=namespace,
                route=route,
                deployment=name,
                mode=watch.mode,
                statistic=watch.down.statistic,
                tasks=tuple(sorted(watch.saved)),
            )
            for (namespace, route), group in sorted(self._groups.items())
            for name, watch in sorted(group.watches.items())
            if watch.saved
        ]

    def undo(self, namespace: str, route: str, deployment: str) -> bool:
        """Take back an alarm: the belief from before it holds again. False if there was none."""
        group = self._groups.get((namespace, route))
        watch = group.watches.get(deployment) if group else None
        if group is None or watch is None or not watch.saved:
            return False
        group.restore(deployment, self.settings.evidence_cap)
        return True

    def seed(self, cell: Cell, deployment: str, mean: float, *, rewards: float, now: float) -> None:
        """Start a belief as if `rewards` rewards had averaged `mean`, at their usual dispersion."""
        self._open(cell).seed(cell.name, deployment, mean, rewards, now)

    def unseed(
        self, cell: Cell, deployment: str, mean: float, *, rewards: float, since: float
    ) -> None:
        """Take back what is left of a start of a belief that was given at `since`."""
        group = self._open(cell)
        group.open(cell.name, deployment).add(mean, -rewards, since, self.settings)
        group.changes += 1

    def seed_usage(
        self, cell: Cell, deployment: str, *, factor: float, requests: float, now: float
    ) -> None:
        """Start a token mix as the deployment's own of all tasks, its answers `factor` as long."""
        self._open(cell).seed_usage(cell.name, deployment, factor, requests, now)

    def age_deployment(self, deployment: str, *, keep: float) -> None:
        """The served model has changed: keep `keep` rewards of evidence per task at most."""
        for group in self._groups.values():
            group.age(deployment, keep)

    def keep(self, cell: Cell, most: float) -> None:
        """Shrink the evidence of every deployment at a task to `most` rewards; the means stay."""
        group = self._groups.get(cell[:2])
        if group is not None:
            for (task, _), row in group.rows.items():
                if task == cell.name:
                    row.keep(most)
            group.changes += 1

    def absorb(self, cell: Cell, task: str) -> None:
        """Requests of another task fall in this cell from now on: its evidence goes with them."""
        self._open(cell).absorb(cell.name, task)

    def give(self, cell: Cell, deployment: str, rewards: float) -> None:
        """So many rewards' worth of evidence stand elsewhere now; the mean stays."""
        group = self._open(cell)
        row = group.rows.get((cell.name, deployment))
        if row is not None:
            row.keep(max(0.0, row.n - rewards))
            group.changes += 1

    def to_state(self) -> dict[str, Any]:
        """JSON-able, exact: `from_state` of it gives the same beliefs bit for bit."""
        return {
            "settings": asdict(self.settings),
            "groups": [
                {"namespace": key[0], "route": key[1], **group.to_state()}
                for key, group in sorted(self._groups.items())
            ],
        }

    def from_state(self, state: Mapping[str, Any]) -> None:
        """Take over the rows of `to_state`; the settings stay those of this object."""
        self._groups = {
            (body["namespace"], body["route"]): RouteBeliefs.from_state(
                body, self.settings, self.published
            )
            for body in state["groups"]
        }

    def merge(self, delta: Mapping[str, Any]) -> None:
        """Add another replica's sums (its `to_state` since the last merge) to these."""
        for body in delta["groups"]:
            key = (body["namespace"], body["route"])
            mine = self._groups.setdefault(key, self._new())
            mine.merge(RouteBeliefs.from_state(body, self.settings))

    def _note(
        self, group: RouteBeliefs, finding: Finding | None, cell: Cell, deployment: str, now: float
    ) -> None:
        """Something was learnt; where a watch has found something, act on it."""
        group.touch(now)
        if finding is not None:
            facts = group.act_on(finding, deployment)
            facts |= {"namespace": cell.namespace, "route": cell.route}
            self._shifts.append(
                Event(kind="quality.drifted", deployment=deployment, at=now, facts=facts)
            )

    def _open(self, cell: Cell) -> RouteBeliefs:
        group = self._groups.get(cell[:2])
        if group is None:
            group = self._groups[cell[:2]] = self._new()
        return group

    def _new(self) -> RouteBeliefs:
        return RouteBeliefs(self.settings, self.published)
