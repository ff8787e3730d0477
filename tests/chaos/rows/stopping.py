"""Rows about the end of the process: told to, and not."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
import tempfile
import time
from contextlib import closing
from pathlib import Path
from statistics import median

import aiohttp
import httpx

from tests.chaos.load import Load, ask_once
from tests.chaos.recorder import Finding, row
from tests.chaos.trial import Trial, trial
from tests.process import Process, free_port
from tests.test_restart import load, write_config
from tests.upstream import Answer, completion, upstream

BATCH_S = 1.0
"""Feedback younger than this when the process dies may be lost."""

Said = list[tuple[float, str, str, float]]


@row("SIGTERM")
async def sigterm(streams: int = 50) -> Finding:
    """Readiness says no at once; for `drain_delay` requests are taken; then all that runs ends."""
    finding = Finding()
    async with trial(count=1, server="drain_delay = 0.5", between_s=0.25) as it:
        async with aiohttp.ClientSession(trust_env=False) as http:
            asked = [ask_once(http, it.url, is_stream=True) for _ in range(streams)]
            running = [asyncio.ensure_future(each) for each in asked]
            while len(it.best.calls) < streams:
                await asyncio.sleep(0.02)
            it.process.process.send_signal(signal.SIGTERM)
            is_told, late = await _while_draining(it, http)
            seen = Load(list(await asyncio.gather(*running)))
        code = await asyncio.to_thread(it.process.process.wait, 30)
    finding.at_most("streams cut short", sum(not each.is_whole for each in seen.seen), 0)
    finding.at_most("exit code", abs(code), 0)
    finding.at_least("readiness says no before the listener closes", float(is_told), 1)
    return finding.at_least("a request that came meanwhile is served", float(late), 1)


async def _while_draining(it: Trial, http: aiohttp.ClientSession) -> tuple[bool, bool]:
    """Whether /readyz was seen to say no, and whether a request was still taken after that."""
    for _ in range(100):
        async with http.get(f"{it.url}/readyz") as answer:
            if answer.status == 503:
                late = await ask_once(http, it.url, is_stream=False)
                return True, late.is_whole
        await asyncio.sleep(0.01)
    return False, False


@row("kill -9")
async def kill_9(times: int = 20, seconds: float = 2.5) -> Finding:
    """Kills under load; before the last one the clients stop, so that beliefs can be compared."""
    faults = lost = due = back = 0
    starts = []
    with tempfile.TemporaryDirectory(prefix="windsock-chaos-") as name:
        folder = Path(name)
        async with upstream(lambda _: Answer(completion())) as model:
            config = write_config(folder, model.url)
            process = await _started(config, starts)
            version = await _version(process.url)
            for _ in range(times):
                said, killed_at = await _until_killed(process, seconds)
                kept, is_sound = _kept(folder / "windsock.db")
                old = {each[1] for each in said if each[0] < killed_at - BATCH_S}
                faults, lost, due = faults + (not is_sound), lost + len(old - kept), due + len(old)
                process = await _started(config, starts)
                version, older = await _version(process.url), version
                back += version < older
            await _worked(process, seconds)
            before = await _beliefs(process.url)
            process.kill()
            process = await _started(config, starts)
            drift = _apart(before, await _beliefs(process.url))
            process.terminate()
    finding = Finding().at_most("integrity errors", faults, 0)
    finding.at_most(f"feedback older than {BATCH_S:g} s lost", lost, 0)
    finding.at_least("acknowledged", due, 1)
    finding.at_most("versions of tables that went back", back, 0)
    finding.at_most("beliefs away", drift, 0.01, "%").at_most("ready", median(starts), 3.0, "s")
    return finding.fact(f"{times} kills, slowest start {max(starts):.2f} s")


async def _started(config: Path, starts: list[float]) -> Process:
    process = Process(config, free_port())
    starts.append(await process.ready())
    return process


async def _until_killed(process: Process, seconds: float) -> tuple[Said, float]:
    said: Said = []
    clients = [asyncio.create_task(load(process.url, said)) for _ in range(4)]
    await asyncio.sleep(seconds)
    killed_at = time.time()
    process.kill()
    await asyncio.gather(*clients)
    return said, killed_at


def _kept(path: Path) -> tuple[set[str], bool]:
    """Decisions with feedback in the store, and whether the file is sound."""
    with closing(sqlite3.connect(path)) as store:
        is_sound = store.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        kept = {line[0] for line in store.execute("SELECT decision_id FROM feedback")}
    return kept, is_sound


async def _worked(process: Process, seconds: float) -> None:
    """Load that ends before the process does."""
    clients = [asyncio.create_task(load(process.url, [])) for _ in range(4)]
    await asyncio.sleep(seconds)
    for client in clients:
        client.cancel()
    await asyncio.gather(*clients, return_exceptions=True)


async def _version(url: str) -> int:
    """Of the table in force."""
    async with httpx.AsyncClient(base_url=url, trust_env=False) as http:
        (cell,) = (await http.get("/v1/weights?route=auto&task=default")).json()["data"]
    return int(cell["version"])


async def _beliefs(url: str) -> list[tuple[float, float]]:
    async with httpx.AsyncClient(base_url=url, trust_env=False) as http:
        (cell,) = (await http.get("/v1/weights?route=auto&task=default")).json()["data"]
    return [(each["success_mean"], each["effective_samples"]) for each in cell["candidates"]]


def _apart(before: list[tuple[float, float]], after: list[tuple[float, float]]) -> float:
    """The largest relative difference."""
    pairs = [pair for both in zip(before, after, strict=True) for pair in zip(*both, strict=True)]
    return max(abs(one - other) / max(one, 1e-9) for one, other in pairs)
