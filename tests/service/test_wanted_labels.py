"""Answers that nobody has judged, those first whose label would tell most."""

import asyncio
import json
from dataclasses import replace
from types import SimpleNamespace
from typing import cast

import pytest

from tests.running import config_of, running
from tests.store.samples import outcome
from tests.upstream import Answer, completion, upstream
from tests.weight_tables import arm, table_of
from windsock.core.model.decisions import WeightTable
from windsock.core.model.requests import Cell
from windsock.core.routing.router import Router
from windsock.service.control.schemas.wanted_labels import ranked

ASK = {"model": "auto", "messages": [{"role": "user", "content": "hi"}]}


async def lines(it, **params: str) -> list[dict]:
    answer = await it.http.get("/v1/decisions", params=params)
    assert answer.status_code == 200, answer.text
    return [json.loads(line) for line in answer.text.splitlines()]


async def test_unjudged_answers_come_by_what_their_label_would_tell(tmp_path) -> None:
    async with upstream(lambda _: Answer(completion())) as acme:
        async with running(config_of(("acme", acme.url, 1.0)), tmp_path) as it:
            for task in (*["known"] * 25, "fresh"):
                metadata = {"metadata": {"task": task}}
                await it.http.post("/v1/chat/completions", json={**ASK, **metadata})
            await it.service.ledger.flushed()
            told = [each["decision_id"] for each in await lines(it)]
            for i, judged in enumerate(told[:24]):
                said = {"decision_id": judged, "value": float(i % 4 > 0)}
                assert (await it.http.post("/v1/feedback", json=said)).status_code < 300
            await it.service.ledger.flushed()
            while (wanted := await lines(it, label="wanted"))[0]["task"] != "fresh":
                await asyncio.sleep(0.1)  # weights are solved anew a second after evidence came
            assert [each["decision_id"] for each in wanted] == [told[25], told[24]]
            assert wanted[0]["label_worth"] > wanted[1]["label_worth"] > 0
            assert len(await lines(it, label="wanted", limit="1")) == 1


async def test_an_order_that_nobody_knows_is_told(tmp_path) -> None:
    async with upstream(lambda _: Answer(completion())) as acme:
        async with running(config_of(("acme", acme.url, 1.0)), tmp_path) as it:
            answer = await it.http.get("/v1/decisions", params={"label": "best"})
    assert answer.status_code in (400, 422)
    assert "label" in answer.text and "wanted" in answer.text


@pytest.mark.parametrize("span", ["1h", "7d"])
async def test_without_traffic_nothing_is_wanted(tmp_path, span: str) -> None:
    async with upstream(lambda _: Answer(completion())) as acme:
        async with running(config_of(("acme", acme.url, 1.0)), tmp_path) as it:
            assert await lines(it, label="wanted", since=span) == []


async def test_of_tasks_by_the_hundred_requests_go_between_looks_at_their_tables() -> None:
    """Each task and segment is looked up once, by its own name."""
    looked, turns = list[str](), 0

    def table(namespace: str, route: str, name: str, now: float) -> WeightTable:
        looked.append(name)
        return table_of(arm("a/x", 1.0, 0.5, 0.001))

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    found = []
    for number in range(200):
        each = outcome(number, served="a/x")
        cell = Cell("default", "auto", f"t{number % 100}", "1.0" if number % 2 else "")
        found.append(replace(each, decision=replace(each.decision, cell=cell)))
    beside = asyncio.create_task(others())
    router = SimpleNamespace(table=table)
    first = await ranked(cast(Router, router), found, lambda _: True, 0.0)
    beside.cancel()
    assert turns >= 99 and len(looked) == 100 and looked[:2] == ["t0", "t1#1.0"]
    assert [each.decision.number for _, each in first][:2] == [199, 198]
