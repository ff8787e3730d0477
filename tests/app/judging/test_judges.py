"""A judge scores answers beside the requests: paid apart, felt by nobody, never a guess."""

import asyncio
import json
import os
import threading
from collections import Counter
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from tests.app.judging.bench import ASK, bench, config_of, seen_in, verdict
from tests.upstream import Answer, completion, stream_of
from windsock.app.background.config_reload import Reloader
from windsock.app.route_parts import router_of
from windsock.app.state_recovery import _replay
from windsock.core.model.decisions import WeightTable
from windsock.core.model.events import Event
from windsock.store.queries import feedback_of

pytestmark = pytest.mark.anyio


def good(_: dict[str, Any]) -> Answer:
    return verdict(score=0.9)


async def test_an_answer_is_scored_and_the_score_is_a_reward_of_the_judge(tmp_path) -> None:
    async with bench(tmp_path, good, 'usd_per_day = 100\nrubric = "Numbers decide."') as it:
        decision, *_ = await it.ask()
        await it.settled(lambda: it.desk.judged == 1)
        (rewards,) = [each["sources"] for each in await it.evidence() if each["sources"]]
        assert rewards[0]["source"] == "judge" and rewards[0]["mean"] == pytest.approx(0.9)
        asked = it.judge.seen[0]
        assert seen_in(asked) == {
            "conversation": [{"role": "user", "text": "What is 6 x 7?"}],
            "answer": "The answer is 42.",
        }
        assert "Numbers decide." in asked["messages"][0]["content"]
        assert asked["response_format"]["json_schema"]["schema"]["required"] == ["score"]
        (other,) = it.it.service.judges.facts("another")
        assert (other.desk.judged, other.tally, other.dollars) == (0, None, None)
        told = (await it.it.http.get(f"/v1/decisions/{decision}")).json()
        assert "The answer" not in json.dumps(told)


async def test_a_streamed_answer_is_scored_too(tmp_path) -> None:
    def streamed(body: dict[str, Any]) -> Answer:
        return Answer(events=stream_of(["The answer ", "is 42."]))

    async with bench(tmp_path, good, answers=streamed) as it:
        await it.it.http.post("/v1/chat/completions", json={**ASK, "stream": True})
        await it.it.http.post("/v1/messages", json={**ASK, "stream": True, "max_tokens": 9})
        await it.settled(lambda: it.desk.judged == 2)
        assert [seen_in(each)["answer"] for each in it.judge.seen] == ["The answer is 42."] * 2


async def test_a_judge_whose_verdicts_cannot_be_read_is_told_of_and_asked_less(tmp_path) -> None:
    replies = {"of ten": 9.0}

    def says(_: dict[str, Any]) -> Answer:
        return verdict(score=next(iter(replies.values())))

    async with bench(tmp_path, says, "usd_per_day = 100") as it:

        async def told() -> list[tuple[str, str]]:
            await it.it.service.ledger.flushed()
            events = (await it.it.http.get("/v1/events?kind=judge")).json()["data"]
            return [(each["event"], each["route"]) for each in events]

        for _ in range(20):
            await it.ask()
        await it.settled(lambda: it.desk.unreadable == 20)
        assert await told() == [("judge.is_unread", "auto")]
        assert (
            'windsock_alarms{event="judge.is_unread"} 1' in (await it.it.http.get("/metrics")).text
        )
        replies["of ten"] = 0.9
        while it.desk.judged < 10:
            await it.ask()
            await asyncio.sleep(0)
        assert await told() == [("judge.is_unread", "auto"), ("judge.is_read", "auto")]
        taken = it.it.service.judges.background.tally("judge", "auto").taken
        assert taken < 20 + 60  # of more than a hundred requests


async def test_a_judge_that_is_taken_away_is_not_unread_any_more(tmp_path) -> None:
    async with bench(tmp_path, good) as it:
        await it.ask()
        await it.settled(lambda: it.desk.judged == 1)
        for _ in range(20):
            it.desk.note_reply(is_read=False)
        assert it.desk.is_unread
        it.it.service.judges.adopt({})
        await it.it.service.ledger.flushed()
        events = (await it.it.http.get("/v1/events?kind=judge")).json()["data"]
    assert [(each["event"], each["route"]) for each in events] == [("judge.is_read", "auto")]


