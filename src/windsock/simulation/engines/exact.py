"""The exact engine: every request through the production router and exchange, by a manual clock."""

from __future__ import annotations

import heapq
from collections.abc import Iterator

from windsock.clock import ManualClock
from windsock.core.beliefs.beliefs import Beliefs
from windsock.core.beliefs.statistics import BeliefSettings
from windsock.core.model.calls import Outcome
from windsock.core.model.decisions import Decision, WeightTable
from windsock.core.model.requests import DEFAULT_NAMESPACE, RouteRequest
from windsock.core.model.rewards import Reward
from windsock.core.pricing.book import PriceBook
from windsock.core.routing.exchange import Exchange
from windsock.core.routing.outlook.label_worth import label_worth
from windsock.core.routing.parts import parts_of
from windsock.core.routing.router import Router
from windsock.core.routing.routes import Route
from windsock.errors import BudgetSpent, NoCandidate
from windsock.simulation.engines.contenders import Contender
from windsock.simulation.engines.price_playback import PricePlayback
from windsock.simulation.results.run import Progress, Run, Step, refused
from windsock.simulation.world.conditions import RouteGoal
from windsock.simulation.world.prompt_caches import PromptCaches
from windsock.simulation.world.scenario import Scenario
from windsock.simulation.world.traffic import REALTIME, ROUTE, SimulatedRequest
from windsock.simulation.world.world import World

Judgement = tuple[float, int, Decision, str, float]
"""When it is due, of which request, and who was how right."""


class Judgements:
    """Which answers are judged, and when that is known.

    Any of them, as the world drew it; or, where the most wanted come first, one of each few: of
    those that came since the last, the one whose label is worth most to the router.
    """

    def __init__(self, scenario: Scenario) -> None:
        self._scenario = scenario
        self._due: list[Judgement] = []
        self._waiting: list[tuple[float, Judgement]] = []
        self._credit = 0.0

    def answered(self, ask: SimulatedRequest, made: Judgement, table: WeightTable) -> None:
        """An answer that may be judged when `made` says."""
        if self._scenario.feedback_order == "any":
            if ask.is_judged:
                heapq.heappush(self._due, made)
            return
        self._credit += self._scenario.feedback_share
        self._waiting.append((label_worth(table).get(made[3], 0.0), made))
        if self._credit >= 1.0:
            self._credit -= 1.0
            _, wanted = max(self._waiting, key=lambda each: each[0])
            heapq.heappush(self._due, (made[0], *wanted[1:]))
            self._waiting.clear()

    def take(self, until: float) -> Iterator[Judgement]:
        """Those due by then, unix s, in order of time."""
        while self._due and self._due[0][0] <= until:
            yield heapq.heappop(self._due)


