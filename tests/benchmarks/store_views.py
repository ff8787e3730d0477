"""How soon a service over millions of requests starts, shows each view, and exports as it serves.

python -m tests.benchmarks.store_views [MANY] [WRITTEN]

MANY        requests in the ledger, as 2 million a day come (see `store_size`), up to now
WRITTEN     of them by the ledger's own writer; the others are copies within the database, each
            some days later, with their tables, words and sums
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from tests.benchmarks.store_size import DEPLOYMENTS, EVERY_S, sizes, written_now
from tests.process import Process, free_port
from tests.upstream import Answer, completion, upstream

DAY_S = 86_400
EXPORTED = 1_000_000
TURNS = 5
CLIENTS = 4
ASK = {"model": "auto", "messages": [{"role": "user", "content": "hi"}]}
KEYS = {"DEEPSEEK_API_KEY": "none", "OPENAI_API_KEY": "none"}
USED = (DEPLOYMENTS[0], DEPLOYMENTS[2])
VIEWS = {
    **{f"report of {span}": f"/v1/report?since={span}" for span in ("24h", "30d", "3650d")},
    "report of 30d against a baseline": f"/v1/report?since=30d&baseline={USED[1]}",
    **{f"spend over {span}": f"/v1/spend?since={span}" for span in ("24h", "7d", "30d")},
    "spend over 30d against a baseline": f"/v1/spend?since=30d&baseline={USED[1]}",
    **{f"health over {span}": f"/v1/deployments/history?since={span}"
       for span in ("24h", "7d", "30d")},
    "the newest requests": "/v1/requests",
    "the newest requests that failed": "/v1/requests?status=failed&since=30d",
    "1,000 decisions of a day": "/v1/decisions?since=24h",
    "1,000 decisions of 20 days ago": "/v1/decisions?since=21d&until=19d",
    "one decision explained": "/v1/decisions/{id}",
}  # fmt: skip
SUMS = ("request_sums", "call_sums", "delay_sums")
MOVED = {
    "position": "position + :places",
    "version": "version + :places",
    "at": "at + :later",
    "decision_id": "decision_id || :turn",
}


def grown(path: Path, turns: int) -> None:
    """As many copies of what is there, each so many whole days later than the one before."""
    with sqlite3.connect(path) as store:
        store.executescript("PRAGMA cache_size=-1500000; PRAGMA synchronous=OFF")
        last, first, end = store.execute(
            "SELECT max(position), min(at), max(at) FROM request"
        ).fetchone()
        for turn in range(1, turns):
            asked = {"places": turn * last, "later": turn * days_s(end - first), "turn": f"-{turn}",
                     "last": last}  # fmt: skip
            copied(store, asked)
            store.commit()
        at_once = "(SELECT max(position) FROM request)"
        store.execute(f"UPDATE writer SET position = {at_once}")
        store.execute("DELETE FROM snapshot WHERE position < (SELECT max(position) FROM snapshot)")
        store.execute(f"UPDATE snapshot SET position = {at_once}")
        store.commit()
        store.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    store.close()


def copied(store: sqlite3.Connection, asked: dict[str, float | str]) -> None:
    for table in ("request", "weight_table", "feedback"):
        store.execute(copy(store, table, table) + " WHERE position <= :last", asked)
    store.execute("INSERT INTO request_name SELECT random(), position + :places FROM request_name"
                  " WHERE position <= :last ORDER BY 1", asked)  # fmt: skip
    for table in SUMS:
        store.execute(copy(store, table, f"base_{table}"), asked)


def copy(store: sqlite3.Connection, table: str, source: str) -> str:
    names = [row[1] for row in store.execute(f"PRAGMA table_info({table})")]
    moved = ", ".join(MOVED.get(name, name) for name in names)
    return f"INSERT INTO {table} ({', '.join(names)}) SELECT {moved} FROM {source}"


def base_kept(path: Path) -> None:
    """The sums of what was written, apart from those of copies."""
    with sqlite3.connect(path) as store:
        for table in SUMS:
            store.execute(f"CREATE TABLE base_{table} AS SELECT * FROM {table}")
    store.close()


def base_gone(path: Path) -> None:
    with sqlite3.connect(path) as store:
        for table in SUMS:
            store.execute(f"DROP TABLE base_{table}")
    store.close()


def days_s(seconds: float) -> int:
    """Whole days that hold them, wherever midnight falls."""
    return int(seconds // DAY_S + 2) * DAY_S


def write_config(folder: Path, url: str) -> Path:
    config = folder / "windsock.toml"
    providers = "".join(
        f'[providers.{name.partition("/")[0]}]\nbase_url = "{url}"\n'
        "price = { input = 1, output = 2 }\n"
        for name in USED
    )
    config.write_text(
        f"{providers}[routes.auto]\ncandidates = {list(USED)}\n"
        f'[store]\nurl = "sqlite:///{folder}/windsock.db"\n[feeds]\nenabled = []\n'
    )
    return config


@asynccontextmanager
async def served(config: Path) -> AsyncIterator[tuple[Process, float]]:
    process = Process(config, free_port(), KEYS)
    try:
        yield process, await process.ready()
    finally:
        process.terminate()


async def looked_at(url: str) -> None:
    async with httpx.AsyncClient(base_url=url, timeout=120, trust_env=False) as http:
        line = (await http.get("/v1/decisions?since=3650d&limit=1")).json()
        print(f"{'':<40} first, ms   median, ms")
        for name, path in VIEWS.items():
            seconds = []
            for _ in range(TURNS):
                began = time.perf_counter()
                answer = await http.get(path.format(id=line["decision_id"]))
                answer.raise_for_status()
                seconds.append((time.perf_counter() - began) * 1e3)
            print(f"{name:<40} {seconds[0]:9.0f} {sorted(seconds)[TURNS // 2]:12.0f}")


async def exported(process: Process, config: Path, since_s: int) -> None:
    """With clients that ask all the while, and the same without an export."""
    calm = await answered(process.url, asyncio.sleep(5, 5.0))
    busy = await answered(process.url, export(config, since_s))
    print(f"export of {busy[2]:,} lines of Parquet: {busy[1]:.1f} s; meanwhile {CLIENTS} clients "
          f"had {busy[0] / busy[1]:.0f} answers/s, {calm[0] / calm[1]:.0f} without it")  # fmt: skip


async def export(config: Path, since_s: int) -> int:
    """How many lines."""
    to = config.parent / "decisions.parquet"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "windsock", "export", str(to), "--config", str(config),
        "--since", f"{since_s}s", env={**os.environ, **KEYS}, stdout=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    assert await process.wait() == 0
    import pyarrow.parquet as pq

    return int(pq.ParquetFile(to).metadata.num_rows)


async def answered(url: str, until: object) -> tuple[int, float, int]:
    """(requests answered, seconds, what came of it) while something else is done."""
    count = 0

    async def client(http: httpx.AsyncClient) -> None:
        nonlocal count
        while True:
            (await http.post("/v1/chat/completions", json=ASK)).raise_for_status()
            count += 1

    async with httpx.AsyncClient(base_url=url, timeout=30, trust_env=False) as http:
        clients = [asyncio.create_task(client(http)) for _ in range(CLIENTS)]
        began = time.perf_counter()
        found = await until  # type: ignore[misc]
        seconds = time.perf_counter() - began
        for each in clients:
            each.cancel()
        await asyncio.gather(*clients, return_exceptions=True)
    return count, seconds, int(found)


async def main(many: int, written: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with upstream(lambda _: Answer(completion())) as model:
            config = write_config(folder, model.url)
            async with served(config):
                pass
            filled(folder / "windsock.db", many, written)
            async with served(config) as (process, ready_s):
                print(f"start to ready: {ready_s:.2f} s")
                await looked_at(process.url)
                await exported(process, config, lines_s(EXPORTED, written))


def lines_s(lines: int, written: int) -> int:
    """Seconds before now that hold so many, and those since they were made."""
    span_s = written * EVERY_S
    return int(max(0, lines // written - 1) * days_s(span_s) + span_s) + 600


def filled(path: Path, many: int, written: int) -> None:
    turns, began = many // written, time.perf_counter()
    span_s = written * EVERY_S
    written_now(path, written, time.time() - span_s - (turns - 1) * days_s(span_s))
    base_kept(path)
    grown(path, turns)
    base_gone(path)
    size, _ = sizes(path)
    print(f"{many:,} requests in {size / 1e9:.2f} GB, {size / many:.0f} bytes each, "
          f"made in {time.perf_counter() - began:.0f} s")  # fmt: skip


if __name__ == "__main__":
    numbers = [int(each) for each in sys.argv[1:]] + [10_000_000, 500_000][len(sys.argv) - 1 :]
    asyncio.run(main(*numbers))
