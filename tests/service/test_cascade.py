"""Cheap first, then maybe strong, as clients see it."""

import asyncio
import json
import math

import pytest

from tests.running import config_of, running
from tests.upstream import Answer, completion, stream_of, upstream
from windsock.core.routing.weights.freshness import FRESH_S

ASK = {
    "model": "auto",
    "messages": [{"role": "user", "content": "hi"}],
    "provider": {"order": ["cheap"]},
}
CASCADE = '[routes.auto.cascade]\nescalate_below = 0.8\nto = ["strong/m"]\n'


def sure(text: str, probability: float) -> dict:
    answer = completion(text)
    token = {"token": text, "logprob": math.log(probability)}
    answer["choices"][0]["logprobs"] = {"content": [token]}
    return answer


def config(cheap, strong, more: str) -> str:
    return config_of(("cheap", cheap.url, 1.0), ("strong", strong.url, 9.0)) + more


async def ask(it, **fields):
    return await it.http.post("/v1/chat/completions", json={**ASK, **fields})


async def test_logprobs_are_asked_for_used_and_taken_out_again(tmp_path) -> None:
    probabilities = [0.95, 0.3]

    def reply(body: dict) -> Answer:
        assert body["logprobs"] is True
        return Answer(sure("cheap", probabilities[len(cheap.seen) - 1]))

    async with (
        upstream(reply) as cheap,
        upstream(lambda _: Answer(completion("strong"))) as strong,
    ):
        more = CASCADE + "ask_logprobs = true\n"
        async with running(config(cheap, strong, more), tmp_path) as it:
            first, second = await ask(it), await ask(it)
    assert first.json()["choices"][0]["message"]["content"] == "cheap"
    assert first.json()["choices"][0]["logprobs"] is None
    assert second.json()["choices"][0]["message"]["content"] == "strong"
    assert second.headers["x-windsock-attempts"] == "2"
    dearer = float(second.headers["x-windsock-cost-usd"])
    assert dearer > 5 * float(first.headers["x-windsock-cost-usd"]), "both calls are paid"


async def test_without_any_confidence_the_stronger_one_is_asked(tmp_path) -> None:
    async with upstream(lambda _: Answer(completion("cheap"))) as cheap:
        async with upstream(lambda _: Answer(completion("strong"))) as strong:
            async with running(config(cheap, strong, CASCADE), tmp_path) as it:
                answer = await ask(it)
    assert answer.headers["x-windsock-deployment"] == "strong/m"


async def test_a_declared_check_escalates_what_fails_it_and_teaches(tmp_path) -> None:
    texts = ["no json", '{"ok": 1}']
    async with upstream(lambda _: Answer(completion(texts[len(cheap.seen) - 1]))) as cheap:
        async with upstream(lambda _: Answer(completion("{}"))) as strong:
            more = CASCADE + "[routes.auto.check]\njson = true\n"
            async with running(config(cheap, strong, more), tmp_path) as it:
                served = [(await ask(it)).headers["x-windsock-deployment"] for _ in range(2)]
                seen = (await it.http.get("/v1/weights?route=auto")).json()
    assert served == ["strong/m", "cheap/m"]
    samples = {arm["deployment"]: arm["effective_samples"] for arm in seen["data"][0]["candidates"]}
    assert all(0.4 < each < 0.6 for each in samples.values()), "a check counts as half a word"


async def test_the_figures_of_a_cascade_and_its_draws_are_shown(tmp_path) -> None:
    """Half of the cheap answers are sure and right, half unsure and wrong."""

    def reply(_: dict) -> Answer:
        return Answer(sure("cheap", 0.95 if len(cheap.seen) % 2 else 0.3))

    async with (
        upstream(reply) as cheap,
        upstream(lambda _: Answer(sure("strong", 0.99))) as strong,
    ):
        more = CASCADE + "ask_logprobs = true\n"
        async with running(config(cheap, strong, more), tmp_path) as it:
            for _ in range(40):
                answer = await ask(it)
                said = {"decision_id": answer.headers["x-windsock-decision-id"], "value": 1.0}
                assert (await it.http.post("/v1/feedback", json=said)).status_code == 200
            await asyncio.sleep(FRESH_S)
            last = await ask(it, provider={})
            (cell,) = (await it.http.get("/v1/weights?route=auto")).json()["data"]
            await it.service.ledger.flushed()
            why = await it.http.get(f"/v1/decisions/{last.headers['x-windsock-decision-id']}")
    (shown,) = cell["cascades"]
    assert (shown["deployment"], shown["to"]) == ("cheap/m", "strong/m")
    assert 0.3 < shown["escalated"] < 0.7 and shown["judged"] > 0
    assert -1 < shown["gain"] < 1 and 0 <= shown["weight"] <= 1
    cost = {arm["deployment"]: arm["expected_usd"] for arm in cell["candidates"]}
    assert shown["expected_usd"] == pytest.approx(
        cost["cheap/m"] + shown["escalated"] * cost["strong/m"], rel=0.05
    )
    assert why.json()["table"]["cascades"][0]["to"] == "strong/m"


async def test_an_answer_that_streams_is_never_asked_for_again(tmp_path) -> None:
    async with upstream(lambda _: Answer(events=stream_of(["Hel", "lo"]))) as cheap:
        async with upstream(lambda _: Answer(completion("strong"))) as strong:
            async with running(config(cheap, strong, CASCADE), tmp_path) as it:
                answer = await ask(it, stream=True)
                assert b"[DONE]" in answer.content
                said = {
                    "decision_id": answer.headers["x-windsock-decision-id"],
                    "value": 0.4,
                    "source": "confidence",
                }
                advice = (await it.http.post("/v1/feedback", json=said)).json()["confidence"]
                assert not strong.seen
                assert 0.3 < advice["measured_success"] < 0.5
                assert advice["escalate_to"] == "strong/m"
                again = await ask(it, model=advice["escalate_to"], provider={})
                assert json.loads(again.content)["choices"][0]["message"]["content"] == "strong"
