"""What views, reports, evaluations and rehearsals take where callers name thousands of tasks, or
where the log is long.

    python -m tests.benchmarks.large_logs [TASKS] [DECISIONS] [FOLDER]

TASKS       asked for by 4 requests each, half of whose answers are judged
DECISIONS   of two tasks, in the log that is evaluated: ten parts alike, one after the other
FOLDER      where both are made and stay; what is there is taken as it is

Views are asked for as in `store_views`; `waits` is how long a look at /healthz took meanwhile, at
worst. Writes its table into docs/store.md.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx

from tests.benchmarks.perf_machine import cpu_s, said
from tests.benchmarks.perf_rounds import verdict
from tests.benchmarks.store_views import BAR_MS, HOUR_S, KEYS, grown, served, write_config
from tests.benchmarks.tables import DOCS, markdown, write_between
from tests.evaluation.logs import LoggingDriver, policy_toml, small, written
from tests.process import Process
from tests.upstream import Answer, completion, upstream
from windsock.simulation.engines.contenders import chosen
from windsock.simulation.world.world import World

EACH, CLIENTS, PARTS = 4, 4, 10
PER_HOUR = 500
SEEDS = 3
ASK = {"model": "auto", "messages": [{"role": "user", "content": "hi"}]}
VIEWS = (
    "/v1/report", "/v1/report?sample=0", "/v1/spend?since=24h", "/v1/spend?since=7d", "/v1/weights",
    "/v1/evidence", "/v1/labels", "/v1/frontier", "/metrics", "/ui/api/cells", "/v1/requests",
    "/v1/requests?status=failed", "/v1/deployments/history?since=24h", "/v1/decisions?since=24h",
)  # fmt: skip
HEAD = ["what", "bar", "CPU", "by the clock", "bytes", "waits", "met"]
COMMAND_BAR_S = 300.0


async def filled(process: Process, tasks: int) -> None:
    """Every task asked for EACH times, in any order."""
    chance = random.Random(1)
    wanted = [task for task in range(tasks) for _ in range(EACH)]
    chance.shuffle(wanted)
    rest = iter(wanted)
    async with httpx.AsyncClient(base_url=process.url, timeout=60, trust_env=False) as http:
        await asyncio.gather(*(client(http, rest, chance) for _ in range(CLIENTS)))


async def client(http: httpx.AsyncClient, tasks: Iterator[int], chance: random.Random) -> None:
    for task in tasks:
        named = {"x-windsock-task": f"task-{task:05d}"}
        answer = await http.post("/v1/chat/completions", json=ASK, headers=named)
        answer.raise_for_status()
        if chance.random() < 0.5:
            decision = answer.headers["x-windsock-decision-id"]
            judged = {"decision_id": decision, "value": chance.random() < 0.8}
            (await http.post("/v1/feedback", json=judged)).raise_for_status()


async def looked_at(process: Process) -> list[list[str]]:
    async with httpx.AsyncClient(base_url=process.url, timeout=300, trust_env=False) as http:
        return [await look(process, http, path) for path in VIEWS]


async def look(process: Process, http: httpx.AsyncClient, path: str) -> list[str]:
    began, before, worst_s = time.perf_counter(), cpu_s(process.process.pid), 0.0
    asked = asyncio.create_task(http.get(path))
    while not asked.done():
        at = time.perf_counter()
        await http.get("/healthz")
        worst_s = max(worst_s, time.perf_counter() - at)
        await asyncio.sleep(0.02)
    answer = asked.result().raise_for_status()
    wall_ms = (time.perf_counter() - began) * 1e3
    cpu_ms = (cpu_s(process.process.pid) - before) * 1e3
    row = [path, f"{BAR_MS} ms", f"{cpu_ms:.0f} ms", f"{wall_ms:.0f} ms",
           f"{len(answer.content):,}", f"{worst_s * 1e3:.0f} ms",
           verdict(cpu_ms < BAR_MS)]  # fmt: skip
    print("  ".join(row), flush=True)
    return row


def logged(folder: Path, decisions: int) -> Path:
    """The configuration beside a log of so many decisions."""
    config, file = folder / "windsock.toml", folder / "windsock.db"
    if file.exists():
        return config
    folder.mkdir()
    hours = max(1, round(decisions / PARTS / PER_HOUR))
    world = World(small(hours=hours, refresh_s=60, refresh_outcomes=100), 1)
    driver = LoggingDriver(world, chosen(world, ["windsock"])["windsock"], 1)
    driver.run()
    written(driver, f"sqlite:///{file}").dispose()
    grown(file, PARTS, (hours + 1) * HOUR_S)
    store = f'[store]\nurl = "sqlite:///{file}"\n'
    config.write_text(policy_toml(world.scenario, floor=0.8, explore=0.05) + store)
    return config


def ran(name: str, config: Path, *arguments: str) -> list[str]:
    """A row of one command."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    command = [sys.executable, "-m", "windsock", *arguments, "--config", str(config)]
    environ = {**os.environ, **KEYS}
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environ)
    after, wall_s = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter() - began
    used_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    row = [name, f"{COMMAND_BAR_S:.0f} s", f"{used_s:.0f} s", f"{wall_s:.0f} s", "", "",
           verdict(used_s < COMMAND_BAR_S)]  # fmt: skip
    print("  ".join(row), f"{after.ru_maxrss / 1024:.0f} MB at most", flush=True)
    return row


async def views_of(tasks: int, folder: Path) -> list[list[str]]:
    folder.mkdir(exist_ok=True)
    is_new = not (folder / "windsock.db").exists()
    async with upstream(lambda _: Answer(completion())) as model:
        config = write_config(folder, model.url)
        async with served(config) as (process, _):
            if is_new:
                await filled(process, tasks)
                await asyncio.sleep(6)
            return await looked_at(process)


def main(tasks: int, decisions: int, folder: Path) -> None:
    rows = asyncio.run(views_of(tasks, folder / "tasks"))
    dearer = ("--price", "deepseek/*=+30%", "--seeds", str(SEEDS))
    config, name = folder / "tasks" / "windsock.toml", f"a rehearsal of {tasks:,} tasks"
    rows.append(ran(f"{name}, {SEEDS} seeds", config, "simulate", "--from-log", *dearer))
    name = f"an evaluation of {tasks:,} tasks, {EACH * tasks:,} decisions"
    rows.append(ran(name, config, "evaluate", "--price", "*=x1.3"))
    log, name = logged(folder / "log", decisions), f"an evaluation of {decisions:,} decisions"
    rows.append(ran(name, log, "evaluate", "--price", "*=x1.3"))
    text = f"{tasks:,} tasks of one route. {said()}.\n\n" + markdown(HEAD, rows)
    print(text)
    write_between(DOCS / "store.md", "tasks", text)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tasks", type=int, nargs="?", default=3000)
    parser.add_argument("decisions", type=int, nargs="?", default=100_000)
    parser.add_argument("folder", type=Path, nargs="?")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        main(asked.tasks, asked.decisions, asked.folder or Path(temporary))
