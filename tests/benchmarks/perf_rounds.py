"""Alternating rounds of load over several gateways, and the ratios of paired rounds."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from statistics import median

from tests.benchmarks.perf_machine import Reading, load
from tests.benchmarks.perf_sides import SIDES, Gateway, Kind

BARS = ["figure", "bar", "measured (range over paired rounds)", "met"]

LONG_FROM = 64
"""Connections from which a slow gateway needs its longest window."""


@dataclass(slots=True)
class Cell:
    """All rounds of one kind of request at one concurrency, by gateway."""

    kind: Kind
    open: int
    readings: dict[str, list[Reading]] = field(default_factory=dict)

    def median(self, name: str, figure: Callable[[Reading], float]) -> float:
        return median(map(figure, self.readings[name]))

    def ratios(self, name: str, other: str, figure: Callable[[Reading], float]) -> list[float]:
        """The figure of one gateway over that of another, round by round."""
        pairs = zip(self.readings[name], self.readings[other], strict=True)
        return [figure(a) / max(1e-9, figure(b)) for a, b in pairs]

    def errors(self, name: str) -> int:
        return sum(reading.errors for reading in self.readings[name])


def measured(
    gateways: list[Gateway], kind: Kind, open_: int, *, rounds: int, seconds: float
) -> Cell:
    """`rounds` windows of each gateway in turn, after one short window to warm up."""
    cell = Cell(kind, open_)
    for gateway in gateways:
        load(gateway.port, open_, min(1.0, seconds), gateway.request(kind))
    for number in range(rounds):
        turn = gateways[number % len(gateways) :] + gateways[: number % len(gateways)]
        for gateway in turn:
            window_s = _window_s(gateway, open_, seconds)
            reading = load(gateway.port, open_, window_s, gateway.request(kind), gateway.pid)
            cell.readings.setdefault(gateway.name, []).append(reading)
            print(_said(gateway, cell, reading), file=sys.stderr)
    return cell


def _window_s(gateway: Gateway, open_: int, seconds: float) -> float:
    is_long = open_ >= LONG_FROM and seconds >= 2.0
    return max(seconds, gateway.least_s) if is_long else seconds


def _said(gateway: Gateway, cell: Cell, reading: Reading) -> str:
    return (
        f"{cell.kind.name:>8} c={cell.open:<4} {gateway.name:<15} {reading.per_s:9.1f}/s "
        f"{reading.cpu_s_per_1000:8.4f} CPU s/1000  p50 {reading.p50_us / 1000:8.2f} ms "
        f"p99 {reading.p99_us / 1000:8.2f} ms  errors {reading.errors}"
    )


def with_range(values: Iterable[float], digits: int = 1) -> str:
    """The median, and the range over the rounds in brackets."""
    listed = sorted(values)
    low, high = listed[0], listed[-1]
    return f"{median(listed):.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def verdict(is_met: bool) -> str:
    return "yes" if is_met else "**no**"


def options(description: str) -> argparse.Namespace:
    """What every comparison can be told on its command line."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--quick", action="store_true", help="a few seconds; writes no document")
    parser.add_argument("--rounds", type=int, help="alternating rounds of every figure")
    parser.add_argument("--seconds", type=float, help="of one window")
    parser.add_argument("--sides", nargs="+", choices=SIDES, help="gateways to compare")
    parser.add_argument("--open", nargs="+", type=int, help="concurrent requests")
    chosen = parser.parse_args()
    quick = chosen.quick
    chosen.rounds = chosen.rounds or (1 if quick else 2)
    chosen.seconds = chosen.seconds or (1.0 if quick else 4.0)
    chosen.sides = chosen.sides or (["nginx", "windsock"] if quick else list(SIDES))
    chosen.open = chosen.open or ([1, 64] if quick else [1, 16, 64, 256])
    return chosen
