"""What feeds list: models that are new, rows that are gone, dates of retirement, each told once."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple

from windsock.core.model.events import Event, EventKind
from windsock.core.model.ticks import Vanished
from windsock.feeds.definition import FeedDefinition
from windsock.feeds.reader import PriceRow, Reading

MOST_EACH = 10
"""Of one kind in one reading that are told one by one; more are one event that counts them."""

TELL_AGAIN_S = 86400.0
"""A row that comes and goes is told of once in so long."""

REMEMBERED = (EventKind.PRICE_VANISHED, EventKind.PRICE_RELISTED, EventKind.MODEL_RETIRES)
"""Kinds that a restart does not tell again, if it is given what was told before."""


class Gone(NamedTuple):
    """Deployments that a feed prices no more: its rows are gone, or are about others by now."""

    vanished: list[Vanished]
    misread: frozenset[str]


@dataclass(slots=True, kw_only=True)
class Listings:
    """Compares each reading of a feed with its last one.

    The first reading of a feed tells of no model: after a start everything would be new.
    """

    publish: Callable[[Event], None]
    _rows: dict[str, dict[str, PriceRow]] = field(default_factory=dict)
    _unread: dict[str, frozenset[str]] = field(default_factory=dict)
    _models: dict[str, frozenset[str]] = field(default_factory=dict)
    _told: dict[tuple[str, str, str], float] = field(default_factory=dict)
    _gone: dict[str, set[str]] = field(default_factory=dict)

    def remember(self, events: Iterable[Event]) -> None:
        """What was told before a restart, newest first."""
        for event in events:
            feed = str(event.facts.get("feed"))
            told = _dates(event) if event.kind == EventKind.MODEL_RETIRES else {}
            keys = told or dict.fromkeys(_names(event), feed)
            for name, what in keys.items():
                self._told.setdefault((event.kind, name, what), event.at)
        for (kind, name, feed), at in self._told.items():
            back_at = self._told.get((EventKind.PRICE_RELISTED, name, feed), -math.inf)
            if kind == EventKind.PRICE_VANISHED and back_at < at:
                self._gone.setdefault(feed, set()).add(name)

    def compare(
        self,
        definition: FeedDefinition,
        reading: Reading,
        listed: Mapping[str, PriceRow],
        now: float,
    ) -> Gone:
        """Tell what is new and what is gone; the deployments that it prices no more.

        listed  deployments, each with the row that prices it
        """
        before = self._rows.get(definition.id, {})
        unread = self._note_unread(definition, reading, listed, now)
        self._rows[definition.id] = {**listed, **unread}
        gone = {n: row for n, row in before.items() if n not in listed and n not in unread}
        names = names_in(reading)
        self._note_relisted(definition, listed, now)
        self._note_vanished(definition, [n for n, r in gone.items() if _name(r) not in names], now)
        self._note_models(definition, names, now)
        rows = set(map(_name, reading.rows))
        vanished = [
            Vanished(deployment=n, feed=definition.id, feed_model=row.model, seen_at=now)
            for n, row in gone.items()
            if _name(row) not in rows
        ]
        return Gone(vanished, frozenset(n for n, row in gone.items() if _name(row) in rows))

    def note_retirements(
        self, definition: FeedDefinition, dates: Mapping[str, float], now: float
    ) -> None:
        """Dates (unix s) from which deployments are served no more, as a feed states them."""
        days = {name: datetime.fromtimestamp(at, UTC).date() for name, at in dates.items()}
        news = {
            name: day.isoformat()
            for name, day in sorted(days.items())
            if self._is_news((EventKind.MODEL_RETIRES, name, day.isoformat()), math.inf, now)
        }
        if len(news) > MOST_EACH:
            self._tell(EventKind.MODEL_RETIRES, definition, now, dates=news, count=len(news))
            return
        for name, day in news.items():
            at = dates[name]
            self._tell(
                EventKind.MODEL_RETIRES, definition, now, name, retires_on=day, retires_at=at
            )

    def _note_unread(
        self,
        definition: FeedDefinition,
        reading: Reading,
        listed: Mapping[str, PriceRow],
        now: float,
    ) -> dict[str, PriceRow]:
        """Deployments that it still lists, but whose price can be read no more; said once.

        They count as listed, and their last price grows old.
        """
        reasons = dict(reading.skipped)
        unread = {
            deployment: row
            for deployment, row in self._rows.get(definition.id, {}).items()
            if deployment not in listed and _name(row) in reasons
        }
        for deployment in unread.keys() - self._unread.get(definition.id, frozenset()):
            row = unread[deployment]
            facts = {"feed_model": row.model, "reason": reasons[_name(row)]}
            self._tell(EventKind.PRICE_UNREAD, definition, now, deployment, **facts)
        self._unread[definition.id] = frozenset(unread)
        return unread

    def _note_vanished(self, definition: FeedDefinition, gone: Iterable[str], now: float) -> None:
        """Deployments that it lists under no name any more."""
        if definition.is_partial:
            return
        kind = EventKind.PRICE_VANISHED
        news = [n for n in gone if self._is_news((kind, n, definition.id), TELL_AGAIN_S, now)]
        self._gone.setdefault(definition.id, set()).update(news)
        self._tell_each(kind, definition, now, news)

    def _note_relisted(
        self, definition: FeedDefinition, listed: Mapping[str, PriceRow], now: float
    ) -> None:
        """Deployments of which it was told that they are gone, and that it lists again."""
        gone = self._gone.get(definition.id, set())
        back = sorted(gone & listed.keys())
        gone.difference_update(back)
        self._tell_each(EventKind.PRICE_RELISTED, definition, now, back)

    def _tell_each(
        self, kind: EventKind, definition: FeedDefinition, now: float, names: list[str]
    ) -> None:
        """One by one, or all together where they are many."""
        if len(names) > MOST_EACH:
            self._tell(kind, definition, now, deployments=names, count=len(names))
            return
        for name in names:
            self._tell(kind, definition, now, name)

    def _note_models(self, definition: FeedDefinition, names: frozenset[str], now: float) -> None:
        """Models that it never listed before, whoever sells them."""
        known = self._models.get(definition.id)
        if definition.is_partial or not names:
            return
        self._models[definition.id] = names if known is None else known | names
        news = sorted(names - known) if known is not None else []
        if len(news) > MOST_EACH:
            first = news[:MOST_EACH]
            self._tell(EventKind.MODEL_LISTED, definition, now, models=first, count=len(news))
            return
        for name in news:
            self._tell(EventKind.MODEL_LISTED, definition, now, model=name)

    def _is_news(self, key: tuple[str, str, str], again_s: float, now: float) -> bool:
        is_news = now - self._told.get(key, -math.inf) >= again_s
        if is_news:
            self._told[key] = now
        return is_news

    def _tell(
        self,
        kind: EventKind,
        definition: FeedDefinition,
        now: float,
        deployment: str = "",
        **facts: object,
    ) -> None:
        told = {"feed": definition.id, **facts}
        self.publish(Event(kind=kind, deployment=deployment, at=now, facts=told))


def names_in(reading: Reading) -> frozenset[str]:
    """Every `provider/model` that a body names, whether or not a price of it can be read."""
    rows = (_name(row) for row in reading.rows)
    facts = (f"{each.provider}/{each.model}" for each in reading.facts)
    others = (*(name for name, _ in reading.skipped), *(each.subject for each in reading.health))
    return frozenset((*rows, *facts, *(name for name in others if "/" in name)))


def _name(row: PriceRow) -> str:
    return f"{row.provider}/{row.model}"


def _names(event: Event) -> Iterable[str]:
    named = event.facts.get("deployments")
    return [str(name) for name in named] if isinstance(named, list | tuple) else [event.deployment]


def _dates(event: Event) -> dict[str, str]:
    dates = event.facts.get("dates")
    if isinstance(dates, Mapping):
        return {str(name): str(day) for name, day in dates.items()}
    return {event.deployment: str(event.facts.get("retires_on"))}
