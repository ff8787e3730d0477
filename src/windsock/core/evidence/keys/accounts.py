"""What keys have said of each deployment at each task, and what of it stands in the beliefs.

Sums are kept as they were reported, discounted as beliefs are. Whenever a key says something, all
keys are weighed anew, and what stands in the beliefs is moved to what they are worth now: whoever
spoke first counts no more for it, and a key that is taken out leaves nothing behind.
"""

from __future__ import annotations

import math
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from windsock.core.evidence.keys.consensus import Said, belief_at, distances, gap
from windsock.core.evidence.keys.sums import (
    NOBODY,
    Account,
    KeySums,
    Sums,
    heard_at,
    keys_of,
    within,
)
from windsock.core.model.requests import Cell, is_background

LEAST_MOVE = 0.02
"""By so much must belief in a key move before what it has said elsewhere is counted anew."""

Place = tuple[Cell, str]
"""(cell, deployment)"""


@dataclass(slots=True)
class Standing:
    """One key over all places: where it has spoken, and how far off it was.

    squares, count  of its distances where these are known
    settled         how far it was believed when all it has said was last counted
    """

    places: set[Place] = field(default_factory=set)
    squares: float = 0.0
    count: int = 0
    settled: float = 1.0

    def move(self, before: float | None, after: float | None) -> None:
        """A distance has changed."""
        if before is not None:
            self.squares, self.count = self.squares - before * before, self.count - 1
        if after is not None:
            self.squares, self.count = self.squares + after * after, self.count + 1

    @property
    def belief(self) -> float:
        """By the root mean square of its distances."""
        if not self.count:
            return 1.0
        return belief_at(math.sqrt(max(0.0, self.squares) / self.count))


