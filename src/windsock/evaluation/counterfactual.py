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
from windsock.core.model.exclusions import ExclusionCode
from windsock.core.model.requests import RouteRequest
from windsock.core.model.rewards import Feedback, matter_of
from windsock.core.model.ticks import HealthReport, Quote
from windsock.core.model.units import to_float
from windsock.core.routing.router import Router
from windsock.evaluation.considered import Considered, row_of
from windsock.evaluation.log_order import Entry, in_order
from windsock.evaluation.repricing import Repriced

MOST_OPEN = 200_000
"""Decisions for which a reward is still waited for."""

ASKED_FOR = "in the caller's order"
"""Note of a table whose order the caller chose: no policy did."""


@dataclass(slots=True)
class Reconsidered:
    """
    left_out    logged decisions that no policy took, by reason
    unpriced    decisions at which a candidate had no price, by its name
    """

    rows: list[Considered] = field(default_factory=list)
    left_out: dict[str, int] = field(default_factory=dict)
    unpriced: dict[str, int] = field(default_factory=dict)


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
        self._count_unpriced(table)
        row = row_of(entry, decision, table, logged)
        if row is None:
            return self._left_out("no candidate could have served them")
        self.found.rows.append(row)
        return row

    def _count_unpriced(self, table: WeightTable) -> None:
        for name, reason in table.ruled_out.items():
            if reason.code is ExclusionCode.UNPRICED:
                self.found.unpriced[name] = self.found.unpriced.get(name, 0) + 1

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


def worth_of(said: Iterable[Feedback]) -> float | None:
    """Rewards of one answer as one, by what each counted for."""
    known = [each for each in said if tells_success(each.reward.source)]
    total = sum(each.weight for each in known)
    if not total:
        return None
    return sum(each.weight * each.reward.value for each in known) / total


def _dot(a: Iterable[float], b: Iterable[float]) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True))
