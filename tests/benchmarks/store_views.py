"""How soon a service over millions of requests starts, shows each view, and exports as it serves.

    python -m tests.benchmarks.store_views [MANY] [WRITTEN] [FOLDER]

MANY        requests in the ledger, as 2 million a day come (see `store_size`), up to now
WRITTEN     of them by the ledger's own writer; the others are copies within the database, each
            some hours later, with their tables, words and sums
FOLDER      where the store is made and stays; one that is there is taken as it is

Writes its table into docs/store.md. Milliseconds are of the service's own CPU, which a busy machine
stretches by a half at most, as it does not wait for others; seconds are those of the clock.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import resource
import sqlite3
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import httpx

from tests.benchmarks.perf_machine import cpu_s, said
from tests.benchmarks.perf_rounds import verdict
from tests.benchmarks.store_size import DEPLOYMENTS, EVERY_S, sizes, written_now
from tests.benchmarks.tables import DOCS, markdown, write_between
from tests.process import Process, free_port
from tests.upstream import Answer, completion, upstream

HOUR_S, DAY_S = 3600, 86_400
EXPORTED = 1_000_000
TURNS = 5
CLIENTS = 4
ASK = {"model": "auto", "messages": [{"role": "user", "content": "hi"}]}
KEYS = {"DEEPSEEK_API_KEY": "none", "OPENAI_API_KEY": "none"}
USED = (DEPLOYMENTS[0], DEPLOYMENTS[2])
HEAD = ["what", "bar", "CPU", "by the clock", "met"]
BAR_MS, START_BAR_S, EXPORT_BAR_S, BYTES_BAR = 300, 2.0, 20.0, 300
SPANS = ("1h", "24h", "7d", "30d")
VIEWS = {
    **{f"report of {span}": f"/v1/report?since={span}" for span in (*SPANS, "3650d")},
    "report of 30d against a baseline": f"/v1/report?since=30d&baseline={USED[1]}",
    "report of 24h by route and task": "/v1/report?since=24h&by=route,task&sample=0",
    "report of 30d by key": "/v1/report?since=30d&by=key&sample=0",
    **{f"spend over {span}": f"/v1/spend?since={span}" for span in SPANS},
    "spend over 30d against a baseline": f"/v1/spend?since=30d&baseline={USED[1]}",
    **{f"health over {span}": f"/v1/deployments/history?since={span}" for span in SPANS},
    "the newest requests": "/v1/requests",
    "the newest requests of a task": "/v1/requests?route=auto&task=translation&since=24h",
    "the newest requests that failed": "/v1/requests?status=failed&since=30d",
    "1,000 decisions of a day": "/v1/decisions?since=24h",
    "1,000 decisions of a week ago": "/v1/decisions?since=7d&until=6d",
    "one decision explained": "/v1/decisions/{id}",
    "what to label": "/v1/labels",
    "price statements of 30d": "/v1/events?kind=price&since=30d&limit=200",
    "a deployment's prices": f"/v1/prices/history?deployment={USED[0]}",
    **{path: path for path in (
        "/v1/weights", "/v1/evidence?limit=500", "/v1/frontier", "/v1/routes", "/v1/deployments",
        "/v1/prices", "/v1/prices/statements", "/v1/prices/quarantine", "/v1/alarms", "/v1/feeds",
        "/v1/keys", "/v1/caps", "/v1/models", "/v1/config", "/ui/api/cells",
    )},
}  # fmt: skip
"""Of every panel of the page, what it asks for."""

SUMS = ("request_sums", "call_sums", "delay_sums")
MOVED = {
    "position": "position + :places",
    "version": "version + :places",
    "at": "at + :later",
    "decision_id": "decision_id || :turn",
}


def grown(path: Path, turns: int, later_s: int) -> None:
    """As many copies of what is there, each so many whole hours later than the one before."""
    with sqlite3.connect(path) as store:
        store.executescript("PRAGMA cache_size=-1500000; PRAGMA synchronous=OFF")
        for table in SUMS:
            store.execute(f"CREATE TABLE base_{table} AS SELECT * FROM {table}"
                          f" WHERE span_s < {DAY_S}")  # fmt: skip
        store.execute("CREATE TABLE base_name AS SELECT position FROM request_name")
        (last,) = store.execute("SELECT max(position) FROM request").fetchone()
        for turn in range(1, turns):
            asked = {"places": turn * last, "later": turn * later_s, "turn": f"-{turn}",
                     "last": last}  # fmt: skip
            copied(store, asked)
            store.commit()
        store.execute("DROP TABLE base_name")
        for table in SUMS:
            store.execute(f"DROP TABLE base_{table}")
            days_summed(store, table)
        at_once = "(SELECT max(position) FROM request)"
        store.execute(f"UPDATE writer SET position = {at_once}")
        store.execute("DELETE FROM snapshot WHERE position < (SELECT max(position) FROM snapshot)")
        store.execute(f"UPDATE snapshot SET position = {at_once}")
        store.commit()
        store.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    store.close()


def days_summed(store: sqlite3.Connection, table: str) -> None:
    """Those of hours, added up."""
    keys = ["series", "ms"] if table == "delay_sums" else ["series"]
    names = [row[1] for row in store.execute(f"PRAGMA table_info({table})")]
    sums = [name for name in names if name not in {"span_s", "at", *keys}]
    store.execute(f"DELETE FROM {table} WHERE span_s = {DAY_S}")
    store.execute(
        f"INSERT INTO {table} (span_s, at, {', '.join([*keys, *sums])})"
        f" SELECT {DAY_S}, at / {DAY_S} * {DAY_S}, {', '.join(keys)},"
        f" {', '.join(f'sum({name})' for name in sums)}"
        f" FROM {table} WHERE span_s = 3600 GROUP BY 2, {', '.join(keys)}"
    )


def copied(store: sqlite3.Connection, asked: dict[str, float | str]) -> None:
    for table in ("request", "weight_table", "feedback"):
        store.execute(copy(store, table, table) + " WHERE position <= :last", asked)
    store.execute("INSERT INTO request_name SELECT random(), position + :places FROM base_name"
                  " ORDER BY 1", asked)  # fmt: skip
    for table in SUMS:
        store.execute(copy(store, table, f"base_{table}"), asked)


def copy(store: sqlite3.Connection, table: str, source: str) -> str:
    names = [row[1] for row in store.execute(f"PRAGMA table_info({table})")]
    moved = ", ".join(MOVED.get(name, name) for name in names)
    return f"INSERT INTO {table} ({', '.join(names)}) SELECT {moved} FROM {source}"


def hours_s(seconds: float) -> int:
    """Whole hours that hold them, wherever they begin."""
    return int(seconds // HOUR_S + 2) * HOUR_S


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


async def looked_at(process: Process) -> list[list[str]]:
    """A row a view: the service's CPU, and the time by the clock."""
    rows = []
    async with httpx.AsyncClient(base_url=process.url, timeout=120, trust_env=False) as http:
        line = (await http.get("/v1/decisions?since=3650d&limit=1")).json()
        for name, path in VIEWS.items():
            seconds, before = [], cpu_s(process.process.pid)
            for _ in range(TURNS):
                began = time.perf_counter()
                answer = await http.get(path.format(id=line["decision_id"]))
                answer.raise_for_status()
                seconds.append((time.perf_counter() - began) * 1e3)
            cpu_ms = (cpu_s(process.process.pid) - before) / TURNS * 1e3
            figures = [f"{cpu_ms:.0f} ms", f"{sorted(seconds)[TURNS // 2]:.0f} ms"]
            rows.append([name, f"{BAR_MS} ms", *figures, verdict(cpu_ms < BAR_MS)])
            print("  ".join(rows[-1]), flush=True)
    return rows


