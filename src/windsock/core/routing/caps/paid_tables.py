"""Weights of those that there is money for, so that what is drawn can be asked."""

from __future__ import annotations

from dataclasses import dataclass, field

from windsock.core.model.decisions import WeightTable
from windsock.core.routing.caps.book import CapBook
from windsock.core.routing.caps.tab import Tab
from windsock.core.routing.weights.tables import WeightTables

MAX_KEPT = 256
"""Tables of this kind that are kept."""


@dataclass(slots=True)
class PaidTables:
    """While a cap is spent, the same table without whom it keeps from being asked.

    What calls under way have reserved is passed over after the draw: it is free in a moment.
    """

    caps: CapBook
    tables: WeightTables
    _kept: dict[tuple[int, frozenset[str]], WeightTable] = field(default_factory=dict)

    def of(self, table: WeightTable, tab: Tab, now: float) -> WeightTable:
        """The table to draw from; the same where there is money for all, or for nobody."""
        if not self.caps.has_spent(now):
            return table
        out = frozenset(tab.unpayable(table.deployments, now))
        if not out or len(out) == len(table.deployments):
            return table
        key = table.version, out
        if key not in self._kept:
            if len(self._kept) >= MAX_KEPT:
                self._kept.clear()
            self._kept[key] = self._without(table, out)
        return self._kept[key]

    def _without(self, table: WeightTable, out: frozenset[str]) -> WeightTable:
        pairs = list(zip(table.deployments, table.weights, strict=True))
        left = [0.0 if name in out else weight for name, weight in pairs]
        if not any(left):
            left = [float(name not in out) for name, _ in pairs]
        whole = sum(left)
        note = "; ".join(filter(None, (table.note, f"a cap is spent for {', '.join(sorted(out))}")))
        return self.tables.variant(table, tuple(weight / whole for weight in left), note)