async def test_what_a_judge_says_late_is_not_its_successors(tmp_path) -> None:
    def says(body: dict[str, Any]) -> Answer:
        if body["model"] == "k":
            return verdict(score=0.9)
        judges = it.it.service.judges
        judges.adopt({"auto": replace(judges.rules["auto"], model="b/k")})
        return Answer(completion("no verdict"))

    more = '[deployments."b/k"]\n'
    async with bench(tmp_path, says, "usd_per_day = 100", more=more) as it:
        await it.ask()
        await it.settled(lambda: [each["model"] for each in it.judge.seen] == ["j"])
        await it.ask()
        await it.settled(lambda: it.desk.judged == 1)
        assert (it.desk.unreadable, it.desk.replies) == (0, (1, [True]))


async def test_what_the_judge_costs_is_one_hundredth_of_the_routes_spend_at_most(tmp_path) -> None:
    def dear(_: dict[str, Any]) -> Answer:
        used = {"prompt_tokens": 400, "completion_tokens": 256, "total_tokens": 656}
        return Answer(body=completion(json.dumps({"score": 1}), usage=used))

    def long(_: dict[str, Any]) -> Answer:
        used = {"prompt_tokens": 10, "completion_tokens": 900, "total_tokens": 910}
        return Answer(body=completion("The answer is 42.", usage=used))

    async with bench(tmp_path, dear, "max_tokens = 256", answers=long, usd=0.2) as it:
        for _ in range(40):
            await it.ask()
        await asyncio.sleep(0.7)
        costs = await it.costs()
        assert 0 < costs["windsock-judge"] <= 0.01 * costs["default"]
        assert it.desk.judged >= 3
        told = await it.judged()
        assert told["spent_usd"] == pytest.approx(costs["windsock-judge"])
        assert told["limit_usd"] == pytest.approx(0.01 * costs["default"])


async def test_no_request_waits_for_a_judge_or_fails_by_one(tmp_path) -> None:
    """One that answers 500, garbage, nothing of use, a bill of $100, and at last one that hangs."""
    now = [
        Answer(status=500, body={"error": {"message": "no"}}),
        Answer(body="<html>no</html>"),
        Answer(body=completion("I cannot evaluate this.")),
        Answer(body=completion('{"score": 1}', usage={"cost": 100.0, "prompt_tokens": 1})),
        Answer(body=completion("never"), wait_s=60),
    ]
    async with bench(tmp_path, lambda _: now[0], "usd_per_day = 1000") as it:
        while now:
            seen, is_hanging = len(it.judge.seen), len(now) == 1
            replies = await asyncio.gather(*(it.it.http.post("/v1/chat/completions", json=ASK)
                                             for _ in range(80 if is_hanging else 3)))  # fmt: skip
            assert {each.status_code for each in replies} == {200}
            await it.settled(lambda seen=seen: len(it.judge.seen) > seen)
            told = await it.judged()
            assert told["waiting"] <= 64
            if is_hanging:
                assert told["left_out"] > 0 and len(it.judge.seen) <= seen + 2
                break
            tally = it.it.service.background.tally("judge", "auto")
            await it.settled(lambda done=tally: done.answered + done.failed == done.taken)
            now.pop(0)
        health = it.it.service.router.health
        assert not health.failing(it.it.service.clock.now())
        assert health.tallies("b/j") == (0, 0)
        assert it.desk.unreadable >= 3
        means = {each["sources"][0]["mean"] for each in await it.evidence() if each["sources"]}
        assert means <= {1.0}  # what was not said is no score, and never a bad one


async def test_a_judge_without_a_price_is_never_asked(tmp_path) -> None:
    async with bench(tmp_path, good, usd=None) as it:
        await it.ask()
        await it.settled(lambda: it.it.service.background.tally("judge", "auto").unpaid == 1)
        assert not it.judge.seen


