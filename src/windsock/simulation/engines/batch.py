"""The batch engine: the production router asked once per window, its answers drawn by the thousand.

A window ends wherever a feed speaks or the truth changes, so weights, prices and qualities hold
for all of it. What is drawn, learnt and billed are counts, by the exchange's own rules; a few calls
of every deployment and window pass through the router's health and scrutiny one by one. Where so
many calls fail that health and the retry budget act, requests are stepped instead.
"""

from __future__ import annotations

from math import ceil, inf
from typing import Any

import numpy as np

from windsock.core.model.calls import Attempt, AttemptReason, CallKind, CallResult
from windsock.core.model.requests import RouteRequest
from windsock.core.model.units import cost_usd, to_float
from windsock.core.routing.routes import Route
from windsock.core.routing.sizes.prompt_sizes import LEAST_SPREAD
from windsock.simulation.engines.batch_attempts import (
    Answers,
    GroupDecision,
    RequestGroup,
    answers,
    failure_shares,
    group_usage,
    mean_tokens,
    part_means,
)
from windsock.simulation.engines.batch_credit import BatchCredit, Served
from windsock.simulation.engines.batch_judgements import BatchJudgements
from windsock.simulation.engines.contenders import Contender
from windsock.simulation.engines.exact import router_of
from windsock.simulation.engines.price_playback import PricePlayback
from windsock.simulation.engines.troubled_windows import TroubledWindows
from windsock.simulation.engines.windows import windows
from windsock.simulation.results.run import Progress, Run, Step
from windsock.simulation.world.conditions import Task
from windsock.simulation.world.traffic import HOUR_S, REALTIME, ROUTE, rate
from windsock.simulation.world.world import World

SIZES = 3
"""Sizes of prompt that policies are asked about which look at single requests."""

MANY_SIZES = 10
"""Sizes of prompt where they have weights of their own."""

ASKED = 8
"""Decisions of one size and window for which policies are asked that vary among like requests."""

LOOKED_AT = 5
FAILURES_LOOKED_AT = 20
"""Calls of a deployment and window that health and scrutiny see one by one, and of one that fails
altogether."""

PACES = tuple(0.5 + (i + 0.5) / LOOKED_AT for i in range(LOOKED_AT))
"""Of the answers that are looked at, relative to the usual latency."""

REFUSED_S = 0.05
"""Seconds until a request without an answer knows that there is none."""


