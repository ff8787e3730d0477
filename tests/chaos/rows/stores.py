"""Rows about the store: away in four ways, and what is in it after crashes."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import closing
from functools import partial
from pathlib import Path

import httpx

from tests.chaos.histories import histories
from tests.chaos.recorder import Finding, row
from tests.chaos.trial import Trial, trial
from tests.store.conftest import Postgres, own_postgres
from windsock.store import queries
from windsock.store.engine import open_engine

Act = Callable[[], None]
OPEN = 'keys = "open"'
"""While the store is away no key can be read."""


@row("store")
async def store(rps: float = 50, seconds: float = 60) -> Finding:
    """Away for most of the time, and back at the end; each way has a service of its own."""
    finding = Finding()
    with own_postgres() as first, own_postgres() as second, own_postgres() as third:
        await asyncio.gather(
            _down(finding, first, rps, seconds),
            _down_at_start(finding, second, rps, seconds),
            _locked(finding, rps, seconds),
            _full(finding, rps, seconds),
            _read_only(finding, third, rps, seconds),
        )
    finding.checks.sort(key=lambda check: check.what)
    return finding


async def _down(finding: Finding, server: Postgres, rps: float, seconds: float) -> None:
    url = await asyncio.to_thread(server.new_database)
    async with trial(store=url) as it:
        acts = (server.stop, server.start)
        await _while_away(finding, "PostgreSQL down", it, url, acts, rps, seconds)


async def _read_only(finding: Finding, server: Postgres, rps: float, seconds: float) -> None:
    """As after a failover to a standby: everything can be read, nothing written."""

    def turn(state: str) -> None:
        server.say(f"ALTER SYSTEM SET default_transaction_read_only = {state}")
        server.say("SELECT pg_reload_conf()")

    url = await asyncio.to_thread(server.new_database)
    async with trial(store=url) as it:
        acts = (partial(turn, "on"), partial(turn, "off"))
        await _while_away(finding, "read-only", it, url, acts, rps, seconds)


async def _down_at_start(finding: Finding, server: Postgres, rps: float, seconds: float) -> None:
    url = await asyncio.to_thread(server.new_database)
    await asyncio.to_thread(server.stop)
    async with trial(store=url, server=OPEN) as it:
        act = (lambda: None, server.start)
        await _while_away(finding, "down at start", it, url, act, rps, seconds)


async def _locked(finding: Finding, rps: float, seconds: float) -> None:
    async with trial() as it:
        path = it.folder / "windsock.db"
        with closing(sqlite3.connect(path, check_same_thread=False)) as other:
            acts = (partial(_lock, other), other.rollback)
            await _while_away(finding, "locked", it, f"sqlite:///{path}", acts, rps, seconds)


async def _full(finding: Finding, rps: float, seconds: float) -> None:
    if os.geteuid() != 0:
        finding.fact("full disk: not tried, needs root")
        return
    with tempfile.TemporaryDirectory(prefix="windsock-chaos-") as disk:
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "none", disk], check=True)
        try:
            url = f"sqlite:///{disk}/windsock.db"
            filler = Path(disk) / "filler"
            async with trial(store=url) as it:
                acts = (lambda: _fill(filler), filler.unlink)
                await _while_away(finding, "disk full", it, url, acts, rps, seconds)
        finally:
            subprocess.run(["umount", "-l", disk], check=True)


def _lock(other: sqlite3.Connection) -> None:
    other.execute("BEGIN IMMEDIATE")


def _fill(path: Path) -> None:
    """Until there is no room for another byte."""
    with path.open("wb", buffering=0) as file:
        try:
            while file.write(b"\0" * 4096):
                pass
        except OSError:
            return


async def _while_away(
    finding: Finding,
    what: str,
    it: Trial,
    url: str,
    acts: tuple[Act, Act],
    rps: float,
    seconds: float,
) -> None:
    """Take the store away, load, look, give it back; all that was answered must be in it."""
    away, back = acts
    await asyncio.to_thread(away)
    seen = await it.load(rps, seconds)
    ready = await it.get("/readyz")
    await asyncio.to_thread(back)
    recovered = await _until(lambda: _is_recovered(it))
    await it.burst(3)
    await asyncio.sleep(1.0)
    ids = {each.headers.get("x-windsock-decision-id") for each in seen.seen if each.is_whole}
    finding.at_least(f"{what}: served", seen.success, 1.0, "%")
    finding.at_least(f"{what}: readiness names it", float("store" in ready["degraded"]), 1)
    missing = len(ids - _decisions(url)) if recovered else len(ids)
    finding.at_most(f"{what}: records missing after", missing, 0)


async def _is_recovered(it: Trial) -> bool:
    return "store" not in (await it.get("/readyz"))["degraded"]


async def _until(condition: Callable[[], Awaitable[bool]], seconds: float = 30.0) -> bool:
    for _ in range(int(seconds / 0.2)):
        if await condition():
            return True
        await asyncio.sleep(0.2)
    return False


def _decisions(url: str) -> set[str | None]:
    engine = open_engine(url)
    try:
        found = queries.decisions(engine, since=0.0, until=1e12)
        return {getattr(each, "decision", each).id for each in found}
    finally:
        engine.dispose()


SOLVED_S = 2.0
"""Within it the weights shown know of what was said before."""


@row("double feedback")
async def double_feedback(count: int = 50) -> Finding:
    """Each said once; then all of it again, with and without an idempotency key."""
    async with trial() as it, httpx.AsyncClient(base_url=it.url, trust_env=False) as http:
        seen = await it.burst(count)
        said = [
            {"decision_id": each.headers["x-windsock-decision-id"], "value": place % 3 > 0}
            for place, each in enumerate(seen.seen)
        ]
        for place, each in enumerate(said):
            await http.post("/v1/feedback", json=each, headers={"idempotency-key": f"k{place}"})
        await asyncio.sleep(SOLVED_S)
        before = await _candidates(it)
        doubles = 0
        for place, each in enumerate(said):
            for headers in ({"idempotency-key": f"k{place}"}, {}):
                answer = await http.post("/v1/feedback", json=each, headers=headers)
                doubles += answer.json()["is_duplicate"]
        await asyncio.sleep(SOLVED_S)
        after = await _candidates(it)
    finding = Finding().at_least("recognised", doubles / (2 * count), 1.0, "%")
    away = max(abs(one - other) for one, other in zip(before, after, strict=True))
    return finding.at_most("beliefs away, beyond a second's forgetting", away, 1e-3)


async def _candidates(it: Trial) -> list[float]:
    (cell,) = (await it.get("/v1/weights?route=auto&task=default"))["data"]
    return [
        each[name] for each in cell["candidates"] for name in ("success_mean", "effective_samples")
    ]


@row("history")
async def history(count: int = 1000) -> Finding:
    """A writer of feedback and tables, killed at any moment, again and again over the same file."""
    with tempfile.TemporaryDirectory(prefix="windsock-chaos-") as folder:
        found = await asyncio.to_thread(histories, Path(folder) / "store.db", count)
    finding = Finding().at_most("violations", found.violations, 0)
    finding.at_least("histories", found.histories, count)
    return finding.fact(f"{found.acknowledged} acknowledged records")
