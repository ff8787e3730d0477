"""Alarms over HTTP and on the command line: shown, undone by a person, told as an event."""

import asyncio
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.running import Running, config_of, running
from tests.upstream import Answer, completion, upstream
from windsock.core.model.requests import Cell

CELL = Cell("default", "auto", "sql")
ASK = {"model": "auto", "metadata": {"task": "sql"}, "messages": [{"role": "user", "content": "x"}]}


def teach(it: Running, mean: float, count: int, seed: int) -> None:
    """Rewards of a judge for acme/m, one a second."""
    beliefs, now = it.service.router.beliefs, it.service.clock.now()
    rewards = np.random.default_rng(seed).beta(12 * mean, 12 * (1 - mean), size=count)
    for reward in rewards:
        beliefs.posterior(CELL, "acme/m")
        beliefs.observe(CELL, "acme/m", float(reward), now=now)


async def success(it: Running) -> float:
    asked = {"route": "auto", "task": "sql"}
    (cell,) = (await it.http.get("/v1/weights", params=asked)).json()["data"]
    return next(c["success_mean"] for c in cell["candidates"] if c["deployment"] == "acme/m")


async def windsock(*words: str) -> tuple[int, str]:
    """The command line, from outside."""
    process = await asyncio.create_subprocess_exec(
        str(Path(sys.executable).with_name("windsock")),
        *words,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    return process.returncode or 0, said.decode()


async def test_a_person_undoes_an_alarm_and_the_old_belief_holds_again(tmp_path) -> None:
    async with upstream(lambda _: Answer(completion())) as model:
        config = config_of(("acme", model.url, 1.0), ("bolt", model.url, 1.2))
        async with running(config, tmp_path) as it:
            heard = []
            it.service.events.listeners.append(heard.append)
            teach(it, 0.92, 300, 6)
            it.service.router.tables.forget()
            before = await success(it)
            teach(it, 0.70, 60, 7)
            it.service.router.tables.forget()
            lost = await success(it)
            (alarm,) = (await it.http.get("/v1/alarms")).json()["data"]
            assert (alarm["route"], alarm["deployment"]) == ("auto", "acme/m")
            assert alarm["mode"] in ("doubt", "lost")
            assert alarm["tasks"] == ["sql"]
            name = {"route": "auto", "deployment": "acme/m"}
            undone = await it.http.post("/v1/alarms/undo", json=name)
            assert [event["event"] for event in undone.json()["events"]] == ["quality.undone"]
            assert await success(it) == pytest.approx(before, abs=0.015)
            assert lost < before - 0.05
            assert "quality.undone" in [getattr(event, "kind", "") for event in heard]
            again = await it.http.post("/v1/alarms/undo", json=name)
            assert again.status_code == 400
            assert "GET /v1/alarms" in again.json()["error"]["message"]


async def test_a_changed_model_ages_its_evidence_and_the_command_line_takes_it_back(
    tmp_path,
) -> None:
    names = iter(["m-2026-01", *["m-2026-09"] * 20])
    async with upstream(lambda _: Answer(completion(model=next(names)))) as model:
        config = config_of(("acme", model.url, 1.0))
        async with running(config, tmp_path) as it:
            it.service.router.learn_sums(CELL, "acme/m", 5.0, 4.6, 4.3, it.service.clock.now())
            teach(it, 0.92, 300, 8)
            for _ in range(2):
                await it.http.post("/v1/chat/completions", json=ASK)
            beliefs = it.service.router.beliefs
            assert beliefs.summary(CELL, "acme/m").effective_samples < 5
            code, said = await windsock("alarms", "list", "--url", it.url)
            assert (code, "acme/m" in said, "steady" in said) == (0, True, True)
            code, said = await windsock("alarms", "undo", "acme/m", "--url", it.url)
            assert (code, "holds again" in said) == (0, True)
            assert beliefs.summary(CELL, "acme/m").effective_samples > 290
            code, said = await windsock("alarms", "undo", "acme/m", "--url", it.url)
            assert (code, "no alarm is held" in said) == (2, True)


async def test_what_could_not_be_given_is_said_in_the_response_and_in_the_weights(tmp_path) -> None:
    async with upstream(lambda _: Answer(completion())) as model:
        config = config_of(("acme", model.url, 1.0), ("bolt", model.url, 9.0))
        config += 'objective = "budget"\nusd_per_request = 1e-6\nquality_floor = 0.99\n'
        async with running(config, tmp_path) as it:
            answer = await it.http.post("/v1/chat/completions", json=ASK)
            (cell,) = (await it.http.get("/v1/weights", params={"task": "sql"})).json()["data"]
            routed = (await it.http.post("/v1/route", json=ASK)).json()
            for note in (answer.headers["x-windsock-note"], cell["note"], routed["note"]):
                assert "the quality floor costs more than the budget" in note
                assert "0.99 is not certain yet" in note


async def test_the_feedback_rate_of_a_cell_is_shown(tmp_path) -> None:
    async with upstream(lambda _: Answer(completion())) as model:
        async with running(config_of(("acme", model.url, 1.0)), tmp_path) as it:
            for i in range(4):
                answer = await it.http.post("/v1/chat/completions", json=ASK)
                if i == 0:
                    name = answer.headers["x-windsock-decision-id"]
                    body = {"decision_id": name, "value": 1}
                    said = await it.http.post("/v1/feedback", json=body)
                    assert said.json()["counted"] == {"weight": 1.0, "value": 1.0}
            (cell,) = (await it.http.get("/v1/weights", params={"task": "sql"})).json()["data"]
            assert cell["candidates"][0]["feedback_rate"] == pytest.approx(0.25)


async def test_how_far_the_last_rewards_move_a_belief_is_shown(tmp_path) -> None:
    async with upstream(lambda _: Answer(completion())) as model:
        async with running(config_of(("acme", model.url, 1.0)), tmp_path) as it:
            beliefs = it.service.router.beliefs
            other = CELL._replace(task="extraction")
            for i in range(300):
                for cell in (CELL, other):
                    beliefs.observe(cell, "acme/m", float(i % 5 > 0), now=float(i))
            for i in range(40):
                beliefs.observe(other, "acme/m", float(i % 2), now=300.0 + i)
            (cell,) = (await it.http.get("/v1/weights", params={"task": "sql"})).json()["data"]
            shown = cell["candidates"][0]
            assert shown["drift"] == beliefs.drift(CELL, "acme/m") < 0