class KeyAccounts:
    """What the keys of a route have said, at every place.

    half_life_s     after which a reward counts half
    silenced        keys that were taken out, of this route and of others
    judge           in whose name the judge of the route scores; of others before it nothing counts

    `version` is another one whenever a key may be believed more or less than before.
    """

    def __init__(self, half_life_s: float, silenced: Container[str] = ()) -> None:
        self.version = 0
        self.judge = ""
        self._half_life_s = half_life_s
        self._accounts: dict[Place, Account] = {}
        self._standings: dict[str, Standing] = {}
        self._silenced = silenced

    def weights(self, place: Place) -> dict[str, float]:
        """Rewards of each key at a place, as reported; looking opens nothing."""
        account = self._accounts.get(place)
        return {key: each.said.weight for key, each in account.keys.items()} if account else {}

    def counted(self, place: Place, as_of: float = -math.inf) -> float:
        """Rewards that stand in the belief of a place: as of the last one there, or later."""
        account = self._accounts.get(place)
        if account is None or not account.keys:
            return 0.0
        age_s = max(0.0, as_of - account.at)
        return account.counted * float(2.0 ** (-age_s / self._half_life_s))

    def hear(
        self, place: Place, key: str, said: Sums, now: float
    ) -> tuple[float, dict[Place, Sums]]:
        """How far this is believed, and what changes of all that had been said before.

        said    below 0 takes back what the key had said at `now`
        """
        account = self._accounts.setdefault(place, Account())
        weight = account.advance(now, self._half_life_s)
        own = account.keys.setdefault(key, KeySums())
        self._standings.setdefault(key, Standing()).places.add(place)
        fresh = within(own.said, Sums(*(weight * part for part in said)))
        own.said = own.said.plus(fresh)
        moved = self._weigh(place, (key, fresh))
        believed = own.believed
        account.bound()
        return believed, moved

    def places(self, key: str) -> frozenset[Place]:
        """Where a key has said something."""
        standing = self._standings.get(key)
        return frozenset(standing.places) if standing else frozenset()

    def weigh_again(self, key: str) -> dict[Place, Sums]:
        """A key was taken out, or counts again; what changes by that."""
        self.version += 1
        moved: dict[Place, Sums] = {}
        for place in sorted(self.places(key)):
            _add(moved, self._weigh(place))
        return moved

    def forget(self, cells: frozenset[Cell]) -> None:
        """Drop what was said in these cells; no key is held to it any more."""
        self.version += 1
        for place in [place for place in self._accounts if place[0] in cells]:
            for key, own in self._accounts.pop(place).keys.items():
                standing = self._standings[key]
                standing.places.discard(place)
                standing.move(own.distance, None)

    def belief(self, key: str, place: Place) -> float:
        """How far a key is believed at a place: by what it says there, and everywhere."""
        if key == NOBODY:
            return 1.0
        if key in self._silenced:
            return 0.0
        if is_background(key):
            return float(self.judge in ("", key))
        account, standing = self._accounts.get(place), self._standings.get(key)
        own = account.keys.get(key) if account else None
        here = 1.0 if own is None or own.distance is None else belief_at(own.distance)
        return min(here, standing.belief if standing else 1.0)

    def apart(self) -> Iterator[tuple[Place, str, KeySums]]:
        """Keys that are believed less than by half, and two that contradict each other."""
        for place in self._accounts:
            yield from ((place, key, own) for key, own in self.apart_at(place).items())

    def apart_at(self, place: Place) -> dict[str, KeySums]:
        """The same of one place."""
        heard = heard_at(self._accounts[place], self._silenced)
        is_split = _is_split(heard)
        return {key: own for key, own in heard.items() if is_split or own.believed < 0.5}

    def to_state(self) -> list[list[Any]]:
        """JSON-able and exact."""
        return [
            [
                *cell.stored,
                name,
                account.at,
                {key: [*own.said, own.believed, own.distance] for key, own in account.keys.items()},
            ]
            for (cell, name), account in sorted(self._accounts.items())
        ]

    def from_state(self, state: Iterable[list[Any]]) -> None:
        """Take over a state of `to_state`; who is silenced is known by then."""
        self._accounts, self._standings = {}, {}
        self.version += 1
        for *names, deployment, at, held in state:
            place = (Cell.read(*names), deployment)
            self._accounts[place] = Account(-math.inf if at is None else at, keys_of(held))
            for key, own in self._accounts[place].keys.items():
                standing = self._standings.setdefault(key, Standing())
                standing.places.add(place)
                standing.move(None, own.distance)
        for standing in self._standings.values():
            standing.settled = standing.belief

    def _weigh(self, place: Place, fresh: tuple[str, Sums] | None = None) -> dict[Place, Sums]:
        """Weigh the keys of a place anew, and count what they have said as they are worth now."""
        self.version += 1
        heard = heard_at(self._accounts[place], self._silenced)
        found = distances([Said(each.said.weight, each.said.total) for each in heard.values()])
        far = dict(zip(heard, found, strict=bool(found)))
        for key, own in self._accounts[place].keys.items():
            if own.distance is not None or key in far:
                self._standings[key].move(own.distance, far.get(key))
                own.distance = far.get(key)
        moved = {place: self._settled(place, fresh)}
        for key in far:
            _add(moved, self._spread(key, place))
        return {where: sums for where, sums in moved.items() if any(sums)}

    def _spread(self, key: str, here: Place) -> dict[Place, Sums]:
        """A key is believed more or less than before: what it has said elsewhere is counted so."""
        standing = self._standings[key]
        if abs(standing.belief - standing.settled) <= LEAST_MOVE:
            return {}
        standing.settled = standing.belief
        return {place: self._settled(place) for place in standing.places if place != here}

    def _settled(self, place: Place, fresh: tuple[str, Sums] | None = None) -> Sums:
        """Bring what stands in a belief to what its keys are worth; what changes of it.

        fresh   what a key has only now said, which did not stand there yet
        """
        change = Sums()
        for key, own in self._accounts[place].keys.items():
            believed = self.belief(key, place)
            stood = own.said.plus(fresh[1], -1.0) if fresh and fresh[0] == key else own.said
            change = change.plus(stood, believed - own.believed)
            own.believed = believed
        return change


def _add(moved: dict[Place, Sums], others: Mapping[Place, Sums]) -> None:
    for place, sums in others.items():
        moved[place] = moved.get(place, Sums()).plus(sums)


def _is_split(heard: Mapping[str, KeySums]) -> bool:
    """True where two keys alone have reported, and contradict each other."""
    said = [Said(own.said.weight, own.said.total) for own in heard.values()]
    return len(said) == 2 and belief_at(gap(*said)) < 0.5
