"""Memory under load: resident after start, at most, and what it grows by once it is full.

    python -m tests.benchmarks.perf_soak [--quick] [--answers N]

Twenty deployments; plain requests, streams and large bodies in turn, 64 at a time. Writes its table
into docs/performance.md.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np

from tests.benchmarks.perf_machine import Missing, load, rss_mb, said, upstream
from tests.benchmarks.perf_rounds import BARS, verdict
from tests.benchmarks.perf_sides import BURST, LARGE, PLAIN, windsock
from tests.benchmarks.tables import DOCS, markdown, write_between

OPEN = 64
DEPLOYMENTS = 20
TURN_S = 5.0
ANSWERS = 1_000_000
SETTLED_SHARE = 0.4
"""Of the answers, after which what is bounded is full: decisions that wait for feedback, caches."""

Samples = list[tuple[float, float]]
"""(answers given, MB resident), after each turn."""


def main(wanted: int, *, is_quick: bool) -> None:
    with tempfile.TemporaryDirectory() as place, upstream(Path(place) / "log") as port:
        with windsock(Path(place), port, DEPLOYMENTS) as gateway:
            assert gateway.pid is not None
            at_start = rss_mb(gateway.pid)
            samples: Samples = []
            answers = errors = 0
            while answers < wanted:
                for kind in (PLAIN, BURST, LARGE):
                    reading = load(gateway.port, OPEN, TURN_S, gateway.request(kind))
                    answers, errors = answers + reading.answers, errors + reading.errors
                    samples.append((answers, rss_mb(gateway.pid)))
    growth, most = growth_mb(samples), max(mb for _, mb in samples)
    rows = [
        ["resident after start", "100 MB", f"{at_start:.0f} MB", verdict(at_start <= 100)],
        ["resident at load, most", "120 MB", f"{most:.0f} MB", verdict(most <= 120)],
        ["growth by 1,000,000 answers, once full", "5 MB", f"{growth:.1f} MB", verdict(growth < 5)],
    ]
    head = f"{said()}. {DEPLOYMENTS} deployments, {answers:,} answers, {errors} errors."
    text = f"{head}\n\n{markdown(BARS, rows)}"
    print(text)
    if not is_quick:
        write_between(DOCS / "performance.md", "soak", text)


def growth_mb(samples: Samples) -> float:
    """By a million answers, by least squares over the settled part."""
    settled = np.array(samples[int(len(samples) * SETTLED_SHARE) :])
    return float(np.polyfit(settled[:, 0], settled[:, 1], 1)[0]) * 1e6


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="100,000 answers; writes nothing")
    parser.add_argument("--answers", type=int)
    chosen = parser.parse_args()
    try:
        wanted = chosen.answers or (100_000 if chosen.quick else ANSWERS)
        main(wanted, is_quick=chosen.quick or chosen.answers is not None)
    except Missing as reason:
        sys.exit(str(reason))
