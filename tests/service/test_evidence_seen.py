"""GET /v1/evidence: how success is known, by whom, and what each of them counts for."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.running import Running, config_of, running
from tests.upstream import Answer, completion, upstream

CHAT = {"model": "auto", "messages": [{"role": "user", "content": "hi"}]}


@asynccontextmanager
async def served(tmp_path: Path, more: str = "") -> AsyncIterator[Running]:
    async with upstream(lambda _: Answer(completion("hello"))) as model:
        async with running(config_of(("acme", model.url, 1.0)) + more, tmp_path) as it:
            yield it


async def ask(it: Running, task: str) -> str:
    answer = await it.http.post("/v1/chat/completions", json={**CHAT, "metadata": {"task": task}})
    return answer.headers["x-windsock-decision-id"]


async def judge(it: Running, decision: str, value: float, **facts: Any) -> None:
    body = {"decision_id": decision, "value": value, **facts}
    assert (await it.http.post("/v1/feedback", json=body)).status_code == 200


async def known(it: Running, **asked: Any) -> dict[str, Any]:
    (view,) = (await it.http.get("/v1/evidence", params=asked)).json()["data"]
    found: dict[str, Any] = view
    return found


async def test_what_nobody_judged_says_that_it_rests_on_mere_answers(tmp_path) -> None:
    async with served(tmp_path) as it:
        for _ in range(3):
            await ask(it, "sql")
        view = await known(it, task="sql")
    assert (view["basis"], view["sources"], view["judged"]) == ("mere answers", [], 0)
    assert view["answers"] == 3 and 0 < view["answer_counts"] < 0.1
    low, high = view["success_interval"]
    assert low < view["success_mean"] < high and high - low > 0.3


async def test_each_source_is_told_with_its_number_its_mean_and_its_say(tmp_path) -> None:
    async with served(tmp_path, "[routes.auto.source_weights]\nexplicit = 1\njudge = 0.4\n") as it:
        for number in range(6):
            decision = await ask(it, "sql")
            await judge(it, decision, number % 2)
            if number < 3:
                await judge(it, decision, 1, source="judge")
        view = await known(it, task="sql")
    assert view["basis"] == "judged" and view["judged"] == view["answers"] == 6
    explicit, judged = view["sources"]
    said = {"source": "explicit", "rewards": 6, "mean": 0.5, "one_counts": 1.0, "kind": "label"}
    assert {name: explicit[name] for name in said} == said
    said = {"source": "judge", "rewards": 3, "mean": 1.0, "one_counts": 0.4, "kind": "proxy"}
    assert {name: judged[name] for name in said} == said
    assert judged["labelled"] == pytest.approx(3) and -0.6 < judged["bias"] < 0
    assert view["answer_counts"] == 0.0


async def test_what_a_judge_alone_says_is_told_as_such_until_somebody_knows(tmp_path) -> None:
    async with served(tmp_path) as it:
        decisions = [await ask(it, "sql") for _ in range(12)]
        for number, decision in enumerate(decisions):
            await judge(it, decision, number % 3 > 0, source="judge")
        view = await known(it, task="sql")
        weights = (await it.http.get("/v1/weights?route=auto&task=sql")).json()["data"][0]
        await judge(it, decisions[0], 1)
        after = await known(it, task="sql")
    (judged,) = view["sources"]
    assert view["basis"] == "proxies alone" and after["basis"] == "judged"
    assert (judged["bias"], judged["labelled"], judged["slope"]) == (None, 0, 1.0)
    assert 1 < judged["says"] < 12 and judged["corrected_mean"] == pytest.approx(2 / 3)
    assert weights["candidates"][0]["sources"] == view["sources"]
    assert weights["candidates"][0]["basis"] == "proxies alone"


async def test_a_correction_takes_the_place_of_what_it_corrects(tmp_path) -> None:
    async with served(tmp_path) as it:
        decision = await ask(it, "sql")
        for value in (1, 0, 0.25):
            await judge(it, decision, value)
        (source,) = (await known(it, task="sql"))["sources"]
    assert (source["rewards"], source["mean"]) == (1, 0.25)


async def test_checks_are_told_with_what_they_proved_to_be_worth(tmp_path) -> None:
    async with served(tmp_path, '[routes.auto.check]\npattern = "^never$"\n') as it:
        for _ in range(12):
            await judge(it, await ask(it, "sql"), 1)
        view = await known(it, task="sql")
    says = {each["source"]: each for each in view["sources"]}
    assert view["check"]["fails_right"] == 1.0
    assert says["check"]["mean"] == 0.0
    assert says["check"]["says"] == view["check"]["say"] < 0.5
    assert says["check"]["bias"] > 0.5 and says["check"]["labelled"] == pytest.approx(12)


async def test_lessons_are_no_answers_and_what_nothing_is_known_of_is_no_success(tmp_path) -> None:
    async with served(tmp_path) as it:
        lesson = {"task": "sql", "deployment": "acme/m", "success": 0.7, "count": 40}
        await it.http.post("/v1/learn", json={"route": "auto", "results": [lesson]})
        taught = await known(it, task="sql")
        labelled = await ask(it, "sql")
        answered = await known(it, task="sql")
        await judge(it, labelled, 1)
        beside = await known(it, task="sql")
        for _ in range(40):
            await judge(it, await ask(it, "sql"), 1)
        outweighed = await known(it, task="sql")
        decision = await it.http.post("/v1/route", json={**CHAT, "metadata": {"task": "ner"}})
        assert decision.status_code == 200
        blank = await known(it, task="ner")
    assert (taught["basis"], taught["answers"]) == ("lessons", 0)
    assert taught["success_mean"] == pytest.approx(0.7, abs=0.05)
    assert (answered["basis"], answered["answers"]) == ("lessons", 1)
    assert (beside["basis"], beside["judged"]) == ("lessons", 1)
    assert outweighed["basis"] == "judged"
    assert (blank["basis"], blank["sources"], blank["answers"]) == ("nothing", [], 0)


async def test_it_is_known_again_after_a_restart(tmp_path) -> None:
    async with served(tmp_path) as it:
        for value in (1, 0, 0):
            await judge(it, await ask(it, "sql"), value)
        before = await known(it, task="sql")
    async with served(tmp_path) as it:
        after = await known(it, task="sql")
    assert after["sources"] == before["sources"]
    assert (after["answers"], after["basis"]) == (before["answers"], "judged")


@pytest.mark.parametrize(
    ("query", "words"),
    [("route=atuo", "auto"), ("deployment=acme/n", "acme/m"), ("limit=0", "limit")],
)
async def test_a_bad_question_gets_one_sentence_with_the_mend(query, words, tmp_path) -> None:
    async with served(tmp_path) as it:
        answer = await it.http.get(f"/v1/evidence?{query}")
    assert answer.status_code in (400, 404, 422)
    assert words in answer.json()["error"]["message"]
