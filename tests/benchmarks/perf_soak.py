"""Memory under load: resident after start, at c=64, and its slope over ten minutes.

    python -m tests.benchmarks.perf_soak [--quick] [--minutes N]

Plain requests and streams in turn; writes its table into docs/performance.md.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

from tests.benchmarks.perf_machine import Missing, load, rss_mb, said, upstream
from tests.benchmarks.perf_rounds import BARS, verdict
from tests.benchmarks.perf_sides import BURST, LARGE, PLAIN, started
from tests.benchmarks.tables import DOCS, markdown, write_between

OPEN = 64
TURN_S = 5.0
SETTLED_SHARE = 0.4
"""Of the soak, after which the memory that holds 100,000 open decisions is filled."""


def main(minutes: float, *, is_quick: bool) -> None:
    with tempfile.TemporaryDirectory() as place, upstream(Path(place) / "log") as port:
        with started(["windsock"], Path(place), port) as (_, gateway):
            assert gateway.pid is not None
            at_start = rss_mb(gateway.pid)
            samples: list[tuple[float, float]] = []
            over = threading.Event()
            watcher = threading.Thread(target=watch, args=(gateway.pid, samples, over))
            watcher.start()
            until, answers, errors = time.monotonic() + minutes * 60, 0, 0
            while time.monotonic() < until:
                for kind in (PLAIN, BURST, LARGE):
                    reading = load(
                        gateway.port, OPEN, min(TURN_S, minutes * 20), gateway.request(kind)
                    )
                    answers, errors = answers + reading.answers, errors + reading.errors
            over.set()
            watcher.join()
    slope = slope_mb(samples)
    most = max(mb for _, mb in samples)
    rows = [
        ["resident after start", "100 MB", f"{at_start:.0f} MB", verdict(at_start <= 100)],
        ["resident at load, most", "120 MB", f"{most:.0f} MB", verdict(most <= 120)],
        ["slope in ten minutes, once full", "1 MB", f"{slope:.1f} MB", verdict(slope <= 1)],
    ]
    text = f"{said()}. {minutes:g} minutes, {answers:,} answers, {errors} errors.\n\n" + markdown(
        BARS, rows
    )
    print(text)
    if not is_quick:
        write_between(DOCS / "performance.md", "soak", text)


def watch(pid: int, samples: list[tuple[float, float]], over: threading.Event) -> None:
    begun = time.monotonic()
    while not over.wait(0.5):
        samples.append((time.monotonic() - begun, rss_mb(pid)))


def slope_mb(samples: list[tuple[float, float]]) -> float:
    """Least-squares growth over ten minutes, from the settled part."""
    settled = np.array(samples[int(len(samples) * SETTLED_SHARE) :])
    return float(np.polyfit(settled[:, 0], settled[:, 1], 1)[0]) * 600


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--minutes", type=float)
    chosen = parser.parse_args()
    try:
        main(chosen.minutes or (0.2 if chosen.quick else 10), is_quick=chosen.quick)
    except Missing as reason:
        sys.exit(str(reason))
