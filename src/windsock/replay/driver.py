"""The replay driver: the production router and exchange, a manual clock, a made-up world."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field

from windsock.clock import ManualClock
from windsock.core.posterior import Beliefs
from windsock.core.prices import PriceBook
from windsock.core.quotes import Quote
from windsock.core.records import DEFAULT_NAMESPACE, Decision, Outcome, Reward, RouteRequest
from windsock.core.router import Router
from windsock.core.routes import Route
from windsock.core.units import cost_usd, to_float
from windsock.core.whatif import what_if
from windsock.replay.baselines import Make
from windsock.replay.world import Ask, World

ROUTE = "auto"
Progress = Callable[[int], None]


@dataclass(slots=True)
class Step:
    """What became of one request, or of `count` requests of one window that went the same way.

    deployment  that served, None if none did
    weights     of the table the first draw came from
    usd, right, attempts    of all of them together
    latency_s   of one
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


class ReplayDriver:
    """Steps requests in order of time; between them feeds and clients speak."""

    def __init__(self, world: World, name: str, make: Make, seed: int) -> None:
        self.world = world
        self.clock = ManualClock(world.starts_at)
        beliefs = Beliefs()
        policy = make(world, beliefs)
        self.router = Router(
            catalog=world.catalog(),
            routes={ROUTE: Route(name=ROUTE, candidates=world.names, policy=policy)},
            book=PriceBook(),
            beliefs=beliefs,
            default_policy=lambda _: policy,
            seed=seed,
        )
        self.run_ = Run(policy=name, seed=seed)
        self._quotes = world.quotes()
        self._shock_by_time = {
            (shock.deployment, world.shown_at(shock)): i
            for i, shock in enumerate(world.scenario.shocks)
        }
        self._judgements: list[tuple[float, int, Decision, str, bool]] = []

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

    def step(self, ask: Ask) -> Outcome:
        """One request, after everything that was known by then."""
        self._catch_up(ask.at)
        self.clock.advance_to(ask.at)
        exchange = self.router.open(request_of(ask), ask.at)
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
        while self._quotes and self._quotes[0].seen_at <= until:
            quote = self._quotes.pop(0)
            self._judge(quote.seen_at)
            shock = self._shock_by_time.pop((quote.deployment, quote.seen_at), None)
            if shock is not None:
                self._foresee(shock, quote)
            self.router.absorb(quote, quote.seen_at)
        self._judge(until)

    def _foresee(self, shock: int, quote: Quote) -> None:
        """The new split, had the shown price been in force already."""
        price = {meter.value: to_float(usd) for meter, usd in quote.usd_per_mtok.items()}
        for task in self.world.scenario.tasks:
            seen = what_if(
                self.router,
                DEFAULT_NAMESPACE,
                ROUTE,
                task,
                {quote.deployment: price},
                quote.seen_at,
            )
            now = seen.weights_now.get(quote.deployment, 0.0)
            then = seen.weights_then.get(quote.deployment, 0.0)
            self.run_.splits.append(Split(shock, task, now, then))

    def _judge(self, until: float) -> None:
        while self._judgements and self._judgements[0][0] <= until:
            at, _, decision, deployment, is_right = heapq.heappop(self._judgements)
            self.router.learn(decision, deployment, Reward(value=float(is_right)), at)

    def _note(
        self, ask: Ask, outcome: Outcome, names: tuple[str, ...], weights: tuple[float, ...]
    ) -> None:
        served = outcome.served
        is_right = served is not None and self.world.is_right(served, ask, ask.at)
        if served is not None and ask.is_judged:
            due = (outcome.finished_at + ask.judged_after_s, ask.number)
            heapq.heappush(self._judgements, (*due, outcome.decision, served, is_right))
        self.run_.steps.append(
            Step(
                at=ask.at,
                task=ask.task,
                deployment=served,
                weights=dict(zip(names, weights, strict=True)),
                usd=self._billed(ask, outcome),
                right=float(is_right),
                latency_s=outcome.finished_at - ask.at,
                attempts=len(outcome.results),
            )
        )

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


def request_of(ask: Ask) -> RouteRequest:
    return RouteRequest(model=ROUTE, task=ask.task, prompt_tokens=ask.prompt_tokens)
