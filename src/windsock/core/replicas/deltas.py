"""Numbered deltas of replicas, and which of them are known: each counts once, in any order."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from windsock.core.replicas.contributions import Contribution, Contributions, read, stored

MAX_WAITING = 10_000
"""Words that wait to be told, beyond which those that only spare something are left out."""

MAX_KEPT = 3600
"""Deltas that a replica can send again."""


UNREADABLE = "unreadable"
"""Subject of a word that is none."""


class Word(NamedTuple):
    """What holds from now on of a subject: the latest word counts. `word` is JSON-able."""

    subject: str
    key: tuple[str, ...]
    word: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Delta:
    """What a replica has learnt since its delta before.

    replica     whose it is, unique for every process that ever ran
    number      1, 2, 3, ... without a gap
    at          unix s
    learnt      sums, which add
    told        what does not add
    """

    replica: str
    number: int
    at: float
    learnt: tuple[Contribution, ...] = ()
    told: tuple[Word, ...] = ()

    def to_state(self) -> dict[str, Any]:
        """JSON-able and exact."""
        return {
            "replica": self.replica,
            "number": self.number,
            "at": self.at,
            "learnt": stored(self.learnt),
            "told": [[each.subject, list(each.key), each.word] for each in self.told],
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Delta:
        """The delta of a `to_state`; raises KeyError, TypeError or ValueError if it is none."""
        return cls(
            replica=str(state["replica"]),
            number=int(state["number"]),
            at=float(state["at"]),
            learnt=tuple(read(state["learnt"])),
            told=tuple(_word(each) for each in state["told"]),
        )


def _word(told: list[Any]) -> Word:
    """One in the form of another version is not heard, and hides nothing of the rest."""
    match told:
        case [str(subject), [*key], word]:
            return Word(subject, tuple(key), word)
    return Word(UNREADABLE, (), told)


class Seen:
    """Numbers of deltas that are known, by replica: a vector of counters, and what lies beyond.

    The join of two is that of sets: commutative, associative, idempotent.
    """

    def __init__(self) -> None:
        self._through: dict[str, int] = {}
        self._beyond: dict[str, set[int]] = {}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Seen) and self.to_state() == other.to_state()

    __hash__ = None  # type: ignore[assignment]  # it changes

    def note(self, replica: str, number: int) -> bool:
        """This one is known from now on; False if it was before."""
        if self.has(replica, number):
            return False
        self._beyond.setdefault(replica, set()).add(number)
        self._close_up(replica)
        return True

    def has(self, replica: str, number: int) -> bool:
        """Whether this delta is known."""
        return number <= self.through(replica) or number in self._beyond.get(replica, ())

    def through(self, replica: str) -> int:
        """The number up to which all deltas of a replica are known; 0: none."""
        return self._through.get(replica, 0)

    def missing(self, replica: str, last: int) -> list[int]:
        """Numbers up to `last` that are not known."""
        held = self._beyond.get(replica, set())
        return [n for n in range(self.through(replica) + 1, last + 1) if n not in held]

    def join(self, other: Seen) -> None:
        """Know also what another knows."""
        for replica in other._through.keys() | other._beyond.keys():
            self._through[replica] = max(self.through(replica), other.through(replica))
            self._beyond.setdefault(replica, set()).update(other._beyond.get(replica, ()))
            self._close_up(replica)

    def forget(self, replicas: Iterable[str]) -> None:
        """These replicas are over, and nothing of theirs will come again."""
        for replica in replicas:
            self._through.pop(replica, None)
            self._beyond.pop(replica, None)

    def to_state(self) -> dict[str, list[int]]:
        """By replica: the number up to which all are known, then those beyond; JSON-able."""
        return {
            replica: [self.through(replica), *sorted(self._beyond.get(replica, ()))]
            for replica in sorted(self._through.keys() | self._beyond.keys())
        }

    @classmethod
    def from_state(cls, state: Mapping[str, list[int]]) -> Seen:
        """What a `to_state` tells."""
        made = cls()
        for replica, (through, *beyond) in state.items():
            made._through[replica] = through
            made._beyond[replica] = set(beyond)
            made._close_up(replica)
        return made

    def _close_up(self, replica: str) -> None:
        through, beyond = self.through(replica), self._beyond[replica]
        while through + 1 in beyond:
            through += 1
        self._beyond[replica] = {number for number in beyond if number > through}
        self._through[replica] = through
        if not self._beyond[replica]:
            del self._beyond[replica]


class Outbox:
    """What a replica has to tell: counted as it learns, cut into deltas, kept to be sent again.

    learnt  where what it learns from its own requests is counted
    """

    def __init__(self, replica: str, half_life_s: float) -> None:
        self.replica = replica
        self.learnt = Contributions(half_life_s)
        self.number = 0
        self._told: dict[tuple[str, tuple[str, ...]], Any] = {}
        self._kept: OrderedDict[int, Delta] = OrderedDict()

    def tell(self, subject: str, key: tuple[str, ...], word: object) -> None:
        """Say something, JSON-able, with the next delta; a later word on it replaces it."""
        self._told[subject, key] = word

    @property
    def is_full(self) -> bool:
        """Whether so much waits, as while a database is away, that only what must be is told."""
        return len(self._told) >= MAX_WAITING

    def waiting(self) -> list[Word]:
        """What is said and not yet told."""
        return [Word(*about, word) for about, word in self._told.items()]

    def cut(self, now: float) -> Delta | None:
        """The next delta; None if there is nothing new."""
        learnt, told = self.learnt.take(), tuple(self.waiting())
        self._told = {}
        if not learnt and not told:
            return None
        self.number += 1
        delta = Delta(replica=self.replica, number=self.number, at=now, learnt=learnt, told=told)
        self._kept[self.number] = delta
        if len(self._kept) > MAX_KEPT:
            self._kept.popitem(last=False)
        return delta

    def lacking(self, seen: Seen) -> list[Delta]:
        """Deltas that another does not know, as far as they are kept."""
        missing = seen.missing(self.replica, self.number)
        return [self._kept[number] for number in missing if number in self._kept]

    def confirm(self, seen: Seen) -> None:
        """All others know so much: it need not be sent again."""
        for number in [n for n in self._kept if seen.has(self.replica, n)]:
            del self._kept[number]
