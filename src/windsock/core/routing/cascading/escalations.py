"""Which answers are asked for again, of whom, and who is asked beside the first."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Sequence, Set

from windsock.core.cascades.confidence import Confidences
from windsock.core.model.calls import CallResult
from windsock.core.model.decisions import WeightTable
from windsock.core.model.requests import Cell, RouteRequest
from windsock.core.resilience.availability import Availability
from windsock.core.routing.caps.tab import Tab
from windsock.core.routing.plan import Plan
from windsock.core.routing.routes import Route

COMPARED = frozenset({"vision", "json_schema", "json_object"})
"""All that a request may need whose answers are compared: it calls no tool and wants one text."""

RuledOut = Callable[[Route, RouteRequest, float], Container[str]]
"""Whom of a route a request may not go to, for reasons that lie in the request."""


class Escalations:
    """The rules of cascades while a request runs; it keeps no request."""

    def __init__(
        self, confidences: Confidences, availability: Availability, ruled_out: RuledOut
    ) -> None:
        self._confidences = confidences
        self._availability = availability
        self._ruled_out = ruled_out

    def may_draw(
        self, request: RouteRequest, route: Route, table: WeightTable, tab: Tab | None, now: float
    ) -> bool:
        """Whether this request may be one of a cascade's.

        One that goes by agreement needs a whole answer of text, and a second opinion that can be
        asked; else the request is its first deployment's alone.
        """
        by = route.cascade.agreement if route.cascade is not None else None
        if by is None:
            return True
        return (
            not request.is_stream
            and request.needs <= COMPARED
            and request.preferences.allow_fallbacks
            and by.second in table.deployments
            and self._availability.can_take(by.second, now)
            and (tab is None or tab.can_pay(by.second, now))
        )

    def second(self, plan: Plan) -> str | None:
        """Who is asked beside the first one drawn, so that their answers can be compared."""
        by = plan.route.cascade.agreement if plan.route.cascade is not None else None
        return None if by is None or plan.decision.escalates_to is None else by.second

    def after(self, plan: Plan, answer: CallResult, tried: Set[str], now: float) -> str | None:
        """The stronger deployment to ask, if this answer is not trusted enough; else None."""
        cascade, name = plan.route.cascade, answer.attempt.deployment
        if cascade is None or name in cascade.to or not _may_escalate(plan, name):
            return None
        if answer.confidence is not None and cascade.agreement is None:
            rate = self._confidences.rate(plan.decision.cell, name, answer.confidence)
            if rate >= cascade.escalate_below:
                return None
        drawn = plan.decision.escalates_to
        targets = cascade.to if drawn is None else (drawn, *cascade.to)
        out = self._ruled_out(plan.route, plan.request, now)
        return self._first_open((n for n in targets if n not in tried and n not in out), now)

    def advice(
        self, route: Route | None, cell: Cell, deployment: str, claim: float, now: float
    ) -> tuple[float, str | None]:
        """What a caller's own confidence is worth, and whom it should ask instead."""
        rate = self._confidences.rate(cell, deployment, claim)
        cascade = route.cascade if route is not None else None
        if cascade is None or rate >= cascade.escalate_below or deployment in cascade.to:
            return rate, None
        return rate, self._first_open(cascade.to, now)

    def _first_open(self, names: Iterable[str], now: float) -> str | None:
        return next((name for name in names if self._availability.can_take(name, now)), None)


def is_confirmed(answer: CallResult, results: Sequence[CallResult]) -> bool:
    """True if a second answer said the same, and no declared check failed them."""
    return answer.confidence != 0.0 and any(each.agrees for each in results)


def _may_escalate(plan: Plan, name: str) -> bool:
    """True if a cascade was drawn that begins here, or if no policy decides on cascades.

    One that goes by agreement must be drawn: nothing else knows whether it pays.
    """
    cascade = plan.route.cascade
    if plan.table.cascades is None and (cascade is None or cascade.agreement is None):
        return True
    return plan.decision.escalates_to is not None and name == plan.decision.deployment
