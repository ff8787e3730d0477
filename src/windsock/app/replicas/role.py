"""Whether this process leads: polls feeds, judges changes of quality, tells what all see alike."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from math import inf

from windsock.clock import Clock
from windsock.core.model.events import EventKind
from windsock.core.model.ticks import Quote
from windsock.store.replicas.lease import Held
from windsock.store.rows import Led, StateSnapshot

OWN = frozenset(
    {
        EventKind.COOLDOWN_BEGAN,
        EventKind.COOLDOWN_ENDED,
        EventKind.COOLDOWN_CUT_SHORT,
        EventKind.ERRORS_ROSE,
        EventKind.ERRORS_FELL,
        EventKind.QUALITY_UNDONE,
        EventKind.KEY_SILENCED,
        EventKind.KEY_HEARD,
        EventKind.BILL_DRIFTED,
        EventKind.BILL_DOUBTED,
        EventKind.USAGE_DOUBTED,
        EventKind.PARAMETER_REFUSED,
        EventKind.MODEL_REDIRECTED,
        EventKind.CONFIG_RELOADED,
        EventKind.CONFIG_REJECTED,
        EventKind.CAP_RAISED,
        EventKind.LOOP_IS_LATE,
        EventKind.LOOP_IS_ON_TIME,
        EventKind.STORE_RECOVERED,
        EventKind.STORE_IS_BEHIND,
        EventKind.STORE_CAUGHT_UP,
    }
)
"""Told by whichever replica they happen to: they follow from its own calls, or from what a person
did there. All others follow from what every replica knows, and only the one that leads tells."""


class Role:
    """A process that is alone always leads; of several the one that holds the lease.

    lease       as it was last held: what is written with an older one is refused; None: never
    replicas    that are there, this one among them
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._leads_until = inf
        self.lease: Held | None = None
        self.replicas = 1
        self.is_shared = False
        self._is_asked = False

    def leads(self) -> bool:
        """Whether it leads just now; a process that was stopped for a while knows that it does
        not any more."""
        return self._clock.elapsed() < self._leads_until

    def share(self) -> None:
        """There are others from now on, of whom one may lead."""
        self.is_shared = True
        self.follow()

    def follow(self) -> None:
        """Another leads."""
        self._leads_until = -inf

    def lead(self, lease: Held, until: float) -> None:
        """It leads until then, of `Clock.elapsed`."""
        self.lease, self._leads_until = lease, until

    def led(self, record: Quote | StateSnapshot) -> Quote | StateSnapshot | Led:
        """What the next one that leads writes itself is not written here once there is one; what a
        person decided here nobody else writes."""
        if self.lease is None or self._is_asked or not self.leads():
            return record
        return Led(self.lease, record)

    def tells(self, kind: EventKind) -> bool:
        """Whether such an event is told by this process."""
        return kind in OWN or self.keeps()

    def keeps(self) -> bool:
        """Whether this process keeps what all see alike."""
        return self.leads() or self._is_asked

    @contextmanager
    def asked(self) -> Iterator[None]:
        """A person decides something here: this process tells and keeps what comes of it, and the
        others take it over in silence. Nothing may be awaited meanwhile."""
        self._is_asked = True
        try:
            yield
        finally:
            self._is_asked = False
