"""The exact engine: every request through the production router and exchange, by a manual clock."""

from __future__ import annotations

from windsock.clock import ManualClock
from windsock.core.beliefs.beliefs import Beliefs
from windsock.core.beliefs.statistics import BeliefSettings
from windsock.core.model.calls import Outcome
from windsock.core.model.requests import DEFAULT_NAMESPACE
from windsock.core.pricing.book import PriceBook
from windsock.core.routing.parts import parts_of
from windsock.core.routing.router import Router
from windsock.core.routing.routes import Route
from windsock.simulation.engines.contenders import Contender
from windsock.simulation.engines.price_playback import PricePlayback
from windsock.simulation.engines.request_stepper import RequestStepper
from windsock.simulation.results.run import Progress, Run
from windsock.simulation.world.conditions import RouteGoal
from windsock.simulation.world.traffic import REALTIME, ROUTE, SimulatedRequest
from windsock.simulation.world.world import World


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