@pytest.mark.parametrize("allowed", [False, True])
async def test_models_of_its_own_maker_are_left_to_others_unless_it_is_allowed(
    tmp_path, allowed: bool
) -> None:
    stated = f"usd_per_day = 100\nown_family = {str(allowed).lower()}"
    async with bench(tmp_path, good, stated, model="alpha-mini") as it:
        await it.ask(12)
        await it.settled(lambda: it.desk.judged + it.desk.own == 12)
        served = [each["model"] for each in it.served.seen]
        assert it.desk.own == (0 if allowed else served.count("alpha"))


async def test_the_judge_sees_what_redaction_leaves(tmp_path) -> None:
    stated = """usd_per_day = 100
redact = ["\\\\d+"]
redact_with = "tests.app.judging.test_judges:shouted"
"""
    async with bench(tmp_path, good, stated) as it:
        await it.ask()
        await it.settled(lambda: it.desk.judged == 1)
        assert seen_in(it.judge.seen[0]) == {
            "conversation": [{"role": "user", "text": "WHAT IS [redacted] X [redacted]?"}],
            "answer": "THE ANSWER IS [redacted].",
        }


def shouted(text: str) -> str:
    return text.upper()


def broken(text: str) -> str:
    raise ValueError(text)


GO = threading.Event()


def patient(text: str) -> str:
    assert GO.wait(5)
    return text


async def test_requests_go_between_while_a_redaction_takes_its_time(tmp_path) -> None:
    GO.clear()
    stated = 'usd_per_day = 100\nredact_with = "tests.app.judging.test_judges:patient"'
    async with bench(tmp_path, good, stated) as it:
        await it.ask(2)
        GO.set()
        await it.settled(lambda: it.desk.judged == 2)


async def test_a_judge_sees_the_end_of_what_is_long(tmp_path) -> None:
    """Where a question comes after its document, and an answer goes wrong at its end."""

    def long(_: dict[str, Any]) -> Answer:
        return Answer(body=completion("x" * 50_000 + " so it is 41."))

    async with bench(tmp_path, good, answers=long) as it:
        question = {"role": "user", "content": "y" * 90_000 + " What is 6 x 7?"}
        await it.ask(messages=[question])
        await it.settled(lambda: it.desk.judged == 1)
        seen = seen_in(it.judge.seen[0])
        assert seen["conversation"][0]["text"].endswith("y What is 6 x 7?")
        assert seen["answer"].endswith("x so it is 41.")


async def test_an_edit_holds_for_what_waits_and_ends_what_nobody_may_ask_any_more(tmp_path) -> None:
    async with bench(tmp_path, good, "usd_per_day = 1e-9") as it:
        service = it.it.service
        background, rules = service.background, service.judges.rules["auto"]
        cap = service.router.caps.cap("routes.auto.judge")
        assert cap is not None
        await it.ask(4)
        await it.settled(lambda: background.waiting("judge", "auto") == 2)
        service.judges.adopt({"auto": replace(rules, redact=shouted)})
        service.router.caps.adopt([replace(cap, usd=Decimal(100))])
        await it.settled(lambda: it.desk.judged == 4)
        answers = sorted(seen_in(each)["answer"] for each in it.judge.seen)
        assert answers == ["THE ANSWER IS 42."] * 2 + ["The answer is 42."] * 2

        service.router.caps.adopt([replace(cap, usd=Decimal("1e-9"))])
        await it.ask(4)
        await it.settled(lambda: background.waiting("judge", "auto") == 2)
        service.judges.adopt({})
        service.router.caps.adopt([])
        await asyncio.sleep(0.7)
        assert len(it.judge.seen) == 4 and not background.waiting("judge", "auto")


