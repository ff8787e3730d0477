"""CPU per request of earlier commits and of this one: one core, windows of each in turn.

    python -m tests.benchmarks.perf_since REV [REV ...] [--rounds N] [--seconds S] [--open N]

Each is served from a fresh worktree; ratios are those to the first, round by round.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.benchmarks.perf_machine import (
    PACKAGES,
    cores,
    pinned,
    python,
    said,
    upstream,
)
from tests.benchmarks.perf_rounds import measured, with_range
from tests.benchmarks.perf_sides import LARGE, PLAIN, Gateway, serving, windsock_config
from tests.benchmarks.side_by_side import checkout
from tests.benchmarks.tables import markdown
from tests.process import free_port

KEY = re.compile(r"sk-ws-\S+")


def main(revs: list[str], rounds: int, seconds: float, open_: int) -> None:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        model = stack.enter_context(upstream(folder / "log"))
        trees = {rev: stack.enter_context(checkout(rev)) for rev in (*revs, "HEAD")}
        gateways = [
            stack.enter_context(served(rev, tree, folder, model)) for rev, tree in trees.items()
        ]
        rows = []
        for kind in (PLAIN, LARGE):
            cell = measured(gateways, kind, open_, rounds=rounds, seconds=seconds)
            for rev in trees:
                spent = [reading.cpu_s_per_1000 for reading in cell.readings[rev]]
                ratios = cell.ratios(rev, revs[0], lambda reading: reading.cpu_s_per_1000)
                rows.append([kind.name, rev[:10], with_range(spent, 3), with_range(ratios, 2)])
    print(f"\n{said()}. {rounds} rounds of {seconds:.1f} s, {open_} open.\n")
    print(markdown(("body", "commit", "CPU s per 1,000 (range)", f"times {revs[0][:10]}'s"), rows))


@contextmanager
def served(rev: str, tree: Path, folder: Path, model: int) -> Iterator[Gateway]:
    """`windsock serve` of a commit; it makes its key itself, since stores change their form."""
    folder = folder / re.sub(r"\W", "-", rev)
    folder.mkdir()
    config = folder / "windsock.toml"
    config.write_text(windsock_config(folder, model))
    python3, environ = python(tree / "src", PACKAGES)
    call = [python3, "-m", "windsock"]
    make = [*call, "keys", "create", "bench", "--scope", "infer", "--config", str(config)]
    told = subprocess.run(make, env=environ, check=True, capture_output=True, text=True).stdout
    found = KEY.search(told)
    assert found is not None, told
    port = free_port()
    words = [*call, "serve", "--config", str(config), "--port", str(port)]
    process = pinned(words, cores()[0], folder / "log", environ)
    with serving(rev, process, port, folder, found[0]) as gateway:
        yield gateway


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("revs", nargs="+", metavar="REV")
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=1.5)
    parser.add_argument("--open", type=int, default=64)
    chosen = parser.parse_args()
    main(chosen.revs, chosen.rounds, chosen.seconds, chosen.open)
