"""Rows about several processes: replicas over one PostgreSQL, and two on one file."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

from tests.chaos.recorder import Finding, row
from tests.chaos.trial import Trial, trial
from tests.process import free_port
from tests.replicas import trial as replicated
from tests.replicas.group import Group, group_of
from tests.store.conftest import own_postgres

CLIENTS = 2
"""That ask each replica, one request after the other."""


@row("leader frozen")
async def leader_frozen() -> Finding:
    """SIGSTOP: another leads, and what the frozen one says when it goes on is refused. On one
    SQLite file a second process is refused."""
    finding = Finding()
    async with loaded() as it:
        async for each in replicated.stop_leader(it, CLIENTS, 0, 1, 2):
            take(finding, each)
        take(finding, replicated.failures(it, "since", 0))
        async for each in quieted(it):
            take(finding, each)
    async with trial(count=1) as alone:
        alone.process.process.send_signal(signal.SIGSTOP)
        code, said = await _second(alone)
        alone.process.process.send_signal(signal.SIGCONT)
    finding.at_least("a second on its file refused", float("another" in said and code == 2), 1)
    return finding


@row("replicas")
async def replicas(away_s: float = 4.0) -> Finding:
    """One joins, one is cut from the database, which is restarted, and one is killed."""
    finding = Finding()
    async with loaded() as it:
        joined = await it.start()
        await it.ready(joined)
        take(finding, await replicated.agreement(it, "one has joined", 0, 1, 2, 3))
        leads = it.number_of(it.leader()[0])
        other, victim = [number for number in range(3) if number != leads]
        everybody = (0, 1, 2, 3)
        async for each in replicated.cut_off(it, other, away_s, *everybody):
            take(finding, each)
        async for each in replicated.restart_database(it, away_s, *everybody):
            take(finding, each)
        async for each in replicated.kill_one(it, victim, CLIENTS):
            take(finding, each)
        rest = [number for number in everybody if number != victim]
        take(finding, await replicated.agreement(it, "one was killed", *rest))
        async for each in quieted(it):
            take(finding, each)
    return finding


@contextlib.asynccontextmanager
async def loaded() -> AsyncIterator[Group]:
    """Three replicas under load, whose answers are judged."""
    judged = replicated.Quality()
    with own_postgres() as postgres, tempfile.TemporaryDirectory() as folder:
        async with group_of(postgres, Path(folder)) as it:
            tasks = [
                asyncio.create_task(it.load(number, every_s=0.05, judged=judged))
                for number in range(3)
                for _ in range(CLIENTS)
            ]
            await asyncio.sleep(3.0)
            try:
                yield it
            finally:
                it.is_loaded = False
                await asyncio.gather(*tasks)


async def quieted(it: Group) -> AsyncIterator[replicated.Finding]:
    """Nobody asks any more: rows against what was told, and prices against themselves."""
    it.is_loaded = False
    await asyncio.sleep(1.0)
    for each in await replicated.reconciled(it, unknown=40):
        yield each
    yield replicated.written_once(it)


def take(finding: Finding, each: replicated.Finding) -> None:
    """As a check that holds or does not; its figure and bar are in its name."""
    finding.at_least(f"{each.name}: {each.found} ({each.bar}), kept", float(each.is_met), 1)


async def _second(it: Trial) -> tuple[int, str]:
    """Exit code and last words of another service on the same store."""
    command = [sys.executable, "-m", "windsock", "serve", "--config", str(it.config)]
    command += ["--port", str(free_port())]
    run = await asyncio.to_thread(
        subprocess.run, command, capture_output=True, text=True, timeout=120, check=False
    )
    return run.returncode, run.stderr