async def test_who_knows_on_the_route_tells_of_the_judges_biases(tmp_path) -> None:
    count = iter(range(100))

    def longer(_: dict[str, Any]) -> Answer:
        return Answer(body=completion("The answer is 42." * (1 + next(count))))

    more = "[routes.auto.source_weights]\nowner = 1.0\n"
    async with bench(tmp_path, good, answers=longer, more=more) as it:
        told = await it.judged()
        assert (told["spent_usd"], told["limit_usd"], told["biases"]["length"]) == (0, 100, None)
        for name in await it.ask(12):
            said = {"decision_id": name, "value": 1, "source": "owner"}
            await it.it.http.post("/v1/feedback", json=said)
        await it.settled(lambda: it.desk.judged == 12)
        assert (await it.judged())["biases"]["length"]["basis"] == "labels"


async def test_where_redaction_fails_nothing_is_asked_and_nothing_told(tmp_path, capsys) -> None:
    stated = 'usd_per_day = 100\nredact_with = "tests.app.judging.test_judges:broken"'
    async with bench(tmp_path, good, stated) as it:
        await it.ask()
        await asyncio.sleep(0.2)
        assert not it.judge.seen
    out = "".join(capsys.readouterr())
    assert "task.failed" in out and "The answer" not in out and "6 x 7" not in out


async def test_a_pair_is_judged_in_both_orders_and_a_verdict_by_order_is_a_draw(tmp_path) -> None:
    def first(body: dict[str, Any]) -> Answer:
        return verdict(better="first")

    stated = 'usd_per_day = 100\nhow = "pairwise"\nreference = "a/alpha"'
    async with bench(tmp_path, first, stated) as it:
        await it.ask(12)
        await it.settled(lambda: it.desk.judged == 12)
        told = (await it.judged())["biases"]["order"]
        assert told["value"] == 1.0 and told["basis"] == "pairs"
        means = {each["deployment"]: each["sources"][0]["mean"] for each in await it.evidence()
                 if each["sources"]}  # fmt: skip
        assert set(means.values()) == {0.5}
        assert it.desk.biases.turned == it.desk.biases.pairs == len(it.judge.seen) / 2


async def test_the_better_of_a_pair_is_told_whatever_its_place(tmp_path) -> None:
    def knows(body: dict[str, Any]) -> Answer:
        seen = seen_in(body)
        return verdict(better="first" if "42" in seen["first"] else "second")

    def answers(body: dict[str, Any]) -> Answer:
        return Answer(body=completion("It is 41." if body["model"] == "alpha" else "It is 42."))

    stated = 'usd_per_day = 100\nhow = "pairwise"'
    async with bench(tmp_path, knows, stated, answers=answers) as it:
        await it.ask(12)
        await it.settled(lambda: it.desk.judged == 12)
        means = {each["deployment"]: each["sources"][0]["mean"] for each in await it.evidence()
                 if each["sources"]}  # fmt: skip
        assert means["a/alpha"] == 0.5 and means["a/beta"] == 1.0
        assert (await it.judged())["biases"]["order"]["value"] == 0.0


async def test_private_requests_pictures_and_who_may_not_see_a_request_are_left_out(
    tmp_path,
) -> None:
    more = """[deployments."a/alpha"]\nzdr = true\n[deployments."a/beta"]\nzdr = true\n"""
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
    messages = [{"role": "user", "content": [{"type": "text", "text": "What is it?"}, picture]}]
    async with bench(tmp_path, good, more=more) as it:
        tally = it.it.service.background.tally
        await it.ask(private=True)
        await it.ask(provider={"data_collection": "deny"})
        await it.ask(messages=messages)
        await it.settled(lambda: it.desk.unseen == 1)
        for wish in ({"zdr": True}, {"only": ["a"]}, {"ignore": ["b"]}):
            await it.ask(provider=wish)
        await it.settled(lambda: tally("judge", "auto").failed == 3)
        assert not it.judge.seen
        await it.ask()
        await it.settled(lambda: it.desk.judged == 1)