async def exported(process: Process, config: Path, since_s: float) -> list[str]:
    """With clients that ask all the while, and the same without an export."""
    calm = await answered(process.url, asyncio.sleep(5, 5.0))
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    busy = await answered(process.url, export(config, since_s))
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(f"{CLIENTS} clients had {busy[0] / busy[1]:.0f} answers/s meanwhile, "
          f"{calm[0] / calm[1]:.0f} without it")  # fmt: skip
    million = busy[2] / EXPORTED
    return [f"export of {busy[2]:,} lines of Parquet beside {CLIENTS} clients",
            f"{EXPORT_BAR_S * million:.0f} s", f"{used_s:.1f} s", f"{busy[1]:.1f} s",
            verdict(busy[1] < EXPORT_BAR_S * million)]  # fmt: skip


async def export(config: Path, since_s: float) -> int:
    """How many lines."""
    to = config.parent / "decisions.parquet"
    to.unlink(missing_ok=True)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "windsock", "export", str(to), "--config", str(config),
        "--since", f"{since_s:.0f}s", env={**os.environ, **KEYS}, stdout=asyncio.subprocess.DEVNULL,
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


async def main(many: int, written: int, folder: Path) -> None:
    async with upstream(lambda _: Answer(completion())) as model:
        config, file = write_config(folder, model.url), folder / "windsock.db"
        if not file.exists():
            async with served(config):
                pass
            filled(file, many, written)
        rows = [size_row(file)]
        (folder / "empty").mkdir(exist_ok=True)
        async with served(write_config(folder / "empty", model.url)) as (process, ready_s):
            rows.append(start_row("start to ready, empty ledger", process, ready_s))
        async with served(config) as (process, ready_s):
            rows.append(start_row("start to ready, this ledger", process, ready_s))
            rows += await looked_at(process)
            rows.append(await exported(process, config, since_of_the_newest(file, EXPORTED)))
    text = f"{requests_in(file):,} requests. {said()}.\n\n" + markdown(HEAD, rows)
    print(text)
    write_between(DOCS / "store.md", "views", text)


def start_row(name: str, process: Process, ready_s: float) -> list[str]:
    return [name, f"{START_BAR_S:.0f} s", f"{cpu_s(process.process.pid):.1f} s", f"{ready_s:.1f} s",
            verdict(ready_s < START_BAR_S)]  # fmt: skip


def size_row(file: Path) -> list[str]:
    each = sizes(file)[0] / requests_in(file)
    return ["a request in the store", f"{BYTES_BAR} bytes", "", f"{each:.0f} bytes",
            verdict(each <= BYTES_BAR)]  # fmt: skip


def requests_in(file: Path) -> int:
    with closing(sqlite3.connect(file)) as store:
        return int(store.execute("SELECT count(*) FROM request").fetchone()[0])


def since_of_the_newest(file: Path, lines: int) -> float:
    """Seconds before now from which on there are so many."""
    query = "SELECT at FROM request ORDER BY at DESC LIMIT 1 OFFSET ?"
    with closing(sqlite3.connect(file)) as store:
        return time.time() - float(store.execute(query, (lines,)).fetchone()[0])


def filled(path: Path, many: int, written: int) -> None:
    turns, began = many // written, time.perf_counter()
    span_s = written * EVERY_S
    written_now(path, written, time.time() - span_s - (turns - 1) * hours_s(span_s))
    grown(path, turns, hours_s(span_s))
    print(f"made in {time.perf_counter() - began:.0f} s", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("many", type=int, nargs="?", default=10_000_000)
    parser.add_argument("written", type=int, nargs="?", default=100_000)
    parser.add_argument("folder", type=Path, nargs="?")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        asyncio.run(main(asked.many, asked.written, asked.folder or Path(temporary)))
