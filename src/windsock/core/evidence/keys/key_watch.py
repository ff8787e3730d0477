"""Keys that disagree are told of; and whose rewards a person has taken out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from windsock.core.evidence.keys.accounts import Place
from windsock.core.evidence.keys.sums import KeySums
from windsock.core.model.events import Event, EventKind

LEAST_REWARDS = 5.0
"""Rewards from which on it is told that a key disagrees: before, chance does it often."""

TELL_AGAIN_S = 3600.0

MAX_TOLD = 1000
"""Tellings of keys, as one of two that disagree or as doubted, that are remembered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dissent:
    """A key whose rewards of one deployment at one task lie off from those of others.

    rewards     that it has given, those of long ago counting less
    mean        of them, 0..1
    believed    0..1, the share of them that counts
    """

    place: Place
    key: str
    rewards: float
    mean: float
    believed: float


def dissent(place: Place, key: str, own: KeySums) -> Dissent:
    """What is shown of a key that disagrees."""
    said = own.said
    return Dissent(
        place=place,
        key=key,
        rewards=said.weight,
        mean=said.total / said.weight,
        believed=own.believed,
    )


class KeyWatch:
    """Tells of keys that disagree, each once in a while; knows who is silenced, on all routes.

    silenced    namespaces of the keys that a person took out, by key
    """

    def __init__(self) -> None:
        self.silenced: dict[str, str] = {}
        self._told: dict[tuple[str, bool], float] = {}
        self._events: list[Event] = []

    def note(self, place: Place, apart: Mapping[str, KeySums], now: float) -> None:
        """These keys disagree at a place."""
        for key, own in apart.items():
            known = self._told.get((key, own.believed < 0.5))
            is_told = known is not None and now - known < TELL_AGAIN_S
            if own.said.weight >= LEAST_REWARDS and not is_told:
                self._tell(dissent(place, key, own), now)

    def drain(self) -> list[Event]:
        """What is to be told since the last call, oldest first."""
        events, self._events = self._events, []
        return events

    def to_state(self) -> dict[str, str]:
        """Who is silenced, JSON-able."""
        return dict(self.silenced)

    def from_state(self, state: Mapping[str, str]) -> None:
        """Take over a state of `to_state`."""
        self.silenced.clear()
        self.silenced.update(state)

    def _tell(self, found: Dissent, now: float) -> None:
        if len(self._told) >= MAX_TOLD:
            self._told.pop(next(iter(self._told)))
        self._told[found.key, found.believed < 0.5] = now
        cell, deployment = found.place
        facts = {
            "namespace": cell.namespace,
            "route": cell.route,
            "task": cell.name,
            "key": found.key,
            "rewards": found.rewards,
            "mean": found.mean,
            "believed": found.believed,
        }
        self._events.append(
            Event(kind=EventKind.KEYS_DISAGREE, deployment=deployment, at=now, facts=facts)
        )
