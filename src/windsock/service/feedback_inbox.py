"""Rewards as they are reported: late, partial, twice, corrected."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, Iterator
from dataclasses import replace
from functools import partial
from math import inf, nextafter
from typing import TypeVar

from windsock.clock import Clock
from windsock.core.evidence.judgements import Credit
from windsock.core.model.calls import Outcome
from windsock.core.model.decisions import Decision
from windsock.core.model.requests import RouteRequest
from windsock.core.model.rewards import NOTHING_SAID, Feedback, OpenDecision, Reward, matter_of
from windsock.core.routing.replication.words import OwnWords
from windsock.core.routing.router import Router
from windsock.errors import CallerError
from windsock.service.patience import PAUSES_S, soon

MAX_OPEN = 4_000
"""Decisions kept at hand for feedback, some 8 MB; older ones are looked up in the store."""

MAX_NAMES = 3 * MAX_OPEN
"""Other names by which they are found: of their answers, and of their callers."""

K = TypeVar("K")
V = TypeVar("V")

FindStored = Callable[[str, str], Awaitable[OpenDecision | None]]
"""(id of a decision or of an answer, namespace) -> what the store knows of it."""

FindNamed = Callable[[Collection[str]], Awaitable[str | None]]
"""Names of an answer -> the id of the decision that the first of them that is one is of, None if
none is; raises StoreError."""


class UnknownDecision(CallerError):
    """No decision of this caller has this id."""


class FeedbackInbox:
    """Matches rewards to decisions, once each; a second word on the same matter corrects the first.

    find    looks a decision up that is no longer at hand
    append  writes a record to the ledger; never blocks
    is_one  False where others answer as well: of theirs the store knows a little later

    `listeners` are told of each reward that was learnt, and of what it was said, and `tell` of
    what was reported here, which others that have its decision at hand `hear`. `own` knows of that
    what is to be counted anew by what others tell.
    """

    def __init__(
        self,
        *,
        router: Router,
        clock: Clock,
        append: Callable[[Feedback], object],
        find: FindStored,
        is_one: bool = True,
    ) -> None:
        self._router = router
        self._clock = clock
        self._append = append
        self._find = find
        self._is_one = is_one
        self._pauses_s = () if is_one else PAUSES_S
        self.own = OwnWords(router)
        self.tell: Callable[[Feedback], object] = lambda feedback: None
        self.listeners: list[Callable[[OpenDecision, Reward], object]] = []
        self._open: OrderedDict[str, OpenDecision] = OrderedDict()
        self._id_by_name: OrderedDict[tuple[str, str], str] = OrderedDict()
        self._id_by_own_name: OrderedDict[tuple[str, str], str] = OrderedDict()

    def __len__(self) -> int:
        """Decisions at hand, at most MAX_OPEN."""
        return len(self._open)

    def remember(self, decision: Decision, deployment: str) -> None:
        """A decision that may be judged from now on, and who serves it.

        A name that its caller gave to several, as a trace, is that of the last: what is said of a
        trace is said of how it ended.
        """
        _hold(self._open, decision.id, OpenDecision(decision, deployment, NOTHING_SAID))
        if decision.known_as:
            self._hold_names(decision.id, decision.cell.namespace, decision.known_as)

    def remember_again(self, decision_id: str, request: RouteRequest) -> None:
        """The answer to an earlier request, kept, was given to this one: its caller's names for it
        are names of that."""
        if decision_id and request.known_as:
            self._hold_names(decision_id, request.namespace, request.known_as)

    def remember_outcome(self, outcome: Outcome) -> None:
        """The same for a request that was answered, by the answer's id too; others are left out.

        A stream that another deployment went on with has an id of each.
        """
        if outcome.served is None:
            return
        self.remember(outcome.decision, outcome.served)
        for result in outcome.results:
            if result.response_id is not None:
                namespace = outcome.decision.cell.namespace
                _hold(self._id_by_name, (namespace, result.response_id), outcome.decision.id)

    async def observe(
        self,
        name: str,
        reward: Reward,
        namespace: str,
        idempotency_key: str | None,
        *,
        only_own: bool = False,
        inclusion: float | None = None,
    ) -> tuple[Credit, bool]:
        """Who was credited, and whether this had been said before.

        name        the id of a decision, or of its answer, or its caller's own
        only_own    True where a key may judge its own decisions alone
        inclusion   see `Feedback`

        raises  UnknownDecision, StoreError
        """
        known = await self.known(name, namespace)
        if only_own and known.decision.key_id != reward.key_id:
            raise UnknownDecision(
                f"decision {name!r} was made for another key, and keys judge their own here "
                '(judges = "own")'
            )
        held = self._held(name, known)
        before = held.said.get(matter_of(reward))
        credit, is_duplicate = self._learn(held, reward, idempotency_key, inclusion)
        told = held.said.get(matter_of(reward))
        if is_duplicate and before is not None and before.reward == reward:
            told = replace(before, at=self._next_moment(before))
        if told is not None and told is not before and not self._is_one:
            self.own.note(told, before)
            self.tell(told)
        return credit, is_duplicate

    def hear(self, feedback: Feedback, by: str) -> None:
        """It was reported to another process, which has learnt it: said again it is a duplicate.

        What was said later holds, whichever is heard first.
        """
        if (known := self._open.get(feedback.decision_id)) is not None:
            self.own.hear(known, feedback, by)

    def may_come(self, decision_id: str) -> bool:
        """Whether a decision that the store does not have may be there soon."""
        return bool(self._pauses_s) or decision_id in self._open

    async def known(self, name: str, namespace: str) -> OpenDecision:
        """A decision of this namespace, by one of its names; raises as `observe` does."""
        known = await soon(partial(self._known, name, namespace), self._pauses_s)
        if known is None:
            raise UnknownDecision(f"no decision {name!r} is known to this key")
        return known

    def at_hand(self, decision_id: str) -> OpenDecision | None:
        """What is remembered of a decision; looking does not keep it longer."""
        return self._open.get(decision_id)

    async def answered_by(self, name: str, namespace: str) -> str | None:
        """The deployment that gave an answer of this id in this namespace; None if none did.

        raises  StoreError
        """
        known = await soon(partial(self._known, name, namespace), self._pauses_s)
        return None if known is None else known.deployment

    def finder(self, namespace: str, *, waits: bool = True) -> FindNamed:
        """Finds decisions of this namespace for one call.

        waits   for decisions that others may still have to tell of: for all that the call asks
                for together as long as one may be waited for
        """
        return partial(self._named, namespace, iter(self._pauses_s if waits else ()))

    async def _named(
        self, namespace: str, pauses: Iterator[float], names: Collection[str]
    ) -> str | None:
        async def first() -> str | None:
            for name in names:
                if (known := await self._known(name, namespace)) is not None:
                    return self._held(name, known).decision.id
            return None

        return await soon(first, pauses)

    def said_of(self, decision_id: str) -> tuple[Reward, ...]:
        """What was said of a decision that is at hand; looking changes nothing."""
        known = self._open.get(decision_id)
        return () if known is None else tuple(each.reward for each in known.said.values())

    def advice(self, name: str, namespace: str, claim: float) -> tuple[float, str | None]:
        """See `Router.advice`; for an answer that was just reported on."""
        known = self._at_hand(name, namespace)
        if known is None:
            raise UnknownDecision(f"no decision {name!r} is known to this key")
        return self._router.advice(known.decision, known.deployment, claim, self._clock.now())

    def check(self, outcome: Outcome, *, holds: bool) -> None:
        """A declared check has judged the answer that was given."""
        self.score(outcome.decision.id, Reward(value=float(holds), source="check"))

    def score(self, decision_id: str, reward: Reward) -> bool:
        """windsock itself has scored an answer; False if it is no longer at hand."""
        known = self._open.get(decision_id)
        if known is not None:
            self._learn(known, reward, None)
        return known is not None

    async def _known(self, name: str, namespace: str) -> OpenDecision | None:
        meant = self._meant(name, namespace)
        known = self._open.get(meant) or await self._find(meant, namespace)
        return known if known and known.decision.cell.namespace == namespace else None

    def _at_hand(self, name: str, namespace: str) -> OpenDecision | None:
        return self._open.get(self._meant(name, namespace))

    def _meant(self, name: str, namespace: str) -> str:
        """The id of the decision that has this name, or the name where that is not at hand.

        Its caller's own name stands behind the ids that are ours and its answer's.
        """
        by_id, place = self._open.get(name), (namespace, name)
        if by_id is not None and by_id.decision.cell.namespace == namespace:
            return name
        return self._id_by_name.get(place) or self._id_by_own_name.get(place) or name

    def _hold_names(self, decision_id: str, namespace: str, names: str) -> None:
        for name in names.split():
            _hold(self._id_by_own_name, (namespace, name), decision_id, most=MAX_NAMES)

    def _held(self, name: str, found: OpenDecision) -> OpenDecision:
        """The decision at hand, which somebody may have brought in while the store was asked."""
        decision_id = found.decision.id
        if name != decision_id:
            _hold(self._id_by_name, (found.decision.cell.namespace, name), decision_id)
        return _hold(self._open, decision_id, self._open.get(decision_id, found))

    def _learn(
        self,
        known: OpenDecision,
        reward: Reward,
        idempotency_key: str | None,
        inclusion: float | None = None,
    ) -> tuple[Credit, bool]:
        before = known.said.get(matter_of(reward))
        now = self._next_moment(before)
        is_duplicate = (idempotency_key is not None and idempotency_key in known.keys) or (
            before is not None and before.reward.value == reward.value
        )
        if is_duplicate:
            return self._credit(known), True
        said = tuple(known.said.values())
        credit = self._router.learn(known.decision, known.deployment, reward, now, said=said)
        feedback = Feedback(
            decision_id=known.decision.id,
            reward=reward,
            at=now,
            weight=credit.said,
            idempotency_key=idempotency_key,
            inclusion=inclusion,
        )
        known.hear(feedback)
        self._append(feedback)
        for listener in self.listeners:
            listener(known, reward)
        return credit, False

    def _next_moment(self, before: Feedback | None) -> float:
        """Now, and later than what was said before, though another's clock is ahead."""
        now = self._clock.now()
        return now if before is None else max(now, nextafter(before.at, inf))

    def _credit(self, known: OpenDecision) -> Credit:
        cell = known.decision.cell
        belief = self._router.beliefs.summary(cell, known.deployment)
        return Credit(cell=cell, deployment=known.deployment, belief=belief, weight=0.0, value=0.0)


def _hold(held: OrderedDict[K, V], name: K, value: V, *, most: int = MAX_OPEN) -> V:
    """The one way into what is kept: the longest unused leaves when there are `most`."""
    if name in held:
        held.move_to_end(name)
    held[name] = value
    if len(held) > most:
        held.popitem(last=False)
    return value
