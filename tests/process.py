"""`windsock serve` as a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import httpx


class Process:
    """The service on a port of loopback; its log goes to the file `log` beside the configuration.

    under       environment on top of this process's own, such as LD_PRELOAD
    arguments   of `windsock serve`, beside the file and the port
    """

    def __init__(
        self,
        config: Path,
        port: int,
        under: dict[str, str] | None = None,
        arguments: Sequence[str] = (),
    ) -> None:
        command = [sys.executable, "-m", "windsock", "serve", "--config", str(config)]
        self.url = f"http://127.0.0.1:{port}"
        self.started = time.monotonic()
        self.log = (config.parent / "log").open("ab")
        environ = {**os.environ, **(under or {})}
        self.process = subprocess.Popen(
            [*command, "--port", str(port), *arguments],
            stdin=subprocess.DEVNULL,
            stderr=self.log,
            env=environ,
        )

    async def ready(self) -> float:
        """Seconds from start to readiness."""
        async with httpx.AsyncClient(base_url=self.url, trust_env=False) as http:
            while time.monotonic() - self.started < 120:
                if self.process.poll() is not None:
                    raise AssertionError("the service ended; see the log")
                try:
                    if (await http.get("/readyz")).status_code == 200:
                        return time.monotonic() - self.started
                except httpx.TransportError:
                    pass
                await asyncio.sleep(0.02)
        raise AssertionError("never ready")

    def rss_mb(self) -> float:
        """Resident memory."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6

    def peak_mb(self) -> float:
        """The most there was since the start, or since /proc/PID/clear_refs was told 5."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) / 1000

    def descriptors(self) -> int:
        return len(list(Path(f"/proc/{self.process.pid}/fd").iterdir()))

    def threads(self) -> int:
        return len(list(Path(f"/proc/{self.process.pid}/task").iterdir()))

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.log.close()

    def terminate(self) -> int:
        """The exit code after SIGTERM."""
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout=20)
        self.log.close()
        return code


_PORTS = itertools.count(random.SystemRandom().randrange(20_000))


def free_port() -> int:
    """One of 10,000 to 29,999 that nobody listens at.

    The system gives none of these to a connection or to whoever binds port 0, so it is still free
    when what is started here comes to bind it.
    """
    while True:
        port = 10_000 + next(_PORTS) % 20_000
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
