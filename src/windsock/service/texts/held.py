"""Texts of the last answers, held in memory for people who label them."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from windsock.clock import Clock
from windsock.core.model.requests import Cell
from windsock.service.texts.answered import AnsweredTexts

MOST_EACH = 50
"""Held of one deployment at one task, so that busy ones leave room for rare ones."""

ENTRY_BYTES = 4096
"""What an answer weighs beside its texts: its decision and its results."""

Place = tuple[Cell, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldingRules:
    """What may be held: nothing unless asked for.

    keep_s      for which each is held
    """

    is_on: bool = False
    max_bytes: int = 16 * 1024 * 1024
    keep_s: float = 86_400.0


@dataclass(slots=True)
class HeldTexts:
    """A `Reader` that holds the newest texts, bounded in bytes, in age and of each place.

    on_held     who is told of each that is held
    """

    rules: HoldingRules
    clock: Clock
    on_held: list[Callable[[AnsweredTexts], object]] = field(default_factory=list)
    _held: OrderedDict[str, AnsweredTexts] = field(default_factory=OrderedDict)
    _places: dict[Place, deque[str]] = field(default_factory=dict)
    _bytes: int = 0

    def __len__(self) -> int:
        """Answers whose texts are held."""
        return len(self._held)

    @property
    def is_reading(self) -> bool:
        """Whether the operator allows it."""
        return self.rules.is_on

    def read(self, texts: AnsweredTexts) -> None:
        """Hold them in place of older ones; what is larger than all room is not held."""
        if _size(texts) > self.rules.max_bytes:
            return
        at_place = self._places.setdefault(_place(texts), deque())
        if len(at_place) >= MOST_EACH:
            self._drop(at_place[0])
        self._held[texts.outcome.decision.id] = texts
        self._places.setdefault(_place(texts), at_place).append(texts.outcome.decision.id)
        self._bytes += _size(texts)
        while self._bytes > self.rules.max_bytes:
            self._drop(next(iter(self._held)))
        for listener in self.on_held:
            listener(texts)

    def of(self, decision_id: str, namespace: str) -> AnsweredTexts | None:
        """Those of one decision of a namespace, if they are held."""
        self.forget_old()
        found = self._held.get(decision_id)
        is_mine = found is not None and found.outcome.decision.cell.namespace == namespace
        return found if is_mine else None

    def all_of(self, namespace: str) -> Iterator[AnsweredTexts]:
        """Those of a namespace, oldest first."""
        self.forget_old()
        for each in [*self._held.values()]:
            if each.outcome.decision.cell.namespace == namespace:
                yield each

    def adopt(self, rules: HoldingRules) -> None:
        """Other rules hold from now on; what they do not allow is let go at once."""
        self.rules = rules
        while self._held and (not rules.is_on or self._bytes > rules.max_bytes):
            self._drop(next(iter(self._held)))
        self.forget_old()

    def forget_old(self) -> None:
        """Let go of what was held long enough; call it now and then."""
        oldest_at = self.clock.now() - self.rules.keep_s
        while self._held and next(iter(self._held.values())).outcome.finished_at < oldest_at:
            self._drop(next(iter(self._held)))

    def _drop(self, decision_id: str) -> None:
        texts = self._held.pop(decision_id)
        self._bytes -= _size(texts)
        at_place = self._places[_place(texts)]
        at_place.remove(decision_id)
        if not at_place:
            del self._places[_place(texts)]


def _place(texts: AnsweredTexts) -> Place:
    return texts.outcome.decision.cell, texts.outcome.served or ""


def _size(texts: AnsweredTexts) -> int:
    return len(texts.asked) + len(texts.answer) + ENTRY_BYTES
