"""What a process is among those at one port; alone, or leading, it does everything."""

from __future__ import annotations

from dataclasses import dataclass

from windsock.store.ledger import WritesBatches

BITS_OF_NUMBERS = 53
"""Of a decision's number, that count; those above tell the process apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Number 0 polls feeds, writes the store, watches and answers for all; others are led by it.

    count   of processes at the port
    writer  where the ledger of one that is led goes
    """

    number: int = 0
    count: int = 1
    writer: WritesBatches | None = None

    @property
    def is_leading(self) -> bool:
        """The others are led."""
        return self.number == 0

    def number_at(self, now: float) -> int:
        """The first number of its decisions and tables: above all of one started before."""
        return int(now * 1_000_000) + (self.number << BITS_OF_NUMBERS)


ALONE = Place()
