"""What was decided for one request, and the call that comes next."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

from windsock.core.model.calls import AttemptReason, CallResult, Outcome
from windsock.core.model.decisions import Decision, WeightTable
from windsock.core.model.events import Event
from windsock.core.model.requests import RouteRequest
from windsock.core.routing.caps.tab import Tab
from windsock.core.routing.routes import Route
from windsock.errors import CapReached


class State(StrEnum):
    """Where an exchange stands.

    READY -> TRYING -> {ANSWERED, STREAMING, FAILED_ONCE}
    FAILED_ONCE -> {TRYING, EXHAUSTED}
    ANSWERED -> {TRYING (escalate), DONE}
    STREAMING -> {DONE, BROKEN, FAILED_ONCE (what was shown may be gone on from elsewhere)}
    """

    READY = "ready"
    TRYING = "trying"
    ANSWERED = "answered"
    STREAMING = "streaming"
    FAILED_ONCE = "failed_once"
    EXHAUSTED = "exhausted"
    DONE = "done"
    BROKEN = "broken"


@dataclass(slots=True)
class Plan:
    """What was decided for one request. Treat it as immutable, like all records of a request.

    decision    the first draw
    table       the weights it was drawn from
    queue       the caller's own order of fallbacks, empty where it has none
    others      the weights that fallbacks are drawn from, where a conversation leaves them none
    tab         what its calls count against; None where nothing is capped
    """

    route: Route
    request: RouteRequest
    decision: Decision
    table: WeightTable
    queue: tuple[str, ...] = ()
    others: WeightTable | None = None
    tab: Tab | None = None

    def may_ask(self, deployment: str, now: float) -> bool:
        """Whether a call there finds room under every cap."""
        return self.tab is None or self.tab.can_pay(deployment, now)

    def unpayable(self, now: float) -> set[str]:
        """Whom no call may go to, since a cap has no room for it; empty where nothing is capped."""
        return set() if self.tab is None else self.tab.unpayable(self.askable, now)

    def refusal(self, now: float) -> CapReached | None:
        """Why nobody may be asked first, where a cap is the reason."""
        if self.tab is None or any(self.may_ask(name, now) for name in self._first_asked):
            return None
        return self.tab.refusal(self._first_asked, now)

    @property
    def _first_asked(self) -> tuple[str, ...]:
        drawn = (self.decision.deployment,)
        if not self.request.preferences.allow_fallbacks:
            return drawn
        return drawn + (self.queue or (self.others or self.table).deployments)

    @property
    def askable(self) -> tuple[str, ...]:
        """Whom any of its calls may go to, whatever stands in the way just now."""
        others = self.others.deployments if self.others is not None else ()
        cascade = self.route.cascade.to if self.route.cascade is not None else ()
        return (*self.queue, *self.table.deployments, *others, *cascade)


class Observer(Protocol):
    """Who learns from the calls of an exchange, and knows what they cost."""

    def record(self, result: CallResult, now: float) -> list[Event]:
        """Learn from one finished call; what that changed."""

    def settle(self, outcome: Outcome, now: float) -> list[Event]:
        """Learn from a finished request; what that changed."""

    @property
    def has_lost(self) -> bool:
        """Whether a request was lost of late that somebody may answer yet."""

    def cost_usd(self, result: CallResult) -> Decimal | None:
        """Dollars of one call at the price in force when it began, None if that is not known."""


@dataclass(frozen=True, slots=True)
class NextCall:
    """Whom to call after a failure, and how many seconds from now."""

    deployment: str
    reason: AttemptReason
    wait_s: float = 0.0
