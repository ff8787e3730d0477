"""What follows the end of a request: it is recorded, may be judged from now on, and is counted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from windsock.core.model.calls import Outcome
from windsock.core.model.events import Event
from windsock.core.model.requests import is_background
from windsock.core.pricing.call_costs import with_judged_bill
from windsock.core.routing.exchange import Exchange
from windsock.core.routing.router import Router
from windsock.observability import log
from windsock.observability.event_bus import EventBus
from windsock.service.execution.uncalled import UncalledRequests
from windsock.service.feedback_inbox import FeedbackInbox
from windsock.store.ledger import Ledger


class Completion:
    """Settles what is over, once for each exchange.

    on_shift    told of each cooldown that the calls began or ended
    count       adds an outcome to the sums that are shown
    """

    def __init__(
        self,
        *,
        router: Router,
        ledger: Ledger,
        events: EventBus,
        feedbacks: FeedbackInbox,
        on_shift: Callable[[Event], None],
        count: Callable[[Outcome], None],
        uncalled: UncalledRequests,
    ) -> None:
        self._router = router
        self._ledger = ledger
        self._events = events
        self._feedbacks = feedbacks
        self._on_shift = on_shift
        self._count = count
        self._uncalled = uncalled

    def finish(self, exchange: Exchange, outcome: Outcome) -> None:
        """Take over what came of an exchange."""
        if exchange.refusal is not None:
            self._uncalled.refuse(exchange.request, exchange.refusal)
            return
        outcome = self._with_judged_bills(outcome)
        self._ledger.append(outcome)
        for shift in exchange.calls.shifts:
            self._on_shift(shift)
        if self._router.tables.solved:
            hand_out_tables(self._router, self._ledger, self._events)
        if not is_background(outcome.decision.key_id):
            self._feedbacks.remember_outcome(outcome)
            if exchange.route.checks is not None:
                self._check(exchange, outcome)
        self._count(outcome)
        log.request_finished(outcome)

    def _with_judged_bills(self, outcome: Outcome) -> Outcome:
        """So that reports can hold what was billed against what was counted."""
        for result in outcome.results:
            if result.billed_usd is not None:
                judged = (with_judged_bill(each, self._router.book) for each in outcome.results)
                return replace(outcome, results=tuple(judged))
        return outcome

    def _check(self, exchange: Exchange, outcome: Outcome) -> None:
        """What a declared check said of the answer is feedback."""
        claim = exchange.answer.confidence if exchange.answer else None
        if claim is not None:
            self._feedbacks.check(outcome, holds=claim > 0)


def hand_out_tables(router: Router, ledger: Ledger, events: EventBus) -> None:
    """New weight tables go to the ledger and to who listens."""
    for table in router.tables.drain():
        ledger.append(table)
        events.publish(table)
