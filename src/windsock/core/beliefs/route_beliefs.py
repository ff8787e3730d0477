"""All beliefs of one (namespace, route), which inform each other."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Any

from windsock.core.beliefs.benchmark_priors import NOTHING, BenchmarkPriors
from windsock.core.beliefs.drift.change_detection import ChangeDetector, Finding, Mode
from windsock.core.beliefs.drift.common_drift import RecentRewards
from windsock.core.beliefs.empirical_bayes import Fit, unfitted
from windsock.core.beliefs.judging_fit import JudgingFit
from windsock.core.beliefs.kept.moment import Moment
from windsock.core.beliefs.prior_fitter import Betas, PriorFitter
from windsock.core.beliefs.proxies.hearing import UNHEARD, Hear, Word, Words
from windsock.core.beliefs.statistics import (
    LEAST_PARAMETER,
    NEVER,
    BeliefSettings,
    Change,
    RewardStatistics,
    dispersion,
    evidence_by_name,
    held_share,
    infinite,
    moved,
    pooled_dispersion,
)
from windsock.core.beliefs.token_mix import average_units
from windsock.core.model.units import ANSWER_METERS, MIX_METERS

YOUNG_REWARDS = 60.0
"""Rewards below which a deployment is young, on a route where another has four times as many."""


class RouteBeliefs:
    """Rows by (task, deployment). Evidence ages with the latest reward, not with the clock.

    Rows hold labels. What proxies say is asked for whenever priors are fitted, and stands in them.

    judging     the priors that rewards are judged by
    """

    def __init__(
        self,
        settings: BeliefSettings,
        published: BenchmarkPriors = NOTHING,
        hear: Hear = UNHEARD,
    ) -> None:
        self.settings = settings
        self.published = published
        self.rows: dict[tuple[str, str], RewardStatistics] = {}
        self.watches: dict[str, ChangeDetector] = {}
        self.recents: dict[str, RecentRewards] = {}
        self.as_of = NEVER
        self.changes = 0
        self._fitted_at = -1
        self._drifts: dict[str, float] = {}
        self.fitting = PriorFitter(self.rows, self.recents, settings, published)
        self.judging = JudgingFit(self.fitting)
        self._fit = unfitted(self.fitting.unknown)
        self._evidence: dict[str, float] = {}
        self._most = 0.0
        self._counted_at = -1
        self._betas: Betas = {}
        self._hear = hear
        self._words = Words()

    def open(self, task: str, deployment: str) -> RewardStatistics:
        """The row of a deployment at a task, made if there is none: also an empty one is fitted."""
        row = self.rows.get((task, deployment))
        if row is None:
            row = self.rows[task, deployment] = RewardStatistics()
            self.changes += 1
        return row

    def learn(
        self, task: str, deployment: str, count: float, total: float, squares: float, at: float
    ) -> None:
        """Count rewards by their number, sum and sum of squares; less than none takes back.

        They move the belief of their task, and as the deployment's last ones those of all tasks.
        """
        self.open(task, deployment).observe_sums(count, total, squares, at, self.settings)
        if self.settings.follows_drift:
            recent = self.recents.get(deployment)
            if recent is None:
                recent = self.recents[deployment] = RecentRewards(self.settings.half_life_s)
            recent.observe(task, count, total, at)
        self.fitting.note(task, deployment)

    def correct(
        self, task: str, deployment: str, change: Change, counted: float, at: float
    ) -> None:
        """Rewards that were counted, or were not, are worth another number of them.

        change      of their number, sum and sum of squares
        counted     rewards of their kind that the belief had counted: of those it has forgotten
                    since, nothing is changed
        """
        row, recent = self.open(task, deployment), self.recents.get(deployment)
        share = held_share(row.count, counted)
        count, total, squares = (share * part for part in change)
        row.observe_sums(count, total, squares, at, self.settings)
        last = recent.rows.get(task) if recent else None
        if recent and last:
            share = held_share(last.count, counted)
            recent.observe(task, share * change[0], share * change[1], at)
        self.fitting.note(task, deployment)
        self.touch(at)

    def touch(self, now: float) -> None:
        """Something was learnt at `now`."""
        self.as_of = max(self.as_of, now)
        self.changes += 1

    def refresh_pool(self) -> bool:
        """Fit the priors anew if anything was learnt since the last fit; False if nothing was."""
        if self._fitted_at == self.changes:
            return False
        fit, heard = self.fitting.fit(self.as_of, self.changes), self._hear(self.as_of)
        self._fit, self._words = self.fitting.heard(fit, heard)
        self._drifts = self.fitting.drifts(self._fit, self.as_of, self.changes)
        self._fitted_at = self.changes
        self._betas = self.fitting.betas(self._fit, self._drifts, self.as_of)
        return True

    def drift(self, deployment: str) -> float:
        """How far its last rewards move a deployment's beliefs of all tasks."""
        self.refresh_pool()
        return self._drifts.get(deployment, 0.0)

    @property
    def is_pooled(self) -> bool:
        """True once priors were fitted."""
        return self._fitted_at >= 0

    def beta(self, task: str, deployment: str, fit: Fit | None = None) -> tuple[float, float]:
        """Beta parameters of mean success, with the prior of a fit.

        Without one they are those to be acted on: by the last fit, and moved by common drift.
        Those of every task and deployment with rewards are reckoned together, once a fit.
        """
        if fit is not None:
            return self._beta(task, deployment, fit)
        known = self._betas.get((task, deployment)) if self._fitted_at == self.changes else None
        if known is not None:
            return known
        pair = self._beta(task, deployment, self._fit)
        return moved(pair, self._drifts.get(deployment, 0.0))

    def _beta(self, task: str, deployment: str, fit: Fit) -> tuple[float, float]:
        settings = self.settings
        mean, strength = self.fitting.prior(task, deployment, fit)
        a, b = strength * mean, strength * (1 - mean)
        phi = fit.phi.get(deployment, 1.0)
        row = self.rows.get((task, deployment))
        if row is not None:
            age = row.age(self.as_of, settings.half_life_s)
            a, b = a + row.total * age, b + (row.count - row.total) * age
            phi = dispersion(row.count * age, row.total * age, row.squares * age, usual=phi)
        return max(LEAST_PARAMETER, a / phi), max(LEAST_PARAMETER, b / phi)

    def evidence(self, task: str, deployment: str) -> float:
        """Discounted rewards behind a belief, those that proxies count for among them."""
        row = self.rows.get((task, deployment))
        say = sum(word.say for word in self.words(task, deployment).values())
        return say + (row.count * row.age(self.as_of, self.settings.half_life_s) if row else 0.0)

    def words(self, task: str, deployment: str) -> Mapping[str, Word]:
        """What each proxy said of a cell when priors were last fitted."""
        return self._words.of((task, deployment))

    def is_young(self, deployment: str) -> bool:
        """True if a deployment has little evidence where others have much."""
        if self._counted_at != self.changes:
            self._evidence, self._counted_at = evidence_by_name(self.rows), self.changes
            self._most = max(self._evidence.values(), default=0.0)
        is_little = self._evidence.get(deployment, 0.0) < YOUNG_REWARDS
        return is_little and self._most > 4 * YOUNG_REWARDS

    def mode(self, deployment: str) -> Mode:
        """Whether the quality of a deployment is steady, in doubt or lost."""
        watch = self.watches.get(deployment)
        return watch.mode if watch else Mode.STEADY

    def of_deployment(self, deployment: str) -> dict[str, RewardStatistics]:
        """Rows by task."""
        return {task: row for (task, name), row in self.rows.items() if name == deployment}

    def seed(self, task: str, deployment: str, mean: float, rewards: float, now: float) -> float:
        """Start a belief as if `rewards` rewards had averaged `mean`; the sum of their squares."""
        phi = pooled_dispersion(self.of_deployment(deployment).values())
        squares = rewards * (mean * mean + phi * mean * (1 - mean))
        row = self.open(task, deployment)
        row.observe_sums(rewards, rewards * mean, squares, now, self.settings)
        self.touch(now)
        return squares

    def seed_usage(
        self, task: str, deployment: str, factor: float, requests: float, now: float
    ) -> None:
        """Start a token mix as the deployment's own, its answers `factor` as long."""
        usual = average_units(self.of_deployment(deployment).values())
        if usual is None:
            return
        factors = [factor if meter in ANSWER_METERS else 1.0 for meter in MIX_METERS]
        units = [unit * scale * requests for unit, scale in zip(usual, factors, strict=True)]
        self.open(task, deployment).observe_units(units, requests, now, self.settings)

    def judge(self, task: str, deployment: str, value: float, weight: float) -> Finding | None:
        """Hold a reward against the belief, before it is learnt."""
        if not self.settings.watches_drift:
            return None
        fit = self.judging.of_next(len(self.rows), self.as_of, self.changes)
        row = self.rows.get((task, deployment))
        if row is None or row.count < 1.0:
            return None
        watch = self.watches.get(deployment)
        if watch is None:
            watch = self.watches[deployment] = ChangeDetector()
        a, b = self.beta(task, deployment, fit)
        mean = a / (a + b)
        saved = watch.saved.get(task)
        before = saved[1] / saved[0] if saved and saved[0] else mean
        phi = dispersion(row.count, row.total, row.squares, usual=fit.phi.get(deployment, 1.0))
        return watch.observe(value, mean, phi, row.count, weight, before)

    def unsettle(self, deployment: str) -> None:
        """Evidence was changed: the last rewards are no drift from it, and are judged anew."""
        self.recents.pop(deployment, None)
        self.judging.drop()
        self.changes += 1

    def forget(self, tasks: Set[str]) -> None:
        """Drop the rows of these tasks, also those kept by an alarm."""
        for key in [key for key in self.rows if key[0] in tasks]:
            del self.rows[key]
        for watch in self.watches.values():
            watch.saved = {task: row for task, row in watch.saved.items() if task not in tasks}
        for recent in self.recents.values():
            recent.forget(tasks)
        self.changes += 1

    def merge_task(self, task: str, other: str) -> None:
        """Add the rows of another task to those of this one, also those kept by an alarm."""
        for key in [key for key in self.rows if key[0] == other]:
            self.open(task, key[1]).merge(self.rows.pop(key), self.settings)
        for watch in self.watches.values():
            watch.merge_task(task, other, self.settings)
        for recent in self.recents.values():
            recent.merge_task(task, other)
        self.changes += 1

    def to_state(self) -> dict[str, Any]:
        """JSON-able and exact."""
        return self.moment().to_state()

    def moment(self) -> Moment:
        """What is believed now, whatever is learnt later."""
        return Moment(
            as_of=self.as_of,
            names=list(self.rows),
            rows=[row.sums() for row in self.rows.values()],
            watches={name: watch.to_state() for name, watch in self.watches.items()},
            recents={name: last.copied() for name, last in self.recents.items()},
            judging=self.judging.kept,
            judged=self.judging.judged,
        )

    def from_state(self, state: dict[str, Any]) -> None:
        """Take over a state of `to_state`; the settings stay those of this object."""
        self.as_of = infinite(state["as_of"])
        for task, deployment, *fields in state["rows"]:
            self.rows[task, deployment] = RewardStatistics.from_state(fields)
        for name, fields in state["watches"].items():
            self.watches[name] = ChangeDetector.from_state(fields)
        for name, fields in state["recents"].items():
            self.recents[name] = RecentRewards.from_state(fields, self.settings.half_life_s)
        self.judging.from_state(state["judging"], state["judged"])
