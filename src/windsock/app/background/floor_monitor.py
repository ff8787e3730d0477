"""Looks whether quality floors can be reached, and tells when one cannot."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy import Engine

from windsock.clock import Clock
from windsock.core.model.events import Event, EventKind
from windsock.core.model.requests import Cell
from windsock.core.routing.outlook.floor_reach import FloorWatch
from windsock.core.routing.outlook.route_reach import reaches
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
        tables = {table.cell: table.version for table in self.router.tables.standing_tables()}
        changed = [cell for cell, version in tables.items() if self._seen.get(cell) != version]
        now = self.clock.now()
        for cell, reach in reaches(self.router, changed, now):
            for event in self._watch.check(cell, reach, now):
                self.publish(event)
            await asyncio.sleep(0)  # after a price move every task has a new table
        self._seen = tables

    def _told(self) -> list[Event]:
        since = self.clock.now() - TOLD_S
        return list(queries.newest_events(self.engine, since=since, kinds=KINDS))
