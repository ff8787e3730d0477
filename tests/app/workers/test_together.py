"""Several processes at one port are one windsock, whichever of them dies."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest

from tests.process import Process, free_port
from tests.running import config_of
from tests.upstream import Answer, completion, upstream

CAPPED = """
[routes.capped]
candidates = ["acme/m", "bolt/m"]
[caps.small]
usd = 0.001
period = "day"
routes = ["capped"]
"""
DEAREST_USD = 0.00013
"""That a call to the dearer deployment may cost, of which a process passes a cap by one at most."""

BODY = {"model": "auto", "messages": [{"role": "user", "content": "hi"}]}
WORKERS = 3


def children(pid: int) -> list[int]:
    """In the order in which they were started."""
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


async def until(holds: Callable[[], Any]) -> Any:
    """What it gives, once it is something."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            found = holds()
            if asyncio.iscoroutine(found):
                found = await found
            if found:
                return found
        except httpx.TransportError:
            pass
        await asyncio.sleep(0.05)
    raise AssertionError("it never came to hold")


T = TypeVar("T", bound="Together")


class Together:
    """The service, asked over a new connection each time: any process may answer."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.answered: dict[str, float] = {}
        self.failed: list[str] = []

    async def call(self, method: str, path: str, **more: Any) -> httpx.Response:
        async with httpx.AsyncClient(
            base_url=self.process.url, trust_env=False, timeout=30
        ) as http:
            return await http.request(method, path, **more)

    async def chat(self, route: str = "auto") -> None:
        try:
            body = {**BODY, "model": route}
            answer = await self.call("POST", "/v1/chat/completions", json=body)
        except httpx.TransportError as error:
            self.failed.append(repr(error))
            return
        if answer.status_code == 200:
            self.answered[answer.headers["x-windsock-decision-id"]] = time.monotonic()
        else:
            self.failed.append(answer.text)

    async def metric(self, name: str) -> float:
        lines = (await self.call("GET", "/metrics")).text.splitlines()
        return sum(float(line.split()[-1]) for line in lines if line.startswith(name))

    async def is_whole(self) -> bool:
        return await self.metric("windsock_workers ") == WORKERS

    async def stored(self) -> int:
        report = (await self.call("GET", "/v1/report?since=0&by=route")).json()["data"]
        return sum(row["requests"] for row in report if row["route"] == "auto")

    @property
    def pids(self) -> list[int]:
        return children(self.process.process.pid)


@asynccontextmanager
async def served(
    folder: Path, more: str, kind: type[T], workers: int, wait_s: float = 0.0
) -> AsyncIterator[T]:
    """So many processes at a port, once all are there; they must end cleanly.

    wait_s  before each answer of the providers
    """
    async with upstream(lambda _: Answer(completion(), wait_s=wait_s)) as model:
        file = folder / "windsock.toml"
        routes = config_of(("acme", model.url, 1.0), ("bolt", model.url, 2.0))
        file.write_text(f"{routes}[feeds]\nenabled = []\n{more}")
        it = kind(Process(file, free_port(), arguments=["--workers", str(workers)]))
        try:
            await it.process.ready()
            await until(it.is_whole)
            yield it
        finally:
            code = it.process.terminate()
            assert code == 0, "a clean end"


@pytest.mark.xdist_group("workers")
async def test_they_are_one_and_lose_nothing_when_any_of_them_dies(tmp_path: Path) -> None:
    more = f'[store]\nurl = "sqlite:///{tmp_path}/w.db"\n{CAPPED}[labels]\ntexts = true\n'
    async with served(tmp_path, more, Together, WORKERS) as it:
        for _ in range(30):
            await it.chat()
        assert it.failed == []
        groups = {os.getpgid(pid) for pid in (it.process.process.pid, *it.pids)}
        assert len(groups) == 1 + WORKERS, "Ctrl-C reaches each once: by its parent"
        await _an_answer_is_judged_and_explained_at_once(it)
        await _who_labels_sees_the_texts_of_all(it)
        await _they_are_one(it)
        await _a_cap_holds(it)
        await _a_death_costs_nothing(it, which=-1)
        await _a_death_costs_nothing(it, which=0)


@pytest.mark.xdist_group("workers")
async def test_requests_that_teach_nothing_are_in_the_ledger_as_soon_as_others(
    tmp_path: Path,
) -> None:
    more = f'[store]\nurl = "sqlite:///{tmp_path}/w.db"\n'
    async with served(tmp_path, more, Together, WORKERS, wait_s=30.0) as it:
        hurried = {"x-windsock-timeout": "0.05"}
        for _ in range(12):
            answer = await it.call("POST", "/v1/chat/completions", json=BODY, headers=hurried)
            assert answer.status_code == 504

        async def are_stored() -> bool:
            return await it.stored() == 12

        await until(are_stored)


async def _an_answer_is_judged_and_explained_at_once(it: Together) -> None:
    """Whoever is asked, though the process that answered has told nobody of it yet."""
    for _ in range(8):
        await it.chat()
        name = [*it.answered][-1]
        judged = {"decision_id": name, "value": 1.0}
        assert (await it.call("POST", "/v1/feedback", json=judged)).status_code == 200
        await it.chat()
        assert (await it.call("GET", f"/v1/decisions/{[*it.answered][-1]}")).status_code == 200
        await it.chat()
        label = {"decision_id": [*it.answered][-1], "value": True}
        assert (await it.call("POST", "/v1/labels", json=label)).status_code == 200
        await it.chat()
        score = {"request_id": [*it.answered][-1], "metric": "helpful", "value": 1}
        taken = await it.call("POST", "/v1/feedback/rows", json={"scores": [score]})
        assert taken.json()["learnt"] == 1, taken.text


async def _who_labels_sees_the_texts_of_all(it: Together) -> None:
    """However few of them the process that answers has served itself; what comes all at once may
    be told in part."""

    async def are_held() -> bool:
        before = {*it.answered}
        for _ in range(6):
            await it.chat()
        await asyncio.sleep(0.5)
        found = (await it.call("GET", "/v1/labels?limit=200")).json()
        names = {each["decision_id"] for each in found["data"] if each["answer"] is not None}
        return names >= {*it.answered} - before

    await until(are_held)


async def _they_are_one(it: Together) -> None:
    async def are_counted() -> bool:
        return await it.metric("windsock_requests_total") == len(it.answered)

    await until(are_counted)
    seen = set()
    for name in list(it.answered)[:6]:
        judged = {"decision_id": name, "value": 1.0}
        assert (await it.call("POST", "/v1/feedback", json=judged)).status_code == 200
        assert (await it.call("GET", f"/v1/decisions/{name}")).status_code == 200
    for _ in range(6):
        table = (await it.call("GET", "/v1/weights?route=auto")).json()["data"][0]
        seen.add(tuple(each["effective_samples"] > 0 for each in table["candidates"]))
    assert len(seen) == 1

    async def agree() -> bool:
        """Every process draws by the same weights, which all its decisions tell."""
        told = [await it.call("POST", "/v1/route", json=BODY) for _ in range(6)]
        weights = [each.json()["weights"] for each in told]
        return all(abs(w[name] - weights[0][name]) < 0.02 for w in weights for name in w)

    await until(agree)


async def _a_cap_holds(it: Together) -> None:
    """Over all of them, and where it is raised at one all have room again."""
    known = dict(it.answered)
    while len(it.failed) < 40 or await it.metric("windsock_cap_spent_usd") <= 0.0005:
        await asyncio.gather(*(it.chat("capped") for _ in range(6)))
        await asyncio.sleep(0.1)
    assert len(it.answered) > len(known) + 8
    spent = await it.metric("windsock_cap_spent_usd")
    assert spent <= 0.001 + WORKERS * DEAREST_USD
    more = {"usd": 0.01, "lasts": "1h"}
    assert (await it.call("POST", "/v1/caps/small/raise", json=more)).status_code == 200

    async def have_all_room() -> bool:
        body = {**BODY, "model": "capped"}
        answers = [await it.call("POST", "/v1/chat/completions", json=body) for _ in range(8)]
        return all(each.status_code == 200 for each in answers)

    await until(have_all_room)
    it.failed.clear()
    it.answered = known


async def _a_death_costs_nothing(it: Together, which: int) -> None:
    """Requests go on while a process is killed: one that it was working on may fail, no other.

    As of one process that is killed, what it answered last is not in the store (`[store] flush`).
    """
    before, asked = it.pids, []
    victim, killed_at = before[which], 0.0
    for number in range(40):
        asked.append(asyncio.create_task(it.chat()))
        if number == 20:
            os.kill(victim, signal.SIGKILL)
            killed_at = time.monotonic()
        await asyncio.sleep(0.02)
    await asyncio.gather(*asked)
    assert len(it.failed) <= 3, it.failed
    it.failed.clear()
    after = await until(lambda: victim not in it.pids and len(it.pids) == WORKERS and it.pids)
    assert set(before) - {victim} < set(after), "the others go on"
    await until(it.is_whole)
    found = await until(lambda: _settled(it))
    for name, at in list(it.answered.items()):
        if (await it.call("GET", f"/v1/decisions/{name}")).status_code != 200:
            assert killed_at - 1 < at < killed_at + 0.2
            del it.answered[name]
    assert 0 <= found - len(it.answered) <= 3, "none is lost, none is written twice"


async def _settled(it: Together) -> int | None:
    """Requests in the store, once their number stays."""
    one = await it.stored()
    await asyncio.sleep(1)
    return one if one == await it.stored() else None
