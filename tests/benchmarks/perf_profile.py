"""Where a request's time goes: `windsock serve` under cProfile, with real load in front of it.

    python -m tests.benchmarks.perf_profile [plain|burst|paced|large] [OPEN] [SECONDS] [SORT]

SORT is tottime (default) or cumtime. Times are as the profiler sees them: it doubles the price of
small functions, so compare shapes, not seconds.
"""

from __future__ import annotations

import cProfile
import os
import pstats
import sys
import tempfile
from pathlib import Path

from tests.benchmarks.perf_machine import (
    cores,
    ended,
    free_port,
    load,
    pinned,
    upstream,
    wait_for_port,
)
from tests.benchmarks.perf_sides import (
    BURST,
    LARGE,
    ONE_THREAD,
    PACED,
    PLAIN,
    Gateway,
    windsock_config,
)
from windsock.bootstrap import serve_forever
from windsock.keyring import create_key
from windsock.settings import parse

KINDS = {"plain": PLAIN, "large": LARGE, "burst": BURST, "paced": PACED}
SHOWN = 45


def main(kind: str = "plain", open_: str = "64", seconds: str = "5", sort: str = "tottime") -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        with upstream(folder / "log") as model:
            config = folder / "windsock.toml"
            config.write_text(windsock_config(folder, model))
            key = create_key(
                parse(config.read_text(), {}, source=""), "bench", "default", ("infer",)
            )
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
            print(load(port, int(open_), float(seconds), request, process.pid))
            ended(process)
        stats = pstats.Stats(str(folder / "windsock.toml.prof"))
        stats.strip_dirs().sort_stats(sort).print_stats(SHOWN)


def serve(config: Path, port: int) -> None:
    """The service itself, profiled; the profile is written beside the configuration."""
    profile = cProfile.Profile()
    settings = parse(config.read_text(), {}, source=str(config))
    profile.runcall(serve_forever, settings, {}, port=port)
    profile.dump_stats(f"{config}.prof")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        serve(Path(sys.argv[2]), int(sys.argv[3]))
    else:
        main(*sys.argv[1:])
