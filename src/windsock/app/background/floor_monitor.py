"""Looks whether quality floors can be reached, and tells when one cannot."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from sqlalchemy import Engine

from windsock.clock import Clock
from windsock.core.model.decisions import WeightTable
from windsock.core.model.events import Event, EventKind
from windsock.core.model.requests import Cell
from windsock.core.routing.outlook.floor_reach import FloorWatch, reach_of
from windsock.core.routing.router import Router
from windsock.errors import StoreError
from windsock.store import queries

KINDS = (EventKind.FLOOR_OUT_OF_REACH, EventKind.FLOOR_WITHIN_REACH)

TOLD_S = 90 * 86_400.0
"""As long as the store keeps events: what was told before a start is not told again."""


@dataclass(slots=True, kw_only=True)
class FloorMonitor:
    """Called about once a second; publishes that a floor is out of reach once, and its end."""

    router: Router
    engine: Engine
    clock: Clock
    publish: Callable[[Event], None]
    _watch: FloorWatch = field(default_factory=FloorWatch)
    _seen: dict[Cell, int] = field(default_factory=dict)
    _is_restored: bool = False

    async def check(self) -> None:
        """Look at every table that was solved since the last look."""
        if not self._is_restored:
            with contextlib.suppress(StoreError):
                self._watch.restore(await asyncio.to_thread(self._told))
            self._is_restored = True
        tables = self.router.tables.standing_tables()
        for table in tables:
            if self._seen.get(table.cell) != table.version:
                for event in self._events(table):
                    self.publish(event)
        self._seen = {table.cell: table.version for table in tables}

    def _told(self) -> list[Event]:
        since = self.clock.now() - TOLD_S
        return list(queries.newest_events(self.engine, since=since, kinds=KINDS))

    def _events(self, table: WeightTable) -> Iterator[Event]:
        route = self.router.routes.get(table.cell.route)
        floor = route.policy.quality_floor if route is not None else None
        reach = reach_of(table, floor, self.router.beliefs)
        yield from self._watch.check(table.cell, reach, self.clock.now())
