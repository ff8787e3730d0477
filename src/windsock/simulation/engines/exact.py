"""The exact engine: every request through the production router and exchange, by a manual clock."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field

from windsock.clock import ManualClock
from windsock.core.beliefs.beliefs import Beliefs, BeliefSettings
from windsock.core.model.decisions import DEFAULT_NAMESPACE, Decision, Outcome, Reward, RouteRequest
from windsock.core.model.ticks import Quote
from windsock.core.model.units import cost_usd, to_float
from windsock.core.pricing.book import PriceBook
from windsock.core.routing.router import Router
from windsock.core.routing.routes import Route
from windsock.core.routing.what_if import what_if
from windsock.errors import BudgetSpent, NoCandidate
from windsock.simulation.engines.contenders import Contender
from windsock.simulation.world.conditions import Aim
from windsock.simulation.world.traffic import HOUR_S, REALTIME, ROUTE
from windsock.simulation.world.world import Ask, World

Progress = Callable[[int], None]


@dataclass(slots=True)
class Step:
    """What became of one request, or of `count` requests of one window that went the same way.

    deployment  that served, None if none did
    weights     of the table the first draw came from
    usd, right, attempts    of all of them together
    latency_s   of one
    late        of them whose first token came after the ceiling, for real-time traffic
    span_s      seconds over which they came, 0 if it is one request
    """

    at: float
    task: str
    deployment: str | None
    weights: dict[str, float]
    usd: float
    right: float
    latency_s: float
    attempts: int
    count: int = 1
    is_realtime: bool = False
    late: int = 0
    span_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Split:
    """What a shock asks for: a deployment's weight when its feed shows the price, and under it."""

    shock: int
    task: str
    share_before: float
    share_then: float


@dataclass(slots=True)
class Run:
    """One policy under one seed."""

    policy: str
    seed: int
    steps: list[Step] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)
    splits: list[Split] = field(default_factory=list)
    is_whole: bool = True


class Feeding:
    """Gives the router what the feeds say, in order of time, and notes what each shock asks for."""

    def __init__(
        self, world: World, router: Router, splits: list[Split], *, hears: bool = True
    ) -> None:
        self._world = world
        self._router = router
        self._splits = splits
        self._quotes = world.quotes() if hears else world.first_quotes()
        self._next = 0
        self._foreseen_at = float("-inf")
        self._shock_by_quote: dict[tuple[str, float | None], int] = {
            (shock.deployment, world.starts_at + shock.at_hour * HOUR_S): i
            for i, shock in enumerate(world.shocks)
        }

    def due(self, until: float) -> float | None:
        """When the next statement comes, if it does by then."""
        if self._next < len(self._quotes) and self._quotes[self._next].seen_at <= until:
            return self._quotes[self._next].seen_at
        return None

    def take(self) -> None:
        """Absorb the next statement."""
        quote = self._quotes[self._next]
        if quote.seen_at > self._foreseen_at:
            self._foreseen_at = quote.seen_at
            self._foresee(quote.seen_at)
        self._next += 1
        self._router.absorb(quote, quote.seen_at)

    def _foresee(self, at: float) -> None:
        """The new splits, had all prices that are first shown now been in force already."""
        shown = self._first_shown(at)
        if not shown:
            return
        prices = {
            quote.deployment: {
                meter.value: to_float(usd) for meter, usd in quote.usd_per_mtok.items()
            }
            for quote in shown.values()
        }
        for task in self._world.scenario.tasks:
            seen = what_if(self._router, DEFAULT_NAMESPACE, ROUTE, task, prices, at)
            for shock, quote in shown.items():
                now = seen.weights_now.get(quote.deployment, 0.0)
                then = seen.weights_then.get(quote.deployment, 0.0)
                self._splits.append(Split(shock, task, now, then))

    def _first_shown(self, at: float) -> dict[int, Quote]:
        """Shocks that a feed shows for the first time at this moment."""
        found = {}
        for quote in itertools.islice(self._quotes, self._next, None):
            if quote.seen_at > at:
                break
            shock = self._shock_by_quote.pop((quote.deployment, quote.quoted_at), None)
            if shock is not None:
                found[shock] = quote
        return found


