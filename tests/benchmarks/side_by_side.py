"""Benchmarks of an earlier commit and of this one, in turn, and the ratio of every figure.

    python -m tests.benchmarks.side_by_side REV [NAME ...] [--rounds N]

Both sides run from a fresh worktree, in alternating rounds; ratios are taken round by round. A
figure is the first number of a row after its bar; that of `sim_batch_speed` its CPU seconds. A
benchmark that the earlier commit has not is lent to it.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from tests.benchmarks.perf_machine import ONE_THREAD
from tests.benchmarks.tables import markdown

ROOT = Path(__file__).parents[2]
NAMES = ("perf_open", "perf_loop", "bandit_speed", "table_speed", "sim_batch_speed")
COLUMN = {"sim_batch_speed": 4, "perf_open": 2, "perf_loop": 2, "bandit_speed": 2, "table_speed": 2}
NUMBER = re.compile(r"\d+(?:,\d{3})*(?:\.\d+)?")


def main(rev: str, names: list[str], rounds: int) -> None:
    with checkout(rev) as before, checkout("HEAD") as now:
        for name in names:
            lend(name, now, before)
            sides: tuple[list[dict[str, float]], list[dict[str, float]]] = ([], [])
            for turn in range(rounds):
                order = (0, 1) if turn % 2 == 0 else (1, 0)
                for side in order:
                    sides[side].append(figures(name, (before, now)[side]))
            print(f"\n{name}, {rounds} rounds\n")
            print(markdown(("what", rev[:10], "now", "ratio (range)"), rows(*sides)), flush=True)


@contextmanager
def checkout(rev: str) -> Iterator[Path]:
    """A worktree of `rev` that goes again."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "tree"
        git = ["git", "-C", str(ROOT), "worktree"]
        subprocess.run([*git, "add", "--quiet", "--detach", str(place), rev], check=True)
        try:
            yield place
        finally:
            subprocess.run([*git, "remove", "--force", str(place)], check=True)


def lend(name: str, now: Path, before: Path) -> None:
    """Give the earlier tree a benchmark that it has not."""
    file = Path("tests", "benchmarks", f"{name}.py")
    if not (before / file).exists():
        (before / file).write_bytes((now / file).read_bytes())


def figures(name: str, place: Path) -> dict[str, float]:
    """One run of a benchmark: its figures by the label of their row."""
    done = subprocess.run(
        [sys.executable, "-m", f"tests.benchmarks.{name}"],
        cwd=place,
        env={**os.environ, **ONE_THREAD, "PYTHONPATH": f"{place / 'src'}{os.pathsep}{place}"},
        check=True,
        capture_output=True,
        text=True,
    )
    found = {}
    for line in done.stdout.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("|") and len(cells) > COLUMN[name]:
            number = NUMBER.search(cells[COLUMN[name]])
            if number is not None:
                found[cells[0]] = float(number[0].replace(",", ""))
    return found


def rows(before: list[dict[str, float]], now: list[dict[str, float]]) -> Iterator[list[str]]:
    for label in before[0]:
        pairs = [
            (one[label], other[label])
            for one, other in zip(before, now, strict=True)
            if label in one and label in other
        ]
        ratios = sorted(b / a for a, b in pairs if a)
        if ratios:
            yield [
                label,
                f"{median(a for a, _ in pairs):g}",
                f"{median(b for _, b in pairs):g}",
                f"{median(ratios):.3f} ({ratios[0]:.2f} to {ratios[-1]:.2f})",
            ]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rev")
    parser.add_argument("names", nargs="*", default=NAMES)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    main(given.rev, list(given.names), given.rounds)
