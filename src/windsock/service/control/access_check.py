"""Which scope a call needs, and what inspection may look at."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Literal

from fastapi import APIRouter, Depends, Request

from windsock.clock import Clock
from windsock.core.model.decisions import WeightTable
from windsock.core.model.events import Event
from windsock.core.model.requests import Cell
from windsock.core.routing.router import Router
from windsock.observability.event_bus import EventBus
from windsock.service.auth import Access, Principal, presented_in
from windsock.service.control.commands import keeping

Rule = Callable[[str, str], list[Event]]
"""(deployment, feed) of a held quote -> what came of ruling on it."""


FindTable = Callable[[str, str, str, float], Awaitable[WeightTable | None]]
"""(namespace, route, task, unix s) -> the table that was in use then, if any."""


Door = Literal["open", "key", "off"]
"""Who may look: everybody, who has a key with the scope, nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Insight:
    """What the inspection calls look at, and who may.

    nearest     names that feeds list and that look like a deployment's
    publish     tells the log, the ledger and every listener of an event
    keep        has the next start know what a person did just now and no record of its own tells
    is_kept     waits until the store holds what was done so far; False if that takes too long
    metrics, docs   who may see these pages
    """

    router: Router
    clock: Clock
    access: Access
    events: EventBus
    approve: Rule
    reject: Rule
    nearest: Callable[[str], list[str]]
    publish: Callable[[Event], None]
    keep: Callable[[], None]
    is_kept: Callable[[], Awaitable[bool]]
    table_at: FindTable
    metrics: Door = "open"
    docs: Door = "open"

    def allowed(self, *scopes: str) -> Callable[[Request], Principal]:
        """A dependency that admits callers with one of these scopes."""
        return allowed(self.access, self.clock, *scopes)

    def commands(self, *tags: str | Enum) -> APIRouter:
        """Routes whose calls are answered once what they changed is kept; looks among them too."""
        return APIRouter(tags=[*tags], route_class=keeping(self.is_kept))

    def behind(self, door: Door, scope: str) -> Sequence[Any]:
        """The dependencies of a page that is open or needs a key with this scope."""
        return [Depends(self.allowed(scope))] if door == "key" else []


def allowed(access: Access, clock: Clock, *scopes: str) -> Callable[[Request], Principal]:
    """A dependency that admits callers with one of these scopes.

    It raises AccessDenied or StoreError.
    """

    def admit(request: Request) -> Principal:
        presented = presented_in(dict(request.scope["headers"]))
        return access.admit(presented, scopes, clock.now())

    return admit


def shown_table(router: Router, cell: Cell, now: float) -> WeightTable:
    """The weights of a cell as they stand, at most a moment old, since looking solves nothing.

    Only where the cell has no plain table yet, the router is asked for one.
    """
    table = router.tables.shown(cell)
    return table or router.table(cell.namespace, cell.route, cell.name, now)
