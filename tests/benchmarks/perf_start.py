"""Seconds from `windsock serve` to ready, and memory then: an empty ledger, and one of 1 GB.

    python -m tests.benchmarks.perf_start [--quick]

Writes its table into docs/performance.md.
"""

from __future__ import annotations

import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import httpx

from tests.benchmarks.perf_machine import (
    PACKAGES,
    SOURCES,
    cores,
    pinned,
    python,
    rss_mb,
    said,
)
from tests.benchmarks.perf_rounds import BARS, verdict, with_range
from tests.benchmarks.perf_sides import windsock_config
from tests.benchmarks.tables import DOCS, markdown, write_between
from tests.process import free_port
from tests.store.samples import outcome
from windsock.store.engine import open_engine
from windsock.store.migrations import upgrade_engine
from windsock.store.writing.writer import Writer

WRITTEN = 10_000

LIBRARIES = (
    "numpy", "scipy.special", "sqlmodel", "sqlalchemy.dialects.sqlite", "fastapi", "uvicorn",
    "uvloop", "httptools", "httpx", "apscheduler.schedulers.asyncio", "structlog",
    "prometheus_client", "typer", "msgspec", "orjson",
)  # fmt: skip
"""What a service stands on: its memory is the floor for it."""


def main(*, is_quick: bool) -> None:
    rounds, full_mb = (1, 20) if is_quick else (5, 1000)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        empty = starts(folder / "empty", rounds, 0)
        full = starts(folder / "full", rounds, full_mb)
    ready_s = [seconds for seconds, _ in empty]
    memory = [mb for _, mb in empty]
    full_s = [seconds for seconds, _ in full]
    rows = [
        ["start to ready, empty ledger", "2 s", with_range(ready_s, 2) + " s",
         verdict(median(ready_s) <= 2)],
        [f"start to ready, ledger of {full_mb} MB", "3 s", with_range(full_s, 2) + " s",
         verdict(median(full_s) <= 3)],
        ["resident after start", "100 MB", with_range(memory, 0) + " MB",
         verdict(median(memory) <= 100)],
        ["its libraries alone, nothing of ours loaded", "", f"{libraries_mb():.0f} MB", ""],
    ]  # fmt: skip
    text = f"{said()}.\n\n" + markdown(BARS, rows)
    print(text)
    if not is_quick:
        write_between(DOCS / "performance.md", "start", text)


def libraries_mb() -> float:
    """MB resident of a process that has only imported what a service stands on."""
    python3, environ = python(PACKAGES)
    code = f"import {', '.join(LIBRARIES)}; print(open('/proc/self/statm').read().split()[1])"
    pages = subprocess.check_output([python3, "-c", code], env=environ, text=True)
    return int(pages) * resource.getpagesize() / 1e6


def starts(folder: Path, rounds: int, megabytes: int) -> list[tuple[float, float]]:
    """(seconds to ready, MB then) of every round.

    The start right after the fill is left out: the whole fill lies after the last snapshot there,
    where a service writes one every few seconds. It took 70 s for 1 GB.
    """
    folder.mkdir()
    config = folder / "windsock.toml"
    config.write_text(windsock_config(folder, 9).replace('keys = "required"\n', ""))
    started(config)
    if megabytes:
        fill(folder / "windsock.db", megabytes)
        started(config)
    return [started(config) for _ in range(rounds)]


def started(config: Path) -> tuple[float, float]:
    port = free_port()
    python3, environ = python(SOURCES, PACKAGES)
    words = [python3, "-m", "windsock", "serve", "--config", config, "--port", str(port)]
    begun = time.monotonic()
    process = pinned(words, cores()[0], config.parent / "log", environ)
    try:
        ready(port, process)
        return time.monotonic() - begun, rss_mb(process.pid)
    finally:
        process.terminate()
        process.wait(30)


def ready(port: int, process: subprocess.Popen[bytes]) -> None:
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as http:
        while process.poll() is None:
            try:
                if http.get("/readyz").status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(0.01)
    raise RuntimeError("the service ended before it was ready; see its log")


def fill(path: Path, megabytes: int) -> None:
    """Real outcomes of the past, written once and then copied within the database."""
    engine = open_engine(f"sqlite:///{path}")
    upgrade_engine(engine)
    writer = Writer(engine)
    writer.write([outcome(number) for number in range(WRITTEN)])
    writer.close()
    engine.dispose()
    with sqlite3.connect(path) as store:
        while path.stat().st_size < megabytes * 1e6:
            last = store.execute("SELECT max(position) FROM request").fetchone()[0]
            for table in ("request", "request_name"):
                store.execute(copied(store, table), {"last": last})
            store.execute("UPDATE writer SET position = 2 * position")
            store.commit()
            store.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def copied(store: sqlite3.Connection, table: str) -> str:
    """Every row once more, at a later position."""
    names = [row[1] for row in store.execute(f"PRAGMA table_info({table})")]
    new = {"position": "position + :last", "id": "id || ':' || (position + :last)"}
    values = ", ".join(new.get(name, f'"{name}"') for name in names)
    return f"INSERT INTO {table} SELECT {values} FROM {table} WHERE position <= :last"


if __name__ == "__main__":
    main(is_quick="--quick" in sys.argv)
