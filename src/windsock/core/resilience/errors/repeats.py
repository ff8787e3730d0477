"""Whose fault it is when a request fails: it may be its own, wherever it is asked.

Clients try again, and agents go on trying. Were each time counted, a request that breaks every
server would take out all deployments within a second, for everybody.
"""

from __future__ import annotations

from collections import OrderedDict

from windsock.core.model.calls import AMBIGUOUS, UNEXPLAINED, CallResult, Outcome

MOST = 1024
"""Failed requests that are remembered."""

KEPT_S = 60.0
"""After which the same request tells something again."""


class Repeats:
    """What failed in the last `KEPT_S` seconds and was answered by nobody since."""

    def __init__(self) -> None:
        self._failed: OrderedDict[int, float] = OrderedDict()

    def note(self, result: CallResult, now: float) -> bool:
        """Whether a call failed as the same request had before, here or elsewhere; it is marked."""
        asked = result.about.asked
        if result.kind not in AMBIGUOUS or asked is None:
            return False
        at = self._failed.get(asked)
        is_repeat = at is not None and now - at <= KEPT_S
        result.judge_by(result.about._replace(is_repeat=is_repeat))
        if not is_repeat:
            self._failed[asked] = now
            self._failed.move_to_end(asked)
            if len(self._failed) > MOST:
                self._failed.popitem(last=False)
        return is_repeat

    def at_fault(self, outcome: Outcome) -> list[CallResult]:
        """Calls held against nobody yet of a request that another deployment has answered."""
        if outcome.served is None:
            return []
        for result in outcome.results:
            if result.about.asked is not None:
                self._failed.pop(result.about.asked, None)
        return [
            result
            for result in outcome.results
            if (result.kind in UNEXPLAINED or result.about.is_repeat)
            and result.attempt.deployment != outcome.served
        ]
