"""One core for the gateway, the other for upstream and load; CPU time and memory of processes."""

from __future__ import annotations

import datetime
import hashlib
import json
import os
import shutil
import socket
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.process import free_port

ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
SOURCES = Path(__file__).parents[2] / "src"
PACKAGES = sysconfig.get_path("purelib")
WIRE_C = Path(__file__).with_name("perf_wire.c")
CACHE = Path(os.environ.get("WINDSOCK_BENCH_CACHE", Path.home() / ".cache" / "windsock-bench"))
TICKS = os.sysconf("SC_CLK_TCK")
PAGE_MB = os.sysconf("SC_PAGE_SIZE") / 1e6


PYTHON = os.environ.get("WINDSOCK_BENCH_PYTHON", sys.executable)
"""Runs every gateway that is written in Python: builds of one version differ by a half in speed."""


class Missing(RuntimeError):
    """Something that has to be installed first; the message says what."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What one window of load saw.

    cpu_s       of the gateway, with all its processes, during the window
    errors      answers that were not whole, or not 200
    first_*     to the first byte of the body; gap_p99: between two reads of one stream
    """

    answers: int
    errors: int
    seconds: float
    cpu_s: float
    p50_us: int
    p99_us: int
    most_us: int
    first_p50_us: int
    first_p95_us: int
    first_p99_us: int
    gap_p99_us: int

    @property
    def per_s(self) -> float:
        return self.answers / self.seconds

    @property
    def cpu_s_per_1000(self) -> float:
        return 1000 * self.cpu_s / max(1, self.answers)


def cores() -> tuple[int, int]:
    """(for the gateway, for upstream and load)."""
    free = sorted(os.sched_getaffinity(0))
    if len(free) < 2:
        raise Missing("two cores are needed, one for the gateway and one for upstream and load")
    return free[0], free[1]


def wire() -> Path:
    """The compiled upstream and load generator."""
    if shutil.which("gcc") is None:
        raise Missing("gcc is needed to compile perf_wire.c; install the package gcc")
    mark = hashlib.sha256(WIRE_C.read_bytes()).hexdigest()[:12]
    binary = CACHE / f"perf_wire-{mark}"
    if not binary.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        subprocess.run(["gcc", "-O2", "-o", str(binary), str(WIRE_C)], check=True)
    return binary


def pinned(
    command: Sequence[str | Path],
    core: int,
    log: Path,
    env: dict[str, str] | None = None,
    cwd: Path | None = None,
) -> subprocess.Popen[bytes]:
    """Start a process on one core, its output appended to `log`."""
    with log.open("ab") as out:
        return subprocess.Popen(
            [str(word) for word in command],
            stdout=out,
            stderr=out,
            cwd=cwd,
            env=env,
            preexec_fn=lambda: os.sched_setaffinity(0, {core}),
        )


def ended(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def python(*paths: Path | str) -> tuple[str, dict[str, str]]:
    """The interpreter for gateways, and an environment in which it finds what lies in `paths`."""
    found = os.pathsep.join(map(str, paths))
    return PYTHON, {**os.environ, "PYTHONPATH": found, **ONE_THREAD}


def interpreter() -> str:
    code = "import platform; print(platform.python_version())"
    return "Python " + subprocess.check_output([PYTHON, "-c", code], text=True).strip()


@contextmanager
def upstream(log: Path) -> Iterator[int]:
    """The port of a running upstream."""
    port = free_port()
    process = pinned([wire(), "serve", str(port)], cores()[1], log)
    try:
        wait_for_port(port, process, 5)
        yield port
    finally:
        ended(process)


def wait_for_port(port: int, process: subprocess.Popen[bytes], patience_s: float) -> None:
    until = time.monotonic() + patience_s
    while time.monotonic() < until:
        if process.poll() is not None:
            break
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise Missing(f"nothing came to listen on port {port}; see the log in {CACHE}")


def load(port: int, open_: int, seconds: float, request: Path, pid: int | None = None) -> Reading:
    """Keep `open_` connections busy; `pid` is the gateway whose CPU time is counted."""
    before = cpu_s(pid) if pid else 0.0
    words = [str(wire()), "load", str(port), str(open_), str(seconds), str(request)]
    done = subprocess.run(
        words,
        check=True,
        capture_output=True,
        preexec_fn=lambda: os.sched_setaffinity(0, {cores()[1]}),
    )
    spent = cpu_s(pid) - before if pid else 0.0
    return Reading(cpu_s=spent, **json.loads(done.stdout))


def family(pid: int) -> list[int]:
    """A process and all that descend from it."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        children.setdefault(parent, []).append(int(stat.parent.name))
    found = [pid]
    for each in found:
        found += children.get(each, [])
    return found


def cpu_s(pid: int) -> float:
    """Seconds of CPU that a process, its threads and its children have used; to 10 ms."""
    total = 0
    for each in family(pid):
        fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICKS


def rss_mb(pid: int) -> float:
    """Resident memory of a process and its children, million bytes."""
    pages = [int(Path(f"/proc/{each}/statm").read_text().split()[1]) for each in family(pid)]
    return sum(pages) * PAGE_MB


def said() -> str:
    """The machine and the day, for the caption of a table."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.partition(":")[2].strip() for line in lines if "model name" in line), "?")
    day = datetime.datetime.now(datetime.UTC).date()
    return f"{model}, {os.cpu_count()} cores, {interpreter()}, {day}"
