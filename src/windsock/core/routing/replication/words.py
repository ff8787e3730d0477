"""Words on answers that this replica was told, and what each of them was counted over.

A word counts for what it changes of the one said before it on the same matter; one of the same
value says it again and changes nothing. Whoever was told a word answers for that: it was counted by
what was known then, and is counted anew once another replica tells of one that was said between. So
all believe in the end what one does that was told all of them in the order of their times, in
whatever order they hear of each other's.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, replace
from math import inf

from windsock.core.model.rewards import Feedback, Matter, OpenDecision, matter_of
from windsock.core.routing.router import Router

MAX_KEPT = 4_000
"""Matters whose words may be counted anew: others tell of theirs within a second, and later only
while the database is away."""


@dataclass(slots=True)
class Counted:
    """A word that was told here.

    over    the one before it on its matter; None: it is the first
    """

    word: Feedback
    over: Feedback | None

    @property
    def after(self) -> float:
        """When the one before it was said, unix s."""
        return -inf if self.over is None else self.over.at

    @property
    def counts(self) -> bool:
        """False where it only says again what was said before."""
        return self.over is None or not says_again(self.word, self.over)


class OwnWords:
    """What this replica was told last of answers at hand, by decision and matter.

    name    of the replica: of words of the same moment that of the lesser name is the earlier
    """

    def __init__(self, router: Router) -> None:
        self.name = ""
        self._router = router
        self._told: OrderedDict[tuple[str, Matter], list[Counted]] = OrderedDict()

    def note(self, word: Feedback, over: Feedback | None) -> None:
        """A word was told here, and was counted over another."""
        place, new = _place(word), Counted(word, over)
        words = self._told.setdefault(place, [])
        if words and words[-1].over is over and not (words[-1].counts or new.counts):
            words.pop()  # of what is said over and over again the last is enough
        words.append(new)
        self._told.move_to_end(place)
        if len(self._told) > MAX_KEPT:
            self._told.popitem(last=False)

    def hear(self, known: OpenDecision, heard: Feedback, by: str) -> None:
        """What another replica was told, and has learnt, of an answer that is at hand."""
        own = self._next(heard, by)
        if own is not None:
            self._count_over(known, own, heard)
            return
        before = known.said.get(matter_of(heard.reward))
        if before is None or before.at <= heard.at:
            known.hear(heard)

    def _next(self, heard: Feedback, by: str) -> Counted | None:
        """What was told here next after it, and was counted without it."""
        for own in self._told.get(_place(heard), ()):
            if own.after < heard.at and (heard.at, by) < (own.word.at, self.name):
                return own
        return None

    def _count_over(self, known: OpenDecision, own: Counted, before: Feedback) -> None:
        matter, learner = matter_of(before.reward), self._router.learner
        others = [each for about, each in known.said.items() if about != matter]
        if own.counts:
            said = others if own.over is None else [*others, own.over]
            learner.take_back(known.decision, known.deployment, own.word, said)
        own.over = before
        if own.counts:
            word, said = own.word, [*others, before]
            credit = learner.observe(
                known.decision, known.deployment, word.reward, word.at, said=said
            )
            own.word = replace(word, weight=credit.said)
        last = known.said.get(matter)
        if last is None or last.at <= own.word.at:
            known.hear(own.word)
        self._router.tables.count_evidence(known.decision.cell, own.word.at)


def says_again(word: Feedback, before: Feedback) -> bool:
    """Whether a word was said before: by its value, or by its idempotency key."""
    key = word.idempotency_key
    return word.reward.value == before.reward.value or (
        key is not None and key == before.idempotency_key
    )


def _place(word: Feedback) -> tuple[str, Matter]:
    return word.decision_id, matter_of(word.reward)
