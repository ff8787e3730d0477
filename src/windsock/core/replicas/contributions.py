"""What one replica has learnt since it last told the others: sums, which add in any order.

A sum that fades is carried at the time of its latest item, older items discounted to it, so that
whoever adds it counts every item for what it would have counted had it been told at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from typing import Any, NamedTuple


class Kind(StrEnum):
    """What a sum is of, with its key and its values.

    A place is namespace, route, task, deployment.

    SAID        (place, key, cascade's second or empty): rewards, their sum, that of their squares
    FAILED      (place): calls of requests that got no answer
    ANSWERED    (place): answers
    JUDGED      (place): of these, the ones that somebody judged
    USED        (place): requests, and their units by MIX_METERS
    HEARD       (place, source): rewards of a source, and their sum
    SCORED      (place, source, key, labeller's key): what a proxy has said, as in `ProxySums`
    FORGOTTEN   (as SCORED): what of that counts no more since it changed, less than nothing
    SETTLED     (namespace, route, task): weight of judgements of a task
    CLAIMED     (place, bin of confidence): answers
    CALIBRATED  (place, bin of confidence): judged answers, and the sum of their rewards
    COMPARED    (place, cascade's second opinion, strong one): pairs that agreed, differed, unread
    EARNED      (as COMPARED, "kept" where the two agreed): rewards as in SAID
    SPENT       (namespace, route): requests, and their dollars as far as known
    SERVED      (namespace, route, task, arm): requests that an arm answered
    """

    SAID = "said"
    FAILED = "failed"
    ANSWERED = "answered"
    JUDGED = "judged"
    USED = "used"
    HEARD = "heard"
    SCORED = "scored"
    FORGOTTEN = "forgotten"
    SETTLED = "settled"
    CLAIMED = "claimed"
    CALIBRATED = "calibrated"
    COMPARED = "compared"
    EARNED = "earned"
    SPENT = "spent"
    SERVED = "served"


FADING = frozenset({Kind.SAID, Kind.FAILED, Kind.USED, Kind.SCORED, Kind.FORGOTTEN, Kind.EARNED})
"""Sums whose items count half after the half-life of beliefs; the others only add."""

SLOTTED = frozenset({Kind.SAID, Kind.FAILED})
"""Sums that are told by slot of time, as the last rewards of a deployment are remembered."""

SLOT_S = 1.0
"""Last rewards of one slot are remembered, and forgotten, together: what is left is then the same
in whatever order they were heard."""

MOST_SUMS = 10_000
"""That wait to be told; beyond it slots of time are joined."""

Tell = Callable[[Kind, tuple[str, ...], tuple[float, ...], float], None]
"""(kind, key, values, unix s): something was learnt from what this replica saw itself."""


def slot_of(at: float) -> int:
    """The slot of time of a moment, unix s."""
    return int(at // SLOT_S)


def tell_nobody(kind: Kind, key: tuple[str, ...], values: tuple[float, ...], at: float) -> None:
    """For a process that is alone."""


class Contribution(NamedTuple):
    """A sum, as of `at` (unix s)."""

    kind: Kind
    key: tuple[str, ...]
    values: tuple[float, ...]
    at: float


_Place = tuple[Kind, tuple[str, ...], int]
_Sum = tuple[tuple[float, ...], float]
"""(values, unix s of the latest)."""


class Contributions:
    """Sums of one replica's own, by kind and key, since they were last taken.

    is_muted    what is learnt now comes from another replica, which has told it
    """

    def __init__(self, half_life_s: float) -> None:
        self._half_life_s = half_life_s
        self.is_muted = False
        self._sums: dict[_Place, _Sum] = {}
        self._most = MOST_SUMS

    def __len__(self) -> int:
        return len(self._sums)

    def add(self, kind: Kind, key: tuple[str, ...], values: tuple[float, ...], at: float) -> None:
        """Count so much more; less than nothing takes back."""
        if self.is_muted:
            return
        place = (kind, key, slot_of(at) if kind in SLOTTED else 0)
        self._put(place, (values, at))
        if len(self._sums) > self._most:
            self._join_slots()

    def waiting(self) -> list[Contribution]:
        """All of them, which stay."""
        return [Contribution(kind, key, *known) for (kind, key, _), known in self._sums.items()]

    def take(self) -> tuple[Contribution, ...]:
        """All of them; what comes from now on is counted anew."""
        taken = tuple(self.waiting())
        self._sums, self._most = {}, MOST_SUMS
        return taken

    def _put(self, place: _Place, news: _Sum) -> None:
        known = self._sums.get(place)
        self._sums[place] = news if known is None else self._joined(place[0], known, news)

    def _join_slots(self) -> None:
        """The database is away for long: what waits must not grow with the time."""
        sums, self._sums = self._sums, {}
        for (kind, key, _), known in sums.items():
            self._put((kind, key, 0), known)
        self._most = max(MOST_SUMS, 2 * len(self._sums))

    def _joined(self, kind: Kind, one: _Sum, other: _Sum) -> _Sum:
        (values, at), (more, then) = sorted((one, other), key=lambda each: -each[1])
        fades = kind in FADING and then < at
        left = 2.0 ** ((then - at) / self._half_life_s) if fades else 1.0
        return tuple(a + left * b for a, b in zip(values, more, strict=True)), at


def stored(learnt: Iterable[Contribution]) -> list[list[Any]]:
    """JSON-able and exact."""
    return [[each.kind.value, list(each.key), list(each.values), each.at] for each in learnt]


def read(held: Iterable[list[Any]]) -> Iterator[Contribution]:
    """The contributions of a `stored`; kinds of a later version are left out."""
    known = {kind.value for kind in Kind}
    for kind, key, values, at in held:
        if kind in known:
            yield Contribution(Kind(kind), tuple(key), tuple(values), at)