class RequestStepper:
    """Asks the world for each call that an exchange wants, and notes what became of it in `run`."""

    def __init__(self, world: World, router: Router, run: Run) -> None:
        self._world = world
        self._router = router
        self._run = run
        self._caches = PromptCaches(world.scenario)
        self._judgements = Judgements(world.scenario)

    def step(self, ask: SimulatedRequest) -> Outcome | None:
        """One request, settled, its judgement due later; None if the router refuses it."""
        try:
            exchange = self._router.open(request_of(ask, self._world.namespace), ask.at)
        except (BudgetSpent, NoCandidate):
            self._run.steps.append(refused(ask))
            return None
        outcome = exchange.outcome(self._drive(exchange, ask))
        self._note(ask, outcome, exchange.table)
        self._run.decisions.append(exchange.decision)
        return outcome

    def judge(self, until: float) -> None:
        """Give the router the judgements that are due by then, unix s, in order of time."""
        for at, _, decision, deployment, worth in self._judgements.take(until):
            self._router.learn(decision, deployment, Reward(value=worth), at)

    def _drive(self, exchange: Exchange, ask: SimulatedRequest) -> float:
        """Make every call that the exchange asks for; the moment at which the last one ended."""
        now = ask.at
        while (attempt := exchange.next_attempt(now)) is not None:
            now = max(now, attempt.not_before)
            held = self._caches.held_tokens(ask, attempt.deployment, now)
            result = self._world.call(attempt, ask, now, held)
            self._caches.fill(ask, result, now)
            now += result.latency_s
            exchange.report(result, now)
        return now

    def _note(self, ask: SimulatedRequest, outcome: Outcome, table: WeightTable) -> None:
        served = outcome.served
        worth = 0.0 if served is None else self._world.worth(served, ask, ask.at)
        if served is not None:
            due = outcome.finished_at + ask.judged_after_s
            made = (due, ask.number, outcome.decision, served, worth)
            self._judgements.answered(ask, made, table)
        self._run.steps.append(
            Step(
                at=ask.at,
                task=ask.task,
                deployment=served,
                weights=dict(zip(table.deployments, table.weights, strict=True)),
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


class ExactEngine:
    """Steps requests in order of time; between them feeds and clients speak."""

    def __init__(self, world: World, name: str, contender: Contender, seed: int) -> None:
        self.world = world
        self.clock = ManualClock(world.starts_at)
        self.router = router_of(world, contender, seed)
        self.run_ = Run(policy=name, seed=seed)
        self._feeding = PricePlayback(world, self.router, self.run_.splits, hears=contender.hears)
        self._stepper = RequestStepper(world, self.router, self.run_)

    def run(self, progress: Progress | None = None) -> Run:
        """All requests; Ctrl-C leaves what was done, marked as not whole."""
        try:
            for ask in self.world.asks:
                self.step(ask)
                if progress is not None:
                    progress(1)
        except KeyboardInterrupt:
            self.run_.is_whole = False
        return self.run_

    def step(self, ask: SimulatedRequest) -> Outcome | None:
        """One request, after everything that was known by then; None if the router refuses it."""
        self._catch_up(ask.at)
        self.clock.advance_to(ask.at)
        return self._stepper.step(ask)

    def _catch_up(self, until: float) -> None:
        """Ticks and judgements due by then, in order of time."""
        while (at := self._feeding.due(until)) is not None:
            self._stepper.judge(at)
            self._feeding.take()
        self._stepper.judge(until)


def router_of(world: World, contender: Contender, seed: int) -> Router:
    """The production router with the scenario's routes, or the one that the contender brings."""
    if contender.router is not None:
        return contender.router(seed)
    scenario = world.scenario
    cap = scenario.route.evidence_cap
    beliefs = Beliefs(BeliefSettings(evidence_cap=cap) if cap else BeliefSettings())
    routes = {ROUTE: _route(world, contender, ROUTE, scenario.route, beliefs, None)}
    if scenario.realtime is not None:
        aim = scenario.route.model_copy(update={"quality_floor": scenario.realtime.quality_floor})
        ceiling_s = scenario.realtime.max_latency_ms / 1000 if contender.heeds_latency else None
        routes[REALTIME] = _route(world, contender, REALTIME, aim, beliefs, ceiling_s)
    router = Router(
        parts_of(
            catalog=world.catalog(),
            routes=routes,
            book=PriceBook(rules=contender.guard),
            beliefs=beliefs,
            default_policy=lambda name: routes[ROUTE].policy,
            seed=seed,
            fresh_s=scenario.refresh_s,
            fresh_outcomes=scenario.refresh_outcomes,
        )
    )
    past = world.evaluations()
    for name in routes if past else ():
        strength = float(scenario.evaluated)
        router.operator.teach(DEFAULT_NAMESPACE, name, past, strength=strength, now=world.starts_at)
    return router


def _route(
    world: World,
    contender: Contender,
    name: str,
    aim: RouteGoal,
    beliefs: Beliefs,
    max_latency_s: float | None,
) -> Route:
    return Route(
        name=name,
        candidates=world.names,
        policy=contender.make(world, aim, beliefs),
        cascade=contender.cascade if name == ROUTE else None,
        max_latency_s=max_latency_s,
    )


def request_of(ask: SimulatedRequest, namespace: str = DEFAULT_NAMESPACE) -> RouteRequest:
    """What the client of this request sends to the router."""
    return RouteRequest(
        namespace=namespace,
        model=REALTIME if ask.is_realtime else ROUTE,
        task=ask.task,
        prompt_tokens=ask.prompt_tokens,
        session_id=ask.session,
    )
