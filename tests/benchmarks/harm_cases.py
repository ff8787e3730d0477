"""Dated errors and moves of public price lists, and what lists say around them, poll by poll."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache
from pathlib import Path

from tests.benchmarks.list_history import Price, comparable, listed_by
from tests.builders import START, quote
from windsock.core.model.ticks import Quote
from windsock.core.model.units import Meter
from windsock.feeds.definition import load_feed
from windsock.resources import room

DATA = Path(__file__).parent / "data"
HOUR, DAY = 3600.0, 86400.0
REQUESTS_PER_S = 100.0
KNOWN_FOR = 90 * DAY
"""How long before a move or an error the price before it was stated."""
AFTER = 30 * DAY
"""How long after a move its harm is counted."""
FOLLOW = (2 * DAY, 14 * DAY)
"""When other lists follow a move; until then they restate the old price."""
FULLEST = "models-dev"
"""Of the lists whose history is kept, the one with most rows."""
OTHERS = ("models-dev", "litellm", "portkey", "genai-prices")
ARCHIVES = (("events", "models-dev"), ("aggregator", "openrouter"))
COLUMNS = ("input_before", "output_before", "input_usd_per_mtok", "output_usd_per_mtok")


@dataclass(frozen=True, slots=True)
class Case:
    """One dated error or move.

    before  the price that was true and stated before; None: a first listing
    said    what the feed says from day 0 on
    right   what is true from day 0 on
    days    until the feed says what is right
    others      lists that know the deployment, too
    elsewhere   what another seller of the model was known to ask by day 0
    day         ISO date of day 0
    """

    name: str
    feed: str
    before: Price | None
    said: Price
    right: Price
    days: float
    others: int
    elsewhere: Price | None = None
    day: str = ""

    def peers(self, at: float, *, alone: bool) -> list[Quote]:
        """What lists say at `at` (unix s) of comparable models.

        alone   by the one feed: its own list, or, where no history of it is kept, FULLEST's as its
        """
        found = sorted(comparable(self.name, listed_by(self.day)))
        if not alone:
            return [stated(source, name, usd, at) for source, name, usd in found]
        own = self.feed if any(source == self.feed for source, _, _ in found) else FULLEST
        return [stated(self.feed, name, usd, at) for source, name, usd in found if source == own]


def price(text: str) -> Price:
    one, _, other = text.partition("/")
    return float(one), float(other)


def errors(table: str = "price_errors") -> list[Case]:
    with (DATA / f"{table}.csv").open(encoding="utf-8") as lines:
        return [
            Case(
                name=row["deployment"],
                feed=row["feed"],
                before=price(row["before_usd_per_mtok"]) if row["before_usd_per_mtok"] else None,
                said=price(row["wrong_usd_per_mtok"]),
                right=price(row["right_usd_per_mtok"]),
                days=float(row["days_until_corrected"]),
                others=int(row["other_feeds_listing"]),
                elsewhere=sold_elsewhere(row["deployment"], row["day"]),
                day=row["day"],
            )
            for row in csv.DictReader(lines)
        ]


def moves() -> list[Case]:
    """The sample, and every dated move of the shipped corpora of which both prices are known."""
    found = listed_moves("price_moves")
    for archive, feed in (("events", "models-dev"), ("aggregator", "openrouter")):
        found += _archived(archive, feed)
    return [case for case in found if min(*case.before or (0.0,), *case.right) > 1e-4]


def listed_moves(table: str) -> list[Case]:
    with (DATA / f"{table}.csv").open(encoding="utf-8") as lines:
        return [
            _move(
                row["deployment"],
                row["feed"],
                price(row["old_usd_per_mtok"]),
                price(row["new_usd_per_mtok"]),
                others=int(row["other_feeds_listing"]),
                day=row["day"],
            )
            for row in csv.DictReader(lines)
        ]


def archived(archive: str) -> list[dict[str, str]]:
    with (room("pricefeeds") / "archive" / f"{archive}.csv").open(encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def sold_elsewhere(deployment: str, day: str) -> Price | None:
    """The last price of the model by that day at any other seller that a corpus knows."""
    seller, model = deployment.split("/", 1)[0], deployment.rpartition("/")[2].lower()
    found = [
        (row["seen_at"], float(row[COLUMNS[2]]), float(row[COLUMNS[3]]))
        for archive, _ in ARCHIVES
        for row in archived(archive)
        if row["model"].rpartition("/")[2].lower() == model
        and row["provider"] != seller
        and row["seen_at"][:10] <= day
        and float(row[COLUMNS[2]] or 0)
        and float(row[COLUMNS[3]] or 0)
    ]
    return max(found)[1:] if found else None


def _archived(archive: str, feed: str) -> Iterator[Case]:
    every = 5 if archive == "aggregator" else 1  # drift of resellers: a fifth of it
    for row in archived(archive)[::every]:
        values = [float(row[name] or 0) for name in COLUMNS]
        if all(values) and not row["variant"] and row["kind"] != "retire":
            name = f"{row['provider']}/{row['model']}"
            yield _move(
                name,
                feed,
                (values[0], values[1]),
                (values[2], values[3]),
                others=1,
                day=row["seen_at"][:10],
            )


def _move(name: str, feed: str, old: Price, new: Price, *, others: int, day: str) -> Case:
    return Case(name, feed, before=old, said=new, right=new, days=0.0, others=others, day=day)


@cache
def declared(feed: str) -> tuple[float, float]:
    """(seconds between polls, trust) of a feed."""
    found = load_feed(room("pricefeeds") / feed)
    return found.every, found.trust


def stated(feed: str, name: str, usd: Price, at: float) -> Quote:
    prices = {Meter.INPUT: Decimal(str(usd[0])), Meter.OUTPUT: Decimal(str(usd[1]))}
    return quote(name, feed=feed, usd_per_mtok=prices, trust=declared(feed)[1], seen_at=at)


def history(case: Case, *, alone: bool, until: float) -> Iterator[Quote]:
    """What the feeds say, poll by poll in order of time; day 0 is at START."""
    names = [feed for feed in OTHERS if feed != case.feed][: 0 if alone else case.others]
    lines = {case.feed: (case.days * DAY, 0.0)}
    lines |= {feed: (0.0, FOLLOW[i % 2] if case.before else 0.0) for i, feed in enumerate(names)}
    polls = []
    for place, (feed, (wrong_s, late_s)) in enumerate(lines.items()):
        every_s = declared(feed)[0]
        at = START + every_s * (0.5 + 0.1 * place)
        turns = (0.0, wrong_s, late_s)
        while at < START + until:
            since = at - START
            usd = case.said if since < wrong_s else case.right
            usd = case.before if case.before and since < late_s else usd
            polls.append(stated(feed, case.name, usd, at))
            is_busy = any(0 <= since - turn < 2 * DAY for turn in turns)
            calm_s = min((turn - since for turn in turns if turn > since), default=6 * HOUR)
            at += every_s * max(1, 0 if is_busy else min(6 * HOUR, calm_s) // every_s)
        if case.before:
            early = START - KNOWN_FOR + every_s * 0.1 * place
            polls += [stated(feed, case.name, case.before, early + DAY * d) for d in (0, 45, 89.5)]
    if case.elsewhere:
        polls += [
            replace(stated(case.feed, case.name, case.elsewhere, START + DAY * d), is_indirect=True)
            for d in range(int(until / DAY) + 1)
        ]
    return iter(sorted(polls, key=lambda each: each.seen_at))
