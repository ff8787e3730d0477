"""The log once more through the production router under other settings or prices.

Ticks, answers and rewards come in the order in which the service knew them, and before every
logged decision the router is asked what it would have done. It learns from what was logged, not
from what it would have seen of its own.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from decimal import Decimal

from windsock.core.evidence.sources import tells_success
from windsock.core.model.calls import CallResult, Outcome, total_usd
from windsock.core.model.decisions import Decision, WeightTable
from windsock.core.model.exclusions import OF_THE_REQUEST
from windsock.core.model.requests import RouteRequest
from windsock.core.model.rewards import Feedback, matter_of
from windsock.core.model.ticks import HealthReport, Quote
from windsock.core.model.units import to_float
from windsock.core.routing.router import Router
from windsock.evaluation.log_order import Entry, in_order
from windsock.evaluation.repricing import Repriced

MOST_OPEN = 200_000
"""Decisions for which a reward is still waited for."""

ASKED_FOR = "in the caller's order"
"""Note of a table whose order the caller chose: no policy did."""


@dataclass(frozen=True, slots=True)
class _Arm:
    name: str
    weight: float
    success: float
    usd: float


@dataclass(slots=True)
class Considered:
    """A logged decision, and what the new router makes of it.

    cost_usd    as logged; repriced_usd what the same calls cost at the new prices
    is_cost_known   both are; else the row is left out in the end
    taken       the arm: a deployment, or "cheap > strong" where the answer might escalate
    arms, weights   the new split; success and usd its beliefs of each, in that order
    chances     logged probabilities, in that order; None where the logged table is not kept
    unseen      part of the new split that the log can say nothing of
    reward      mean of what was reported, None until then
    """

    decision: Decision
    cost_usd: float
    repriced_usd: float
    taken: str
    arms: tuple[str, ...]
    weights: tuple[float, ...]
    success: tuple[float, ...]
    usd: tuple[float, ...]
    chances: tuple[float, ...] | None
    unseen: float
    reward: float | None = None
    is_cost_known: bool = True
    said: dict[tuple[str, str, str | None], Feedback] = field(default_factory=dict)

    @property
    def weight_taken(self) -> float:
        """Of what was taken, in the new split."""
        return self.of_taken(self.weights)

    def of_taken(self, values: tuple[float, ...]) -> float:
        """The value of what was taken; 0 if the new router would not have considered it."""
        return values[self.arms.index(self.taken)] if self.taken in self.arms else 0.0


@dataclass(slots=True)
class Reconsidered:
    """left_out: logged decisions that no policy took, by reason."""

    rows: list[Considered] = field(default_factory=list)
    left_out: dict[str, int] = field(default_factory=dict)


class Reconsideration:
    """Feed it the entries of a ledger, in the order in which they were appended.

    router      new, with the settings in question
    since       unix s; what was before only teaches
    table_of    the logged weight table by its version, or None if it is not kept
    keeps       quotes of these deployments are the owner's own and stay
    """

    def __init__(
        self,
        router: Router,
        *,
        since: float,
        prices: Repriced,
        table_of: Callable[[int], WeightTable | None],
        keeps: frozenset[str] = frozenset(),
    ) -> None:
        self._router = router
        self._since = since
        self._prices = prices
        self._table_of = table_of
        self._keeps = keeps
        self._open: OrderedDict[str, tuple[Decision, str, Considered | None]] = OrderedDict()
        self._early: dict[str, Considered | None] = {}
        self.found = Reconsidered()

    def run(self, entries: Iterable[Entry]) -> Reconsidered:
        """Pass the entries in the order in which they were known; what was found."""
        for at, entry, is_end in in_order(entries):
            self._absorb(at, entry, is_end=is_end)
            self._router.tables.drain()
        self._leave_out_unknown_costs()
        return self.found

    def _absorb(self, at: float, entry: Entry, *, is_end: bool) -> None:
        if isinstance(entry, Outcome) and is_end:
            self._settle(entry)
        elif isinstance(entry, Outcome | Decision):
            self._decide(entry)
        elif isinstance(entry, Feedback):
            self._learn(entry)
        elif isinstance(entry, Quote) and entry.deployment not in self._keeps:
            self._router.book.restore([self._prices.applied(entry)])
        elif isinstance(entry, HealthReport):
            self._router.absorb(entry, at)

    def _decide(self, entry: Outcome | Decision) -> None:
        decision = entry.decision if isinstance(entry, Outcome) else entry
        considered = self._considered(entry, decision)
        if isinstance(entry, Outcome):
            self._early[decision.id] = considered
        else:
            self._remember(decision, decision.deployment, considered)

    def _considered(self, entry: Outcome | Decision, decision: Decision) -> Considered | None:
        """None where no policy chose, or before the time in question."""
        cell = decision.cell
        route_name = cell.route
        route = self._router.routes.get(route_name)
        if decision.at < self._since:
            return None
        if route is None:
            return self._left_out(f"asked for {route_name!r}, which is no route here")
        if isinstance(entry, Outcome) and entry.is_cached:
            return self._left_out("answered from the cache")
        logged = self._table_of(decision.table_version)
        if logged is not None and logged.note == ASKED_FOR:
            return self._left_out("in an order that the caller named")
        request = RouteRequest(
            model=route_name,
            namespace=cell.namespace,
            task=cell.task,
            prompt_tokens=decision.prompt_tokens,
            key_id=decision.key_id,
            features=decision.features,
        )
        table = self._router.tables.lookup(route, request, decision.at)
        row = row_of(entry, decision, table, logged)
        if row is None:
            return self._left_out("no candidate could have served them")
        self.found.rows.append(row)
        return row

    def _left_out(self, reason: str) -> Considered | None:
        self.found.left_out[reason] = self.found.left_out.get(reason, 0) + 1
        return None

    def _leave_out_unknown_costs(self) -> None:
        """They taught, but what a policy saves on them nobody can say."""
        known = [row for row in self.found.rows if row.is_cost_known]
        if len(known) < len(self.found.rows):
            self.found.left_out["whose cost is not known"] = len(self.found.rows) - len(known)
            self.found.rows = known

    def _settle(self, outcome: Outcome) -> None:
        now, decision = outcome.finished_at, outcome.decision
        considered = self._early.pop(decision.id, None)
        changed = [self._repriced(result, decision) for result in outcome.results]
        is_changed = any(self._prices.of(result.attempt.deployment) for result in outcome.results)
        cost = total_usd(map(self._router.cost_usd, changed)) if is_changed else outcome.cost_usd
        for result in changed:
            if result.attempt.deployment in self._router.catalog.deployments:
                self._router.record(result, now)
        if considered is not None:
            considered.repriced_usd = 0.0 if cost is None else to_float(cost)
            considered.is_cost_known &= cost is not None
            spent = Decimal(_dot(considered.weights, considered.usd))
            outcome = replace(outcome, cost_usd=spent)
        if not outcome.is_cached:
            self._router.learn_outcome(outcome, now)
        if outcome.served is not None:
            self._remember(decision, outcome.served, considered)

    def _repriced(self, result: CallResult, decision: Decision) -> CallResult:
        """A bill says nothing of other prices; older records hold no time at which a call began."""
        if not result.attempt.started_at:
            result = replace(result, attempt=replace(result.attempt, started_at=decision.at))
        if result.billed_usd is None or self._prices.of(result.attempt.deployment) is None:
            return result
        return replace(result, billed_usd=None)

    def _remember(self, decision: Decision, served: str, considered: Considered | None) -> None:
        self._open[decision.id] = (decision, served, considered)
        if len(self._open) > MOST_OPEN:
            self._open.popitem(last=False)

    def _learn(self, feedback: Feedback) -> None:
        known = self._open.get(feedback.decision_id)
        if known is None:
            return
        decision, served, considered = known
        matter = matter_of(feedback.reward)
        said = tuple(considered.said.values()) if considered else ()
        self._router.learn(decision, served, feedback.reward, feedback.at, said=said)
        if considered is not None:
            considered.said[matter] = feedback
            considered.reward = worth_of(considered.said.values())


def row_of(
    entry: Outcome | Decision, decision: Decision, table: WeightTable, logged: WeightTable | None
) -> Considered | None:
    arms = _arms_of(table, _barred(logged))
    total = sum(arm.weight for arm in arms)
    if not total:
        return None
    names = tuple(arm.name for arm in arms)
    weights = tuple(arm.weight / total for arm in arms)
    chances = _chances(names, logged)
    spent = entry.cost_usd if isinstance(entry, Outcome) else Decimal(0)
    cost = 0.0 if spent is None else to_float(spent)
    return Considered(
        decision=decision,
        cost_usd=cost,
        repriced_usd=cost,
        is_cost_known=spent is not None,
        taken=" > ".join(filter(None, (decision.deployment, decision.escalates_to))),
        arms=names,
        weights=weights,
        success=tuple(arm.success for arm in arms),
        usd=tuple(arm.usd for arm in arms),
        chances=chances,
        unseen=0.0
        if chances is None
        else sum(weight for weight, chance in zip(weights, chances, strict=True) if not chance),
    )


def _arms_of(table: WeightTable, barred: frozenset[str]) -> list[_Arm]:
    """Deployments and cascades, each with its own part of the weights."""
    found: dict[str, _Arm] = {
        arm.deployment: _Arm(arm.deployment, arm.weight, arm.success_mean, arm.expected_usd)
        for arm in table.arms
        if arm.deployment not in barred
    }
    for facts in table.cascades or ():
        plain = found.get(facts.deployment)
        if plain is not None and facts.weight > 0:
            found[plain.name] = replace(plain, weight=max(0.0, plain.weight - facts.weight))
            found[facts.arm] = _Arm(facts.arm, facts.weight, facts.success_mean, facts.expected_usd)
    return list(found.values())


def _chances(names: tuple[str, ...], logged: WeightTable | None) -> tuple[float, ...] | None:
    if logged is None:
        return None
    chance = {arm.name: arm.weight for arm in _arms_of(logged, frozenset())}
    return tuple(chance.get(name, 0.0) for name in names)


def _barred(logged: WeightTable | None) -> frozenset[str]:
    """Deployments that this very request ruled out."""
    if logged is None:
        return frozenset()
    return frozenset(
        name for name, reason in logged.ruled_out.items() if reason.code in OF_THE_REQUEST
    )


def worth_of(said: Iterable[Feedback]) -> float | None:
    """Rewards of one answer as one, by what each counted for."""
    known = [each for each in said if tells_success(each.reward.source)]
    total = sum(each.weight for each in known)
    if not total:
        return None
    return sum(each.weight * each.reward.value for each in known) / total


def _dot(a: Iterable[float], b: Iterable[float]) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True))
