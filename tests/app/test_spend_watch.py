"""An hour that costs credibly three times what is usual is told of once, and its end once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal

import pytest
from sqlalchemy import Engine

from tests.builders import START
from tests.store.samples import decision, keep, outcome
from windsock.app.background.watches.spend_watch import EVERY_S, SpendWatch, pace_of
from windsock.clock import ManualClock
from windsock.core.model.events import Event
from windsock.observability.alarms import Alarms
from windsock.store.compact.pace import DayPace, paces
from windsock.store.engine import open_engine
from windsock.store.migrations import upgrade

DAY, HOUR = 86_400.0, 3600.0
NOW = START // DAY * DAY + 12 * HOUR

Hours = Callable[[int, int], float]
"""Dollars of an hour: (days ago, hours before now)."""


@pytest.fixture
def engine(tmp_path) -> Engine:
    url = f"sqlite:///{tmp_path}/windsock.db"
    upgrade(url)
    return open_engine(url)


def spend(engine: Engine, since: float, usd: float, requests: int = 120) -> None:
    """So many requests within the half hour from `since` on, which cost that together."""
    cost = Decimal(repr(usd)) / requests
    numbers = range(spend.number, spend.number + requests)
    spend.number += requests
    keep(
        engine,
        [
            outcome(n, cost_usd=cost, decision=decision(n, at=since + (n - numbers[0]) * 15.0))
            for n in numbers
        ],
    )


spend.number = 1


@dataclass
class Watched:
    engine: Engine
    told: list[Event] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.clock = ManualClock(NOW)
        self.watch = SpendWatch(engine=self.engine, clock=self.clock, publish=self.told.append)

    def look(self, at: float) -> list[str]:
        """What is told by a look at that time."""
        before = len(self.told)
        self.clock.advance_to(at)
        asyncio.run(self.watch.check())
        return [event.kind.value for event in self.told[before:]]


def days_of(engine: Engine, *usd: float, rest: float = 0.0) -> None:
    """The hour before now of each day before, and what the days cost besides."""
    for day, dollars in enumerate(usd, start=1):
        spend(engine, NOW - day * DAY - HOUR, dollars)
        if rest:
            spend(engine, NOW - day * DAY - 6 * HOUR, rest)
    spend(engine, NOW - len(usd) * DAY - DAY - HOUR, 0.01, requests=1)


def test_a_rise_is_told_once_and_its_end_once(engine) -> None:
    days_of(engine, 1.0, 1.2, 0.8, 1.0)
    spend(engine, NOW - HOUR, 3.7)
    watched, alarms = Watched(engine), Alarms()
    assert watched.look(NOW) == ["spend.rose"]
    assert watched.told[0].facts == {"usd": 3.7, "usual_usd": 1.2, "requests": 120, "days": 4}
    assert watched.look(NOW + EVERY_S) == watched.look(NOW + 2 * EVERY_S) == []
    alarms.on_event(watched.told[0])
    assert alarms.counts()[watched.told[0].kind] == 1
    assert watched.look(NOW + HOUR) == ["spend.fell"]
    alarms.on_event(watched.told[1])
    assert alarms.counts()[watched.told[0].kind] == 0


@pytest.mark.parametrize(
    ("days", "rest", "last", "requests"),
    [
        ((1.0, 1.2, 0.8, 1.0), 0.0, 3.5, 120),  # less than three times the most
        ((1.0, 1.0), 0.0, 9.0, 120),  # the first days
        ((1.0, 1.0, 1.0), 0.0, 9.0, 99),  # a few dear requests
        ((0.2, 0.2, 0.2, 0.2, 0.2, 0.2, 4.0), 0.0, 9.0, 120),  # so it is on this day of the week
        ((0.01, 0.01, 0.01), 48.0, 5.0, 120),  # three times an idle hour, but not the mean one
        ((0.0, 0.0, 0.0), 0.0, 9.0, 120),  # nothing to compare with
    ],
)
def test_what_is_not_credibly_more_is_silent(engine, days, rest, last, requests) -> None:
    days_of(engine, *days, rest=rest)
    spend(engine, NOW - HOUR, last, requests)
    assert Watched(engine).look(NOW) == []


def test_between_the_two_bounds_nothing_changes(engine) -> None:
    days_of(engine, 1.0, 1.0, 1.0)
    spend(engine, NOW - HOUR, 3.5)
    watched = Watched(engine)
    assert watched.look(NOW) == ["spend.rose"]
    spend(engine, NOW + HOUR, 2.0)
    spend(engine, NOW - DAY + HOUR, 1.0)
    assert watched.look(NOW + 2 * HOUR) == []


def test_looks_are_five_minutes_apart_and_an_empty_store_says_nothing(engine) -> None:
    watched = Watched(engine)
    assert watched.look(NOW) == [] and paces(engine, NOW, 7) == []
    days_of(engine, 1.0, 1.0, 1.0)
    spend(engine, NOW - HOUR, 9.0)
    assert watched.look(NOW + EVERY_S - 1) == []
    assert watched.look(NOW + EVERY_S) == ["spend.rose"]


def test_sums_of_an_hour_and_of_its_day_are_exact_whatever_the_minute(engine) -> None:
    days_of(engine, 1.0, 1.0, 1.0)
    spend(engine, NOW - HOUR + 7 * 60, 2.0)
    last, *before = paces(engine, NOW + 7 * 60 + 59.0, 7)
    assert last == pytest.approx(DayPace(usd=2.0, requests=120, day_usd=2.0))
    assert [each.day_usd for each in before] == pytest.approx([1.0, 1.0, 1.0])


def test_an_hour_of_a_day_that_was_dear_is_usual() -> None:
    pace = pace_of(DayPace(6.0, 500, 20.0), [DayPace(usd, 100, 12.0) for usd in (1.0, 3.0, 1.0)])
    assert pace is not None and (pace.usual_usd, pace.times, pace.days) == (3.0, 2.0, 3)
