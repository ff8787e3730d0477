"""The router: open a request, absorb ticks, learn rewards. No I/O, no clock, no chance of its own.

Called from one thread only; there are no locks.
"""

from __future__ import annotations

import dataclasses
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from windsock.core.beliefs.beliefs import Beliefs
from windsock.core.cascades.confidence import Confidences
from windsock.core.evidence.learner import Credit, Learner
from windsock.core.evidence.response_audit import ResponseAudit
from windsock.core.evidence.warm_start import PastResult, WarmStarts
from windsock.core.model.calls import CallResult, Outcome
from windsock.core.model.catalog import Catalog, Deployment
from windsock.core.model.decisions import Decision, WeightTable
from windsock.core.model.events import Event
from windsock.core.model.requests import DEFAULT_TASK, NO_PREFERENCES, Cell, RouteRequest
from windsock.core.model.rewards import Feedback, Reward
from windsock.core.model.ticks import HealthReport, Tick
from windsock.core.policies.cascade_weights import arm_names
from windsock.core.policies.frontier import Rung
from windsock.core.policies.price_aware import PriceAware
from windsock.core.policies.protocol import Policy
from windsock.core.pricing.book import PriceBook
from windsock.core.resilience.availability import Availability
from windsock.core.resilience.concurrency import ConcurrencyLimits
from windsock.core.resilience.health import HealthBoard
from windsock.core.resilience.hedging import Hedging
from windsock.core.resilience.retry_budget import RetryBudget
from windsock.core.routing.caller_order import in_callers_order
from windsock.core.routing.exchange import Exchange
from windsock.core.routing.routes import Route
from windsock.core.routing.sampling import arm_within, decision_id, uniform
from windsock.core.routing.session_affinity import SessionAffinity, cascades_of
from windsock.core.routing.weights.tables import FRESH_OUTCOMES, FRESH_S, WeightTables
from windsock.errors import BadRequest, BudgetSpent, UnknownRoute


