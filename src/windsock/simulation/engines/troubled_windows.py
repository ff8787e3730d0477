"""Windows in which calls fail so much that health and the retry budget act.

Then what comes back depends on the order of calls, to the second. So the window's requests go one
by one through the production exchange, as in the exact engine; of many as many as come at its
beginning, at their true pace, and the others are taken to go alike.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from math import ceil, inf
from typing import Any

import numpy as np

from windsock.core.model.calls import Outcome
from windsock.core.model.requests import Cell
from windsock.core.model.units import Usage
from windsock.core.resilience.errors.lost import own_failures
from windsock.core.routing.router import Router
from windsock.simulation.engines.batch_credit import BatchCredit
from windsock.simulation.engines.exact import RequestStepper
from windsock.simulation.results.run import Run, Step
from windsock.simulation.world.traffic import requests_at
from windsock.simulation.world.world import World

CALM_FAILURES = 0.1
"""Share of failed calls up to which counts are drawn: five failures in a row, which eject, are then
one in 100,000, and calls after failures at most half of what the retry budget allows."""

STEPPED = 400
"""Requests of a troubled window that are stepped one by one."""


class TroubledWindows:
    """Steps requests of troubled windows, and makes them stand for all."""

    def __init__(
        self, world: World, router: Router, run: Run, credit: BatchCredit, weather: Any
    ) -> None:
        self._world = world
        self._router = router
        self._run = run
        self._credit = credit
        self._weather = weather
        self._stepper = RequestStepper(world, router, run)
        self._asked = 0

    def is_troubled(self, begin: float) -> bool:
        """True if a deployment fails often in the window from `begin` on, or did just before."""
        world = self._world
        return bool(self._router.health.failing(begin)) or any(
            world.exists(name, begin) and world.failure_share(name, begin) > CALM_FAILURES
            for name in world.names
        )

    def judge(self, until: float) -> None:
        """Learn the judgements of stepped requests that are known by then, unix s."""
        self._stepper.judge(until)

    def serve(self, count: int, begin: float, end: float) -> None:
        """All `count` requests that come in the window, unix s."""
        stepped = min(count, STEPPED)
        if not stepped:
            return
        span_s = (end - begin) * stepped / count
        at = begin + np.sort(self._weather.random(stepped)) * span_s
        asks = requests_at(self._world.scenario, self._weather, at, self._asked)
        self._asked += stepped
        outcomes = []
        for ask in asks:
            self._stepper.judge(ask.at)
            outcomes.append(self._stepper.step(ask))
        if count > stepped:
            more = self._weather.multinomial(count - stepped, np.full(stepped, 1 / stepped))
            self._multiply(outcomes, more.tolist(), begin, end)

    def _multiply(
        self, outcomes: Sequence[Outcome | None], more: Sequence[int], begin: float, end: float
    ) -> None:
        """So many others went the way of each stepped request: they are noted, paid and learnt."""
        steps = self._run.steps[-len(outcomes) :]
        answered: dict[tuple[Cell, str, tuple[str, str] | None], list[tuple[int, int, Usage]]]
        answered = defaultdict(list)
        for step, outcome, n in zip(steps, outcomes, more, strict=True):
            refused = n - self._paid_for(outcome, step.usd, n, begin)
            if refused:
                n -= refused
                self._run.steps.append(_refused(step, refused, begin, end))
            if n and outcome is not None:
                self._pay(outcome, step.usd * n, n, begin)
                if outcome.served is None:
                    self._fail(outcome, n, end)
                elif outcome.usage is not None:
                    key = (outcome.decision.cell, outcome.served, _pair(outcome))
                    answered[key].append((n, round(step.right) * n, outcome.usage))
            _scale(step, 1 + n, begin, end)
        for (cell, name, pair), found in answered.items():
            count, right = sum(n for n, _, _ in found), sum(right for _, right, _ in found)
            self._credit.teach(cell, name, _mean(found), count, right, end, pair=pair)

    def _paid_for(self, outcome: Outcome | None, usd: float, count: int, now: float) -> int:
        """As many of so many alike as come before the day's budget is spent, the last included."""
        if outcome is None or not usd:
            return count
        pacer = self._router.routes[outcome.decision.cell.route].policy.pacer
        left_usd = inf if pacer is None else pacer.allowance(now).left_usd
        return count if left_usd >= usd * count else min(count, ceil(left_usd / usd))

    def _pay(self, outcome: Outcome, usd: float, count: int, now: float) -> None:
        policy = self._router.routes[outcome.decision.cell.route].policy
        if policy.pacer is not None:
            policy.pacer.spend(usd, now, count)

    def _fail(self, outcome: Outcome, count: int, now: float) -> None:
        has_others = self._router.routes[outcome.decision.cell.route].has_others
        for (cell, name), calls in own_failures(outcome, has_others=has_others).items():
            self._router.observe_failures(cell, name, count * calls, now)


def _scale(step: Step, times: int, begin: float, end: float) -> None:
    """Let a step stand for so many requests, spread over the window."""
    step.at, step.span_s = begin, end - begin
    step.usd *= times
    step.right *= times
    step.attempts *= times
    step.count *= times
    step.late *= times


def _refused(step: Step, count: int, begin: float, end: float) -> Step:
    """Requests like this one that the budget refuses."""
    return replace(
        step,
        at=begin,
        span_s=end - begin,
        deployment=None,
        usd=0.0,
        right=0.0,
        latency_s=0.0,
        attempts=0,
        count=count,
        late=count * step.is_realtime,
    )


def _pair(outcome: Outcome) -> tuple[str, str] | None:
    """The cascade that earned the answer, if one did."""
    decision = outcome.decision
    to = decision.escalates_to
    if to is None or outcome.served not in (decision.deployment, to):
        return None
    return decision.deployment, to


def _mean(found: Sequence[tuple[int, int, Usage]]) -> Usage:
    """Mean use of (requests, right ones, use of one); they are of one task."""
    count = sum(n for n, _, _ in found)
    return Usage(
        input_tokens=round(sum(n * use.input_tokens for n, _, use in found) / count),
        cache_read_tokens=round(sum(n * use.cache_read_tokens for n, _, use in found) / count),
        output_tokens=round(sum(n * use.output_tokens for n, _, use in found) / count),
    )
