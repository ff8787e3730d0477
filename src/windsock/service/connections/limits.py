"""What a connection may hold of us before anybody knows who is behind it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain
from operator import itemgetter
from typing import Protocol

from windsock.service.error_responses import Problem

MAX_HEADERS = 100
MANY_HEADERS = Problem.of(431, f"more than {MAX_HEADERS} headers; send fewer")
MAX_HEAD_BYTES = 32 * 1024

MAX_OVERHEAD_BYTES = 48 * 1024
"""Of a request besides its body: line, headers, framing of chunks, trailers, as they arrive."""

OVERHEAD_OF_BODY = 8
"""Bytes of framing that one byte of a body may have: a chunk of one byte has five."""

HEAD_S = 10.0
"""From the first byte of a request, or the opening of its connection, to the end of its head."""

BODY_S = 30.0
"""From there to the end of its body, and a second more for each of LEAST_BYTES_PER_S."""

LEAST_BYTES_PER_S = 16 * 1024

LINGER_S = 2.0
"""In which a client that was refused early may finish what it sends, so that it reads why."""

LINGER_BYTES = 16 * 1024
"""Read of what it sends then; beyond that it is left unread."""

MAX_PIPELINED = 4
"""Requests sent ahead of the answer to the one before them."""

FREE_REFUSALS = 20.0
"""A second, by one peer; those who are refused more often wait for it."""

TARPIT_S = 1.0
"""How long they wait."""

WRITE_S = 60.0
"""For which a client may leave its answer unread."""


_name = itemgetter(0)


def fault_of(headers: Sequence[tuple[bytes, bytes]], http_version: str) -> Problem | None:
    """Why a request with these headers is refused, or None; HTTP/1.0 knows no Host."""
    hosts = [*map(_name, headers)].count(b"host")
    if len(b"".join(chain.from_iterable(headers))) > MAX_HEAD_BYTES:
        return Problem.of(431, f"the headers exceed {MAX_HEAD_BYTES} bytes; send less")
    if hosts != 1 and (hosts or http_version != "1.0"):
        return Problem.of(400, f"a request has one Host header, not {hosts}")
    return None


class Bounded(Protocol):
    """A connection, as its bounds are kept.

    peer        who is at the other end
    is_serving  a request of it is worked on: nobody ends it to make room
    has_asked   the head of a request came
    """

    @property
    def peer(self) -> str: ...
    @property
    def is_serving(self) -> bool: ...
    @property
    def has_asked(self) -> bool: ...

    def close(self) -> None:
        """End it."""

    def check(self, now: float) -> None:
        """End it if it is late with what is due."""


MAX_PEERS = 10_000
"""Whose refusals are remembered; the one refused longest ago is forgotten first."""


@dataclass(slots=True, kw_only=True)
class Connections:
    """All connections of a server, bounded in all and by peer.

    Where one too many comes, one without a request under way makes room: those that never asked
    anything before those that did, the oldest first.
    """

    most: int
    most_of_a_peer: int
    refused: int = 0
    _all: dict[Bounded, None] = field(default_factory=dict)
    _by_peer: Counter[str] = field(default_factory=Counter)

    def admit(self, connection: Bounded) -> bool:
        """Take one more in, oldest first; False if there is no room and none can be made."""
        peer = connection.peer
        if self._by_peer[peer] >= self.most_of_a_peer:
            is_room = self._make_room(each for each in self._all if each.peer == peer)
        elif len(self._all) >= self.most:
            is_room = self._make_room(self._all)
        else:
            is_room = True
        if not is_room:
            self.refused += 1
            return False
        self._all[connection] = None
        self._by_peer[peer] += 1
        return True

    def leave(self, connection: Bounded) -> None:
        """It has ended; also of one that was never taken in."""
        if connection not in self._all:
            return
        del self._all[connection]
        self._by_peer[connection.peer] -= 1
        if not self._by_peer[connection.peer]:
            del self._by_peer[connection.peer]

    def check(self, now: float) -> None:
        """End those that are late; call it about once a second."""
        for each in tuple(self._all):
            each.check(now)

    def __len__(self) -> int:
        return len(self._all)

    def _make_room(self, among: Iterable[Bounded]) -> bool:
        free = (each for each in among if not each.is_serving)
        idle = min(free, key=lambda each: each.has_asked, default=None)
        if idle is None:
            return False
        self.leave(idle)
        idle.close()
        return True


@dataclass(slots=True)
class Refusals:
    """How often each peer was refused of late: guessing keys is slow, and costs little here."""

    _level: dict[str, tuple[float, float]] = field(default_factory=dict)

    def wait_s(self, peer: str, now: float) -> float:
        """One more refusal of this peer, at `now` of a clock that never steps back: its wait."""
        level, at = self._level.pop(peer, (0.0, now))
        level = max(0.0, level - FREE_REFUSALS * (now - at)) + 1.0
        self._level[peer] = level, now
        if len(self._level) > MAX_PEERS:
            del self._level[next(iter(self._level))]
        return TARPIT_S if level > FREE_REFUSALS else 0.0


@dataclass(slots=True)
class Arrival:
    """What has come of one request, and by when more must.

    due         s of the event loop's clock; inf: nothing is due
    is_answered what comes still is read for the client's sake only
    """

    is_answered: bool = False
    due: float = math.inf
    received: int = 0
    body: int = 0

    @property
    def is_bloated(self) -> bool:
        """More came that is no body than any client has a reason to send."""
        return self.received - self.body > MAX_OVERHEAD_BYTES + OVERHEAD_OF_BODY * self.body

    def is_late(self, now: float) -> bool:
        """More should have come by now; what came fast enough has longer."""
        return now > self.due + self.body / LEAST_BYTES_PER_S
