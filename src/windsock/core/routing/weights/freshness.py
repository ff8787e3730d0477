"""How long a weight table stands, and when the rungs of a route are chosen anew."""

from __future__ import annotations

from windsock.core.model.decisions import WeightTable
from windsock.core.pricing.prices_in_force import PricesInForce
from windsock.core.resilience.health import HealthBoard
from windsock.core.routing.weights.cell_tables import CellTables, RouteTables, Solved

FRESH_OUTCOMES = 20
FRESH_S = 1.0
BUSY_SHARE, AHEAD_SHARE = 0.5, 0.2
"""A table is solved anew FRESH_S after new evidence; after this many outcomes in half the time,
so that a solve costs no more at a thousand requests a second than at forty; and in a fifth of it
by `refresh`, so that requests seldom wait for a solve."""


class Freshness:
    """Holds tables against the versions of prices and health, and against new evidence.

    fresh_s         seconds after new evidence
    fresh_outcomes  rewards and outcomes of a cell that halve it
    """

    def __init__(
        self, book: PricesInForce, health: HealthBoard, *, fresh_s: float, fresh_outcomes: int
    ) -> None:
        self._book = book
        self._health = health
        self.fresh_s = fresh_s
        self._fresh_outcomes = fresh_outcomes

    def is_stale(
        self, slot: Solved, place: CellTables, now: float, busy_share: float = BUSY_SHARE
    ) -> bool:
        """True if the next request must not be drawn from this table."""
        if slot.health_version != self._health.version or now >= slot.table.expires_at:
            return True
        if slot.book_version != self._book.version:
            stronger = place.route.cascade.to if place.route.cascade else ()
            if self._book.changed_since(slot.book_version, (*place.route.candidates, *stronger)):
                return True
            slot.book_version = self._book.version
        fresh = place.evidence - slot.evidence
        share = busy_share if fresh >= self._fresh_outcomes else 1.0
        return fresh > 0 and now - slot.table.at >= share * self.fresh_s

    def versions(self, group: RouteTables) -> tuple[int, int, int]:
        """Of prices, of health, and of what a route has learnt."""
        return self._book.version, self._health.version, group.evidence

    def is_due(self, group: RouteTables, now: float) -> bool:
        """True if a route's rungs are to be chosen anew, for all its cells together."""
        last = group.refreshed
        if last is None or last[:2] != (self._book.version, self._health.version):
            return True
        fresh = group.evidence - last[2]
        return fresh != 0 and now - group.refreshed_at >= self._group_s(fresh)

    def solved(self, table: WeightTable, place: CellTables) -> Solved:
        """A table of this moment, with the versions that it stands for."""
        return Solved(table, self._book.version, self._health.version, place.evidence)

    def _group_s(self, fresh: int) -> float:
        """How long the rungs of a route stand after so much new evidence."""
        return self.fresh_s * (AHEAD_SHARE if fresh >= self._fresh_outcomes else 1.0)
