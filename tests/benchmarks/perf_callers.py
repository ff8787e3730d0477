"""What carries the calls to providers: connections of our own, aiohttp, or httpx, in one run.

    python -m tests.benchmarks.perf_callers [--quick] [--rounds N] [--open 16 64 256]

Writes its table into docs/performance.md.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

from tests.benchmarks.perf_gateways import cpu, per_s
from tests.benchmarks.perf_machine import Missing, said, upstream
from tests.benchmarks.perf_rounds import Cell, measured, options, with_range
from tests.benchmarks.perf_sides import BURST, CONFIG, PLAIN, PORT, Gateway, service
from tests.benchmarks.tables import DOCS, markdown, write_between
from tests.callers.aiohttp_transport import AiohttpCaller
from tests.callers.httpx_transport import HttpxCaller
from windsock.app import bootstrap
from windsock.config.file import parse
from windsock.providers.http1_transport import DirectCaller

CALLERS = {"own connections": DirectCaller, "aiohttp": AiohttpCaller, "httpx": HttpxCaller}
OURS = "own connections"
HEAD = ["requests", "open", "caller", "answers/s", "CPU s per 1,000", "times our own's", "errors"]
ROOT = Path(__file__).parents[2]


def main() -> None:
    chosen = options(__doc__ or "")
    with tempfile.TemporaryDirectory() as folder, upstream(Path(folder) / "log") as port:
        with ExitStack() as stack:
            gateways = [stack.enter_context(served(name, Path(folder), port)) for name in CALLERS]
            cells = [
                measured(gateways, kind, open_, rounds=chosen.rounds, seconds=chosen.seconds)
                for kind in (PLAIN, BURST)
                for open_ in chosen.open
            ]
    caption = f"{said()}. {chosen.rounds} rounds of {chosen.seconds:.0f} s."
    text = caption + "\n\n" + markdown(HEAD, [row for cell in cells for row in rows(cell)])
    print(text)
    if not chosen.quick:
        write_between(DOCS / "performance.md", "callers", text)


def rows(cell: Cell) -> Iterator[list[str]]:
    for name in cell.readings:
        yield [
            f"stream {cell.kind.name}" if cell.kind.is_stream else cell.kind.name,
            str(cell.open),
            name,
            f"{cell.median(name, per_s):,.0f}",
            f"{cell.median(name, cpu):.3f}",
            "" if name == OURS else with_range(cell.ratios(name, OURS, cpu), 2),
            str(cell.errors(name)),
        ]


def served(name: str, folder: Path, upstream_port: int) -> AbstractContextManager[Gateway]:
    """windsock with this caller behind its seam."""
    words = ["-m", __spec__.name, "--serve", name, CONFIG, PORT]
    return service(name, folder, upstream_port, words, ROOT)


def serve(name: str, config: Path, port: int) -> None:
    """The service itself, which knows one caller only."""
    bootstrap.DirectCaller = CALLERS[name]  # type: ignore[misc]
    settings = parse(config.read_text(), {}, source=str(config))
    bootstrap.serve_forever(settings, {}, port=port)


if __name__ == "__main__":
    try:
        if sys.argv[1:2] == ["--serve"]:
            serve(sys.argv[2], Path(sys.argv[3]), int(sys.argv[4]))
        else:
            main()
    except Missing as reason:
        sys.exit(str(reason))
