"""What users do next is learnt of the answer before, where the route asks for it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.running import Running, config_of, running
from tests.upstream import Answer, completion, stream_of, upstream

USER = {"role": "user", "content": "What is 2 + 2?"}
CALL = {"id": "call_7", "type": "function", "function": {"name": "add", "arguments": "{}"}}
CALLED = {"role": "assistant", "content": None, "tool_calls": [CALL]}


@asynccontextmanager
async def service(tmp_path: Path, *, learns: bool = True) -> AsyncIterator[Running]:
    def answered(asked: dict[str, Any]) -> Answer:
        if asked.get("stream"):
            return Answer(events=stream_of(["It is ", "four."]))
        if asked.get("tools") and asked["messages"][-1]["role"] == "user":
            return Answer(completion(choices=[{"index": 0, "message": CALLED,
                                               "finish_reason": "tool_calls"}]))  # fmt: skip
        return Answer(completion("It is four."))

    async with upstream(answered) as model:
        use = f"[routes.auto]\nlearn_from_use = {str(learns).lower()}\n"
        config = config_of(("acme", model.url, 1.0)).replace("[routes.auto]\n", use)
        async with running(config, tmp_path) as it:
            yield it


async def ask(it: Running, *messages: dict[str, Any], **facts: Any) -> str:
    body = {"model": "auto", "messages": messages, **facts}
    answer = await it.http.post("/v1/chat/completions", json=body)
    assert answer.status_code == 200, answer.text
    return answer.headers["x-windsock-decision-id"]


def scores(it: Running, decision: str) -> dict[str, float]:
    known = it.service.feedbacks._open[decision].said.values()
    found = {each.reward.source: each.reward.value for each in known}
    return {name: value for name, value in found.items() if name.startswith("use:")}


FOUR = {"role": "assistant", "content": "It is four."}


async def test_the_next_turn_says_what_the_answer_was_worth(tmp_path: Path) -> None:
    """Plain and streamed; nothing is named: the answer is known by its being quoted."""
    async with service(tmp_path) as it:
        for facts in ({}, {"stream": True}):
            start = {"role": "user", "content": f"What is 2 + 2? {facts}"}
            first = await ask(it, start, **facts)
            wrong = {"role": "user", "content": "No, that is wrong."}
            await ask(it, start, FOUR, wrong, **facts)
            assert scores(it, first) == {
                "use:asked_again": 1.0,
                "use:repaired": 0.0,
                "use:left": 1.0,
            }


async def test_a_tool_that_failed_speaks_against_its_call(tmp_path: Path) -> None:
    tools = [{"type": "function", "function": {"name": "add", "parameters": {}}}]
    async with service(tmp_path) as it:
        first = await ask(it, USER, tools=tools)
        result = {"role": "tool", "tool_call_id": "call_7", "content": '{"error": "no numbers"}'}
        await ask(it, USER, CALLED, result, tools=tools)
        assert scores(it, first) == {"use:tool_result": 0.0}


async def test_what_was_used_in_the_end_is_compared_with_the_answer(tmp_path: Path) -> None:
    async with service(tmp_path) as it:
        decision = await ask(it, USER)
        said = {"decision_id": decision, "final_text": "It is five."}
        answer = await it.http.post("/v1/feedback", json=said)
        assert answer.status_code == 200, answer.text
        assert 0.6 < scores(it, decision)["use:edit"] < 0.75
        correction = {"metadata": {"decision_id": decision}, "dataType": "CORRECTION",
                      "name": "output", "value": 0, "stringValue": "It is four."}  # fmt: skip
        told = (await it.http.post("/v1/feedback/langfuse", json=correction)).json()
        assert told["learnt"] == 1, told
        it.service.use._texts.clear()
        refused = await it.http.post("/v1/feedback", json=said)
        assert refused.status_code == 400
        assert "learn_from_use" in refused.json()["error"]["message"]
        for wrong in ({"final_text": 7}, {"final_text": None}):
            bad = await it.http.post("/v1/feedback", json={"decision_id": decision, **wrong})
            assert bad.status_code == 400, wrong
        nobodys = {"decision_id": "nope", "final_text": "x"}
        assert (await it.http.post("/v1/feedback", json=nobodys)).status_code == 404


async def test_thumbs_are_a_source_of_their_own(tmp_path: Path) -> None:
    async with service(tmp_path) as it:
        decision = await ask(it, USER)
        for value, field in (("👎🏽", "value"), ("thumbs_up", "thumb")):
            said = {"decision_id": decision, field: value}
            assert (await it.http.post("/v1/feedback", json=said)).status_code == 200
        assert scores(it, decision) == {"use:thumbs": 1.0}
        bad = await it.http.post("/v1/feedback", json={"decision_id": decision, "value": "maybe"})
        assert bad.status_code == 400


async def test_nothing_is_read_where_no_route_asks_for_it(tmp_path: Path) -> None:
    async with service(tmp_path, learns=False) as it:
        first = await ask(it, USER)
        await ask(it, USER, FOUR, {"role": "user", "content": "No, that is wrong."})
        assert scores(it, first) == {}
        assert not it.service.use.is_reading


async def test_a_route_that_asks_for_it_after_a_reload_is_read_from_then_on(tmp_path: Path) -> None:
    async with service(tmp_path, learns=False) as it:
        await ask(it, USER)
        router = it.service.router
        for learns in (True, False):
            routes = {
                name: replace(each, learns_from_use=learns) for name, each in router.routes.items()
            }
            router.adopt([*router.catalog.deployments.values()], routes)
            first = await ask(it, USER)
            await ask(it, USER, FOUR, {"role": "user", "content": "No, that is wrong."})
            assert bool(scores(it, first)) is it.service.use.is_reading is learns


async def test_private_answers_are_held_nowhere(tmp_path: Path) -> None:
    async with service(tmp_path) as it:
        it.http.headers["x-windsock-private"] = "true"
        await ask(it, USER)
        assert not it.service.use._texts
