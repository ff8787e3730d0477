"""`windsock feeds check`: what a feed folder yields, and what the guard would say of it."""

from __future__ import annotations

import asyncio
import csv
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from windsock.cli.layout import Entry, lines, show, terminal, wrapped
from windsock.clock import SystemClock
from windsock.core.model.units import Meter
from windsock.core.pricing.rules import DEFAULT_RULES
from windsock.core.pricing.validation import invalid_reason
from windsock.errors import ConfigError, FeedError
from windsock.feeds.definition import FeedDefinition, load_feed
from windsock.feeds.expected_rows import rows_as_csv
from windsock.feeds.fetcher import Fetcher, Validators
from windsock.feeds.quotes import quote_of
from windsock.feeds.reader import Reading
from windsock.feeds.reader_process import read_apart
from windsock.resources import folders

SAMPLED_AT = 1_795_514_400.0
"""2026-11-24, when the shipped samples were written: dates in them are read as of then."""

SHOWN = {Meter.INPUT.value: "in", Meter.OUTPUT.value: "out", Meter.CACHE_READ.value: "cached"}
"""Prices that stand beside a name, as they are headed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """One feed: what it yields, and whether `expected.csv` says the same (None: not there)."""

    place: Path
    definition: FeedDefinition
    reading: Reading
    agrees: bool | None


def check_feeds(path: Path | None, *, live: bool, write: bool, as_json: bool = False) -> bool:
    """Print what feeds yield; False if one could not be read or is not what it is expected to be.

    raises  ConfigError if the path holds no feed
    """
    is_good, told = True, []
    for place in _places(path):
        try:
            checked = _check(place, live=live, write=write)
        except FeedError as error:
            is_good, text, view = False, [f"mend {error}"], {"error": str(error)}
        else:
            is_good = is_good and checked.agrees is not False
            text, view = list(checked_lines(checked, width=terminal().width)), _view(checked)
        told.append({"feed": place.name, **view})
        if not as_json:
            show(terminal(), text)
    if as_json:
        print(json.dumps(told, indent=2))
    return is_good


def _places(path: Path | None) -> list[Path]:
    if path is None:
        return list(folders("pricefeeds", "feed.toml").values())
    if (path / "feed.toml").is_file() or not path.is_dir():
        return [path]
    found = [each.parent for each in sorted(path.glob("*/feed.toml"))]
    if not found:
        raise ConfigError(f"{path} holds no feed: neither feed.toml nor folders with one")
    return found


def _check(place: Path, *, live: bool, write: bool) -> Checked:
    definition = load_feed(place)
    at = SystemClock().now() if live else SAMPLED_AT
    reading = read_apart(definition, _body(place, definition, live), seen_at=at)
    if write and not live:
        _write_expected(place, reading)
    agrees = None if live else _agrees(place / "expected.csv", reading)
    return Checked(place=place, definition=definition, reading=reading, agrees=agrees)


def _body(place: Path, definition: FeedDefinition, live: bool) -> bytes:
    if live:
        fetched = asyncio.run(Fetcher(os.environ).fetch(definition, Validators()))
        return fetched.body or b""
    samples = list(place.glob("sample.*"))
    if not samples:
        raise ConfigError(f"{place} has no sample file; add sample.json, or use --live")
    return samples[0].read_bytes()


def _agrees(expected: Path, reading: Reading) -> bool | None:
    if not expected.is_file():
        return None
    with expected.open(encoding="utf-8") as lines:
        wanted = list(csv.DictReader(lines))
    found = [{key: row.get(key) for key in wanted[0]} for row in rows_as_csv(reading)]
    return bool(wanted) and found == wanted


def _write_expected(place: Path, reading: Reading) -> None:
    """`expected.csv` with the columns that hold anything."""
    rows = list(rows_as_csv(reading))
    used = [name for name in rows[0] if any(row[name] for row in rows)] if rows else []
    with (place / "expected.csv").open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, used, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _view(checked: Checked) -> dict[str, Any]:
    """As JSON."""
    rows = list(rows_as_csv(checked.reading))
    verdicts = _verdicts(checked.definition, checked.reading)
    return {
        "agrees": checked.agrees,
        "rows": [
            {**{name: value for name, value in row.items() if value}, "held": held}
            for row, held in zip(rows, verdicts, strict=True)
        ],
        "left_out": [{"name": name, "reason": reason} for name, reason in checked.reading.skipped],
    }


def checked_lines(checked: Checked, *, width: int) -> Iterator[str]:
    """A feed's rows: the main prices beside each name, what else there is below it."""
    definition, reading = checked.definition, checked.reading
    rows = list(rows_as_csv(reading))
    kind = "rows, USD per million" if reading.rows else "reports"
    yield f"{definition.id}: {len(rows)} {kind}  {_expectation(checked)}".rstrip()
    head = Entry("model", tuple(SHOWN.values())) if reading.rows else Entry("place", ("state",))
    entries = [
        _entry(row, held) for row, held in zip(rows, _verdicts(definition, reading), strict=True)
    ]
    yield from lines([head, *entries], width=width)
    for name, reason in reading.skipped:
        yield from wrapped(f"left out {name}: {reason}", width=width)
    yield ""


def _entry(row: dict[str, str], held: str | None) -> Entry:
    name = "/".join(filter(None, (row["provider"], row["model"])))
    if row["state"]:
        return Entry(name, (row["state"],))
    others = (
        f"{field.replace('_', ' ')} {value}"
        for field, value in row.items()
        if value and field not in {*SHOWN, "provider", "model"}
    )
    note = "; ".join([*others, *([f"held: {held}"] if held else [])])
    return Entry(name, [row[meter] for meter in SHOWN], note)


def _verdicts(definition: FeedDefinition, reading: Reading) -> Iterator[str | None]:
    """Why the guard would hold each row by itself, if it would; falls and rises need a price
    before."""
    for row in reading.rows:
        name = f"{row.provider}/{row.model}"
        quoted = quote_of(row, name, definition, SAMPLED_AT, False)
        yield invalid_reason(quoted, DEFAULT_RULES)
    for _ in reading.health:
        yield None


def _expectation(checked: Checked) -> str:
    if checked.agrees is None:
        return "" if not (checked.place / "sample.json").is_file() else "no expected.csv"
    return "as expected" if checked.agrees else "not as in expected.csv"
