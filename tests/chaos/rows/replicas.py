"""Rows about several processes on one store, which this service refuses."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys

from tests.chaos.recorder import Finding, not_offered, row
from tests.chaos.trial import Trial, trial
from tests.process import free_port

ONE = "one process per store: a second process on the same store refuses to start"


@row("leader frozen")
async def leader_frozen() -> Finding:
    """A frozen process keeps its store: the second is refused, and nothing is written twice."""
    async with trial(count=1) as it:
        it.process.process.send_signal(signal.SIGSTOP)
        code, said = await _second(it)
        it.process.process.send_signal(signal.SIGCONT)
        seen = await it.burst(4)
    finding = not_offered(ONE).at_least("refused with a sentence", float("another" in said), 1)
    finding.at_most("exit code off 2 by", abs(code - 2), 0)
    return finding.at_least("served by the first, thawed", seen.success, 1.0, "%")


@row("replicas")
async def replicas() -> Finding:
    return not_offered(ONE)


async def _second(it: Trial) -> tuple[int, str]:
    """Exit code and last words of another service on the same store."""
    command = [sys.executable, "-m", "windsock", "serve", "--config", str(it.config)]
    command += ["--port", str(free_port())]
    run = await asyncio.to_thread(
        subprocess.run, command, capture_output=True, text=True, timeout=120, check=False
    )
    return run.returncode, run.stderr
