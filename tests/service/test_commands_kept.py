"""What a person decides is answered once the store holds it, so that no kill takes it back."""

import asyncio
import contextlib
import json
import sqlite3
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from fastapi.routing import APIRoute

from tests.command import windsock
from tests.running import Running, config_of, running
from tests.upstream import Answer, completion, upstream
from windsock.core.model.rewards import Reward
from windsock.service.control.commands import KEPT, LOOKS

NAME = "acme/m"
ROW = {"provider": "acme", "model": "m", "input": 2.5, "output": 15}
RATES = [{"task": "sql", "deployment": NAME, "success": 0.4, "count": 200}]
CHAT = {"model": "auto", "messages": [{"role": "user", "content": "hi"}]}

NO_COMMANDS = {
    "/v1/whatif",
    "/v1/responses/{name}",
    "/v1/responses/{name}/cancel",
}
"""Calls that change nothing here, though they are no GET."""


def config(folder: Path, url: str) -> str:
    (folder / "list").mkdir(parents=True, exist_ok=True)
    (folder / "list" / "feed.toml").write_text(
        f'id = "list"\nkind = "price"\nurl = "file:{folder}/list.json"\nevery = "1h"\n'
        'unit = "usd/mtok"\ntrust = 0.9\nquotes = ".[]"\n'
    )
    return (
        f'[providers.acme]\nbase_url = "{url}"\n[routes.auto]\ncandidates = ["{NAME}"]\n'
        f'[caps.day]\nusd = 5\n[feeds]\nenabled = ["list"]\ndirs = ["{folder}"]\n'
        f'[store]\nurl = "sqlite:///{{}}"\nsnapshot_every = "1h"\n'
    )


async def said(it: Running, folder: Path, **usd: float) -> None:
    (folder / "list.json").write_text(json.dumps([{**ROW, **usd}]))
    await it.service.poller.poll_now("list")


def calls(app: Any) -> Iterator[APIRoute]:
    """Every call of the application behind the data plane."""
    for each in app.routes:
        if isinstance(each, APIRoute):
            yield each
        else:
            yield from calls(getattr(each, "original_router", SimpleNamespace(routes=())))


async def seen(it: Running) -> list[object]:
    """What each command has changed."""
    quarantine = (await it.http.get("/v1/prices/quarantine")).json()["data"]
    caps = (await it.http.get("/v1/caps")).json()["data"]
    silenced = (await it.http.get("/v1/alarms")).json()["silenced"]
    return [quarantine, [each["usd"] for each in caps], silenced]


async def test_a_service_that_is_killed_as_it_answers_starts_with_what_a_person_decided(
    tmp_path: Path,
) -> None:
    kept, left, folder = tmp_path / "windsock.db", tmp_path / "left.db", tmp_path / "feeds"
    async with upstream(lambda _: Answer(completion())) as model:
        text = config(folder, model.url)
        async with running(text.format(kept), tmp_path) as it:
            for usd in ({}, {"input": 0.25, "output": 1.5}):
                await said(it, folder, **usd)
            answer = await it.http.post("/v1/chat/completions", json=CHAT)
            decision = answer.headers["x-windsock-decision-id"]
            reward = Reward(value=1.0, key_id="k1")
            await it.service.feedbacks.observe(decision, reward, "default", None)
            commands = (
                ("/v1/prices/quarantine/reject", {"deployment": NAME, "feed": "list"}),
                ("/v1/caps/day/raise", {"usd": 7}),
                ("/v1/alarms/silence", {"key": "k1"}),
                ("/v1/learn", {"route": "auto", "results": RATES}),
                ("/v1/labels", {"decision_id": decision, "value": 0}),
            )
            for path, body in commands:
                told = await it.http.post(path, json=body)
                assert (told.status_code, told.headers[KEPT]) == (200, "yes"), told.text
                with contextlib.closing(sqlite3.connect(left)) as then:
                    with contextlib.closing(sqlite3.connect(kept)) as now:
                        now.backup(then)
            was = await seen(it)
            assert was == [[], [12.0], ["k1"]]
        async with running(text.format(left), tmp_path) as it:
            await it.service.poller.poll_now("list")
            assert await seen(it) == was
            labels = (await it.http.get(f"/v1/decisions/{decision}")).json()["feedback"]
            assert {each["value"] for each in labels} == {0.0, 1.0}
            assert (await it.http.delete("/v1/learn/1")).json() == {"lesson": 1, "taught": 1}


async def test_a_command_is_in_force_and_says_so_while_the_store_does_not_take_it(
    tmp_path: Path,
) -> None:
    text = config_of(("acme", "http://127.0.0.1:9", 1.0)) + "[caps.day]\nusd = 5\n"
    async with running(text, tmp_path) as it:
        with contextlib.closing(sqlite3.connect(tmp_path / "windsock.db")) as other:
            other.execute("BEGIN IMMEDIATE")
            typed = ("caps", "raise", "day", "--usd", "7", "--url", it.url)
            ran = await asyncio.to_thread(partial(windsock, *typed, folder=tmp_path))
        assert (ran.returncode, "raised by $7" in ran.stdout) == (0, True), ran
        assert "in force, but not kept" in ran.stderr
        assert (await it.http.get("/v1/caps")).json()["data"][0]["usd"] == 12
        changing = {each.path for each in calls(it.service.app._app) if each.methods - LOOKS}
        kept = {each.path for each in calls(it.service.app._app) if type(each) is not APIRoute}
        assert changing - kept == NO_COMMANDS
