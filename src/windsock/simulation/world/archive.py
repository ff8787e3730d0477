"""The shipped archive of dated price changes, as shocks of a scenario."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass

from windsock.resources import room
from windsock.resources.declared import moment
from windsock.simulation.world.conditions import Peak, Shock
from windsock.simulation.world.scenario import Scenario

ASIDE = re.compile(r"cached|>\d+K|regional|global|^thinking")
"""Variants that are not the model's own list price."""

SAME = ("seen_at", "provider", "model")

HOURS = re.compile(r"(\d\d)(?::(\d\d))?-(\d\d)(?::(\d\d))?")
WEEKDAYS_SINCE = "2026-08-16"
"""DeepSeek's windows of 2025 were daily, those of 2026 are of weekdays."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One dated price change; USD per million tokens, unix s. peaks: prices of daily hours."""

    at: float
    deployment: str
    before: tuple[float, float]
    after: tuple[float, float]
    peaks: tuple[Peak, ...] = ()


def moves() -> list[Move]:
    """List price changes of models that were sold before, in order of time."""
    with (room("pricefeeds") / "archive" / "events.csv").open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    found = [_move(row, rows) or _nights(row, rows) for row in rows]
    return [move for move in found if move is not None]


def shocks(scenario: Scenario) -> list[Shock]:
    """Changes of the scenario's deployments between its archive dates, in order of time."""
    archive = scenario.archive
    if archive is None:
        return []
    since, until = moment(archive.since), moment(archive.until)
    ends = scenario.begins + scenario.hours * 3600
    found = []
    for move in moves():
        name = archive.aliases.get(move.deployment, move.deployment)
        is_asked = since <= move.at < until and scenario.begins < move.at < ends
        if name not in scenario.deployments or not is_asked:
            continue
        usd_in, usd_out = move.after
        found.append(
            Shock(
                at_hour=(move.at - scenario.begins) / 3600,
                deployment=name,
                input=usd_in,
                output=usd_out,
                peaks=move.peaks,
            )
        )
    return found


def _move(row: dict[str, str], rows: list[dict[str, str]]) -> Move | None:
    before = _pair(row["input_before"], row["output_before"])
    after = _pair(row["input_usd_per_mtok"], row["output_usd_per_mtok"])
    is_aside = ASIDE.search(row["variant"]) or HOURS.search(row["variant"])
    if row["kind"] not in ("cut", "raise") or is_aside or not before or not after:
        return None
    peaks = _peaks(row, rows, after)
    if before == after and not peaks:
        return None
    return Move(
        at=moment(row["seen_at"]),
        deployment=f"{row['provider']}/{row['model']}",
        before=before,
        after=after,
        peaks=peaks,
    )


def _nights(row: dict[str, str], rows: list[dict[str, str]]) -> Move | None:
    """Cheaper hours that begin while the list price stays."""
    price = _pair(row["input_before"], row["output_before"])
    same = [other for other in rows if all(other[key] == row[key] for key in SAME)]
    if row["kind"] != "offpeak" or not price or len(same) > 1:
        return None
    return Move(
        at=moment(row["seen_at"]),
        deployment=f"{row['provider']}/{row['model']}",
        before=price,
        after=price,
        peaks=_peaks(row, rows, price),
    )


def _peaks(
    row: dict[str, str], rows: list[dict[str, str]], base: tuple[float, float]
) -> tuple[Peak, ...]:
    """Daily hours that the archive gives for the same model at the same moment."""
    found = []
    for other in rows:
        hours = HOURS.findall(other["variant"])
        price = _pair(other["input_usd_per_mtok"], other["output_usd_per_mtok"])
        if not hours or price is None or any(other[key] != row[key] for key in SAME):
            continue
        is_weekday = row["seen_at"] >= WEEKDAYS_SINCE
        found += [
            Peak(
                days=(1, 2, 3, 4, 5) if is_weekday else (1, 2, 3, 4, 5, 6, 7),
                start=f"{start}:{start_minute or '00'}",
                end=f"{end}:{end_minute or '00'}",
                input=price[0],
                output=price[1],
            )
            for start, start_minute, end, end_minute in hours
            if price != base
        ]
    return tuple(found)


def _pair(usd_in: str, usd_out: str) -> tuple[float, float] | None:
    return (float(usd_in), float(usd_out)) if usd_in and usd_out else None
