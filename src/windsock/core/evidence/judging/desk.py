"""What one judge has done for one namespace and route, and whom it is asked about next."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

from windsock.core.evidence.judging.biases import JudgeBiases
from windsock.core.evidence.judging.choosing import ENOUGH, Recently, RelativeWorth, inclusion
from windsock.core.evidence.keys.accounts import Place
from windsock.core.model.requests import Cell

MOST_PLACES = 4_000
"""Deployments at tasks that are remembered, and tasks."""

LATEST, FEW, HALF = 20, 4, 10
"""Replies that tell whether a judge can be read: if few of them are it cannot, until half are."""

UNREAD_SHARE = 0.1
"""Of the answers that are drawn, those of which a judge is asked that cannot be read."""

MOST_OTHERS = 1_000
"""Processes of which it is remembered how many replies they have told of."""

K = TypeVar("K")
V = TypeVar("V")


class Replies(NamedTuple):
    """Of a judge to one process: how many in total, and whether each of the latest was read."""

    total: int
    latest: Sequence[bool]


@dataclass(slots=True)
class JudgeDesk:
    """Since the start.

    judged      answers that got a score; unreadable: whose verdict could not be read
    is_unread   of the judge's latest replies, to whichever process, few had a verdict that could be
                read
    unseen      answers that no text could be read of, or that said nothing
    too_long    answers that were drawn, and are too long to be held until a judge has time
    own         left out, since they are of the judge's own maker's models
    """

    half_life_s: float
    judged: int = 0
    unreadable: int = 0
    unseen: int = 0
    too_long: int = 0
    own: int = 0
    is_unread: bool = False
    biases: JudgeBiases = field(default_factory=JudgeBiases)
    _worths: dict[Cell, RelativeWorth] = field(default_factory=dict)
    _recent: dict[Place, Recently] = field(default_factory=dict)
    _latest: deque[bool] = field(default_factory=lambda: deque(maxlen=LATEST))
    _own_replies: int = 0
    _own_latest: deque[bool] = field(default_factory=lambda: deque(maxlen=LATEST))
    _heard: dict[str, int] = field(default_factory=dict)

    def chance(self, place: Place, share: float, now: float) -> float:
        """With which an answer there is judged, 0..1; looking changes nothing."""
        worth = self._worths.get(place[0])
        chance = inclusion(share, self._judged(place, now), worth.of(place[1]) if worth else 1.0)
        return chance * UNREAD_SHARE if self.is_unread else chance

    def note_reply(self, *, is_read: bool) -> bool:
        """The judge replied; whether `is_unread` is another now."""
        self.unreadable += not is_read
        self._own_replies += 1
        self._own_latest.append(is_read)
        return self._add([is_read])

    @property
    def replies(self) -> Replies:
        """What other processes are told."""
        return Replies(self._own_replies, list(self._own_latest))

    def hear(self, name: str, replies: Replies) -> bool:
        """Another process was replied to; whether `is_unread` is another now."""
        fresh = min(replies.total - self._heard.get(name, 0), len(replies.latest))
        _keep(self._heard, name, replies.total, most=MOST_OTHERS)
        return self._add(replies.latest[len(replies.latest) - fresh :]) if fresh > 0 else False

    def _add(self, are_read: Sequence[bool]) -> bool:
        self._latest.extend(are_read)
        was_unread, read = self.is_unread, sum(self._latest)
        self.is_unread = len(self._latest) == LATEST and read < (HALF if was_unread else FEW)
        return self.is_unread is not was_unread

    def has_enough(self, place: Place, now: float) -> bool:
        """Whether so many were judged there of late that what a label tells decides."""
        return self._judged(place, now) >= ENOUGH

    def count(self, place: Place, now: float) -> None:
        """An answer there got a score."""
        self.judged += 1
        recent = self._recent.pop(place, None) or Recently(self.half_life_s)
        recent.add(now)
        _keep(self._recent, place, recent)

    def _judged(self, place: Place, now: float) -> float:
        recent = self._recent.get(place)
        return recent.now(now) if recent else 0.0

    def seed(self, place: Place, judged: float, now: float) -> None:
        """So many had been judged there before the start."""
        if place not in self._recent:
            _keep(self._recent, place, Recently(self.half_life_s, judged, now))

    def weigh(self, cell: Cell, worth: RelativeWorth) -> None:
        """What labels tell at a task, from now on."""
        self._worths.pop(cell, None)
        _keep(self._worths, cell, worth)


def _keep(held: dict[K, V], name: K, value: V, *, most: int = MOST_PLACES) -> None:
    """As the newest; callers name tasks, so the oldest go."""
    held[name] = value
    if len(held) > most:
        del held[next(iter(held))]
