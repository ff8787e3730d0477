"""The batch engine: the production router asked once per window, its answers drawn by the thousand.

A window ends wherever a feed speaks or the truth changes, so weights, prices and qualities hold
for all of it. What is drawn, learnt and billed are counts; a few calls of every deployment and
window pass through the router's health and scrutiny one by one.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from windsock.core.cascades.cascade_arm import arm_name
from windsock.core.model.calls import Attempt, AttemptReason, CallKind, CallResult
from windsock.core.model.decisions import Decision, WeightTable
from windsock.core.model.requests import Cell, RouteRequest
from windsock.core.model.rewards import Reward
from windsock.core.model.units import Meter, Usage, cost_usd
from windsock.core.routing.routes import Cascade, Route
from windsock.simulation.engines.contenders import Contender
from windsock.simulation.engines.exact import router_of
from windsock.simulation.engines.price_playback import PricePlayback
from windsock.simulation.engines.windows import windows
from windsock.simulation.results.run import Progress, Run, Step
from windsock.simulation.world.conditions import Task
from windsock.simulation.world.traffic import HOUR_S, REALTIME, ROUTE, SPREAD, rate
from windsock.simulation.world.world import World, usage_of

Counts = NDArray[np.int64]

SIZES = 3
"""Sizes of prompt that policies are asked about which look at single requests."""

ASKED = 8
"""Decisions of one size and window for which such policies are asked."""

LOOKED_AT = 5
FAILURES_LOOKED_AT = 20
"""Calls of a deployment and window that health and scrutiny see one by one, and of one that fails
altogether."""

FEW = 10
"""Judgements that are learnt at once of a deployment that nobody knows."""

PACES = tuple(0.5 + (i + 0.5) / LOOKED_AT for i in range(LOOKED_AT))
"""Of the answers that are looked at, relative to the usual latency."""

ROUNDS = 3
"""Attempts after the first one."""


@dataclass(frozen=True, slots=True)
class _RequestGroup:
    """Requests of one window that are alike: task, size of prompt, route."""

    route: Route
    task: str
    prompt_tokens: int
    count: int


@dataclass(frozen=True, slots=True, order=True)
class _Verdict:
    """Judged answers of one deployment, known from `due` on.

    claim   how sure they were, if answers tell
    pair    the cascade that earned them, if one did
    """

    due: float
    number: int
    cell: Cell
    deployment: str
    judged: int
    right: int
    claim: float | None
    pair: tuple[str, str] | None


class BatchEngine:
    """Advances a run window by window."""

    def __init__(self, world: World, name: str, contender: Contender, seed: int) -> None:
        self.world = world
        self.router = router_of(world, contender, seed)
        self.run_ = Run(policy=name, seed=seed)
        self.windows = windows(world)
        self._cascade = contender.cascade
        self._cascading: Mapping[str, float] | None = None
        self._feeding = PricePlayback(world, self.router, self.run_.splits, hears=contender.hears)
        self._weather: Any = np.random.default_rng([world.scenario.seed, seed, 1])
        self._luck: Any = np.random.default_rng([world.scenario.seed, seed, 2])
        self._verdicts: list[_Verdict] = []
        self._number = 0
        self._span_s = 0.0

    def run(self, progress: Progress | None = None) -> Run:
        """All windows; Ctrl-C leaves what was done, marked as not whole."""
        try:
            for begin, end in self.windows:
                self._step(begin, end)
                if progress is not None:
                    progress(1)
        except KeyboardInterrupt:
            self.run_.is_whole = False
        return self.run_

    def _step(self, begin: float, end: float) -> None:
        while (at := self._feeding.due(begin)) is not None:
            self._learn(at)
            self._feeding.take()
        self._learn(begin)
        self._span_s = end - begin
        for group in self._groups(begin, end):
            self._serve(group, begin, end)

    def _groups(self, begin: float, end: float) -> list[_RequestGroup]:
        """Who asks in this window; a policy that looks at requests sees several sizes of prompt."""
        scenario = self.world.scenario
        middle = np.array([(begin + end) / 2])
        mean = scenario.requests_per_hour * (end - begin) / HOUR_S
        mean *= float(rate(scenario, middle)[0])
        shares = sum(kind.share for kind in scenario.tasks.values())
        groups = []
        for task, kind in scenario.tasks.items():
            live = scenario.realtime_share(task)
            for name, share in ((ROUTE, 1 - live), (REALTIME, live)):
                count = int(self._weather.poisson(mean * share * kind.share / shares))
                if count:
                    groups += self._sized(self.router.routes[name], task, kind, count)
        return groups

    def _sized(self, route: Route, task: str, kind: Task, count: int) -> list[_RequestGroup]:
        if not route.policy.is_contextual:
            return [_RequestGroup(route, task, _tokens(kind.prompt_tokens), count)]
        sizes = kind.prompt_tokens * np.exp(
            SPREAD * special.ndtri((np.arange(SIZES) + 0.5) / SIZES)
        )
        counts = self._weather.multinomial(count, np.full(SIZES, 1 / SIZES))
        return [
            _RequestGroup(route, task, int(size), int(n))
            for size, n in zip(sizes, counts, strict=True)
            if n
        ]

    def _serve(self, group: _RequestGroup, begin: float, end: float) -> None:
        """Draw who is asked, what comes back, and what becomes known of it."""
        names, weights, cell = self._weights(group, begin)
        if not names:
            self._note(group, begin, None, {}, group.count, usd=0.0, right=0, attempts=0)
            return
        asked = self._luck.multinomial(group.count, weights)
        answered, attempts = self._answered(group, names, weights, asked, begin, end)
        told = dict(zip(names, weights.tolist(), strict=True))
        spent = 0.0
        for k, name in enumerate(names):
            if answered[k]:
                tries = int(attempts[k])
                spent += self._credit(group, cell, name, told, int(answered[k]), tries, begin, end)
        lost = int(group.count - answered.sum())
        if lost:
            self._note(group, begin, None, told, lost, usd=0.0, right=0, attempts=lost)
        policy = group.route.policy
        if policy.pacer is not None:
            policy.pacer.spend(spent, begin, group.count)

    def _weights(
        self, group: _RequestGroup, now: float
    ) -> tuple[tuple[str, ...], NDArray[np.float64], Cell]:
        """What the production tables say; of policies asked per request, the mean of some."""
        request = RouteRequest(
            model=group.route.name, task=group.task, prompt_tokens=group.prompt_tokens
        )
        times = min(ASKED, group.count) if group.route.policy.is_contextual else 1
        tables = [self.router.tables.lookup(group.route, request, now) for _ in range(times)]
        names = tables[-1].deployments
        self._cascading = _cascading(tables[-1])
        same = [table.weights for table in tables if table.deployments == names]
        mean = np.array(same, dtype=np.float64).mean(axis=0)
        return names, mean / mean.sum() if len(names) else mean, tables[-1].cell

    def _answered(
        self,
        group: _RequestGroup,
        names: tuple[str, ...],
        weights: NDArray[np.float64],
        asked: Counts,
        begin: float,
        end: float,
    ) -> tuple[Counts, Counts]:
        """Answers by deployment, and attempts made for them; what fails is drawn anew."""
        places = self.world.scenario.deployments
        up = [self.world.is_up(name, begin) for name in names]
        fails = np.where(up, [places[name].failure_share for name in names], 1.0)
        answered, attempts = np.zeros_like(asked), np.zeros_like(asked)
        extra = 0
        for _ in range(1 + ROUNDS):
            failed = self._luck.binomial(asked, fails)
            answered += asked - failed
            attempts += asked - failed
            extra += int(failed.sum())
            self._look_at(group, names, asked - failed, failed, begin, end)
            left = np.where(fails < 1.0, weights, 0.0)
            if not failed.sum() or not left.sum():
                break
            asked = self._luck.multinomial(int(failed.sum()), left / left.sum())
        if answered.sum():
            attempts += self._luck.multinomial(extra, answered / answered.sum())
        return answered, attempts

    def _look_at(
        self,
        group: _RequestGroup,
        names: tuple[str, ...],
        good: Counts,
        bad: Counts,
        begin: float,
        end: float,
    ) -> None:
        """Health and scrutiny see a few calls, good and bad as they came; of an outage more."""
        for k, name in enumerate(names):
            seen = min(int(good[k] + bad[k]), LOOKED_AT if good[k] else FAILURES_LOOKED_AT)
            calls, failed = self._calls(group, name, begin) if good[k] else [], _failure(name)
            for i in range(seen):
                is_up = bool(self._luck.random() * (good[k] + bad[k]) >= bad[k])
                self.router.record(calls[i % LOOKED_AT] if is_up else failed, end)

    def _calls(self, group: _RequestGroup, name: str, now: float) -> list[CallResult]:
        """Answers as they come in this window, from the fastest to the slowest."""
        return [self._call(group, name, now, pace=pace) for pace in PACES]

    def _call(self, group: _RequestGroup, name: str, now: float, *, pace: float) -> CallResult:
        """One answer, begun now, at this multiple of the usual latency."""
        world, usage = self.world, self._usage(group)
        prices = world.prices(name, now, prompt_tokens=usage.prompt_tokens)
        return CallResult(
            attempt=Attempt(number=0, deployment=name, reason=AttemptReason.FIRST, started_at=now),
            kind=CallKind.ANSWERED,
            latency_s=self._latency_s(name, now) * pace,
            first_byte_s=world.first_token_s(name, now) * pace,
            status=200,
            usage=usage,
            served_model=world.served_model(name, now),
            billed_usd=cost_usd(usage.counts(), prices) if world.scenario.bills else None,
        )

    def _usage(self, group: _RequestGroup) -> Usage:
        kind = self.world.scenario.tasks[group.task]
        return usage_of(kind, group.prompt_tokens, _tokens(kind.output_tokens))

    def _credit(
        self,
        group: _RequestGroup,
        cell: Cell,
        name: str,
        told: Mapping[str, float],
        answered: int,
        attempts: int,
        begin: float,
        end: float,
    ) -> float:
        """What the answers of one deployment cost and were worth; dollars."""
        quality = self.world.quality(name, group.task, begin)
        cascade, usd = self._cascade, answered * self._usd(group, name, begin)
        if cascade is None or group.route.name != ROUTE or name in cascade.to:
            right = int(self._luck.binomial(answered, quality))
            self._teach(cell, name, group, answered, right, end)
            self._note(group, begin, name, told, answered, usd=usd, right=right, attempts=attempts)
            return usd
        share = 1.0 if self._cascading is None else self._cascading.get(name, 0.0)
        doubted = int(self._luck.binomial(answered, share))
        sure, doubtful = self._checked(cascade, quality, doubted)
        others = self._checked(cascade, quality, answered - doubted)
        claims = ((1.0 + cascade.escalate_below) / 2, cascade.escalate_below / 2)
        for claim, (count, _), (more, _) in zip(claims, (sure, doubtful), others, strict=True):
            self.router.confidences.count(cell, name, claim, count + more)
        to = None if self._cascading is None else cascade.to[0]
        self._teach(cell, name, group, *sure, end, claim=claims[0], to=to)
        for claim, (count, right) in zip(claims, others, strict=True):
            self._teach(cell, name, group, count, right, end, claim=claim)
        kept = answered - doubtful[0]
        right = sure[1] + sum(right for _, right in others)
        self._note(group, begin, name, told, kept, usd=usd, right=right, attempts=attempts)
        self._ask_again(group, cell, told, doubtful[0], (name, cascade.to[0]), begin, end)
        return usd

    def _checked(
        self, cascade: Cascade, quality: float, count: int
    ) -> tuple[tuple[int, int], tuple[int, int]]:
        """(answers, right ones) that pass the check, and that do not."""
        wrong_pass, right_pass = self.world.passes(cascade.escalate_below, quality)
        right = int(self._luck.binomial(count, quality))
        kept_right = int(self._luck.binomial(right, right_pass))
        kept = kept_right + int(self._luck.binomial(count - right, wrong_pass))
        return (kept, kept_right), (count - kept, right - kept_right)

    def _ask_again(
        self,
        group: _RequestGroup,
        cell: Cell,
        told: Mapping[str, float],
        count: int,
        pair: tuple[str, str],
        begin: float,
        end: float,
    ) -> None:
        """Escalations: a stronger deployment answers, and is paid on top."""
        if not count:
            return
        first, name = pair
        right = int(self._luck.binomial(count, self.world.quality(name, group.task, begin)))
        usd = count * self._usd(group, name, begin)
        to = None if self._cascading is None else name
        self._teach(cell, name, group, count, right, end, first=first, to=to)
        self._note(group, begin, name, told, count, usd=usd, right=right, attempts=count)

    def _teach(
        self,
        cell: Cell,
        name: str,
        group: _RequestGroup,
        count: int,
        right: int,
        end: float,
        *,
        claim: float | None = None,
        first: str | None = None,
        to: str | None = None,
    ) -> None:
        """Usage and transport at once, judgements when they are due.

        first, to   the cascade that earned them, `first` if it is not `name`
        """
        if not count:
            return
        pair = (first or name, to) if to else None
        policy = self.router.routes[cell.route].policy
        policy.count_served(cell, arm_name(*pair) if pair else name, count)
        beliefs, scenario = self.router.beliefs, self.world.scenario
        counts = self._usage(group).counts()
        units: dict[Meter, float] = {meter: n * count for meter, n in counts.items()}
        beliefs.observe_usages(cell, name, units, count, end)
        self.router.observe_answers(cell, name, count, end)
        judged = int(self._luck.binomial(count, scenario.feedback_share))
        if judged:
            praised = int(self._luck.hypergeometric(right, count - right, judged))
            self._number += 1
            due = end + scenario.feedback_delay_s
            verdict = _Verdict(due, self._number, cell, name, judged, praised, claim, pair)
            heapq.heappush(self._verdicts, verdict)

    def _learn(self, until: float) -> None:
        """Judgements that are known by now."""
        while self._verdicts and self._verdicts[0].due <= until:
            verdict = heapq.heappop(self._verdicts)
            judged, right = verdict.judged, verdict.right
            self._take(verdict)
            policy = self.router.routes[verdict.cell.route].policy
            if policy.is_contextual:
                for i in range(min(judged, ASKED)):
                    value = float(i < round(min(judged, ASKED) * right / judged))
                    policy.learn(_decision(verdict), verdict.deployment, Reward(value=value), until)

    def _take(self, verdict: _Verdict) -> None:
        """Judgements teach a deployment or the cascade that earned them, and what claims meant."""
        cell, judged, right, at = verdict.cell, verdict.judged, verdict.right, verdict.due
        known = self.router.confidences
        if verdict.claim is not None:
            known.calibrate(cell, verdict.deployment, verdict.claim, right / judged, judged)
        if verdict.pair is not None:
            known.credit_sums(cell, verdict.pair, judged, right, right, at)
            return
        for n, good in self._portions(verdict):
            self.router.learn_sums(cell, verdict.deployment, n, good, good, at)

    def _portions(self, verdict: _Verdict) -> Iterator[tuple[int, int]]:
        """(judged, right) of no more at once than is known already.

        The watch for silent changes compares with what is known: thousands of judgements at once
        on a deployment that nobody knows would look like a change.
        """
        judged, right = verdict.judged, verdict.right
        while judged:
            known = sum(self.router.beliefs.posterior(verdict.cell, verdict.deployment))
            n = min(judged, max(FEW, int(known)))
            good = int(self._luck.hypergeometric(right, judged - right, n))
            yield n, good
            judged, right = judged - n, right - good

    def _usd(self, group: _RequestGroup, name: str, now: float) -> float:
        """True dollars of one call."""
        return self.world.paid_usd([self._call(group, name, now, pace=1.0)])

    def _note(
        self,
        group: _RequestGroup,
        at: float,
        name: str | None,
        told: Mapping[str, float],
        count: int,
        *,
        usd: float,
        right: int,
        attempts: int,
    ) -> None:
        latency_s = self._latency_s(name, at)
        is_realtime = group.route.name == REALTIME
        self.run_.steps.append(
            Step(
                at=at,
                task=group.task,
                deployment=name,
                weights=dict(told),
                usd=usd,
                right=float(right),
                latency_s=latency_s,
                attempts=attempts,
                count=count,
                is_realtime=is_realtime,
                late=round(count * self._late_share(name, at)) if is_realtime else 0,
                span_s=self._span_s,
            )
        )

    def _latency_s(self, name: str | None, at: float) -> float:
        if name is None:
            return 0.05
        return self.world.scenario.deployments[name].latency_s * self.world.slowness(name, at)

    def _late_share(self, name: str | None, at: float) -> float:
        """Share of first tokens after the ceiling; the pace of a call is even in 0.5..1.5."""
        realtime = self.world.scenario.realtime
        if name is None or realtime is None:
            return 1.0
        usual_s = self.world.first_token_s(name, at)
        return float(np.clip(1.5 - realtime.max_latency_ms / 1000 / usual_s, 0.0, 1.0))


def _cascading(table: WeightTable) -> Mapping[str, float] | None:
    """Part of each deployment's requests that may escalate; None if all may."""
    if table.cascades is None:
        return None
    weights = dict(zip(table.deployments, table.weights, strict=True))
    return {
        each.deployment: each.weight / weights[each.deployment]
        for each in table.cascades
        if each.weight > 0
    }


def _failure(name: str) -> CallResult:
    attempt = Attempt(number=0, deployment=name, reason=AttemptReason.FIRST)
    return CallResult(attempt=attempt, kind=CallKind.SERVER_ERROR, latency_s=0.05, status=503)


def _tokens(mean: float) -> int:
    """Mean tokens of a log-normal size."""
    return max(1, round(mean * float(np.exp(SPREAD**2 / 2))))


def _decision(verdict: _Verdict) -> Decision:
    """Stands for the many decisions that were judged together."""
    return Decision(
        number=verdict.number,
        id=str(verdict.number),
        at=verdict.due,
        cell=verdict.cell,
        table_version=0,
        deployment=verdict.deployment,
        propensity=1.0,
        draw=0.0,
        requested_model=verdict.cell.route,
    )
