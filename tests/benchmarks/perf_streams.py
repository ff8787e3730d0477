"""windsock, nginx, Portkey and LiteLLM on one core, streams of 50 events: at once, and 5 ms apart.

    python -m tests.benchmarks.perf_streams [--quick] [--rounds N] [--sides nginx windsock]

Writes its tables into docs/performance.md.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from tests.benchmarks.perf_gateways import ALONE, FLOOR, OURS, cpu, per_s, versions
from tests.benchmarks.perf_machine import Missing, Reading, said, upstream
from tests.benchmarks.perf_rounds import BARS, Cell, measured, options, verdict, with_range
from tests.benchmarks.perf_sides import BURST, PACED, started
from tests.benchmarks.tables import DOCS, markdown, write_between

HEAD = [
    "events",
    "open",
    "gateway",
    "streams/s",
    "CPU s per 1,000",
    "times windsock's CPU",
    "first byte p50 / p95, ms",
    "whole stream p50 / p99, ms",
    "errors",
]
LATE_MS = 25.0
"""A paced stream is on time if its last event is no later than this after the upstream's."""

UNEVEN = 1.2
"""By which the upstream's own windows may differ; a virtual machine's clock skips at times."""


def main() -> None:
    chosen = options(__doc__ or "")
    with tempfile.TemporaryDirectory() as folder, upstream(Path(folder) / "log") as port:
        with started(chosen.sides, Path(folder), port) as gateways:
            cells = [
                measured(gateways, kind, open_, rounds=chosen.rounds, seconds=chosen.seconds)
                for kind in (BURST, PACED)
                for open_ in chosen.open
            ]
            caption = f"{versions(gateways)}. {said()}."
    caption += f" {chosen.rounds} rounds of {chosen.seconds:.0f} s; LiteLLM 25 s from 64 on."
    text = "\n\n".join(
        [
            caption,
            markdown(BARS, bars(cells)),
            markdown(HEAD, [row for cell in cells for row in rows(cell)]),
        ]
    )
    print(text)
    if not chosen.quick:
        write_between(DOCS / "performance.md", "streams", text)


def rows(cell: Cell) -> Iterator[list[str]]:
    for name in cell.readings:
        times = [1 / max(1e-9, r) for r in cell.ratios(OURS, name, cpu)]
        yield [
            cell.kind.name,
            str(cell.open),
            name,
            f"{cell.median(name, per_s):,.0f}",
            "" if name == ALONE else f"{cell.median(name, cpu):.3f}",
            "" if name in (ALONE, OURS) else with_range(times, 2),
            f"{cell.median(name, first) / 1000:.2f} / {cell.median(name, first95) / 1000:.2f}",
            f"{cell.median(name, half) / 1000:.1f} / {cell.median(name, tail) / 1000:.1f}",
            str(cell.errors(name)),
        ]


def bars(cells: list[Cell]) -> Iterator[list[str]]:
    for cell in cells:
        if cell.kind is BURST and cell.open == 64:
            yield from _at_once(cell)
        if cell.kind is PACED and cell.open == 1:
            yield _first_byte(cell)
        if cell.kind is PACED and cell.open >= 64:
            yield from _paced(cell)


def _at_once(cell: Cell) -> Iterator[list[str]]:
    for other, bar in (("LiteLLM", 100.0), ("Portkey", 3.0)):
        if other in cell.readings:
            ratios = cell.ratios(OURS, other, per_s)
            label = f"streams/s at once, 64 open, over {other}'s"
            met = verdict(median(ratios) >= bar)
            yield [label, f"{bar:.0f} x", with_range(ratios) + " x", met]
    yield from _cpu_over(cell, FLOOR, "at once", 8.0)


def _paced(cell: Cell) -> Iterator[list[str]]:
    lates = [_late_ms(cell, tail), _late_ms(cell, half)]
    wrong = cell.errors(OURS)
    figure = f"p99 {lates[0]:.1f} ms, p50 {lates[1]:.1f} ms after the upstream's, {wrong} errors"
    met = verdict(lates[0] <= LATE_MS and not wrong)
    if (slow := _slowness(cell)) > UNEVEN:
        figure, met = f"not told: the upstream's own pace varied by {slow:.1f} x", "unknown"
    yield [f"paced streams on time, {cell.open} open", f"p99 within {LATE_MS:.0f} ms", figure, met]
    yield from _cpu_over(cell, FLOOR, "paced", 3.0)
    yield from _cpu_over(cell, "LiteLLM", "paced", 1 / 12)


def _cpu_over(cell: Cell, other: str, how: str, bar: float) -> Iterator[list[str]]:
    if other in cell.readings:
        ratios = cell.ratios(OURS, other, cpu)
        label = f"CPU of a stream {how}, {cell.open} open, over {other}'s"
        met = verdict(median(ratios) <= bar)
        yield [label, f"{bar:.3g} x", with_range(ratios, 2) + " x", met]


def _first_byte(cell: Cell) -> list[str]:
    added = (cell.median(OURS, first) - cell.median(ALONE, first)) / 1000
    met = verdict(added <= 0.5)
    return ["first streamed byte after the upstream's, c=1", "0.5 ms", f"{added:.2f} ms", met]


def _slowness(cell: Cell) -> float:
    """The upstream's slowest window over the quickest of anybody: nobody can end before it."""
    quickest = min(half(reading) for each in cell.readings.values() for reading in each)
    return max(map(half, cell.readings[ALONE])) / quickest


def _late_ms(cell: Cell, figure: object) -> float:
    return (cell.median(OURS, figure) - cell.median(ALONE, figure)) / 1000  # type: ignore[arg-type]


def first(reading: Reading) -> float:
    return reading.first_p50_us


def first95(reading: Reading) -> float:
    return reading.first_p95_us


def half(reading: Reading) -> float:
    return reading.p50_us


def tail(reading: Reading) -> float:
    return reading.p99_us


if __name__ == "__main__":
    try:
        main()
    except Missing as reason:
        sys.exit(str(reason))
