"""Checks of answers are sources of evidence by their own names; also of streams, and by default."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from tests.running import Running, config_of, running
from tests.upstream import Answer, completion, stream_of, upstream

SAY = [{"role": "user", "content": "hi"}]
CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOLS = [{"type": "function", "function": {"name": "weather", "parameters": CITY}}]
FORM = {"type": "json_schema", "json_schema": {"name": "place", "schema": CITY}}


def called(arguments: str) -> dict[str, Any]:
    function = {"name": "weather", "arguments": arguments}
    return {"role": "assistant", "content": None,
            "tool_calls": [{"id": "c1", "type": "function", "function": function}]}  # fmt: skip


def said(text: str) -> dict[str, Any]:
    return {"role": "assistant", "content": text}


def answered(message: dict[str, Any]) -> dict[str, Any]:
    return completion(choices=[{"index": 0, "message": message, "finish_reason": "stop"}])


async def checks_of(
    tmp_path: Path, message: dict[str, Any], asked: dict[str, Any], config: str = ""
) -> dict[str, float]:
    """What was learnt of an answer, by source."""
    async with upstream(lambda _: Answer(answered(message))) as model:
        async with running(config_of(("acme", model.url, 1.0)) + config, tmp_path) as it:
            return await learnt(it, asked)


async def learnt(it: Running, asked: dict[str, Any], waits: str = "") -> dict[str, float]:
    body = {"model": "auto", "messages": SAY, **asked}
    answer = await it.http.post("/v1/chat/completions", json=body)
    assert answer.status_code == 200, answer.text
    known = it.service.feedbacks._open[answer.headers["x-windsock-decision-id"]]
    for _ in range(200 if waits else 0):
        if any(each.reward.source == waits for each in known.said.values()):
            break
        await asyncio.sleep(0.05)
    return {each.reward.source: each.reward.value for each in known.said.values()}


async def test_what_the_caller_itself_would_find_counts_by_default(tmp_path: Path) -> None:
    cases: list[tuple[dict[str, Any], dict[str, Any], dict[str, float]]] = [
        (called('{"city": "Rome"}'), {"tools": TOOLS}, {"check:tool_calls": 1.0}),
        (called('{"town": "Rome"}'), {"tools": TOOLS}, {"check:tool_calls": 0.0}),
        (said("no tool is needed"), {"tools": TOOLS}, {}),
        (said('{"city": "Rome"}'), {"response_format": FORM}, {"check:schema": 1.0}),
        (said('```json\n{"city": "Rome"}\n```'), {"response_format": FORM}, {"check:schema": 0.0}),
        (said("a text"), {}, {}),
    ]
    messages = iter([message for message, *_ in cases])
    async with upstream(lambda _: Answer(answered(next(messages)))) as model:
        async with running(config_of(("acme", model.url, 1.0)), tmp_path) as it:
            for message, asked, sources in cases:
                assert await learnt(it, asked) == sources, message


async def test_each_declared_check_is_told_beside_all_of_them(tmp_path: Path) -> None:
    config = '[routes.auto.check]\njson = "lenient"\nschema = "asked"\nlanguage = "en"\n'
    message = said('Here: {"city": 3}')
    made = await checks_of(tmp_path, message, {"response_format": FORM}, config)
    assert made == {
        "check": 0.0,
        "check:non_empty": 1.0,
        "check:json": 1.0,
        "check:schema": 0.0,
        "check:language": 1.0,
    }


async def test_one_check_alone_is_the_source_check(tmp_path: Path) -> None:
    config = "[routes.auto.check]\nnumber = true\nnon_empty = false\n"
    assert await checks_of(tmp_path, said("42"), {}, config) == {"check": 1.0}


async def test_a_stream_is_checked_at_its_end_and_a_private_one_too(tmp_path: Path) -> None:
    config = "[routes.auto.check]\nnumber = true\n"
    async with upstream(lambda _: Answer(events=stream_of(["4", "2"]))) as model:
        async with running(config_of(("acme", model.url, 1.0)) + config, tmp_path) as it:
            it.http.headers["x-windsock-private"] = "true"
            found = await learnt(it, {"stream": True})
            assert found == {"check": 1.0, "check:non_empty": 1.0, "check:number": 1.0}


async def test_tests_that_came_with_a_request_are_run_where_that_is_allowed(tmp_path: Path) -> None:
    program = "Sure:\n```python\ndef add(a, b):\n    return a + b\n```"
    asked = {"unit_tests": "assert add(1, 2) == 3"}
    seen: list[dict[str, Any]] = []

    def programs(body: dict[str, Any]) -> Answer:
        seen.append(body)
        text = program if len(seen) == 1 else program.replace("+", "-")
        return Answer(completion(text))

    config = "[routes.auto.check]\nunit_tests = true\n[routes.other]\ncandidates = ['acme/m']\n"
    async with upstream(programs) as model:
        async with running(config_of(("acme", model.url, 1.0)) + config, tmp_path) as it:
            found = await learnt(it, asked, "check:unit_tests")
            assert found == {"check": 1.0, "check:unit_tests": 1.0}
            found = await learnt(it, asked, "check:unit_tests")
            assert found == {"check": 1.0, "check:unit_tests": 0.0}
            assert await learnt(it, {**asked, "model": "other"}) == {}
            assert "unit_tests" not in json.dumps(seen), "they are not sent to the provider"


async def test_how_often_a_check_fails_right_answers_is_shown(tmp_path: Path) -> None:
    """A strict parser of a model that puts its JSON in a fence."""
    body = completion('```json\n{"city": "Rome"}\n```')
    async with upstream(lambda _: Answer(body)) as model:
        async with running(config_of(("acme", model.url, 1.0)), tmp_path) as it:
            for _ in range(4):
                asked = {"model": "auto", "messages": SAY, "response_format": FORM}
                answer = await it.http.post("/v1/chat/completions", json=asked)
                name = answer.headers["x-windsock-decision-id"]
                await it.http.post("/v1/feedback", json={"decision_id": name, "value": True})
            (told,) = (await it.http.get("/v1/evidence?route=auto")).json()["data"]
            (check,) = told["checks"]
            assert check == {
                "name": "schema",
                "judged": pytest.approx(4, abs=0.01),
                "fails_right": pytest.approx(1.0),
                "fails_wrong": None,
            }
            assert {each["source"]: each["kind"] for each in told["sources"]} == {
                "explicit": "label",
                "check:schema": "proxy",
            }
