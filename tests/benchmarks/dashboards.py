"""What twenty open dashboards cost a service at full load, against none; rounds in turn.

    python -m tests.benchmarks.dashboards [--quick]

The service has one core, load and pages the other. Throughput tells what a client sees; what pages
take of a core tells it where the machine is shared. Writes its table into docs/performance.md.
"""

from __future__ import annotations

import socket
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median

from tests.benchmarks.perf_machine import Reading, cpu_s, load, said, upstream
from tests.benchmarks.perf_rounds import BARS, verdict, with_range
from tests.benchmarks.perf_sides import PLAIN, Gateway, windsock
from tests.benchmarks.tables import DOCS, markdown, write_between
from windsock.cli.keys.key_book import KeyBook
from windsock.clock import SystemClock
from windsock.config.file import parse

PAGES, OPEN = 20, 16
BAR = 0.95
PATIENCE_S = 15.0


def main(*, is_quick: bool) -> None:
    rounds, seconds = (2, 2.0) if is_quick else (8, 5.0)
    with tempfile.TemporaryDirectory() as folder, upstream(Path(folder) / "log") as port:
        with windsock(Path(folder), port) as gateway:
            key = reader(gateway)
            load(gateway.port, OPEN, 2.0, gateway.request(PLAIN))
            pairs = [both(gateway, key, seconds, number % 2 == 0) for number in range(rounds)]
            shares = [idle_share(gateway, key, seconds) for _ in range(rounds // 2)]
    through = [watched.per_s / alone.per_s for alone, watched, _ in pairs]
    views = median(count for _, _, count in pairs) / seconds
    rows = [
        row(f"throughput with {PAGES} dashboards open, over without", through),
        row(f"what {PAGES} dashboards leave of a core, nothing else asked", shares),
    ]
    text = f"{said()}. {views:.0f} views a second were sent.\n\n" + markdown(BARS, rows)
    print(text)
    if not is_quick:
        write_between(DOCS / "performance.md", "dashboards", text)


def row(label: str, ratios: list[float]) -> list[str]:
    met = verdict(median(ratios) >= BAR)
    return [label, f"at least {BAR:.2f} x", with_range(ratios, 3) + " x", met]


def idle_share(gateway: Gateway, key: str, seconds: float) -> float:
    """The part of a core that pages leave: 1 without their CPU a second."""

    def spent() -> float:
        before = cpu_s(gateway.process.pid) if gateway.process else 0.0
        time.sleep(seconds)
        return (cpu_s(gateway.process.pid) if gateway.process else 0.0) - before

    alone = spent()
    with pages(gateway.port, key):
        time.sleep(1.0)
        return 1.0 - (spent() - alone) / seconds


def both(
    gateway: Gateway, key: str, seconds: float, is_first: bool
) -> tuple[Reading, Reading, int]:
    """A window without and one with pages, in either order, and the views that were read."""
    seen: list[int] = []

    def alone() -> Reading:
        return load(gateway.port, OPEN, seconds, gateway.request(PLAIN), gateway.pid)

    def watched() -> Reading:
        with pages(gateway.port, key) as counts:
            time.sleep(1.0)
            before = sum(counts)
            reading = alone()
            seen.append(sum(counts) - before)
            return reading

    first, second = (alone(), watched()) if is_first else (watched(), alone())
    return (first, second, seen[0]) if is_first else (second, first, seen[0])


def reader(gateway: Gateway) -> str:
    """A key that may look, once the service has heard of it."""
    config = gateway.folder / "windsock.toml"
    settings = parse(config.read_text(), {}, source=str(config))
    key = KeyBook(settings, SystemClock()).create("page", scopes=["read"]).secret
    until = time.monotonic() + PATIENCE_S
    while not opened(gateway.port, key).recv(12).endswith(b"200"):
        if time.monotonic() > until:
            raise RuntimeError("the service does not know the key of the pages")
        time.sleep(0.2)
    return str(key)


def opened(port: int, key: str) -> socket.socket:
    """A stream as a page opens it."""
    stream = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)
    stream.sendall(
        b"GET /ui/api/stream HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer "
        + key.encode() + b"\r\n\r\n"
    )  # fmt: skip
    return stream


@contextmanager
def pages(port: int, key: str) -> Iterator[list[int]]:
    """Twenty open streams, each read by a thread; how many views each has got."""
    counts = [0] * PAGES
    with ExitStack() as streams:
        for number in range(PAGES):
            stream = streams.enter_context(opened(port, key))
            threading.Thread(target=read, args=(stream, counts, number), daemon=True).start()
        yield counts


def read(stream: socket.socket, counts: list[int], number: int) -> None:
    """Counts views until the stream ends."""
    try:
        while part := stream.recv(1 << 16):
            counts[number] += part.count(b"data: {")
    except OSError:
        return


if __name__ == "__main__":
    main(is_quick="--quick" in sys.argv)