async def test_the_judge_sees_the_tools_and_the_call_that_was_made(tmp_path) -> None:
    call = {"id": "1", "type": "function", "function": {"name": "add", "arguments": '{"a": 6}'}}
    message = {"role": "assistant", "content": None, "tool_calls": [call]}
    tool = {"type": "function", "function": {"name": "add", "parameters": {"type": "object"}}}

    def calls(_: dict[str, Any]) -> Answer:
        body = completion()
        body["choices"][0] = {"index": 0, "message": message, "finish_reason": "tool_calls"}
        return Answer(body=body)

    async with bench(tmp_path, good, answers=calls) as it:
        await it.ask(tools=[tool])
        await it.settled(lambda: it.desk.judged == 1)
        seen = seen_in(it.judge.seen[0])
        assert [each["role"] for each in seen["conversation"]] == ["tools", "user"]
        assert seen["answer"] == 'add({"a": 6})' and "tools" not in it.judge.seen[0]


async def test_a_judge_that_takes_no_schema_is_asked_without(tmp_path) -> None:
    more = '[deployments."b/j"]\ncapabilities = { json_schema = false }\n'
    async with bench(tmp_path, good, more=more) as it:
        await it.ask()
        await it.settled(lambda: it.desk.judged == 1)
        assert "response_format" not in it.judge.seen[0]


async def test_a_judge_dearer_than_its_share_is_never_asked_and_a_bill_ends_it(tmp_path) -> None:
    async with bench(tmp_path, good, "share = 1", usd=1e6) as it:
        await it.ask(20)
        await asyncio.sleep(0.6)
        assert not it.judge.seen and (await it.judged())["spent_usd"] == 0.0

    def used(_: dict[str, Any]) -> Answer:
        counts = {"prompt_tokens": 500, "completion_tokens": 3_000, "total_tokens": 3_500}
        return Answer(body=completion('{"score": 1}', usage=counts))

    async with bench(tmp_path, used, "usd_per_day = 5", usd=1_000.0) as it:
        await it.ask(20)
        await asyncio.sleep(0.6)
        assert 1 <= len(it.judge.seen) <= 2


async def test_with_what_probability_an_answer_was_drawn_is_kept_with_its_score(tmp_path) -> None:
    async with bench(tmp_path, good, "usd_per_day = 100\nshare = 0.5") as it:
        ids = await it.ask(30)
        await asyncio.sleep(0.5)
        await it.it.service.ledger.flushed()
        said = [each for name in ids for each in feedback_of(it.it.service.engine, name)]
        assert 5 <= len(said) == it.desk.judged <= 25
        assert {each.inclusion for each in said} == {0.5}
        assert len(it.judge.seen) == len(said)


async def test_a_restart_replays_callers_requests_and_teaches_nothing_of_the_judges(
    tmp_path,
) -> None:
    async with bench(tmp_path, good) as it:
        await it.ask(4)
        await it.settled(lambda: it.desk.judged == 4)
        service = it.it.service
        await service.ledger.flushed()
        fresh = router_of(service.settings, service.router.catalog, has_priors=False, seed=1)
        _replay(fresh, service.engine, 0)
        assert fresh.beliefs.tasks("default", "auto")
        assert not fresh.beliefs.tasks("default", "b/j")


