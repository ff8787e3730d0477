"""A background task that dies is seen, started anew, and readiness tells the truth of it."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.running import Running, config_of, running
from tests.upstream import Answer, completion, upstream

KEPT = (
    "tables", "keys", "snapshots", "pruning", "ledger", "dashboard", "staleness", "probes",
    "polls", "webhook 1", "credentials", "uncalled", "ends", "routes", "floors",
    "spend", "texts", "use", "memory",
)  # fmt: skip
"""Every task that runs as long as the service does."""

LATE = ("snapshots", "pruning", "memory")
"""Those whose first turn comes after many seconds, or hours."""

HOOK = '\n[[webhooks]]\nurl = "http://127.0.0.1:9/hook"\nsecret = "0123456789abcdef"\n'


async def until(condition: Any, seconds: float = 8.0) -> None:
    for _ in range(int(seconds / 0.02)):
        if condition():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("did not come about")


async def readiness(it: Running) -> tuple[int, dict[str, Any]]:
    answer = await it.http.get("/readyz")
    return answer.status_code, answer.json()


def kept(it: Running, name: str) -> asyncio.Task[None]:
    return it.service.tasks._tasks[name]


async def test_the_list_above_is_whole(tmp_path: Path) -> None:
    async with (
        upstream(lambda _: Answer(completion())) as model,
        running(config_of(("acme", model.url, 1.0)) + HOOK, tmp_path) as it,
    ):
        await until(lambda: not {"recovery", "conversion"} & it.service.tasks.states.keys())
        assert set(it.service.tasks.states) == set(KEPT)


@pytest.mark.parametrize("name", KEPT)
async def test_a_task_that_is_killed_is_seen_and_comes_back(tmp_path: Path, name: str) -> None:
    async with (
        upstream(lambda _: Answer(completion())) as model,
        running(config_of(("acme", model.url, 1.0)) + HOOK, tmp_path) as it,
    ):
        killed = kept(it, name)
        killed.cancel()
        await until(lambda: killed.done())
        await asyncio.sleep(0)
        status, said = await readiness(it)
        assert status == (503 if name == "keys" else 200), said
        assert "cancelled" in said["degraded"][f"task {name}"]
        scraped = (await it.http.get("/metrics")).text
        assert f'windsock_task_restarts_total{{task="{name}"}} 1.0' in scraped
        assert f'windsock_task_age_seconds{{task="{name}"}}' in scraped
        await until(lambda: kept(it, name) is not killed and not kept(it, name).done())
        if name not in LATE:
            await until(lambda: not it.service.tasks.down())
            assert (await readiness(it))[0] == 200


async def test_one_step_that_always_fails_does_not_end_the_others(tmp_path: Path) -> None:
    async with (
        upstream(lambda _: Answer(completion())) as model,
        running(config_of(("acme", model.url, 1.0)), tmp_path) as it,
    ):

        def broken() -> None:
            raise ZeroDivisionError("every second")

        it.service.tasks.keep_every("broken", 0.05, broken)
        await until(lambda: "broken" in it.service.tasks.down())
        before = it.service.tasks.states["keys"].turned_at
        await until(lambda: it.service.tasks.states["keys"].turned_at > before)
        assert it.service.tasks.down() == {"broken": "ZeroDivisionError: every second"}
        await until(lambda: it.service.tasks.states["broken"].restarts >= 2)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
async def test_the_writer_of_the_ledger_is_started_again(tmp_path: Path) -> None:
    async with (
        upstream(lambda _: Answer(completion())) as model,
        running(config_of(("acme", model.url, 1.0)), tmp_path) as it,
    ):
        ledger = it.service.ledger
        died = ledger._thread
        assert died is not None
        ledger._settle, settle = None, ledger._settle  # type: ignore[method-assign]
        body = {"model": "auto", "messages": [{"role": "user", "content": "hi"}]}
        assert (await it.http.post("/v1/chat/completions", json=body)).status_code == 200
        await until(lambda: not died.is_alive())
        ledger._settle = settle  # type: ignore[method-assign]
        await until(lambda: ledger._thread is not died)
        await asyncio.wait_for(ledger.flushed(), 5)
        assert "decision_id" in (await it.http.get("/v1/decisions")).text
