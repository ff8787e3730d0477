"""What is said of an answer to several replicas at once counts as if one had been told it all."""

import asyncio
import json
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import CHEAP, MID, START, router
from tests.core.replicas.test_exchange import ANSWERED, agree, judged_before
from windsock.clock import ManualClock
from windsock.core.model.decisions import Decision
from windsock.core.model.requests import DEFAULT_NAMESPACE, Cell
from windsock.core.model.rewards import Feedback, OpenDecision, Reward
from windsock.core.replicas.deltas import Delta
from windsock.core.routing.replication.replica import Replica
from windsock.core.routing.router import Router
from windsock.service.feedback_inbox import FeedbackInbox
from windsock.store.codec import decode, encode

Said = tuple[int, int, float]
"""(replica, decision, value)"""

COUNT = 3


def decision_of(number: int) -> Decision:
    cell = Cell("default", "auto", ("chat", "sql")[number % 2])
    deployment = (CHEAP, MID)[number // 2 % 2]
    return replace(ANSWERED.decision, cell=cell, deployment=deployment, id=f"d{number}")


SOURCES = ("explicit", "explicit", "judge")


class Told:
    """A replica that is told what answers were worth; all have the decisions at hand."""

    def __init__(self, name: str) -> None:
        self.router: Router = judged_before(router())
        self.clock = ManualClock(START)
        self.inbox = FeedbackInbox(
            router=self.router,
            clock=self.clock,
            append=lambda _: None,
            find=self._find,
            is_one=False,
        )
        self.replica = Replica(self.router, name)
        self.inbox.own.name = name
        self.inbox.tell = self._tell
        self.replica.on_reported = lambda word, by: self.inbox.hear(decode(Feedback, word), by)
        for number in range(4):
            decision = decision_of(number)
            self.inbox.remember(decision, decision.deployment)
            for value in (0.3, 0.7) * 3:  # what stands beside: no sum sinks below 0 on the way
                for source in ("explicit", "judge"):
                    reward = Reward(value=value, source=source, key_id="one")
                    self.router.learn(decision, decision.deployment, reward, START)
        self.replica.cut(START)

    async def _find(self, name: str, namespace: str) -> OpenDecision | None:
        return None

    def _tell(self, feedback: Feedback) -> None:
        self.replica.tell_reported((feedback.decision_id, repr(feedback.at)), encode(feedback))

    def say(self, said: Said, at: float) -> None:
        _, number, value = said
        reward = Reward(value=value, source=SOURCES[number % 3], key_id="one")
        self.clock.advance_to(at)
        asyncio.run(self.inbox.observe(f"d{number}", reward, DEFAULT_NAMESPACE, None))


class Group:
    """Replicas and what they have told: each reads it from the beginning to the end, as positions
    of a ledger are read, some of it twice, and as far behind as it happens to be."""

    def __init__(self, chance: Random) -> None:
        self.replicas = [Told(f"r{number}") for number in range(COUNT)]
        self._chance = chance
        self._told: list[str] = []
        self._read = [0] * COUNT

    def tell(self) -> None:
        for each in self.replicas:
            if (delta := each.replica.cut(START)) is not None:
                self._told.append(json.dumps(delta.to_state()))

    def hear(self, *, all_of_it: bool) -> None:
        for number, each in enumerate(self.replicas):
            begin = self._chance.randint(0, self._read[number])
            end = self._chance.randint(self._read[number], len(self._told))
            self._read[number] = len(self._told) if all_of_it else end
            for told in self._told[begin : self._read[number]]:
                each.replica.absorb(Delta.from_state(json.loads(told)), START)

    def settle(self) -> None:
        self.tell()
        self.hear(all_of_it=True)
        while any(each.replica.outbox.learnt for each in self.replicas):
            self.tell()
            self.hear(all_of_it=True)


def sums_of(it: Router) -> object:
    """What proxies and all sources have said, as of the same moment."""
    state = it.learner.to_state()["auto"]
    return rounded([state["proxies"], state["sources"]])


def rounded(found: Any) -> Any:
    if isinstance(found, dict):
        return {name: rounded(each) for name, each in found.items()}
    if isinstance(found, list):
        return [rounded(each) for each in found]
    return round(found, 3) + 0.0 if isinstance(found, float) else found


said = st.lists(
    st.tuples(
        st.integers(0, COUNT - 1),
        st.integers(0, 3),
        st.sampled_from([0.0, 1.0, 0.5]),
    ),
    min_size=1,
    max_size=14,
)


@settings(max_examples=20, deadline=None)
@given(said, st.sampled_from([1, 2, 1000]), st.randoms(use_true_random=False))
def test_words_on_an_answer_told_to_several_at_once_count_as_those_told_to_one(
    words: list[Said], every: int, chance: Random
) -> None:
    group, alone = Group(chance), Told("alone")
    for number, each in enumerate(words):
        at = START + 1e-5 * number
        group.replicas[each[0]].say(each, at)
        alone.say(each, at)
        if number % every == 0:
            group.tell()
            group.hear(all_of_it=False)
    group.settle()
    for each in group.replicas:
        agree(each.router, alone.router)
        assert sums_of(each.router) == sums_of(alone.router)
        for number in range(4):
            assert each.inbox.said_of(f"d{number}") == alone.inbox.said_of(f"d{number}")


def test_a_call_that_is_tried_again_at_another_replica_counts_once() -> None:
    group = Group(Random(1))
    first, second, _ = group.replicas
    for number, it in enumerate((first, second)):
        it.say((0, 0, 1.0), START + 1e-5 * number)
    for it in (first, second):
        assert rewards(it) == pytest.approx(7)
    group.tell()
    group.hear(all_of_it=True)
    assert rewards(first) == pytest.approx(8), "until the other has taken its own back"
    group.settle()
    for it in group.replicas:
        assert rewards(it) == pytest.approx(7)


def rewards(it: Told) -> float:
    decision = decision_of(0)
    return it.router.beliefs.summary(decision.cell, decision.deployment).effective_samples
