"""What one reward counts for: by its source, and bounded for each key that reports.

Nobody who holds one key can move a belief far. Beyond the first few rewards, a key's share of the
evidence on a deployment at a task stays below a limit; and where several keys report, one whose
mean lies further from that of the others than chance and a small margin allow is believed less the
further it lies, and not at all at twice that distance (a redescending influence, Hampel 1974).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from windsock.core.model.requests import Cell
from windsock.core.model.rewards import Reward

MOST_SHARE = 0.3
FAIR_SHARES = 1.5
"""A key may hold MOST_SHARE of the evidence, or this many fair shares where few keys report."""

FREE_REWARDS = 20.0
"""Rewards that are taken from anyone, since a share of little is nothing."""

MARGIN = 0.05
ERRORS = 2.0
"""How far a key's mean may lie from the others' and be believed: a margin, and standard errors.

Half of both was tried: then honest keys doubt one another, and every lie moves more.
"""

MAX_WEIGHT = 600.0
"""Rewards, or answers, of a deployment at a task that are remembered."""

MAX_KEYS = 64
"""Keys whose tallies are kept apart; the least are thrown together."""

JUDGED_FROM = 5.0
"""Weight of judgements of a task from which on mere answers count no more."""


class Weighed(NamedTuple):
    """What a reward counts for as evidence: its weight, and the value that it counts as."""

    weight: float
    value: float


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


@dataclass(slots=True)
class KeyTally:
    """What one key has said of a deployment at a task.

    weight      of its rewards, summed
    reported    their sum as reported
    counted     their sum as it was taken
    """

    weight: float = 0.0
    reported: float = 0.0
    counted: float = 0.0

    def scale(self, factor: float) -> None:
        """Count everything `factor` as much."""
        self.weight *= factor
        self.reported *= factor
        self.counted *= factor

    def merge(self, other: KeyTally) -> None:
        """Add what another tally holds; negative sums take back."""
        self.weight += other.weight
        self.reported += other.reported
        self.counted += other.counted


class RewardWeighting:
    """Counts rewards by key and says what the next one counts for."""

    def __init__(
        self, source_weights: Mapping[str, float], *, most_share: float = MOST_SHARE
    ) -> None:
        self._source_weights = dict(source_weights)
        self._most_share = most_share
        self._tallies: dict[tuple[Cell, str], dict[str, KeyTally]] = {}
        self._judged: dict[Cell, float] = {}
        self._responses: dict[tuple[Cell, str], Response] = {}

    def judged_share(self, cell: Cell, deployment: str) -> float | None:
        """Rewards per recent answer; None without an answer. Nothing is opened for it."""
        found = self._responses.get((cell, deployment))
        return found.rewards / found.answers if found and found.answers else None

    def response(self, cell: Cell, deployment: str) -> Response:
        """How much of what a deployment answers is judged, for counting and for people."""
        return self._responses.setdefault((cell, deployment), Response())

    def count_judgement(self, cell: Cell, weight: float) -> bool:
        """Note judgements of a task; True if there are enough of them now and were not before.

        weight  of a correction: what it counts for beyond the one that it replaces, if it does
        """
        before = self._judged.get(cell, 0.0)
        after = self._judged[cell] = min(JUDGED_FROM, before + max(0.0, weight))
        return before < JUDGED_FROM <= after

    def is_judged(self, cell: Cell) -> bool:
        """True if somebody judges answers of this task."""
        return self._judged.get(cell, 0.0) >= JUDGED_FROM

    def is_heard(self, cell: Cell) -> bool:
        """True if anybody ever judged an answer of this task."""
        return self._judged.get(cell, 0.0) > 0.0

    def weigh(self, cell: Cell, deployment: str, reward: Reward) -> Weighed:
        """What this reward counts for; it is counted as taken.

        Rewards without a key (checks, transport) are the router's own and are not bounded.
        """
        weight = self._source_weights.get(reward.source, 1.0)
        tallies = self._tallies.setdefault((cell, deployment), {})
        key = reward.key_id or ""
        own = tallies.setdefault(key, KeyTally())
        if key:
            weight = min(weight, self._room(tallies, own))
        own.weight += weight
        own.reported += weight * reward.value
        value = reward.value
        if key and weight > 0:
            gap = _agreed(own, _others(tallies, own)) - own.counted
            value = min(1.0, max(0.0, gap / weight))
        own.counted += weight * value
        _forget(tallies)
        return Weighed(weight, value)

    def give_back(self, cell: Cell, deployment: str, reward: Reward, weight: float) -> None:
        """A reward that was taken is corrected: its weight is free again for its key."""
        own = self._tallies.get((cell, deployment), {}).get(reward.key_id or "")
        if own is not None:
            weight = min(weight, own.weight)
            own.merge(KeyTally(-weight, -weight * reward.value, -weight * reward.value))

    def to_state(self) -> dict[str, Any]:
        """JSON-able and exact."""
        tallies = [
            [
                *cell.stored,
                name,
                {key: [own.weight, own.reported, own.counted] for key, own in held.items()},
            ]
            for (cell, name), held in sorted(self._tallies.items())
        ]
        return {
            "tallies": tallies,
            "heard": [[*cell.stored, weight] for cell, weight in sorted(self._judged.items())],
            "responses": [
                [*cell.stored, name, each.answers, each.rewards]
                for (cell, name), each in sorted(self._responses.items())
            ],
        }

    def from_state(self, state: Mapping[str, Any]) -> None:
        """Take over a state of `to_state`."""
        self._tallies = {
            (Cell.read(namespace, route, task), name): {
                key: KeyTally(*own) for key, own in held.items()
            }
            for namespace, route, task, name, held in state["tallies"]
        }
        self._judged = {Cell.read(*names): weight for *names, weight in state["heard"]}
        self._responses = {
            (Cell.read(*names[:3]), names[3]): Response(answers, rewards)
            for *names, answers, rewards in state["responses"]
        }

    def _room(self, tallies: Mapping[str, KeyTally], own: KeyTally) -> float:
        """The weight w at which own + w is its limit of total + w."""
        total = sum(each.weight for each in tallies.values())
        reporting = sum(1 for key, each in tallies.items() if key and each.weight > 0)
        limit = max(self._most_share, FAIR_SHARES / max(1, reporting))
        if limit >= 1.0 or own.weight < FREE_REWARDS * self._most_share:
            return float("inf")
        return max(0.0, (limit * total - own.weight) / (1 - limit))


def _others(tallies: Mapping[str, KeyTally], own: KeyTally) -> KeyTally:
    """What all the others have said together."""
    total = KeyTally()
    for each in tallies.values():
        if each is not own:
            total.merge(each)
    return total


def _agreed(own: KeyTally, others: KeyTally) -> float:
    """The sum that a key's rewards count as, beside what the others say.

    Cutting its gap off at `room` would not do: where a floor is near, a shift of the mean by 0.01
    moves a fifth of the traffic.
    """
    if others.weight < 1.0:
        return own.reported
    usual = (others.counted + 1.0) / (others.weight + 2.0)
    error = math.sqrt(usual * (1 - usual) * (1 / own.weight + 1 / others.weight))
    room = MARGIN + ERRORS * error
    mean = others.counted / others.weight
    gap = own.reported / own.weight - mean
    believed = min(1.0, max(0.0, 2.0 - abs(gap) / room))
    return own.weight * (mean + believed * gap)


def _forget(tallies: dict[str, KeyTally]) -> None:
    """Keep the tallies as movable as the belief, and their number bounded."""
    total = sum(own.weight for own in tallies.values())
    if total > MAX_WEIGHT:
        for own in tallies.values():
            own.scale(MAX_WEIGHT / total)
    if len(tallies) > MAX_KEYS:
        least = min((key for key in tallies if key), key=lambda key: tallies[key].weight)
        tallies.setdefault("", KeyTally()).merge(tallies.pop(least))
