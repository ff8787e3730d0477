"""windsock, nginx, Portkey and LiteLLM on one core, plain chats of 1 KB and 32 KB.

    python -m tests.benchmarks.perf_gateways [--quick] [--rounds N] [--sides nginx windsock]

Writes its tables into docs/performance.md.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from tests.benchmarks.perf_machine import Missing, Reading, rss_mb, said, upstream
from tests.benchmarks.perf_rounds import BARS, Cell, measured, options, verdict, with_range
from tests.benchmarks.perf_sides import LARGE, PLAIN, Gateway, started
from tests.benchmarks.tables import DOCS, markdown, write_between

HEAD = [
    "body",
    "open",
    "gateway",
    "requests/s",
    "CPU s per 1,000",
    "times windsock's CPU",
    "added p50 / p99, ms",
    "errors",
]
OURS, FLOOR, ALONE = "windsock", "nginx", "upstream alone"


def main() -> None:
    chosen = options(__doc__ or "")
    with tempfile.TemporaryDirectory() as folder, upstream(Path(folder) / "log") as port:
        with started(chosen.sides, Path(folder), port) as gateways:
            cells = [
                measured(gateways, kind, open_, rounds=chosen.rounds, seconds=chosen.seconds)
                for kind in (PLAIN, LARGE)
                for open_ in chosen.open
            ]
            caption = f"{versions(gateways)}. {said()}."
            memory = {g.name: rss_mb(g.pid) for g in gateways if g.pid}
    text = "\n\n".join(
        [
            caption
            + f" {chosen.rounds} rounds of {chosen.seconds:.0f} s; LiteLLM 25 s from 64 on.",
            markdown(BARS, bars(cells)),
            markdown(HEAD, [row for cell in cells for row in rows(cell)]),
            "Resident at the end, MB: "
            + ", ".join(f"{name} {mb:.0f}" for name, mb in memory.items()),
        ]
    )
    print(text)
    if not chosen.quick:
        write_between(DOCS / "performance.md", "gateways", text)


def versions(gateways: list[Gateway]) -> str:
    return ", ".join(f"{g.name} {g.version}".strip() for g in gateways if g.pid)


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
            ""
            if name == ALONE
            else f"{added_ms(cell, name, p50):.2f} / {added_ms(cell, name, p99):.2f}",
            str(cell.errors(name)),
        ]


def bars(cells: list[Cell]) -> Iterator[list[str]]:
    """The bars that these cells can show."""
    by_open = {cell.open: cell for cell in cells if cell.kind is PLAIN}
    if 64 in by_open:
        yield from _busy(by_open[64])
    for open_ in sorted({64, 256} & by_open.keys()):
        ratios = [p99(each) / p50(each) for each in by_open[open_].readings[OURS]]
        figure = f"p99 over p50 at c={open_}, 1 KB"
        yield [figure, "3 x", with_range(ratios) + " x", verdict(median(ratios) <= 3)]
    if 1 in by_open:
        cell = by_open[1]
        half, tail = added_ms(cell, OURS, p50), added_ms(cell, OURS, p99)
        is_met = half <= 0.35 and tail <= 0.8
        figure = f"{half:.2f} / {tail:.2f} ms"
        yield ["added p50 / p99 at c=1, 1 KB", "0.35 / 0.8 ms", figure, verdict(is_met)]
    if 16 in by_open and 256 in by_open:
        pairs = zip(by_open[256].readings[OURS], by_open[16].readings[OURS], strict=True)
        ratios = [a.per_s / b.per_s for a, b in pairs]
        wrong = by_open[256].errors(OURS)
        is_met = median(ratios) >= 0.9 and not wrong
        figure = f"{with_range(ratios, 2)}, {wrong} errors"
        yield ["throughput at c=256 over c=16", "0.9, no errors", figure, verdict(is_met)]


def _busy(cell: Cell) -> Iterator[list[str]]:
    for other, bar in (("LiteLLM", 35.0), ("Portkey", 5.0)):
        if other in cell.readings:
            ratios = cell.ratios(OURS, other, per_s)
            is_met = median(ratios) >= bar
            figure = f"throughput at c=64, 1 KB, over {other}'s"
            yield [figure, f"{bar:.0f} x", with_range(ratios) + " x", verdict(is_met)]
    if FLOOR in cell.readings:
        ratios = cell.ratios(OURS, FLOOR, cpu)
        is_met = median(ratios) <= 10
        figure = "CPU per request at c=64, 1 KB, over nginx's"
        yield [figure, "10 x", with_range(ratios) + " x", verdict(is_met)]


def per_s(reading: Reading) -> float:
    return reading.per_s


def cpu(reading: Reading) -> float:
    return reading.cpu_s_per_1000


def p50(reading: Reading) -> float:
    return reading.p50_us / 1000


def p99(reading: Reading) -> float:
    return reading.p99_us / 1000


def added_ms(cell: Cell, name: str, figure: object) -> float:
    """Milliseconds above the upstream alone, medians of the rounds."""
    return cell.median(name, figure) - cell.median(ALONE, figure)  # type: ignore[arg-type]


if __name__ == "__main__":
    try:
        main()
    except Missing as reason:
        sys.exit(str(reason))
