"""Rewards as they are reported: late, partial, twice, corrected."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any

from windsock.clock import Clock
from windsock.core.evidence.learner import Credit
from windsock.core.model.calls import Outcome
from windsock.core.model.decisions import Decision
from windsock.core.model.rewards import Feedback, OpenDecision, Reward, matter_of
from windsock.core.routing.router import Router
from windsock.errors import CallerError

MAX_OPEN = 8_000
"""Decisions kept at hand for feedback, some 10 MB; older ones are looked up in the store."""


FindStored = Callable[[str], Awaitable[OpenDecision | None]]


class UnknownDecision(CallerError):
    """No decision of this caller has this id."""


class FeedbackInbox:
    """Matches rewards to decisions, once each; a second word on the same matter corrects the first.

    find    looks a decision up that is no longer at hand
    keep    writes a record to the ledger
    """

    def __init__(
        self,
        *,
        router: Router,
        clock: Clock,
        keep: Callable[[Any], object],
        find: FindStored,
    ) -> None:
        self._router = router
        self._clock = clock
        self._keep = keep
        self._find = find
        self._open: OrderedDict[str, OpenDecision] = OrderedDict()
        self._alias: OrderedDict[str, str] = OrderedDict()

    def remember(self, decision: Decision, deployment: str, response_id: str | None = None) -> None:
        """A decision that may be judged from now on."""
        self._open[decision.id] = OpenDecision(decision, deployment)
        if len(self._open) > MAX_OPEN:
            self._open.popitem(last=False)
        if response_id:
            self._alias[response_id] = decision.id
            if len(self._alias) > MAX_OPEN:
                self._alias.popitem(last=False)

    def remember_outcome(self, outcome: Outcome, response_id: str | None = None) -> None:
        if outcome.served is not None:
            self.remember(outcome.decision, outcome.served, response_id)

    async def take(
        self, name: str, reward: Reward, namespace: str, idempotency_key: str | None
    ) -> tuple[Credit, bool]:
        """Who was credited, and whether this had been said before; raises UnknownDecision."""
        known = self._open.get(self._alias.get(name, name)) or await self._find(name)
        if known is None or known.decision.cell.namespace != namespace:
            raise UnknownDecision(f"no decision {name!r} is known to this key")
        self._open.setdefault(known.decision.id, known)
        return self._learn(known, reward, idempotency_key)

    def advice(self, name: str, claim: float) -> tuple[float, str | None]:
        """See `Router.advice`; for an answer that was just reported on."""
        known = self._open[self._alias.get(name, name)]
        return self._router.advice(known.decision, known.deployment, claim, self._clock.now())

    def check(self, outcome: Outcome, *, holds: bool) -> None:
        """A declared check has judged the answer that was given."""
        known = self._open[outcome.decision.id]
        self._learn(known, Reward(value=float(holds), source="check"), None)

    def _learn(
        self, known: OpenDecision, reward: Reward, idempotency_key: str | None
    ) -> tuple[Credit, bool]:
        now = self._clock.now()
        before = known.said.get(matter_of(reward))
        is_duplicate = (idempotency_key is not None and idempotency_key in known.keys) or (
            before is not None and before.reward.value == reward.value
        )
        if is_duplicate:
            return self._credit(known, now), True
        credit = self._router.learn(known.decision, known.deployment, reward, now, replaced=before)
        feedback = Feedback(
            decision_id=known.decision.id,
            reward=reward,
            at=now,
            weight=credit.weight,
            idempotency_key=idempotency_key,
        )
        known.hear(feedback)
        self._keep(feedback)
        return credit, False

    def _credit(self, known: OpenDecision, now: float) -> Credit:
        cell = known.decision.cell
        belief = self._router.beliefs.summary(cell, known.deployment)
        return Credit(cell=cell, deployment=known.deployment, belief=belief, weight=0.0, value=0.0)
