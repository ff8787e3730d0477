"""What a process is among those that serve together; alone, or leading, it does everything."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TypeVar

from windsock.store.ledger import WritesBatches

T = TypeVar("T")

HEARD: ContextVar[bool] = ContextVar("HEARD", default=False)
"""True in a task of a process that is led: what happens in it, the leader has published and stored.
"""

BITS_OF_NUMBERS = 53
"""Of a decision's number, that count; those above tell the process apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Number 0 polls feeds, writes the store, watches and answers for all; others are led by it.

    writer  where the ledger of one that is led goes
    """

    number: int = 0
    writer: WritesBatches | None = None

    @property
    def is_leading(self) -> bool:
        """The others are led."""
        return self.number == 0

    def number_at(self, now: float) -> int:
        """The first number of its decisions and tables: above all of one started before."""
        return int(now * 1_000_000) + (self.number << BITS_OF_NUMBERS)

    def unheard(self, tell: Callable[[T], object]) -> Callable[[T], None]:
        """Tells what this process did itself, and nothing that it was told."""

        def told(what: T) -> None:
            if not HEARD.get():
                tell(what)

        return told


ALONE = Place()
