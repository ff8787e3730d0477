"""The router: open a request, absorb ticks, learn rewards. No I/O, no clock, no chance of its own.

Called from one thread only; there are no locks.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from windsock.core.evidence.doubts import Doubts
from windsock.core.evidence.judgements import Credit
from windsock.core.model.calls import CallKind, CallResult, Outcome
from windsock.core.model.catalog import Deployment
from windsock.core.model.decisions import Decision, WeightTable
from windsock.core.model.events import Event
from windsock.core.model.requests import NO_PREFERENCES, Cell, RouteRequest
from windsock.core.model.rewards import Feedback, Reward
from windsock.core.model.ticks import HealthReport, Tick
from windsock.core.policies.protocol import state_of, take_over
from windsock.core.policies.rungs import Rung
from windsock.core.pricing.call_costs import call_cost_usd
from windsock.core.routing.caps.paid_tables import PaidTables
from windsock.core.routing.exchange import Exchange
from windsock.core.routing.kept.state_upgrades import VERSION, upgraded
from windsock.core.routing.parts import RouterParts
from windsock.core.routing.plan import Observer, Plan
from windsock.core.routing.routes import NamedRoute, Route
from windsock.core.routing.sampling import DecisionDraws
from windsock.errors import BudgetSpent

NO_OTHERS: list[NamedRoute] = []
"""Of a request that names one model."""


class Router:
    """Prices, beliefs and health become one exact draw per request; people act on `operator`.

    routes      of the configuration, by name
    """

    def __init__(self, parts: RouterParts) -> None:
        self.seed = parts.seed
        self.catalog = parts.catalog
        self.book = parts.book
        self.beliefs = parts.beliefs
        self.health = parts.health
        self.limits = parts.limits
        self.availability = parts.availability
        self.confidences = parts.confidences
        self.tables = parts.tables
        self.operator = parts.operator
        self.dispatcher = parts.dispatcher
        self._route_table = parts.routes
        self.routes: Mapping[str, Route] = parts.routes.by_name
        self.searching = parts.routes.searching
        self._draws = DecisionDraws(parts.seed, parts.first_number)
        self._retries = parts.retries
        self.conversations = parts.conversations
        self.conversation_tables = parts.conversation_tables
        self._order = parts.caller_order
        self.learner = parts.learner
        self.lessons = parts.warm_starts
        self._audit = parts.audit
        self.tabs = parts.tabs
        self.caps = parts.tabs.caps
        self._paid_tables = PaidTables(self.caps, parts.tables)

    @property
    def redirects(self) -> Mapping[str, str]:
        """The models that are billed instead of the deployments asked for."""
        return self._audit.redirects

    def adopt(self, deployments: Iterable[Deployment], routes: Mapping[str, Route]) -> None:
        """Other deployments and routes from now on; beliefs, prices and pacing are kept."""
        self.catalog.adopt(deployments)
        self._route_table.adopt(routes)
        self.learner.adopt()
        self.tabs.forget()
        self.tables.adopt(self.routes)

    def open(self, request: RouteRequest, now: float, observer: Observer | None = None) -> Exchange:
        """Decide where this request goes first.

        observer    learns from its calls; None: the router itself
        raises  UnknownRoute if no name is known, NoCandidate if nothing can serve it, BudgetSpent
                if the route's budget of today is used up or a cap has no room (CapReached)
        """
        route, others = self.routes.get(request.model), NO_OTHERS
        if route is None or request.models:
            (request, route), *others = self._route_table.understood(request)
        if request.needs or request.preferences is not NO_PREFERENCES:
            self.catalog.check_wishes(request)
        if (pacer := route.policy.pacer) is not None and pacer.allowance(now).is_spent:
            raise BudgetSpent(route.name)
        if others or route.fallbacks:
            request, route, table = self._order.first_open(request, route, others, now)
        else:
            table = self.tables.lookup(route, request, now)
        if not table.weights:
            raise self.availability.nobody(route.name, table, now)
        queue: tuple[str, ...] = ()
        plain, conversation = table, None
        if request.session_id is not None and route.policy.keeps_conversations:
            table, conversation = self.conversation_tables.of(table, request, now)
        if self._order.is_needed(request, route):
            table, queue = self._order.apply(request, route, others, table, now)
        self._retries.deposit(now)
        tab = None if self.caps.is_idle else self.tabs.open(request, route.name)
        if tab is not None:
            table = self._paid_tables.of(table, tab, now)
        may_cascade = bool(table.cascades) and self.dispatcher.escalations.may_draw(
            request, route, table, tab, now
        )
        decision = self._draws.decide(request, table, now, may_cascade=may_cascade)
        decision.conversation = conversation
        plan = Plan(route, request, decision, table, queue, plain, tab)
        if tab is not None and (refusal := plan.refusal(now)) is not None:
            raise refusal
        return Exchange(plan, self.dispatcher, observer or self)

    def resolve(self, request: RouteRequest) -> Route:
        """The first route known behind a route, deployment or model; raises UnknownRoute."""
        return self._route_table.resolve(request)

    @property
    def has_lost(self) -> bool:
        """Whether a request was lost of late that somebody may answer yet."""
        return bool(self.health.lost)

    def absorb(self, tick: Tick, now: float) -> list[Event]:
        """Take in a price or health statement; it acts on the next request."""
        if isinstance(tick, HealthReport):
            return self.health.absorb(tick, now)
        return self.book.absorb(tick, now)

    def learn(
        self,
        decision: Decision,
        deployment: str,
        reward: Reward,
        now: float,
        *,
        said: Sequence[Feedback] = (),
    ) -> Credit:
        """Credit a reward to the deployment that served, beside what was `said` of it before."""
        credit = self.learner.observe(decision, deployment, reward, now, said=said)
        route = self._route_table.of(credit.cell)
        if route is not None and credit.weight > 0:
            counted = dataclasses.replace(reward, value=credit.value)
            route.policy.learn(decision, deployment, counted, now)
        self.tables.count_evidence(credit.cell, now)
        return credit

    def learn_sums(
        self, cell: Cell, deployment: str, n: float, s: float, q2: float, now: float
    ) -> None:
        """Credit `n` explicit rewards at once, which sum to `s` and their squares to `q2`."""
        self.learner.observe_sums(cell, deployment, n, s, q2, now)
        self.tables.count_evidence(cell, now, max(1, int(n)))

    def observe_answers(self, cell: Cell, deployment: str, count: int, now: float) -> None:
        """Answers came back that nobody has judged yet."""
        self.learner.observe_answers(cell, deployment, count, now)

    def observe_failures(self, cell: Cell, deployment: str, count: int, now: float) -> None:
        """Calls of requests that got no answer failed."""
        self.learner.observe_failures(cell, deployment, count, now)

    def record(self, result: CallResult, now: float) -> list[Event]:
        """Learn health, load, bills and the served model from one finished call."""
        if self.limits.are_limited:
            self.availability.end(result, now)
        is_answer = result.kind is CallKind.ANSWERED
        account = () if is_answer else self.availability.account(result)
        shifts = self.health.record(result, now, account)
        return shifts + self._audit.audit(result, now)

    def settle(self, outcome: Outcome, now: float) -> list[Event]:
        """Learn from a finished request."""
        self.learn_outcome(outcome, now)
        return self.health.settle(outcome, now) if len(outcome.results) > 1 else []

    def learn_outcome(self, outcome: Outcome, now: float) -> None:
        """Learn usage, cost, transport success and what caches held from a finished request."""
        cell = outcome.decision.cell
        self.conversations.observe(outcome)
        self.tables.sizes.observe_outcome(outcome)
        route = self.routes.get(cell.route) or self._route_table.of(cell)
        has_others = stands_out = False  # of an answered request nobody asks
        if outcome.served is None and route is not None:
            has_others = route.has_others
            stands_out = self._stands_out(outcome, route.deployments)
        failed = self.health.lost.settle(outcome, now, has_others=has_others, stands_out=stands_out)
        for (at, name), calls in failed.items():
            self.learner.observe_failures(at, name, calls, now)
        self.learner.observe_outcome(outcome, now)
        if route is not None:
            route.policy.settle(outcome, now)
        self.tables.count_evidence(cell, now)

    def _stands_out(self, outcome: Outcome, deployments: Sequence[str]) -> bool:
        """Whether whoever was drawn, and did not answer, fails far more often than the others; not
        where the caller left no choice."""
        decision = outcome.decision
        if decision.propensity >= 1.0:
            return False
        others = [name for name in deployments if name != decision.deployment]
        return self.health.errors.stands_out(decision.deployment, others)

    def cost_usd(self, result: CallResult) -> Decimal | None:
        """Dollars of one call at the price in force when it began, None if that is not known."""
        return call_cost_usd(result, self.book)

    def doubts_of(self, deployment: str) -> Doubts:
        """What a deployment said of its calls and was not believed."""
        return self._audit.doubts.of(deployment)

    def drain_shifts(self) -> list[Event]:
        """Changes of quality, sources and keys that disagree, forgotten tasks, since the last."""
        learner = self.learner
        found = self.beliefs.quality.drain() + learner.keys.drain() + learner.sources.drain()
        return found + self.tables.forgetting.drain()

    def table(
        self, namespace: str, route: str, task: str, now: float, *, prompt_tokens: int = 0
    ) -> WeightTable:
        """The weights of the next plain request of such a size, 0: any; raises UnknownRoute."""
        found = self.resolve(RouteRequest(model=route))
        return self.tables.peek(found, namespace, task, now, prompt_tokens=prompt_tokens)

    def feedback_rate(self, cell: Cell, deployment: str) -> float | None:
        """Rewards per recent answer of a deployment at a task; None without an answer."""
        return self.learner.feedback_rate(cell, deployment)

    def ladder(self, cell: Cell, now: float) -> tuple[tuple[str, ...], list[Rung]]:
        """The arms of a cell and every rung, from cheapest to best; empty without a ladder."""
        route = self.resolve(RouteRequest(model=cell.route))
        view, views = self.tables.views(route, cell.namespace, cell.name, now, {})
        found = route.policy.frontier(views, view, now) if view.deployments else None
        return (found.names, found.ladder.rungs()) if found else ((), [])

    def advice(
        self, decision: Decision, deployment: str, claim: float, now: float
    ) -> tuple[float, str | None]:
        """What a caller's own confidence in an answer is worth, and whom it should ask instead.

        The claim stands for the answer's own when the request is judged later.
        """
        self.confidences.claim(decision.id, claim)
        route, escalations = self._route_table.of(decision.cell), self.dispatcher.escalations
        return escalations.advice(route, decision.cell, deployment, claim, now)

    def to_state(self) -> dict[str, Any]:
        """JSON-able state, exact; prices are kept by the store as quotes."""
        return {**self.state_beside_beliefs(), "beliefs": self.beliefs.to_state()}

    def state_beside_beliefs(self) -> dict[str, Any]:
        """What `to_state` says besides beliefs, which are large."""
        return {
            "version": VERSION,
            "policies": {name: state_of(route.policy) for name, route in self.routes.items()},
            "rewards": self.learner.to_state(),
            "silenced_keys": self.learner.keys.to_state(),
            "scrutiny": self._audit.to_state(),
            "confidences": self.confidences.to_state(),
            "teachings": self.lessons.to_state(),
            "conversations": self.conversations.to_state(),
            **self.tables.to_state(),
        }

    def from_state(self, state: Mapping[str, Any]) -> None:
        """Take over a state of `to_state`, also one that an earlier windsock wrote.

        Policies of routes that are gone, or of another kind by now, are left out.

        raises  KeyError, TypeError or ValueError if it is no state, or of a later version
        """
        state = upgraded(state)
        self.beliefs.from_state(state["beliefs"])
        for name, body in state["policies"].items():
            if name in self.routes:
                take_over(self.routes[name].policy, body)
        self.learner.keys.from_state(state["silenced_keys"])
        self.learner.from_state(state["rewards"])
        self._audit.from_state(state["scrutiny"])
        self.confidences.from_state(state["confidences"])
        self.lessons.from_state(state["teachings"])
        self.conversations.from_state(state["conversations"])
        self.tables.from_state(state, self.routes)
