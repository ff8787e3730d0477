"""A rehearsal for people at 80 columns, and as JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from rich.console import Console

from windsock.rehearsal.figures import Figures, Interval
from windsock.rehearsal.rehearse import Rehearsal
from windsock.resources import text_lines
from windsock.resources.text_lines import wrapped

LEAST_SHOWN = 0.001
"""Shares below it, in all that ran, are left out."""

Pick = Callable[[Figures], Interval | None]


def show(console: Console, found: Rehearsal) -> None:
    """Print it: of every fact a line for each that ran, and one for the difference."""
    text_lines.show(console, report_lines(found, width=console.width))


def report_lines(found: Rehearsal, *, width: int) -> Iterator[str]:
    """At most so wide, but for names that are wider."""
    for line in (*_head(found), *_facts(found), "Not known:"):
        yield from _fitted(line, width)
    for line in found.unknown:
        yield from _fitted(f"  {line}", width)


def _fitted(line: str, width: int) -> list[str]:
    """A line in as many as it needs; names stay whole."""
    if len(line) <= width:
        return [line]
    indent = line[: len(line) - len(line.lstrip())]
    first, *rest = wrapped(line.strip(), width=width - 2, indent=indent)
    return [first, *(f"  {each}" for each in rest)]


def as_json(found: Rehearsal) -> dict[str, Any]:
    """The same for programs."""
    return asdict(found)


def _head(found: Rehearsal) -> Iterator[str]:
    begins = datetime.fromtimestamp(found.starts_at, UTC).strftime("%Y-%m-%d %H:%M UTC")
    yield f"{found.requests:,} requests of route {found.route}"
    yield f"{found.hours:.4g} hours from {begins}, {found.seeds} seeds"
    yield from (f"  {change}" for change in found.changes)
    yield "if all is as believed, and the 5th to the 95th percentile of the seeds"


def _facts(found: Rehearsal) -> Iterator[str]:
    yield from _lines(found, "spend in $", lambda each: each.spend_usd, ".4g")
    yield from _lines(found, "success", lambda each: each.success, ".1%")
    yield from _lines(found, "95th percentile of latency in s", lambda e: e.p95_latency_s, ".2f")
    for name in _names(found):
        yield from _lines(found, f"share of {name}", lambda each, n=name: each.shares.get(n), ".1%")  # type: ignore[misc]


def _lines(found: Rehearsal, fact: str, pick: Pick, form: str) -> Iterator[str]:
    yield f"{fact}:"
    for each in found.runs:
        yield _line(each.name, pick(each), form)
    if found.difference is not None:
        yield _line("difference", pick(found.difference), f"+{form}")


def _line(name: str, value: Interval | None, form: str) -> str:
    if value is None:
        return f"    {name:<22} no candidate"
    return f"    {name:<22} {value.as_believed:{form}}  ({value.low:{form}} .. {value.high:{form}})"


def _names(found: Rehearsal) -> list[str]:
    names = {name for each in found.runs for name in each.shares}
    most = {
        name: max(each.shares[name].mean for each in found.runs if name in each.shares)
        for name in names
    }
    return sorted((name for name in names if most[name] >= LEAST_SHOWN), key=lambda n: -most[n])