class ReplayDriver:
    """Steps requests in order of time; between them feeds and clients speak."""

    def __init__(self, world: World, name: str, contender: Contender, seed: int) -> None:
        self.world = world
        self.clock = ManualClock(world.starts_at)
        self.router = router_of(world, contender, seed)
        self.run_ = Run(policy=name, seed=seed)
        self._feeding = Feeding(world, self.router, self.run_.splits, hears=contender.hears)
        self._judgements: list[tuple[float, int, Decision, str, float]] = []

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

    def step(self, ask: Ask) -> Outcome | None:
        """One request, after everything that was known by then; None if the router refuses it."""
        self._catch_up(ask.at)
        self.clock.advance_to(ask.at)
        try:
            exchange = self.router.open(request_of(ask), ask.at)
        except (BudgetSpent, NoCandidate):
            self.run_.steps.append(refused(ask))
            return None
        now = ask.at
        while (attempt := exchange.next_attempt(now)) is not None:
            now = max(now, attempt.not_before)
            result = self.world.call(attempt, ask, now)
            now += result.latency_s
            exchange.report(result, now)
        outcome = exchange.outcome(now)
        self._note(ask, outcome, exchange.table.deployments, exchange.table.weights)
        self.run_.decisions.append(exchange.decision)
        return outcome

    def _catch_up(self, until: float) -> None:
        """Ticks and judgements due by then, in order of time."""
        while (at := self._feeding.due(until)) is not None:
            self._judge(at)
            self._feeding.take()
        self._judge(until)

    def _judge(self, until: float) -> None:
        while self._judgements and self._judgements[0][0] <= until:
            at, _, decision, deployment, worth = heapq.heappop(self._judgements)
            self.router.learn(decision, deployment, Reward(value=worth), at)

    def _note(
        self, ask: Ask, outcome: Outcome, names: tuple[str, ...], weights: tuple[float, ...]
    ) -> None:
        served = outcome.served
        worth = 0.0 if served is None else self.world.worth(served, ask, ask.at)
        if served is not None and ask.is_judged:
            due = (outcome.finished_at + ask.judged_after_s, ask.number)
            heapq.heappush(self._judgements, (*due, outcome.decision, served, worth))
        self.run_.steps.append(
            Step(
                at=ask.at,
                task=ask.task,
                deployment=served,
                weights=dict(zip(names, weights, strict=True)),
                usd=self._billed(ask, outcome),
                right=worth,
                latency_s=outcome.finished_at - ask.at,
                attempts=len(outcome.results),
                is_realtime=ask.is_realtime,
                late=int(self._is_late(ask, outcome)),
            )
        )

    def _is_late(self, ask: Ask, outcome: Outcome) -> bool:
        realtime = self.world.scenario.realtime
        if realtime is None or not ask.is_realtime:
            return False
        before_s = sum(result.latency_s for result in outcome.results[:-1])
        first_s = outcome.results[-1].first_byte_s
        return first_s is None or before_s + first_s > realtime.max_latency_ms / 1000

    def _billed(self, ask: Ask, outcome: Outcome) -> float:
        """Dollars at the prices that truly held, whether or not the feed had shown them."""
        return sum(
            to_float(
                cost_usd(
                    result.usage.counts(), self.world.prices(result.attempt.deployment, ask.at)
                )
            )
            for result in outcome.results
            if result.usage is not None
        )


def router_of(world: World, contender: Contender, seed: int) -> Router:
    """The production router with the scenario's routes."""
    scenario = world.scenario
    cap = scenario.route.evidence_cap
    beliefs = Beliefs(BeliefSettings(evidence_cap=cap) if cap else BeliefSettings())
    routes = {ROUTE: _route(world, contender, ROUTE, scenario.route, beliefs, None)}
    if scenario.realtime is not None:
        aim = scenario.route.model_copy(update={"quality_floor": scenario.realtime.quality_floor})
        ceiling_s = scenario.realtime.max_latency_ms / 1000 if contender.heeds_latency else None
        routes[REALTIME] = _route(world, contender, REALTIME, aim, beliefs, ceiling_s)
    router = Router(
        catalog=world.catalog(),
        routes=routes,
        book=PriceBook(rules=contender.guard),
        beliefs=beliefs,
        default_policy=lambda name: routes[ROUTE].policy,
        seed=seed,
        fresh_s=scenario.refresh_s,
        fresh_outcomes=scenario.refresh_outcomes,
    )
    past = world.evaluations()
    for name in routes if past else ():
        strength = float(scenario.evaluated)
        router.teach(DEFAULT_NAMESPACE, name, past, strength=strength, now=world.starts_at)
    return router


def _route(
    world: World,
    contender: Contender,
    name: str,
    aim: Aim,
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


def refused(ask: Ask) -> Step:
    """A request that got no answer and cost nothing."""
    return Step(
        at=ask.at,
        task=ask.task,
        deployment=None,
        weights={},
        usd=0.0,
        right=0.0,
        latency_s=0.0,
        attempts=0,
        is_realtime=ask.is_realtime,
        late=int(ask.is_realtime),
    )


def request_of(ask: Ask) -> RouteRequest:
    return RouteRequest(
        model=REALTIME if ask.is_realtime else ROUTE,
        task=ask.task,
        prompt_tokens=ask.prompt_tokens,
    )
