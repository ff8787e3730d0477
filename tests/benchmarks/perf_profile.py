"""Where a request's CPU goes: `windsock serve`, sampled by used CPU under real load.

    python -m tests.benchmarks.perf_profile [plain|burst|paced|large] [OPEN] [SECONDS] [self|whole]

`self` (default) counts the function that was running, what it calls in C included; `whole` counts
every function that was on the stack. Start and end of the service are left out.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from types import FrameType

from tests.benchmarks.perf_machine import (
    ONE_THREAD,
    Reading,
    cores,
    ended,
    load,
    pinned,
    upstream,
    wait_for_port,
)
from tests.benchmarks.perf_sides import (
    BURST,
    LARGE,
    PACED,
    PLAIN,
    Gateway,
    windsock_config,
)
from tests.process import free_port
from windsock.app.bootstrap import serve_forever
from windsock.cli.keys.key_book import KeyBook
from windsock.clock import SystemClock
from windsock.config.file import parse

KINDS = {"plain": PLAIN, "large": LARGE, "burst": BURST, "paced": PACED}
SHOWN = 60
EVERY_S = 0.004
"""The kernel counts CPU in ticks of 4 ms; a shorter interval would be rounded up to that."""


def main(kind: str = "plain", open_: str = "64", seconds: str = "5", sort: str = "self") -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        with upstream(folder / "log") as model:
            config = folder / "windsock.toml"
            config.write_text(windsock_config(folder, model))
            settings = parse(config.read_text(), {}, source="")
            key = KeyBook(settings, SystemClock()).create("bench", scopes=["infer"]).secret
            port = free_port()
            words = [sys.executable, "-m", __spec__.name, "--serve", config, str(port)]
            environ = {**os.environ, **ONE_THREAD}
            process = pinned(words, cores()[0], folder / "log", environ)
            wait_for_port(port, process, 60)
            gateway = Gateway(
                name="windsock",
                version="",
                port=port,
                folder=folder,
                process=process,
                headers=lambda _: {"authorization": f"Bearer {key}"},
            )
            request = gateway.request(KINDS[kind])
            load(port, int(open_), 1.0, request)
            process.send_signal(signal.SIGUSR1)
            time.sleep(0.1)
            reading = load(port, int(open_), float(seconds), request, process.pid)
            process.send_signal(signal.SIGUSR2)
            ended(process)
        show(reading, Path(f"{config}.{sort}").read_text())


def show(reading: Reading, counted: str) -> None:
    """Microseconds of CPU per answer, by function."""
    print(f"{reading.per_s:.0f}/s, {reading.cpu_s_per_1000:.3f} CPU s per 1,000", end=", ")
    print(f"p50 {reading.p50_us / 1000:.2f} ms, p99 {reading.p99_us / 1000:.2f} ms")
    rows = [line.split("\t") for line in counted.splitlines()]
    for count, name in rows[:SHOWN]:
        print(f"{1e6 * EVERY_S * int(count) / reading.answers:8.1f} us  {name}")


class Sampler:
    """Counts what the main thread was doing whenever it had used up another EVERY_S."""

    def __init__(self) -> None:
        self.own: Counter[str] = Counter()
        self.whole: Counter[str] = Counter()

    def begin(self, *_: object) -> None:
        signal.signal(signal.SIGPROF, self._look)
        signal.setitimer(signal.ITIMER_PROF, EVERY_S, EVERY_S)

    def end(self, *_: object) -> None:
        signal.setitimer(signal.ITIMER_PROF, 0.0)

    def _look(self, _: int, frame: FrameType | None) -> None:
        names = []
        while frame is not None:
            code = frame.f_code
            names.append(f"{Path(code.co_filename).name}:{code.co_qualname}")
            frame = frame.f_back
        self.own[names[0]] += 1
        self.whole.update(set(names))


def serve(config: Path, port: int) -> None:
    """The service itself; SIGUSR1 begins the count, SIGUSR2 ends it."""
    sampler = Sampler()
    signal.signal(signal.SIGUSR1, sampler.begin)
    signal.signal(signal.SIGUSR2, sampler.end)
    settings = parse(config.read_text(), {}, source=str(config))
    serve_forever(settings, {}, port=port)
    for name, counted in (("self", sampler.own), ("whole", sampler.whole)):
        rows = [f"{count}\t{each}" for each, count in counted.most_common()]
        Path(f"{config}.{name}").write_text("\n".join(rows))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        serve(Path(sys.argv[2]), int(sys.argv[3]))
    else:
        main(*sys.argv[1:])
