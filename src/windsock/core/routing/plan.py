"""What was decided for one request, and the call that comes next."""

from __future__ import annotations

from dataclasses import dataclass

from windsock.core.model.calls import AttemptReason
from windsock.core.model.decisions import Decision, WeightTable
from windsock.core.model.requests import RouteRequest
from windsock.core.routing.routes import Route


@dataclass(slots=True)
class Plan:
    """What was decided for one request. Treat it as immutable, like all records of a request.

    decision    the first draw
    table       the weights it was drawn from
    queue       the caller's own order of fallbacks, empty where it has none
    others      the weights that fallbacks are drawn from, where a conversation leaves them none
    """

    route: Route
    request: RouteRequest
    decision: Decision
    table: WeightTable
    queue: tuple[str, ...] = ()
    others: WeightTable | None = None


@dataclass(frozen=True, slots=True)
class NextCall:
    """Whom to call after a failure, and how many seconds from now."""

    deployment: str
    reason: AttemptReason
    wait_s: float = 0.0