async def test_an_edit_names_a_judge_bad_ones_change_nothing_and_another_takes_it_away(
    tmp_path,
) -> None:
    async with bench(tmp_path, good) as it:
        path, service = tmp_path / "windsock.toml", it.it.service
        text = config_of(it.served.url, it.judge.url, "usd_per_day = 100")
        text += f'[store]\nurl = "sqlite:///{tmp_path}/windsock.db"\n[feeds]\nenabled = []\n'
        plain = text.split("[routes.auto.judge]")[0] + "[store]" + text.split("[store]")[1]
        told: list[Any] = []
        service.events.listeners.append(told.append)
        reloader = Reloader(target=service.reloaded, path=path, environ={})

        def edited(body: str) -> str:
            path.write_text(body)
            os.utime(path, ns=(len(told) + 1, len(told) + 1))
            reloader.check()
            facts = [each for each in told if isinstance(each, Event)][-1].facts
            return str(facts.get("error", ""))

        assert edited(plain) == "" and not service.judges.is_reading
        for old, new, words in (
            ("b/j", "bb/j", "did you mean 'b'"),
            ("b/j", "j2", "write one as provider/model"),
            ("usd_per_day = 100", 'redact = ["("]', "redact"),
            ("usd_per_day = 100", 'redact_with = "nowhere:f"', "cannot be imported"),
            ("usd_per_day = 100", 'redact_with = "json:nothing"', "cannot be imported"),
            ("usd_per_day = 100", 'redact_with = "json:__name__"', "is no function"),
            ("usd_per_day = 100", "usd_per_day = 0", "greater than 0"),
            ("usd_per_day = 100", "share = 2", "less than or equal to 1"),
            ("usd_per_day = 100", 'how = "loudly"', "pairwise"),
        ):
            error = edited(text.replace(old, new))
            assert words in error and "\n" not in error, error
        assert not service.judges.is_reading
        assert edited(text) == ""
        await it.ask()
        await it.settled(lambda: it.desk.judged == 1)
        assert edited(text.replace("b/j", "b/k")) == ""
        assert ("default", "auto") not in service.judges.desks
        await it.ask()
        await it.settled(lambda: it.desk.judged == 1)
        assert it.judge.seen[-1]["model"] == "k"


async def test_a_judge_may_be_a_route_and_its_answers_are_judged_by_nobody(tmp_path) -> None:
    more = '[routes.judges]\ncandidates = ["b/j", "b/k"]\n'
    async with bench(tmp_path, good, model="j", more=more) as it:
        it.it.service.judges.adopt(
            {"auto": replace(it.it.service.judges.rules["auto"], model="judges")}
        )
        await it.ask(6)
        await it.settled(lambda: it.desk.judged == 6)
        await it.it.service.ledger.flushed()
        lines = (await it.it.http.get("/v1/report?by=route")).json()["data"]
        assert {line["route"]: line["requests"] for line in lines} == {"auto": 6, "judges": 6}


def weight_of(table: WeightTable, name: str) -> float:
    return dict(zip(table.deployments, table.weights, strict=True))[name]


async def test_with_no_feedback_at_all_the_better_model_is_found_for_a_hundredth(tmp_path) -> None:
    given: Counter[str] = Counter()

    def answers(body: dict[str, Any]) -> Answer:
        """Six of seven are right, or one of four."""
        used = {"prompt_tokens": 10, "completion_tokens": 900, "total_tokens": 910}
        given[body["model"]] += 1
        number = given[body["model"]]
        is_right = number % 7 != 0 if body["model"] == "beta" else number % 4 == 0
        return Answer(body=completion("It is 42." if is_right else "It is 41.", usage=used))

    def truthful(body: dict[str, Any]) -> Answer:
        return verdict(score=0.95 if "42" in seen_in(body)["answer"] else 0.1)

    more = "[learning]\nseed = 7\n"
    async with bench(tmp_path, truthful, "", answers=answers, usd=0.1, more=more) as it:
        for _ in range(4):
            await it.ask(15)
            await asyncio.sleep(0.4)
        table = it.it.service.router.table
        now = it.it.service.clock.now
        await it.settled(
            lambda: weight_of(table("default", "auto", "default", now()), "a/beta") > 0.9
        )
        costs = await it.costs()
        assert costs["windsock-judge"] <= 0.01 * costs["default"]


@pytest.mark.parametrize("pieces", [12, 45])
async def test_a_stream_that_is_too_long_to_be_held_is_said_to_be_not_judged(
    tmp_path, pieces: int
) -> None:
    def streamed(_: dict[str, Any]) -> Answer:
        return Answer(events=stream_of(["x" * 100_000] * pieces))

    async with bench(tmp_path, good, answers=streamed) as it:
        await it.it.http.post("/v1/chat/completions", json={**ASK, "stream": True})
        await it.settled(lambda: it.desk.too_long == 1)
        told = await it.judged()
        assert (told["too_long"], told["judged"], told["unseen"]) == (1, 0, 0)
        assert it.judge.seen == []
