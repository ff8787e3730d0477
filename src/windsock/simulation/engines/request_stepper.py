"""One simulated request through the production router and exchange, and its judgement later."""

from __future__ import annotations

import heapq

from windsock.core.model.calls import Outcome
from windsock.core.model.decisions import Decision
from windsock.core.model.requests import RouteRequest
from windsock.core.model.rewards import Reward
from windsock.core.routing.exchange import Exchange
from windsock.core.routing.router import Router
from windsock.errors import BudgetSpent, NoCandidate
from windsock.simulation.results.run import Run, Step, refused
from windsock.simulation.world.traffic import REALTIME, ROUTE, SimulatedRequest
from windsock.simulation.world.world import World


class RequestStepper:
    """Asks the world for each call that an exchange wants, and notes what became of it in `run`."""

    def __init__(self, world: World, router: Router, run: Run) -> None:
        self._world = world
        self._router = router
        self._run = run
        self._judgements: list[tuple[float, int, Decision, str, float]] = []

    def step(self, ask: SimulatedRequest) -> Outcome | None:
        """One request, settled, its judgement due later; None if the router refuses it."""
        try:
            exchange = self._router.open(request_of(ask), ask.at)
        except (BudgetSpent, NoCandidate):
            self._run.steps.append(refused(ask))
            return None
        outcome = exchange.outcome(self._drive(exchange, ask))
        self._note(ask, outcome, exchange.table.deployments, exchange.table.weights)
        self._run.decisions.append(exchange.decision)
        return outcome

    def judge(self, until: float) -> None:
        """Give the router the judgements that are due by then, unix s, in order of time."""
        while self._judgements and self._judgements[0][0] <= until:
            at, _, decision, deployment, worth = heapq.heappop(self._judgements)
            self._router.learn(decision, deployment, Reward(value=worth), at)

    def _drive(self, exchange: Exchange, ask: SimulatedRequest) -> float:
        """Make every call that the exchange asks for; the moment at which the last one ended."""
        now = ask.at
        while (attempt := exchange.next_attempt(now)) is not None:
            now = max(now, attempt.not_before)
            result = self._world.call(attempt, ask, now)
            now += result.latency_s
            exchange.report(result, now)
        return now

    def _note(
        self,
        ask: SimulatedRequest,
        outcome: Outcome,
        names: tuple[str, ...],
        weights: tuple[float, ...],
    ) -> None:
        served = outcome.served
        worth = 0.0 if served is None else self._world.worth(served, ask, ask.at)
        if served is not None and ask.is_judged:
            due = (outcome.finished_at + ask.judged_after_s, ask.number)
            heapq.heappush(self._judgements, (*due, outcome.decision, served, worth))
        self._run.steps.append(
            Step(
                at=ask.at,
                task=ask.task,
                deployment=served,
                weights=dict(zip(names, weights, strict=True)),
                usd=self._world.paid_usd(outcome.results),
                right=worth,
                latency_s=outcome.finished_at - ask.at,
                attempts=len(outcome.results),
                is_realtime=ask.is_realtime,
                late=int(self._is_late(ask, outcome)),
            )
        )

    def _is_late(self, ask: SimulatedRequest, outcome: Outcome) -> bool:
        realtime = self._world.scenario.realtime
        if realtime is None or not ask.is_realtime:
            return False
        before_s = sum(result.latency_s for result in outcome.results[:-1])
        first_s = outcome.results[-1].first_byte_s
        return first_s is None or before_s + first_s > realtime.max_latency_ms / 1000


def request_of(ask: SimulatedRequest) -> RouteRequest:
    return RouteRequest(
        model=REALTIME if ask.is_realtime else ROUTE,
        task=ask.task,
        prompt_tokens=ask.prompt_tokens,
    )
