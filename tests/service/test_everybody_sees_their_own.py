"""Bounds on what is kept to be looked at count what the looker may see, not what others have."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.running import Running, config_of, running
from tests.store.samples import shift, table
from tests.upstream import Answer, completion, upstream
from windsock.core.model.events import Event, EventKind
from windsock.core.model.requests import Cell
from windsock.service.auth import new_key
from windsock.store.keys import VirtualKey, add_key

LARGE, SMALL = "large", "small"


@asynccontextmanager
async def shared(tmp_path: Path) -> AsyncIterator[tuple[Running, dict[str, dict[str, str]]]]:
    """A service of two namespaces, and headers for each."""
    async with upstream(lambda _: Answer(completion())) as model:
        config = config_of(("acme", model.url, 1.0))
        config += f'[providers.bolt]\nbase_url = "{model.url}"\n'
        config += 'price = { input = 1, output = 4 }\n[routes.side]\ncandidates = ["bolt/m"]\n'
        async with running(config, tmp_path) as it:
            headers = {}
            for namespace in (LARGE, SMALL):
                secret, public, digest = new_key()
                key = VirtualKey(id=public, name=namespace, sha256=digest, namespace=namespace,
                                 scopes=("read", "infer"), created_at=0.0)  # fmt: skip
                add_key(it.service.engine, key)
                headers[namespace] = {"authorization": f"Bearer {secret}"}
            await it.service.housekeeping.read_keys()
            yield it, headers


async def ask(it: Running, headers: dict[str, str], route: str, task: str) -> None:
    body = {"model": route, "metadata": {"task": task}, "messages": []}
    assert (await it.http.post("/v1/route", json=body, headers=headers)).status_code == 200


async def page(it: Running, headers: dict[str, str], route: str) -> dict[str, Any]:
    it.service.dashboard.sample()
    answer = await it.http.get("/ui/api/history", params={"route": route}, headers=headers)
    view: dict[str, Any] = answer.json()
    return view


async def test_the_page_of_a_route_shows_its_events_however_many_others_have(tmp_path) -> None:
    async with shared(tmp_path) as (it, headers):
        await ask(it, headers[SMALL], "side", "chat")
        it.service.events.publish(replace(shift(1), deployment="bolt/m"))
        for number in range(300):
            it.service.events.publish(replace(shift(number), deployment="acme/m"))
        shown = (await page(it, headers[SMALL], "side"))["events"]
        assert [event["deployment"] for event in shown] == ["bolt/m"]


@pytest.mark.parametrize("namespace", [SMALL, LARGE])
async def test_the_page_of_a_route_shows_its_weights_however_many_cells_others_have(
    namespace, tmp_path
) -> None:
    """The others are in another namespace, or in the same one on another route."""
    async with shared(tmp_path) as (it, headers):
        for number in range(80):
            await ask(it, headers[LARGE], "auto", f"t{number}")
        await ask(it, headers[namespace], "side", "chat")
        view = await page(it, headers[namespace], "side")
        assert view["routes"]["side"] == ["chat"]
        assert view["table"] is not None
        assert view["weights"]["at"]


async def test_a_stream_of_weights_loses_no_event_to_those_it_does_not_show(tmp_path) -> None:
    """One table of one's own, then five hundred of another's, before the stream is read on."""
    async with shared(tmp_path) as (it, headers):
        url = "/v1/weights/stream"
        async with it.http.stream("GET", url, headers=headers[SMALL]) as answer:
            lines = answer.aiter_lines()
            assert await anext(lines) == ": connected"
            own, other = (replace(table(1), cell=Cell(name, "auto", "chat"))
                          for name in (SMALL, LARGE))  # fmt: skip
            await asyncio.sleep(0.05)
            it.service.events.publish(own)
            for _ in range(500):
                it.service.events.publish(other)
            async with asyncio.timeout(2):
                while not (line := await anext(lines)).startswith("data:"):
                    pass
        assert json.loads(line[5:])["namespace"] == SMALL


def drift(number: int, namespace: str) -> Event:
    """What somebody's own feedback said of a deployment that all share."""
    return Event(
        kind=EventKind.QUALITY_DRIFTED,
        deployment="acme/m",
        at=float(number),
        facts={"namespace": namespace, "route": "auto", "finding": "worse"},
    )


async def test_a_stream_of_weights_tells_nothing_that_others_have_learnt(tmp_path) -> None:
    """Their drifts are theirs; a price that moved is everybody's."""
    async with shared(tmp_path) as (it, headers):
        url = "/v1/weights/stream"
        async with it.http.stream("GET", url, headers=headers[SMALL]) as answer:
            lines = answer.aiter_lines()
            assert await anext(lines) == ": connected"
            await asyncio.sleep(0.05)
            for said in (drift(1, LARGE), drift(2, SMALL), drift(3, LARGE), shift(4)):
                it.service.events.publish(said)
            told: list[str] = []
            async with asyncio.timeout(2):
                while len(told) < 2:
                    line = await anext(lines)
                    told += [line[5:]] * line.startswith("data:")
        first, second = (json.loads(each) for each in told)
        assert (first["event"], first["namespace"]) == ("quality.drifted", SMALL)
        assert second["event"] == "price.shifted"


async def test_a_page_tells_nothing_that_others_have_learnt(tmp_path) -> None:
    async with shared(tmp_path) as (it, headers):
        await ask(it, headers[SMALL], "auto", "chat")
        it.service.events.publish(drift(1, SMALL))
        for number in range(300):
            it.service.events.publish(drift(2 + number, LARGE))
        shown = (await page(it, headers[SMALL], "auto"))["events"]
        assert [event.get("namespace") for event in shown if event["at"] < 1000] == [SMALL]
