"""Tasks that make room for others: callers may name as many as they like."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from windsock.core.model.events import Event, EventKind
from windsock.core.model.requests import DEFAULT_TASK, Cell
from windsock.core.routing.weights.cell_tables import CellTables

AT_ONCE = 10
"""The part of a route's tasks that is forgotten together: all beliefs are read anew after it."""

TOLD_EVERY_S = 60.0
"""Who names a new task with every request is told of as often, for a route."""


def oldest(places: list[CellTables], most: int) -> list[CellTables]:
    """Those to close so that fewer than `most` are left; the route's usual task never is."""
    if len(places) < most:
        return []
    named = [place for place in places if place.cell.name != DEFAULT_TASK]
    named.sort(key=lambda place: place.asked_at)
    return named[: max(1, most // AT_ONCE)]


@dataclass(slots=True)
class Forgetting:
    """Has all that is known of a task forgotten when its room is needed, and tells of it.

    forget  drops what is known of these cells
    """

    forget: Callable[[frozenset[Cell]], None]
    _events: list[Event] = field(default_factory=list)
    _untold: dict[tuple[str, str], int] = field(default_factory=dict)
    _told_at: dict[tuple[str, str], float] = field(default_factory=dict)

    def close(self, places: list[CellTables], now: float) -> None:
        """These were asked for longest ago, and are no more."""
        self.forget(frozenset(place.cell for place in places))
        cell, key = places[0].cell, (places[0].cell.namespace, places[0].cell.route)
        count = self._untold.pop(key, 0) + len(places)
        if now - self._told_at.get(key, float("-inf")) < TOLD_EVERY_S:
            self._untold[key] = count
            return
        self._told_at[key] = now
        facts = {
            "namespace": cell.namespace,
            "route": cell.route,
            "task": cell.name,
            "idle_s": now - places[0].asked_at,
            "count": count,
        }
        event = Event(kind=EventKind.TASK_FORGOTTEN, deployment="", at=now, facts=facts)
        self._events.append(event)

    def drain(self) -> list[Event]:
        """What was forgotten since the last call."""
        told, self._events = self._events, []
        return told
