"""What one reward counts for: by its source, and bounded for each key that reports.

Nobody who holds one key can move a belief far. Beyond the first few rewards, a key's share of the
evidence on a deployment at a task stays below a limit; and where several keys report, one that
lies off from what they agree on counts less, also for what it had said before (`keys.consensus`).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from windsock.core.beliefs.proxies.hearing import Proxy
from windsock.core.beliefs.proxies.sums import NO_SUMS, ProxySums
from windsock.core.evidence.checks.worth import worth_by
from windsock.core.evidence.how_known import HowKnown
from windsock.core.evidence.judgements import Judgement, judgements
from windsock.core.evidence.keys.accounts import KeyAccounts, Place
from windsock.core.evidence.keys.room import MOST_SHARE, room_of
from windsock.core.evidence.keys.sums import NOBODY, Sums, sums_of
from windsock.core.evidence.proxies.book import ProxyBook
from windsock.core.evidence.proxies.heard import heard_in
from windsock.core.evidence.proxies.words import ProxyWords, Voice, words_of
from windsock.core.evidence.sources import (
    JUDGE,
    EvidenceRules,
    SourceTally,
    family_of,
    is_label,
    judge_voice,
    tells_success,
)
from windsock.core.model.requests import Cell
from windsock.core.model.rewards import Feedback, Reward, matter_of
from windsock.core.replicas.contributions import Kind, Tell, tell_nobody

MAX_WEIGHT = 600.0
"""Rewards, or answers, of a deployment at a task that are remembered."""

CHECK = "check"
"""The source of declared checks."""

JUDGED_FROM = 5.0
"""Weight of judgements of a task from which on mere answers count no more."""


class Weighed(NamedTuple):
    """What a reward counts for as evidence.

    said        rewards that its key has said by it, whether or not they are believed
    weight      of them, those that are believed
    value       0..1
    moved       what changes of what had been said before, by (cell, deployment)
    """

    said: float
    weight: float
    value: float
    moved: Mapping[Place, Sums]


@dataclass(slots=True)
class Response:
    """Recent answers of a deployment at a task, and the rewards that came for them."""

    answers: float = 0.0
    rewards: float = 0.0

    def count(self, *, answers: float = 0.0, rewards: float = 0.0) -> None:
        """So many more of each; older ones fade so that they stay recent."""
        self.answers += answers
        self.rewards += rewards
        if self.answers > MAX_WEIGHT:
            self.rewards *= MAX_WEIGHT / self.answers
            self.answers = MAX_WEIGHT


class RewardWeighting:
    """Counts rewards by key and says what the next one counts for."""

    def __init__(
        self,
        source_weights: Mapping[str, float],
        *,
        judge: str = "",
        half_life_s: float = math.inf,
        silenced: Container[str] = (),
        most_share: float = MOST_SHARE,
        tell: Tell = tell_nobody,
    ) -> None:
        self._source_weights = dict(source_weights)
        self._most_share = most_share
        self.tell = tell
        self.keys = KeyAccounts(half_life_s, silenced)
        self.keys.judge = judge_voice(judge) if judge else ""
        self.sources = SourceTally()
        self.proxies = ProxyBook(half_life_s, self.keys)
        self._judged: dict[Cell, float] = {}
        self._scored: dict[Cell, float] = {}
        self._responses: defaultdict[Place, Response] = defaultdict(Response)

    def adopt(self, rules: EvidenceRules) -> list[Place]:
        """Its route goes by other rules from now on; where that changes what proxies say."""
        judge = judge_voice(rules.judge) if rules.judge else ""
        if (self._source_weights, self.keys.judge) == (rules.source_weights, judge):
            return []
        if self.keys.judge != judge:
            self.proxies.watch.forget(JUDGE)
        self._source_weights, self.keys.judge = dict(rules.source_weights), judge
        self.keys.version += 1
        return list(self.proxies.places())

    def weight_of(self, source: str) -> float:
        """Rewards that one of a source counts for."""
        weights = self._source_weights
        return weights.get(source, weights.get(family_of(source), 1.0))

    def is_label(self, source: str) -> bool:
        """True of a source that knows what was right."""
        return is_label(source, self._source_weights)

    def proxy_weight(self, source: str) -> float:
        """0..1, scored answers that one score of a source counts for."""
        return min(1.0, self.weight_of(source))

    def judgements(self, said: Iterable[Feedback]) -> dict[str | None, Judgement]:
        """What the labels of one decision come to, by key."""
        labels = [each for each in said if self.is_label(each.reward.source)]
        return judgements(labels, self.weight_of)

    def words(self, said: Sequence[Feedback]) -> ProxyWords:
        """What the proxies of one decision come to, beside its labels."""
        return words_of(said, self.judgements(said), self.is_label)

    def heard(self, namespace: str, as_of: float) -> list[Proxy]:
        """What every proxy has said in a namespace, by its name."""
        return heard_in(self.proxies, namespace, as_of, self.proxy_weight)

    def judged_share(self, cell: Cell, deployment: str) -> float | None:
        """Rewards per recent answer; None without an answer. Nothing is opened for it."""
        found = self._responses.get((cell, deployment))
        return found.rewards / found.answers if found and found.answers else None

    def response(self, cell: Cell, deployment: str) -> Response:
        """How much of what a deployment answers is judged, for counting and for people."""
        return self._responses[cell, deployment]

    def how_known(self, cell: Cell, deployment: str, as_of: float) -> HowKnown:
        """What success of a deployment at a task is known by; looking opens nothing."""
        place = (cell, deployment)
        recent = self._responses.get(place, Response())
        proxies = self.proxies.of(place, -math.inf)
        return HowKnown(
            answers=recent.answers,
            answer_counts=0.0 if self.is_judged(cell) else self._source_weights.get("transport", 0),
            rewards=recent.rewards,
            sources={
                name: (heard, self.weight_of(name))
                for name, heard in self.sources.of(cell, deployment).items()
            },
            labels=frozenset(filter(self.is_label, self.sources.of(cell, deployment))),
            keys=len(self.keys.weights(place).keys() - {NOBODY}),
            counted=self.keys.counted(place, as_of),
            worth=worth_by(proxies.get(CHECK, NO_SUMS)),
            proxies=proxies,
        )

    def places(self, key: str) -> frozenset[Place]:
        """Where a key has said something."""
        return self.keys.places(key) | frozenset(self.proxies.spoken(key))

    def hear(self, cell: Cell, deployment: str, reward: Reward, said: Sequence[Feedback]) -> None:
        """Count a reward by its source, in place of what that had said of the same matter."""
        self._hear(cell, deployment, reward, said, 1.0)

    def unhear(self, cell: Cell, deployment: str, reward: Reward, said: Sequence[Feedback]) -> None:
        """Count it no more, beside what was said without it."""
        self._hear(cell, deployment, reward, said, -1.0)

    def _hear(
        self, cell: Cell, deployment: str, reward: Reward, said: Sequence[Feedback], times: float
    ) -> None:
        matter = matter_of(reward)
        before = next((each.reward for each in said if matter_of(each.reward) == matter), None)
        count, total = (0.0, -before.value) if before else (1.0, 0.0)
        sums = times * count, times * (total + reward.value)
        self.sources.note(cell, deployment, reward.source, *sums)
        self.tell(Kind.HEARD, (*cell.stored, deployment, reward.source), sums, 0.0)
        if tells_success(reward.source) and not any(tells_success(s.reward.source) for s in said):
            self.response(cell, deployment).count(rewards=times)
            self.tell(Kind.JUDGED, (*cell.stored, deployment), (times,), 0.0)

    def count_judgement(self, cell: Cell, weight: float) -> bool:
        """Note judgements of a task; True if there are enough of them now and were not before.

        weight  of a correction: what it counts for beyond the one that it replaces, if it does
        """
        before = self._judged.get(cell, 0.0)
        after = self._judged[cell] = min(JUDGED_FROM, before + max(0.0, weight))
        return before < JUDGED_FROM <= after

    def score(self, place: Place, voice: Voice, sums: ProxySums, at: float) -> None:
        """Note scores; whoever has a judge needs no mere answers, as whoever has labels."""
        self.proxies.add(place, voice, sums, at)
        scored = (
            self._scored.get(place[0], 0.0) + self.proxy_weight(voice.source) * sums.scored()[0]
        )
        self._scored[place[0]] = min(JUDGED_FROM, scored)

    def is_judged(self, cell: Cell) -> bool:
        """True if somebody, or something, judges answers of this task."""
        return max(self._judged.get(cell, 0.0), self._scored.get(cell, 0.0)) >= JUDGED_FROM

    def judged(self, cell: Cell) -> float:
        """Weight of the labels of this task, JUDGED_FROM at most."""
        return self._judged.get(cell, 0.0)

    def weigh(
        self,
        cell: Cell,
        deployment: str,
        reward: Reward,
        now: float = 0.0,
        *,
        most: float = math.inf,
    ) -> Weighed:
        """What this reward counts for; it is counted as taken.

        Rewards without a key are bounded by nothing.

        most    rewards that it may count for, by what else was said of its decision
        """
        place, key = (cell, deployment), account_of(reward)
        weight = min(most, self.weight_of(reward.source))
        if key != NOBODY:
            weight = min(weight, room_of(self.keys.weights(place), key, self._most_share))
        believed, moved = self.keys.hear(place, key, sums_of(reward.value, weight), now)
        return Weighed(weight, weight * believed, reward.value, moved)

    def give_back(
        self, cell: Cell, deployment: str, reward: Reward, weight: float, at: float = 0.0
    ) -> Weighed:
        """A reward that was said at `at` is corrected: its weight is free again for its key."""
        place, key = (cell, deployment), account_of(reward)
        held = self.keys.weights(place).get(key, 0.0)
        if not held:
            return Weighed(weight, weight, reward.value, {})
        believed, moved = self.keys.hear(place, key, sums_of(reward.value, -weight), at)
        return Weighed(weight, weight * believed, reward.value, moved)

    def forget(self, cells: frozenset[Cell]) -> None:
        """Drop what was said of answers in these cells."""
        for cell in cells:
            self._judged.pop(cell, None)
            self._scored.pop(cell, None)
        for place in [place for place in self._responses if place[0] in cells]:
            del self._responses[place]
        self.keys.forget(cells)
        self.sources.forget(cells)
        self.proxies.forget(cells)

    def to_state(self) -> dict[str, Any]:
        """JSON-able and exact."""
        return {
            "accounts": self.keys.to_state(),
            "proxies": self.proxies.to_state(),
            "score_watches": self.proxies.watch.to_state(),
            "sources": self.sources.to_state(),
            "heard": [[*cell.stored, weight] for cell, weight in sorted(self._judged.items())],
            "responses": [
                [*cell.stored, name, each.answers, each.rewards]
                for (cell, name), each in sorted(self._responses.items())
            ],
        }

    def from_state(self, state: Mapping[str, Any]) -> None:
        """Take over a state of `to_state`."""
        self.proxies.from_state(state["proxies"])
        self.proxies.watch.from_state(state.get("score_watches", ()))
        self._scored = self.proxies.scored()
        self.sources.from_state(state.get("sources", ()))
        self.keys.from_state(state["accounts"])
        self._judged = {Cell.read(*names): weight for *names, weight in state["heard"]}
        self._responses.clear()
        for *names, answers, rewards in state["responses"]:
            self._responses[Cell.read(*names[:3]), names[3]] = Response(answers, rewards)


def account_of(reward: Reward) -> str:
    """Whose account a reward goes to."""
    return reward.key_id or NOBODY
