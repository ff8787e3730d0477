"""What replicas promise, tried out: each step says what it found, and whether that is enough."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

from tests.replicas.group import LEASE_S, NAMES, Group, group_of
from tests.store.conftest import Postgres

WITHIN_S = 2.0
"""After a change, weights agree."""

MOST_APART = 0.02


@dataclass(frozen=True)
class Finding:
    """What was measured, and what it may be at most (or must be)."""

    name: str
    found: object
    bar: str
    is_met: bool

    def __str__(self) -> str:
        return f"{'ok  ' if self.is_met else 'MISS'} {self.name}: {self.found} ({self.bar})"


@dataclass
class Quality:
    """What judges think of each deployment just now."""

    bad: str = NAMES[0]

    def __call__(self, deployment: str) -> float:
        return float(deployment != self.bad)


async def until(is_so: Callable[[], bool], most_s: float) -> float:
    """Seconds until something is so; `most_s` if it is not by then."""
    begun = time.monotonic()
    while not is_so() and time.monotonic() - begun < most_s:
        await asyncio.sleep(0.1)
    return time.monotonic() - begun


async def agreement(it: Group, name: str, *numbers: int) -> Finding:
    """Something has changed: how long it takes until all weigh alike."""
    begun = time.monotonic()
    while True:
        apart = await it.spread(*(it.processes[number] for number in numbers))
        took_s = time.monotonic() - begun
        if apart < MOST_APART or took_s > 3 * WITHIN_S:
            break
        await asyncio.sleep(0.1)
    shown = f"{100 * apart:.2f} points apart after {took_s:.1f} s"
    return Finding(f"weights, {name}", shown, f"< 2 within {WITHIN_S:g} s",
                   apart < MOST_APART and took_s <= WITHIN_S)  # fmt: skip


async def change_prices(it: Group) -> None:
    it.feed.prices["bolt"]["models"]["m"]["cost"] = {"input": 0.9, "output": 1.8}


def failures(it: Group, name: str, most: int) -> Finding:
    found, it.failed = it.failed, []
    shown = len(found) if not found else f"{len(found)}, the first: {found[0]}"
    return Finding(f"requests failed: {name}", shown, f"<= {most}", len(found) <= most)


def written_once(it: Group) -> Finding:
    (twice,) = it.rows(
        "SELECT count(*) FROM (SELECT body::json->>'usd_per_mtok' AS usd, deployment, source "
        "FROM quote GROUP BY 1, 2, 3 HAVING count(*) > 1) AS twice"
    )
    return Finding("prices written more than once", twice[0], "0", twice[0] == 0)


async def reconciled(it: Group, unknown: int) -> list[Finding]:
    """Rows against what replicas have told, and against what clients have got."""
    await asyncio.sleep(1.5)
    ((requests,),) = it.rows("SELECT count(*) FROM request")
    ((feedback,),) = it.rows("SELECT count(*) FROM feedback")
    told, judged = it.told("answered"), it.told("judged")
    missing = sum(it.answered.values()) - requests
    return [
        Finding("answers in deltas, less those in the ledger", told - requests, "0",
                told == requests),
        Finding("judgements in deltas, less those in the ledger", judged - feedback, "0",
                judged == feedback),
        Finding("answers that the ledger has not", missing,
                f"those of one killed replica's last second: 0 to {unknown}",
                -3 <= missing <= unknown),
    ]  # fmt: skip


async def kill_one(it: Group, number: int, in_flight: int) -> AsyncIterator[Finding]:
    it.processes[number].kill()
    await asyncio.sleep(1.0)
    yield failures(it, "one killed (those in flight there)", in_flight)


async def stop_leader(it: Group, in_flight: int, *numbers: int) -> AsyncIterator[Finding]:
    name, token, _ = it.leader()
    process = it.processes[it.number_of(name)].process
    process.send_signal(signal.SIGSTOP)
    took_s = await until(lambda: it.leader()[1] > token, 3 * LEASE_S)
    yield Finding("leader stopped: seconds until another leads", round(took_s, 2),
                  f"<= two leases, {2 * LEASE_S:g}", took_s <= 2 * LEASE_S)  # fmt: skip
    await change_prices(it)
    await asyncio.sleep(2.5)
    process.send_signal(signal.SIGCONT)
    yield await agreement(it, "the one that led goes on", *numbers)
    yield failures(it, "leader stopped and back (those in flight there)", in_flight)
    yield written_once(it)


async def cut_off(it: Group, number: int, away_s: float, *numbers: int) -> AsyncIterator[Finding]:
    before = it.answered[number]
    it.wires[number].cut()
    await asyncio.sleep(away_s)
    served = it.answered[number] - before
    it.wires[number].mend()
    yield Finding("answers of the one cut from its database", served, "> 0", served > 0)
    await until(lambda: it.unwritten() < 40, 20)
    yield await agreement(it, "one was cut from the database", *numbers)
    yield failures(it, "one cut from the database", 0)


async def restart_database(it: Group, away_s: float, *numbers: int) -> AsyncIterator[Finding]:
    await asyncio.to_thread(it.postgres.stop)
    before = sum(it.answered.values())
    await asyncio.sleep(away_s)
    served = sum(it.answered.values()) - before
    await asyncio.to_thread(it.postgres.start)
    yield Finding("answers while the database was away", served, "> 0", served > 0)
    took_s = await until(lambda: it.unwritten() < 40, 20)
    yield Finding("all is written, seconds after the database is back", round(took_s, 1), "<= 10",
                  took_s <= 10)  # fmt: skip
    yield await agreement(it, "the database was away", *numbers)
    yield failures(it, "database restarted", 0)


async def faults(
    postgres: Postgres, folder: Path, *, away_s: float, clients: int, every_s: float
) -> AsyncIterator[Finding]:
    """All of it on one group under load."""
    judged = Quality()
    async with group_of(postgres, folder) as it:
        tasks = [
            asyncio.create_task(it.load(number, every_s=every_s, judged=judged))
            for number in range(3)
            for _ in range(clients)
        ]
        await asyncio.sleep(3.0)
        yield await agreement(it, "the first judgements", 0, 1, 2)
        it.feed.prices["acme"]["models"]["m"]["cost"] = {"input": 0.4, "output": 0.8}
        await asyncio.sleep(1.2)
        yield await agreement(it, "a price changed", 0, 1, 2)
        judged.bad = NAMES[1]
        await asyncio.sleep(3.0)
        yield await agreement(it, "quality changed", 0, 1, 2)
        async for finding in stop_leader(it, clients, 0, 1, 2):
            yield finding
        leads = it.number_of(it.leader()[0])
        other, victim = [number for number in range(3) if number != leads]
        async for finding in cut_off(it, other, away_s, 0, 1, 2):
            yield finding
        async for finding in restart_database(it, away_s, 0, 1, 2):
            yield finding
        async for finding in kill_one(it, victim, clients):
            yield finding
        yield await agreement(it, "one was killed", leads, other)
        it.is_loaded = False
        await asyncio.gather(*tasks)
        for finding in await reconciled(it, unknown=max(40, 4 * clients)):
            yield finding
        yield written_once(it)


def is_spent(it: Group) -> bool:
    """Calls are refused and none is answered for a while, and there were answers."""
    answers, now = sum(it.answered.values()), time.monotonic()
    known, since, refused = it.marks.setdefault("spent", (answers, now, len(it.failed)))
    if known != answers or not answers:
        it.marks["spent"] = answers, now, len(it.failed)
    return now - since > 3.0 and len(it.failed) - refused > LAST_REFUSED


async def cap_race(
    postgres: Postgres, folder: Path, *, usd: float, most_s: float = 60.0
) -> AsyncIterator[Finding]:
    """Three replicas spend from one cap as fast as they can."""
    cap = f'\n[caps.all]\nusd = {usd}\nperiod = "day"\nroutes = ["auto"]\n'
    async with group_of(postgres, folder, more=cap) as it:
        tasks = [
            asyncio.create_task(it.load(number, every_s=0.0, judged=Quality(), max_tokens=64))
            for number in range(3)
            for _ in range(4)
        ]
        await until(lambda: is_spent(it), most_s)
        it.is_loaded = False
        await asyncio.gather(*tasks)
        await asyncio.sleep(1.5)
        query = "SELECT coalesce(sum(spent_pico_usd), 0) FROM cap_share"
        spent = float(it.rows(query)[0][0]) / 1e12
        one = spent / max(1, sum(it.answered.values()))
        bound = usd + 3 * RESERVED_USD
        yield Finding(
            "dollars spent of a cap by three at once",
            round(spent, 6),
            f"<= {usd:g} + 3 reservations = {bound:.6f}",
            spent <= bound,
        )
        yield Finding("and not far less", round(spent / usd, 3), ">= 0.9", spent >= 0.9 * usd)
        yield Finding("dollars of one answer", round(one, 8), "> 0", one > 0)


LAST_REFUSED = 100
"""Calls, after which nothing more is to be had."""

RESERVED_USD = 0.0007
"""Most that a call of these is reserved for: 64 tokens at the dearest price, and the prompt."""
