"""Names without end, from a caller with a key: what is kept of them is bounded."""

import asyncio
import random

import pytest

from tests.attacks.form import SHARED, attack, row
from tests.attacks.world import CHAT, World, ask

pytestmark = SHARED


async def many(world: World, count: int, path: str, fields: str) -> set[int]:
    """So many requests, each with another name in a field; the statuses of their answers."""
    rng = random.Random(fields)

    async def one(number: int) -> int:
        name = f"{number}-{rng.random()}".ljust(120, "x")
        more = {"metadata": {"task": name}} if fields == "task" else {fields: name}
        answer = await world.http.post(path, json=ask(**more), headers=world.infer)
        return answer.status_code

    found = set()
    for at in range(0, count, 50):
        found |= set(await asyncio.gather(*map(one, range(at, min(count, at + 50)))))
    return found


@attack("700 tasks, decided only", "each as itself; the oldest make room, which is told")
async def test_tasks_that_are_decided(world: World) -> None:
    assert await many(world, 700, "/v1/route", "task") == {200}
    await asyncio.sleep(0.3)
    told = (await world.http.get("/v1/events?kind=task.forgotten")).json()["data"]
    assert told
    shown = (await world.http.get("/v1/weights?route=auto")).json()["data"]
    assert len(shown) <= 500
    assert await world.is_well()


@attack("150 tasks, answered", "bounded labels in /metrics, bounded tables")
async def test_tasks_that_are_answered(world: World) -> None:
    assert await many(world, 150, CHAT, "task") == {200}
    lines = (await world.http.get("/metrics")).text.splitlines()
    assert sum(line.startswith("windsock_requests_total{") for line in lines) <= 2200
    assert sum(line.startswith("windsock_weight{") for line in lines) <= 3 * 500 * 5
    assert await world.is_well()


@pytest.mark.parametrize(
    "field",
    [
        row("150 sessions", "all served, no memory", "session_id"),
        row("150 users", "all served, no memory", "user"),
        row("150 cache keys", "all served, no memory", "prompt_cache_key"),
    ],
)
async def test_sessions(world: World, field: str) -> None:
    assert await many(world, 150, CHAT, field) == {200}
    assert await world.is_well()


@attack("100 models that are none", "404 with a near name, quickly")
async def test_models(world: World) -> None:
    assert await many(world, 100, CHAT, "model") == {404}
    assert await world.is_well()


@attack("a body of 15 MB that is one text", "an answer, or that it is too long for all")
async def test_a_large_body(world: World) -> None:
    body = ask(messages=[{"role": "user", "content": "x" * 15_000_000}])
    answer = await world.http.post("/v1/route", json=body, headers=world.infer)
    assert answer.status_code in (200, 422)
    assert await world.is_well()
