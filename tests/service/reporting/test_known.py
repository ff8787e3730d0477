"""A report tells how the success in it is known, by whom, and what knowing it has cost."""

import asyncio
import json

import pytest

from tests.cli.test_service_commands import run
from tests.running import config_of, running
from tests.service.test_evidence_seen import ask, judge, served
from tests.upstream import Answer, completion, upstream
from windsock.cli.evidence.known import known_words
from windsock.core.model.requests import background_key, background_of
from windsock.service.control.reporting.known import knowing_lines

JUDGED = '{"score": 8, "reason": "fine"}'


async def test_a_belief_is_told_with_each_source_what_it_says_and_its_bias(tmp_path) -> None:
    async with served(tmp_path) as it:
        for number in range(12):
            decision = await ask(it, "sql")
            await judge(it, decision, number % 3 > 0, source="judge")
            if number < 6:
                await judge(it, decision, number % 2)
        await judge(it, await ask(it, "ner"), 1.0, source="judge")
        await ask(it, "other")
        await it.service.ledger.flushed()
        found = (await it.http.get("/v1/report?by=task")).json()
        views = {each["task"]: each for each in found["known"]}
        seen = {each["task"]: each for each in (await it.http.get("/v1/evidence")).json()["data"]}
        only = (await it.http.get("/v1/report?by=task&sample=0")).json()
        told = await asyncio.to_thread(run, ["report", "--by", "task"], "--url", it.url)
        raw = await asyncio.to_thread(run, ["report", "--json"], "--url", it.url)
    bases = {task: view["basis"] for task, view in views.items()}
    assert bases == {"sql": "judged", "ner": "proxies alone", "other": "mere answers"}
    for task, view in views.items():
        assert view["success_interval"] == seen[task]["success_interval"]
        assert {each["source"] for each in view["sources"]} == {
            each["source"] for each in seen[task]["sources"]
        }
    proxy = next(each for each in views["sql"]["sources"] if each["kind"] == "proxy")
    assert proxy["labelled"] == pytest.approx(6) and proxy["bias"] < 0 and 0 <= proxy["slope"] <= 1
    assert (only["known"], only["knowing"]) == ([], [])
    words = " ".join(told.output.split())
    assert "how success is known: 1 of 3 beliefs rest on labels" in words
    assert "explicit 6; judge 12 says" in words and "λ" in words
    assert "rests on proxies alone: no label says whether they are right" in words
    assert len(json.loads(raw.output)["known"]) == 3


async def test_what_a_judge_cost_is_told_beside_the_route_it_judges(tmp_path) -> None:
    def reply(body: dict) -> Answer:
        return Answer(completion(JUDGED if "score" in json.dumps(body) else "four"))

    async with upstream(reply) as model:
        config = config_of(("acme", model.url, 1.0), ("bolt", model.url, 1.0))
        config += '[routes.auto.judge]\nmodel = "bolt/m"\nshare = 1.0\nusd_per_day = 5\n'
        config += "own_family = true\n"
        async with running(config, tmp_path) as it:
            for _ in range(30):
                await ask(it, "sql")
            for _ in range(100):
                await it.service.ledger.flushed()
                evidence = (await it.http.get("/v1/evidence")).json()
                if evidence["knowing"]:
                    break
                await asyncio.sleep(0.1)
            found = (await it.http.get("/v1/report?by=route")).json()
    (spent,) = evidence["knowing"]
    assert (spent["route"], spent["by"]) == ("auto", "judge") and spent["cost_usd"] > 0
    assert found["knowing"][0]["by"] == "judge"
    assert {each["route"] for each in found["known"]} == {"auto"}
    assert "windsock-judge" not in {each["task"] for each in found["known"]}


def test_what_windsock_asks_by_itself_is_known_by_its_key() -> None:
    for purpose, route in (("judge", "auto"), ("shadow", "a:b/c"), ("judge", "")):
        assert background_of(background_key(purpose, route)) == (purpose, route)
    assert background_of(None) is None and background_of("k1") is None
    rows = [
        {"key": background_key("judge", "auto"), "requests": 3, "cost_usd": None,
         "cost_nano_usd": None, "unknown_cost": 3},
        {"key": "k1", "requests": 9, "cost_usd": 1, "cost_nano_usd": 10**9, "unknown_cost": 0},
    ]  # fmt: skip
    (line,) = knowing_lines(rows)
    assert (line["cost_usd"], line["requests"], line["by"]) == (None, 3, "judge")


def test_what_is_unknown_is_said_to_be_unknown_and_never_0() -> None:
    proxy = {"source": "judge", "kind": "proxy", "rewards": 4.0, "says": None, "bias": None,
             "slope": None}  # fmt: skip
    row = {"route": "auto", "task": "sql", "deployment": "a/m", "basis": "proxies alone",
           "success_mean": 0.5, "success_interval": (0.1, 0.9), "sources": [proxy]}  # fmt: skip
    spent = {"route": "auto", "by": "judge", "requests": 4, "cost_usd": None}
    text = "\n".join(known_words({"known": [row], "knowing": [spent]}))
    assert "judge 4 says unknown, bias unknown, λ unknown" in text
    assert "4 requests, unknown" in text and "$0" not in text
    assert list(known_words({})) == []
