"""Which failures count against a deployment's success: those that were its own.

A request that nobody answers may be at fault itself. Clients send what failed once more: if
somebody answers it then, it was not. Where nobody else could be asked there is no telling, and it
counts at once; so it does where one alone was asked that fails far more often than the others.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Collection

from windsock.core.model.calls import (
    AMBIGUOUS,
    FAILURES,
    WORTHLESS,
    CallKind,
    Outcome,
)
from windsock.core.model.requests import Cell
from windsock.core.resilience.errors.repeats import KEPT_S, MOST

Places = Counter[tuple[Cell, str]]
"""Failed calls by cell and deployment. Treat them as immutable."""

NONE_FAILED: Places = Counter()
"""Of nearly every request."""


def own_failures(outcome: Outcome, *, has_others: bool, stands_out: bool = False) -> Places:
    """What counts at once, of the calls of one request.

    Where nobody answered, failures that no request brings about, and where there are no others each
    that this request had not failed before; where somebody did, answers with nothing to show, which
    were paid for.
    """
    if outcome.served is not None:
        return _failed(outcome, WORTHLESS) if len(outcome.results) > 1 else NONE_FAILED
    if _is_doubted(outcome, has_others and not stands_out):
        return _failed(outcome, FAILURES - AMBIGUOUS)
    return _failed(outcome, FAILURES, with_repeats=False)


class LostRequests:
    """Those that nobody has answered in the last `KEPT_S` seconds, with the failures that wait."""

    def __init__(self) -> None:
        self._waiting: OrderedDict[int, tuple[float, Places]] = OrderedDict()

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def settle(
        self, outcome: Outcome, now: float, *, has_others: bool, stands_out: bool = False
    ) -> Places:
        """A request is over: what counts now, of its own calls or of earlier ones for the same.

        has_others  what one fails may be asked of another on its route
        stands_out  whoever was drawn fails far more often than the others
        """
        waiting = self._waiting
        found = own_failures(outcome, has_others=has_others, stands_out=stands_out)
        while waiting and now - next(iter(waiting.values()))[0] > KEPT_S:
            waiting.popitem(last=False)
        if not waiting and outcome.served is not None:
            return found
        asked = next((r.about.asked for r in outcome.results if r.about.asked is not None), None)
        if asked is None:
            return found
        if outcome.served is not None:
            return found + waiting.pop(asked)[1] if asked in waiting else found
        if _is_doubted(outcome, has_others and not stands_out) and asked not in waiting:
            waiting[asked] = now, _failed(outcome, AMBIGUOUS)
            if len(waiting) > MOST:
                waiting.popitem(last=False)
        return found


def _is_doubted(outcome: Outcome, may_be_others: bool) -> bool:
    """True if others failed a request as well, or might have."""
    return may_be_others or len({each.attempt.deployment for each in outcome.results}) > 1


def _failed(outcome: Outcome, kinds: Collection[CallKind], *, with_repeats: bool = True) -> Places:
    cell = outcome.decision.cell
    names = [
        each.attempt.deployment
        for each in outcome.results
        if each.kind in kinds and (with_repeats or not each.about.is_repeat)
    ]
    return Counter([(cell, name) for name in names]) if names else NONE_FAILED
