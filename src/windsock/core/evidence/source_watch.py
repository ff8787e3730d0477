"""Sources of evidence that judge the same answers and do not agree: a check, a judge, people.

Only answers that both have judged are compared: who judges which answers is no chance, so that the
means of two sources over different answers may differ though both are right.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from windsock.core.evidence.keys.accounts import Place
from windsock.core.evidence.sources import tells_success
from windsock.core.model.events import Event, EventKind
from windsock.core.model.rewards import Feedback, Reward

LEAST_PAIRS = 20.0
"""Answers that both have judged before it is told."""

MOST_PAIRS = 200.0
"""That are remembered; of older ones less and less."""

ERRORS = 3.0
"""Standard errors within which a mean difference may be chance, looked at with every answer."""

APART, TOGETHER = 0.1, 0.05
"""A difference is told where it is surely more than the first; it is over when it is surely less
than twice that, or is below the second."""

MOST_PLACES = 2_000

UNCOMPARED = frozenset({"confidence", "transport"})
"""Sources that claim nothing of an answer's worth that others could contradict."""

Pair = tuple[str, str]
"""Two sources, in alphabetical order."""


@dataclass(slots=True)
class Difference:
    """Of the values of one source less those of another, for the same answers."""

    pairs: float = 0.0
    total: float = 0.0
    squares: float = 0.0
    first_total: float = 0.0
    is_told: bool = False

    @property
    def mean(self) -> float:
        """-1..1."""
        return self.total / self.pairs

    @property
    def error(self) -> float:
        """Standard error of the mean; as if one more pair had differed by 1, or none would say
        that there is no chance in it."""
        mean_square = (self.squares + 1.0) / (self.pairs + 1.0)
        return math.sqrt(max(0.0, mean_square - self.mean**2) / self.pairs)

    def add(self, first: float, second: float) -> None:
        """One more answer that both have judged."""
        if self.pairs >= MOST_PAIRS:
            kept = (MOST_PAIRS - 1.0) / self.pairs
            self.pairs, self.total, self.squares, self.first_total = (
                each * kept for each in (self.pairs, self.total, self.squares, self.first_total)
            )
        apart = first - second
        self.pairs += 1.0
        self.total += apart
        self.squares += apart * apart
        self.first_total += first

    def turn(self) -> bool:
        """True if it is to be told now: that they disagree, or that they agree again."""
        far, error = abs(self.mean), self.error
        if self.is_told:
            is_over = far < TOGETHER or far + ERRORS * error < 2 * APART
        else:
            is_over = self.pairs < LEAST_PAIRS or far - ERRORS * error <= APART
        if self.is_told != is_over:
            return False
        self.is_told = not is_over
        return True


class SourceWatch:
    """Compares what several sources say of the same answer, by place and pair of sources."""

    def __init__(self) -> None:
        self._known: dict[tuple[Place, Pair], Difference] = {}
        self._events: list[Event] = []

    def note(self, place: Place, said: Sequence[Feedback], new: Reward, now: float) -> None:
        """A source judges an answer of which others have `said` something before."""
        for other in _latest(said, new):
            first, second = sorted((other, new), key=lambda each: each.source)
            known = self._difference(place, (first.source, second.source))
            known.add(first.value, second.value)
            if known.turn():
                self._tell(place, (first.source, second.source), known, now)

    def publish(self, event: Event) -> None:
        """Something else that sources tell of."""
        self._events.append(event)

    def drain(self) -> list[Event]:
        """What is to be told since the last call, oldest first."""
        events, self._events = self._events, []
        return events

    def _difference(self, place: Place, pair: Pair) -> Difference:
        found = self._known.pop((place, pair), None) or Difference()
        while len(self._known) >= MOST_PLACES:
            self._known.pop(next(iter(self._known)))
        self._known[place, pair] = found
        return found

    def _tell(self, place: Place, pair: Pair, found: Difference, now: float) -> None:
        cell, deployment = place
        first = found.first_total / found.pairs
        facts = {
            "namespace": cell.namespace,
            "route": cell.route,
            "task": cell.name,
            "sources": " and ".join(pair),
            "means": dict(zip(pair, (round(first, 3), round(first - found.mean, 3)), strict=True)),
            "answers": round(found.pairs),
        }
        kind = EventKind.EVIDENCE_DISAGREES if found.is_told else EventKind.EVIDENCE_AGREES
        self._events.append(Event(kind=kind, deployment=deployment, at=now, facts=facts))


def _latest(said: Iterable[Feedback], new: Reward) -> Iterable[Reward]:
    """The last word of every other source, unless this one has spoken of the answer before."""
    last: Mapping[str, Reward] = {each.reward.source: each.reward for each in said}
    if new.source in last or not _is_compared(new.source):
        return ()
    return [reward for source, reward in last.items() if _is_compared(source)]


def _is_compared(source: str) -> bool:
    return source not in UNCOMPARED and tells_success(source)