class BatchEngine:
    """Advances a run window by window."""

    def __init__(self, world: World, name: str, contender: Contender, seed: int) -> None:
        self.world = world
        self.router = router_of(world, contender, seed)
        self.run_ = Run(policy=name, seed=seed)
        self.windows = windows(world)
        self._feeding = PricePlayback(world, self.router, self.run_.splits, hears=contender.hears)
        self._weather: Any = np.random.default_rng([world.scenario.seed, seed, 1])
        self._luck: Any = np.random.default_rng([world.scenario.seed, seed, 2])
        self._judgements = BatchJudgements(world.scenario, self.router, self._luck)
        self._credit = BatchCredit(world, self.router, self._luck, self._judgements, self._look_at)
        self._troubled = TroubledWindows(world, self.router, self.run_, self._credit, self._weather)

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
            self._judge(at)
            self._feeding.take()
        self._judge(begin)
        groups = self._groups(begin, end)
        if self._troubled.is_troubled(begin):
            self._troubled.serve(sum(group.count for group in groups), begin, end)
            return
        for group in groups:
            self._serve(group, begin, end)

    def _judge(self, until: float) -> None:
        self._troubled.judge(until)
        self._judgements.judge(until)

    def _groups(self, begin: float, end: float) -> list[RequestGroup]:
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

    def _sized(self, route: Route, task: str, kind: Task, count: int) -> list[RequestGroup]:
        spread = kind.prompt_spread
        is_sized = route.policy.weighs_sizes and spread >= LEAST_SPREAD
        if not route.policy.is_contextual and not is_sized:
            return [RequestGroup(route, task, mean_tokens(kind.prompt_tokens, spread), count)]
        parts = MANY_SIZES if is_sized else SIZES
        sizes = kind.prompt_tokens * part_means(spread, parts)
        counts = self._weather.multinomial(count, np.full(parts, 1 / parts))
        return [
            RequestGroup(route, task, max(1, int(size)), int(n))
            for size, n in zip(sizes, counts, strict=True)
            if n
        ]

    def _serve(self, group: RequestGroup, begin: float, end: float) -> None:
        """Draw who is asked, what comes back, and what becomes known of it."""
        decision = self._decide(group, begin, end)
        if not decision.names:
            self._note(decision, Served(deployment=None, count=group.count))
            return
        paid_for = self._paid_for(decision)
        if paid_for < group.count:
            self._note(decision, Served(deployment=None, count=group.count - paid_for))
        if not paid_for:
            return
        asked = self._luck.multinomial(paid_for, decision.weights)
        allowed = self.router.dispatcher.attempts_allowed(group.route)
        found = answers(self._luck, decision, asked, attempts_allowed=allowed)
        self._look_at(decision, found)
        spent = 0.0
        for served in self._credit.credit(decision, found):
            self._note(decision, served)
            spent += served.usd
        policy = group.route.policy
        if policy.pacer is not None:
            policy.pacer.spend(spent, begin, paid_for)

    def _paid_for(self, decision: GroupDecision) -> int:
        """Requests of a group that come before the day's budget is spent: the others are refused,
        as the service does. The last of them may pass it, as one request may there."""
        group, pacer = decision.group, decision.group.route.policy.pacer
        left_usd = inf if pacer is None else pacer.allowance(decision.begin).left_usd
        if left_usd == inf:
            return group.count
        usage, at = decision.usage, decision.begin
        usd = [
            to_float(
                cost_usd(
                    usage.counts(), self.world.prices(name, at, prompt_tokens=usage.prompt_tokens)
                )
            )
            for name in decision.names
        ]
        mean_usd = float(decision.weights @ usd)
        return min(group.count, ceil(left_usd / mean_usd)) if mean_usd else group.count

    def _decide(self, group: RequestGroup, begin: float, end: float) -> GroupDecision:
        """What the production tables say; of policies that vary, the mean of some."""
        request = RouteRequest(
            model=group.route.name, task=group.task, prompt_tokens=group.prompt_tokens
        )
        times = min(ASKED, group.count) if group.route.policy.is_varying else 1
        tables = [self.router.tables.lookup(group.route, request, begin) for _ in range(times)]
        names = tables[-1].deployments
        same = [table.weights for table in tables if table.deployments == names]
        mean = np.array(same, dtype=np.float64).mean(axis=0)
        weights = mean / mean.sum() if len(names) else mean
        return GroupDecision(
            group=group,
            table=tables[-1],
            weights=weights,
            weight_by_name=dict(zip(names, weights.tolist(), strict=True)),
            fails=failure_shares(self.world, names, begin),
            usage=group_usage(self.world, group),
            begin=begin,
            end=end,
        )

    def _look_at(self, decision: GroupDecision, found: Answers) -> None:
        """Health and scrutiny see a few calls, good and bad as they came; of an outage more."""
        counts = zip(decision.names, found.good.tolist(), found.bad.tolist(), strict=True)
        for name, good, bad in counts:
            seen = min(good + bad, LOOKED_AT * found.rounds if good else FAILURES_LOOKED_AT)
            calls, failed = self._calls(decision, name) if good else [], _failure(name)
            for i in range(seen):
                is_up = bool(self._luck.random() * (good + bad) >= bad)
                self.router.record(calls[i % LOOKED_AT] if is_up else failed, decision.end)

    def _calls(self, decision: GroupDecision, name: str) -> list[CallResult]:
        """Answers as they come in this window, from the fastest to the slowest."""
        world, now, usage = self.world, decision.begin, decision.usage
        prices = world.prices(name, now, prompt_tokens=usage.prompt_tokens)
        latency_s, first_token_s = self._latency_s(name, now), world.first_token_s(name, now)
        billed = cost_usd(usage.counts(), prices) if world.scenario.bills else None
        served_model = world.served_model(name, now)
        attempt = Attempt(number=0, deployment=name, reason=AttemptReason.FIRST, started_at=now)
        return [
            CallResult(
                attempt=attempt,
                kind=CallKind.ANSWERED,
                latency_s=latency_s * pace,
                first_byte_s=first_token_s * pace,
                status=200,
                usage=usage,
                served_model=served_model,
                billed_usd=billed,
            )
            for pace in PACES
        ]

    def _note(self, decision: GroupDecision, served: Served) -> None:
        name, at, group = served.deployment, decision.begin, decision.group
        is_realtime = group.route.name == REALTIME
        late = round(served.count * self._late_share(name, at)) if is_realtime else 0
        self.run_.steps.append(
            Step(
                at=at,
                task=group.task,
                deployment=name,
                weights=dict(decision.weight_by_name),
                usd=served.usd,
                right=float(served.right),
                latency_s=self._latency_s(name, at),
                attempts=served.attempts,
                count=served.count,
                is_realtime=is_realtime,
                late=late,
                span_s=decision.end - at,
            )
        )

    def _latency_s(self, name: str | None, at: float) -> float:
        if name is None:
            return REFUSED_S
        return self.world.scenario.deployments[name].latency_s * self.world.slowness(name, at)

    def _late_share(self, name: str | None, at: float) -> float:
        """Share of first tokens after the ceiling; the pace of a call is even in 0.5..1.5."""
        realtime = self.world.scenario.realtime
        if name is None or realtime is None:
            return 1.0
        usual_s = self.world.first_token_s(name, at)
        return float(np.clip(1.5 - realtime.max_latency_ms / 1000 / usual_s, 0.0, 1.0))


def _failure(name: str) -> CallResult:
    attempt = Attempt(number=0, deployment=name, reason=AttemptReason.FIRST)
    return CallResult(attempt=attempt, kind=CallKind.SERVER_ERROR, latency_s=0.05, status=503)