class Router:
    """Prices, beliefs and health become one exact draw per request.

    seed            makes every draw: the same seed and decision number draw alike
    first_number    of decisions and tables; must lie above all numbers used before
    default_policy  policy of a deployment or model that is asked for by its own name
    fresh_s         weights are solved anew this long after new evidence, if not before
    fresh_outcomes  or after so many rewards and outcomes of a task
    loads           how many calls each provider takes at a time
    """

    def __init__(
        self,
        *,
        catalog: Catalog,
        routes: Mapping[str, Route],
        book: PriceBook,
        beliefs: Beliefs,
        default_policy: Callable[[str], Policy],
        health: HealthBoard | None = None,
        seed: int = 0,
        first_number: int = 0,
        fresh_s: float = FRESH_S,
        fresh_outcomes: int = FRESH_OUTCOMES,
        loads: ConcurrencyLimits | None = None,
        sessions: SessionAffinity | None = None,
    ) -> None:
        self.catalog = catalog
        self.book = book
        self.beliefs = beliefs
        self.health = health or HealthBoard()
        self.loads = loads or ConcurrencyLimits()
        self.fleet = Availability(catalog=catalog, book=book, health=self.health, loads=self.loads)
        self.hedging = Hedging()
        self.sessions = sessions or SessionAffinity()
        self.seed = seed
        self._routes = dict(routes)
        self._implicit: dict[str, Route] = {}
        self._default_policy = default_policy
        self._number = first_number
        self._retries = RetryBudget()
        self.confidences = Confidences(beliefs.settings)
        self._learning = Learner(beliefs, self.confidences, self._route_of)
        self._lessons = WarmStarts(beliefs)
        self._scrutiny = ResponseAudit(catalog=catalog, book=book, beliefs=beliefs)
        self.tables = WeightTables(
            catalog=catalog,
            book=book,
            beliefs=beliefs,
            health=self.health,
            confidences=self.confidences,
            first_version=first_number,
            fresh_s=fresh_s,
            fresh_outcomes=fresh_outcomes,
        )

    @property
    def routes(self) -> Mapping[str, Route]:
        return self._routes

    def adopt(self, deployments: Iterable[Deployment], routes: Mapping[str, Route]) -> None:
        """Other deployments and routes from now on; beliefs, prices and pacing are kept."""
        self.catalog.adopt(deployments)
        for name, route in routes.items():
            if name in self._routes:
                route.policy.from_state(self._routes[name].policy.to_state())
        self._routes = dict(routes)
        self._implicit.clear()
        self.tables.close_all()

    def open(self, request: RouteRequest, now: float) -> Exchange:
        """Decide where this request goes first.

        raises  UnknownRoute if no name is known, NoCandidate if nothing can serve it, BudgetSpent
                if the route's budget of today is used up
        """
        route = self._routes.get(request.model) or self.resolve(request)
        policy = route.policy
        pacer = policy.pacer if isinstance(policy, PriceAware) else None
        if pacer is not None and pacer.allowance(now).is_spent:
            raise BudgetSpent(route.name)
        table = self.tables.lookup(route, request, now)
        if not table.weights:
            raise self.fleet.nobody(route.name, table, now)
        queue: tuple[str, ...] = ()
        if request.session_id is not None:
            table = self._seated(table, route, request, now)
        if request.models or request.preferences is not NO_PREFERENCES:
            table, queue = in_callers_order(self, request, table, now)
        number = self._number
        self._number = number + 1
        self._retries.count(now)
        draw = uniform(self.seed, number, 0)
        cumulative = table.cumulative
        index = min(bisect_right(cumulative, draw * cumulative[-1]), len(cumulative) - 1)
        propensity, escalates_to = table.weights[index], None
        if table.cascades:
            propensity, escalates_to = arm_within(table, index, draw)
        decision = Decision(
            number=number,
            id=decision_id(self.seed, number),
            at=now,
            cell=table.cell,
            table_version=table.version,
            deployment=table.deployments[index],
            propensity=propensity,
            draw=draw,
            requested_model=request.model,
            prompt_tokens=request.prompt_tokens,
            key_id=request.key_id,
            features=request.features,
            is_task_guessed=request.task == DEFAULT_TASK
            and table.cell.task.partition("#")[0] != DEFAULT_TASK,
            escalates_to=escalates_to,
        )
        return Exchange(self, route, request, decision, table, queue)

    def resolve(self, request: RouteRequest) -> Route:
        """The route behind a route name, deployment id or bare model id; the first that is known.

        raises  UnknownRoute
        """
        for name in (request.model, *request.models):
            found = self._routes.get(name) or self._implicit.get(name)
            if found is not None:
                return found
            candidates = self.catalog.serving(name)
            if candidates:
                made = Route(name=name, candidates=candidates, policy=self._default_policy(name))
                self._implicit[name] = made
                return made
        nearest = self.catalog.nearest(request.model, self._routes)
        raise UnknownRoute(request.model, nearest=nearest)

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
        replaced: Feedback | None = None,
    ) -> Credit:
        """Credit a reward to the deployment that served; `replaced` is taken back first."""
        credit = self._learning.take(decision, deployment, reward, now, replaced=replaced)
        route = self._route_of(credit.cell)
        if route is not None and credit.weight > 0:
            counted = dataclasses.replace(reward, value=credit.value)
            route.policy.learn(decision, deployment, counted, now)
        self.tables.count_evidence(credit.cell)
        return credit

    def learn_sums(
        self, cell: Cell, deployment: str, n: float, s: float, q2: float, now: float
    ) -> None:
        """Credit `n` explicit rewards at once, which sum to `s` and their squares to `q2`."""
        self._learning.take_sums(cell, deployment, n, s, q2, now)
        self.tables.count_evidence(cell, max(1, int(n)))

    def observe_answers(self, cell: Cell, deployment: str, count: int, now: float) -> None:
        """Answers came back that nobody has judged yet."""
        self._learning.take_answers(cell, deployment, count, now)

    def observe_failures(self, cell: Cell, deployment: str, count: int, now: float) -> None:
        """Calls of requests that got no answer failed."""
        self._learning.take_failures(cell, deployment, count, now)

    def record(self, result: CallResult, now: float) -> list[Event]:
        """Learn health, load, bills and the served model from one finished call."""
        self.loads.end(self.fleet.provider(result.attempt.deployment), result, now)
        shifts = self.health.record(result, now)
        return shifts + self._scrutiny.look_at(result, now)

    def redirect(self, deployment: str, served: str, now: float) -> list[Event]:
        """Bill a deployment from now on by the price of the model that answers for it."""
        return self._scrutiny.redirect(deployment, served, now)

    @property
    def redirects(self) -> Mapping[str, str]:
        """The models that are billed instead of the deployments asked for."""
        return self._scrutiny.redirects

    def drain_shifts(self) -> list[Event]:
        """Changes of quality found since the last call."""
        return self.beliefs.drain()

    def settle(self, outcome: Outcome, now: float) -> list[Event]:
        """Learn usage and transport success from a finished request."""
        cell = outcome.decision.cell
        self._learning.take_outcome(outcome, now)
        route = self._route_of(cell)
        if route is not None:
            route.policy.settle(outcome, now)
        self.tables.count_evidence(cell)
        return []

    def table(self, namespace: str, route: str, task: str, now: float) -> WeightTable:
        """The weights of the next plain request of this route and task.

        raises  UnknownRoute
        """
        request = RouteRequest(model=route, namespace=namespace, task=task)
        return self.tables.lookup(self.resolve(request), request, now)

    def feedback_rate(self, cell: Cell, deployment: str) -> float | None:
        """Rewards per recent answer of a deployment at a task; None without an answer."""
        return self._learning.feedback_rate(cell, deployment)

    def ladder(self, cell: Cell, now: float) -> tuple[tuple[str, ...], list[Rung]]:
        """The arms of a cell and every rung, from cheapest to best.

        Empty under a policy without a ladder. A cascade is the arm "cheap > strong".
        """
        request = RouteRequest(model=cell.route, namespace=cell.namespace, task=cell.task)
        policy = self.resolve(request).policy
        if not isinstance(policy, PriceAware):
            return (), []
        view, _ = self.tables.views(self.resolve(request), cell.namespace, cell.task, now, {})
        if not view.deployments:
            return (), []
        ladder = policy.ladder(view, now)
        return arm_names(view), [ladder[i] for i in range(len(ladder))]

    def teach(
        self,
        namespace: str,
        route: str,
        results: Sequence[PastResult],
        *,
        strength: float,
        now: float,
    ) -> int:
        """Start beliefs from past evaluations; the number takes them back.

        They are judgements: where they are more than a few, mere answers count no more, and the
        first feedback drops what answers had taught, but not the lesson.

        raises  UnknownRoute, BadRequest if a deployment is no candidate of the route
        """
        candidates = self.resolve(RouteRequest(model=route)).candidates
        for result in results:
            if result.deployment not in candidates:
                raise BadRequest(
                    f"{result.deployment!r} is no candidate of {route!r}; its candidates are "
                    f"{', '.join(candidates)}",
                    param="deployment",
                )
        for result in results:
            self._learning.hear(Cell(namespace, route, result.task), min(strength, result.count))
        number = self._lessons.add(namespace, route, results, strength=strength, now=now)
        self.tables.forget()
        return number

    def unteach(self, number: int) -> int:
        """Take a lesson back; how many rates it held; raises BadRequest if there is none."""
        held = self._lessons.take_back(number)
        self.tables.forget()
        return held

    def undo_alarm(self, namespace: str, route: str, deployment: str, now: float) -> list[Event]:
        """A person takes an alarm back: the belief from before it holds again.

        raises  BadRequest if no alarm is held against the deployment there
        """
        if not self.beliefs.undo(namespace, route, deployment):
            raise BadRequest(
                f"no alarm is held against {deployment!r} on {route!r}; GET /v1/alarms lists them",
                param="deployment",
            )
        self.tables.forget()
        facts = {"namespace": namespace, "route": route}
        undone = Event(kind="quality.undone", deployment=deployment, at=now, facts=facts)
        return [undone, *self._scrutiny.undo_redirect(deployment, now)]

    def cost_of(self, result: CallResult, now: float) -> Decimal:
        """Dollars of one call: as billed where the provider says so, else usage at our price."""
        if result.billed_usd is not None:
            return result.billed_usd
        if result.usage is None:
            return Decimal(0)
        name, tier = result.attempt.deployment, result.service_tier
        return self.book.cost_usd(name, result.usage, now, service_tier=tier) or Decimal(0)

    def take_retry(self, now: float) -> bool:
        """Spend one extra attempt, if the budget of a fifth of recent requests allows it."""
        return self._retries.take(now)

    def escalation(self, exchange: Exchange, answer: CallResult, now: float) -> str | None:
        """The stronger deployment to ask, if this answer is not trusted enough."""
        cascade, name = exchange.route.cascade, answer.attempt.deployment
        if cascade is None or name in cascade.to or not _may_escalate(exchange, name):
            return None
        if answer.confidence is not None:
            rate = self.confidences.rate(exchange.decision.cell, name, answer.confidence)
            if rate >= cascade.escalate_below:
                return None
        tried = {result.attempt.deployment for result in exchange.results}
        drawn = exchange.decision.escalates_to
        targets = cascade.to if drawn is None else (drawn, *cascade.to)
        return next(
            (name for name in targets if name not in tried and self.fleet.can_take(name, now)), None
        )

    def advice(
        self, decision: Decision, deployment: str, claim: float, now: float
    ) -> tuple[float, str | None]:
        """What a caller's own confidence in an answer is worth, and whom it should ask instead.

        The claim stands for the answer's own when the request is judged later.
        """
        self.confidences.claim(decision.id, claim)
        rate = self.confidences.rate(decision.cell, deployment, claim)
        route = self._route_of(decision.cell)
        cascade = route.cascade if route is not None else None
        if cascade is None or rate >= cascade.escalate_below or deployment in cascade.to:
            return rate, None
        return rate, next((name for name in cascade.to if self.fleet.can_take(name, now)), None)

    def to_state(self) -> dict[str, Any]:
        """JSON-able state, exact; prices are kept by the store as quotes."""
        return {
            "beliefs": self.beliefs.to_state(),
            "policies": {name: route.policy.to_state() for name, route in self._routes.items()},
            "rewards": self._learning.to_state(),
            "scrutiny": self._scrutiny.to_state(),
            "confidences": self.confidences.to_state(),
            "teachings": self._lessons.to_state(),
        }

    def from_state(self, state: Mapping[str, Any]) -> None:
        """Take over a state of `to_state`; policies of routes that are gone are left out."""
        self.beliefs.from_state(state["beliefs"])
        for name, body in state["policies"].items():
            if name in self._routes:
                self._routes[name].policy.from_state(body)
        self._learning.from_state(state["rewards"])
        self._scrutiny.from_state(state["scrutiny"])
        self.confidences.from_state(state["confidences"])
        self._lessons.from_state(state["teachings"])

    def _seated(
        self, table: WeightTable, route: Route, request: RouteRequest, now: float
    ) -> WeightTable:
        """The table for a warm conversation, which pays for a move with its lost prompt cache."""
        key = (request.namespace, route.name, str(request.session_id))
        warm = self.sessions.find(key, now)
        if warm is None:
            return table
        prices = self.book.prices(warm.deployment, now, prompt_tokens=request.prompt_tokens) or {}
        seat = self.sessions.seat(table, warm, prices)
        if seat is None:
            return table
        made = self.sessions.known(table, warm, seat)
        if made is None:
            note = f"warm at {warm.deployment}: a move costs its prompt cache"
            cascades = cascades_of(table, seat.weights)
            made = self.tables.variant(table, seat.weights, note, cascades)
            self.sessions.keep(table, warm, seat, made)
        return made

    def warmed(self, request: RouteRequest, outcome: Outcome, now: float) -> None:
        """A session was answered: the provider holds the beginning of its next prompt."""
        if request.session_id is not None and outcome.served is not None:
            cell = outcome.decision.cell
            key = (cell.namespace, cell.route, request.session_id)
            self.sessions.remember(key, outcome.served, outcome.usage, now)

    def _route_of(self, cell: Cell) -> Route | None:
        return self._routes.get(cell.route) or self._implicit.get(cell.route)


def _may_escalate(exchange: Exchange, name: str) -> bool:
    """True if a cascade was drawn that begins here, or if no policy decides on cascades."""
    decision = exchange.decision
    if exchange.table.cascades is None:
        return True
    return decision.escalates_to is not None and name == decision.deployment
