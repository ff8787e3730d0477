"""What a process is among those at one port; alone, or leading, it does everything."""

from __future__ import annotations

from dataclasses import dataclass

from windsock.store.ledger import WritesBatches

BITS_OF_NUMBERS = 53
"""Of a decision's number, that count; those above tell the process apart."""

MARKS = 2 ** (63 - BITS_OF_NUMBERS)
"""By which processes can be told apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Number 0 polls feeds, writes the store, watches and answers for all; others are led by it.

    count   of processes at the port
    mark    in its decisions' numbers, less than MARKS; None: its own number. Replicas draw by one
            seed, and a decision's name follows from its number: what two of them start within
            seconds would else be called the same
    writer  where the ledger of one that is led goes
    beside  its number among replicas at one port, of which none leads by its place; None: there is
            one
    """

    number: int = 0
    count: int = 1
    mark: int | None = None
    writer: WritesBatches | None = None
    beside: int | None = None

    @property
    def is_leading(self) -> bool:
        """The others are led."""
        return self.number == 0

    @property
    def mark_among(self) -> tuple[int, int]:
        """(mark, of how many) by which what it numbers is told apart from others'."""
        return (0, 1) if self.mark is None else (self.mark, MARKS)

    def number_at(self, now: float) -> int:
        """The first number of its decisions and tables: above all of one started before."""
        mark = self.number if self.mark is None else self.mark
        return int(now * 1_000_000) + (mark << BITS_OF_NUMBERS)


ALONE = Place()
