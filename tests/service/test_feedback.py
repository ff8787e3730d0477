"""Feedback over HTTP: counted once however often it is sent, found by either id, for ever."""

import asyncio
from pathlib import Path

import pytest

from tests.builders import START, answered, request, router
from tests.running import Running, config_of, running
from tests.upstream import Answer, chunk, completion, event, stream_of, upstream
from windsock.clock import ManualClock
from windsock.core.model.decisions import Decision
from windsock.core.model.rewards import Feedback, OpenDecision, Reward
from windsock.core.routing.router import Router
from windsock.service.feedback_inbox import MAX_OPEN, FeedbackInbox, UnknownDecision

ASK = {"model": "auto", "messages": [{"role": "user", "content": "hi"}]}


def fine(body: dict) -> Answer:
    return Answer(events=stream_of(["hi"])) if body.get("stream") else Answer(completion())


async def asked(it: Running, **facts: object) -> str:
    """The decision's id of one request."""
    answer = await it.http.post("/v1/chat/completions", json={**ASK, **facts})
    assert answer.status_code == 200
    return answer.headers["x-windsock-decision-id"]


async def test_the_same_word_five_times_at_once_counts_once_also_of_a_decision_of_before(
    tmp_path: Path,
) -> None:
    async with upstream(fine) as model:
        config = config_of(("acme", model.url, 1.0))
        async with running(config, tmp_path) as it:
            said = {"decision_id": await asked(it), "value": True}
        once = {"idempotency-key": "k1"}
        async with running(config, tmp_path) as it:
            answers = await asyncio.gather(
                *(it.http.post("/v1/feedback", json=said, headers=once) for _ in range(5))
            )
            bodies = [answer.json() for answer in answers]
            assert sorted(body["is_duplicate"] for body in bodies) == [
                False,
                True,
                True,
                True,
                True,
            ]
            assert sum(body["counted"]["weight"] for body in bodies) == 1.0


@pytest.mark.parametrize("is_stream", [False, True], ids=["plain", "stream"])
async def test_the_id_of_an_answer_names_its_decision_also_after_a_restart(
    is_stream: bool, tmp_path: Path
) -> None:
    async with upstream(fine) as model:
        config = config_of(("acme", model.url, 1.0))
        said = {"response_id": "chatcmpl-1", "value": True}
        async with running(config, tmp_path) as it:
            await asked(it, stream=is_stream)
            now = await it.http.post("/v1/feedback", json={**said, "metric": "tone"})
            assert now.status_code == 200
        async with running(config, tmp_path) as it:
            for expected in (False, True):
                later = await it.http.post("/v1/feedback", json=said)
                assert (later.status_code, later.json()["is_duplicate"]) == (200, expected)
            sure = {**said, "value": 0.7, "source": "confidence"}
            advised = await it.http.post("/v1/feedback", json=sure)
            assert "measured_success" in advised.json()["confidence"]


async def test_of_two_answers_with_one_id_the_last_is_meant(tmp_path: Path) -> None:
    async with upstream(fine) as model:
        config = config_of(("acme", model.url, 1.0))
        async with running(config, tmp_path) as it:
            await asked(it)
            last = await asked(it)
        async with running(config, tmp_path) as it:
            said = {"response_id": "chatcmpl-1", "value": True}
            assert (await it.http.post("/v1/feedback", json=said)).status_code == 200
            await it.service.ledger.flushed()
            explained = (await it.http.get(f"/v1/decisions/{last}")).json()
            assert len(explained["feedback"]) == 1


@pytest.mark.parametrize("odd", [7, "", "x" * 5000, "a\x00b", None])
async def test_an_odd_id_of_a_provider_keeps_no_outcome_from_the_ledger(odd, tmp_path) -> None:
    events = [event(chunk({"content": "hi"}, "stop", id=odd)), b"data: [DONE]\n\n"]

    def reply(body: dict) -> Answer:
        return Answer(events=events) if body.get("stream") else Answer(completion(id=odd))

    async with upstream(reply) as model:
        async with running(config_of(("acme", model.url, 1.0)), tmp_path) as it:
            names = [await asked(it), await asked(it, stream=True)]
            await it.service.ledger.flushed()
            assert it.service.ledger.stats().dropped == 0
            for name in names:
                assert (await it.http.get(f"/v1/decisions/{name}")).json()["served"] == "acme/m"


def decisions(wind: Router, count: int) -> list[Decision]:
    return [wind.open(request(), START).decision for _ in range(count)]


def inbox(wind: Router, stored: list[Decision]) -> tuple[FeedbackInbox, list[Feedback]]:
    """Over a store that answers a turn of the event loop later."""
    by_name = {each.id: each for each in stored}
    kept: list[Feedback] = []

    async def find(name: str, namespace: str) -> OpenDecision | None:
        await asyncio.sleep(0)
        found = by_name.get(name)
        return OpenDecision(found, found.deployment) if found else None

    return FeedbackInbox(router=wind, clock=ManualClock(START), append=kept.append, find=find), kept


async def test_late_feedback_is_held_within_the_same_bound_as_any_other() -> None:
    wind = router()
    late = decisions(wind, MAX_OPEN + 500)
    feedbacks, kept = inbox(wind, late)
    for each in late:
        await feedbacks.observe(each.id, Reward(value=1.0), "default", None)
    assert len(feedbacks) == MAX_OPEN
    assert len(kept) == len(late)


async def test_what_others_ask_for_is_not_held_for_them() -> None:
    wind = router()
    (late,) = decisions(wind, 1)
    feedbacks, kept = inbox(wind, [late])
    with pytest.raises(UnknownDecision):
        await feedbacks.observe(late.id, Reward(value=1.0), "others", None)
    assert (len(feedbacks), kept) == (0, [])


async def test_one_id_in_two_namespaces_is_two_answers() -> None:
    wind = router()
    mine, theirs = (wind.open(request(namespace=name), START) for name in ("mine", "theirs"))
    feedbacks, kept = inbox(wind, [])
    for exchange in (mine, theirs):
        attempt = exchange.next_attempt(START)
        assert attempt is not None
        exchange.report(answered(attempt, response_id="r1"), START)
        feedbacks.remember_outcome(exchange.outcome(START))
    for name in ("mine", "theirs"):
        credit, _ = await feedbacks.observe("r1", Reward(value=1.0), name, None)
        assert credit.cell.namespace == name
    assert len(kept) == 2
