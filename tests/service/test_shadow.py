"""Requests sent to a second deployment as well: what they teach is shown, what they cost ends."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from decimal import Decimal
from typing import Any

import pytest

from tests.running import Running, config_of, running
from tests.upstream import Answer, Upstream, completion, stream_of, upstream
from windsock.config.file import parse
from windsock.core.model.requests import Cell, background_key
from windsock.errors import ConfigError

ASK = {"model": "auto", "messages": [{"role": "user", "content": "6 * 7?"}], "max_tokens": 50}
TOOL = {"type": "function", "function": {"name": "buy", "parameters": {}}}

AGREEMENT = 'compare = "agreement"\ncanonical = "number"\nshare = 1.0\nusd_per_day = 5\n'
CHECKS = 'compare = "checks"\nshare = 1.0\nusd_per_day = 5\n'


def text_of(shadow: str, places: tuple[Upstream, Upstream], more: str = "") -> str:
    one, other = places
    return (
        config_of(("one", one.url, 1.0), ("other", other.url, 2.0))
        + f"[routes.auto.shadow]\n{shadow}{more}"
    )


@asynccontextmanager
async def service(
    tmp_path: Any, shadow: str, reply: Callable[[dict[str, Any]], Answer], more: str = ""
) -> AsyncIterator[tuple[Running, Upstream, Upstream]]:
    """Two candidates; requests are pinned to the first, so that the second is the shadow."""
    async with (
        upstream(lambda body: usual(body)) as one,
        upstream(reply) as other,
        running(text_of(shadow, (one, other), more), tmp_path) as it,
    ):
        yield it, one, other


def usual(body: dict[str, Any]) -> Answer:
    if body.get("stream"):
        return Answer(events=stream_of(["The answer ", "is 42."]))
    return Answer(completion("The answer is 42."))


def says(text: str) -> Callable[[dict[str, Any]], Answer]:
    return lambda _: Answer(completion(text))


async def ask(it: Running, times: int = 1, **fields: Any) -> None:
    for _ in range(times):
        body = {**ASK, "provider": {"order": ["one"]}, **fields}
        answer = await it.http.post("/v1/chat/completions", json=body)
        assert answer.status_code == 200 and b"42" in answer.content
        assert answer.headers["x-windsock-deployment"] == "one/m"


async def shown(it: Running) -> dict[str, Any]:
    """Once all that was drawn is done."""
    for _ in range(400):
        (found,) = (await it.http.get("/v1/shadows")).json()["data"]
        done = sum(each["compared"] + each["unread"] for each in found["data"])
        if done + found["skipped"] + found["failed"] + found["unpaid"] >= found["taken"]:
            return dict(found)
        await asyncio.sleep(0.02)
    raise AssertionError(f"never done: {found}")


async def learnt(it: Running, deployment: str, task: str = "default") -> dict[str, Any]:
    answer = (await it.http.get(f"/v1/evidence?route=auto&task={task}")).json()
    (found,) = [each for each in answer["data"] if each["deployment"] == deployment]
    return dict(found)


async def test_a_shadow_that_agrees_teaches_that_it_is_right_and_costs_its_own(tmp_path) -> None:
    async with service(tmp_path, AGREEMENT, says("42")) as (it, _, other):
        await ask(it, 12)
        found = await shown(it)
        known = await learnt(it, "other/m")
        await it.service.ledger.flushed()
        by_key = (await it.http.get("/v1/report?by=key,task")).json()["data"]
        caps = {each["cap"]: each for each in (await it.http.get("/v1/caps")).json()["data"]}
    (of,) = found["data"]
    assert (of["deployment"], of["compared"], of["held"], of["unread"]) == ("other/m", 12, 12, 0)
    assert of["mean_value"] > 0.8
    assert known["success_mean"] > 0.75 and known["effective_samples"] > 1
    assert {each["source"]: each["rewards"] for each in known["sources"]} == {"shadow": 12}
    costs = {(each["key"], each["task"]): each["cost_usd"] for each in by_key}
    own = costs[background_key("shadow", "auto"), "windsock-shadow"]
    assert own == pytest.approx(12 * 24 * 2.0 / 1e6)
    assert found["spent_usd"] == pytest.approx(own)
    assert caps["routes.auto.shadow"]["spent_usd"] == pytest.approx(own)
    assert other.seen[0]["messages"] == ASK["messages"] and other.seen[0]["max_tokens"] == 50


async def test_a_shadow_that_says_something_else_is_believed_in_less(tmp_path) -> None:
    async with service(tmp_path, AGREEMENT, says("41")) as (it, *_):
        await ask(it)
        await shown(it)
        before = await learnt(it, "other/m")
        await ask(it, 11)
        (of,) = (await shown(it))["data"]
        after = await learnt(it, "other/m")
    assert (of["compared"], of["held"]) == (12, 0) and of["mean_value"] < 0.5
    assert after["success_mean"] < before["success_mean"]


async def test_checks_of_the_route_may_be_what_tells(tmp_path) -> None:
    check = "[routes.auto.check]\nnumber = true\n"
    async with service(tmp_path, CHECKS, says("forty-two"), check) as (it, *_):
        await ask(it, 8)
        (of,) = (await shown(it))["data"]
        known = await learnt(it, "other/m")
    assert (of["compared"], of["held"], of["mean_value"]) == (8, 0, 0.0)
    assert {each["source"] for each in known["sources"]} == {"check"}


async def test_checks_know_what_the_request_asked_for(tmp_path) -> None:
    """The schema is the request's own; the first one's answer does not fit it either."""
    check = '[routes.auto.check]\nschema = "asked"\n'
    schema = {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}}
    form = {"type": "json_schema", "json_schema": {"name": "n", "schema": schema}}
    texts = iter(['{"n": 42}', '{"n": "42"}'])
    reply = lambda _: Answer(completion(next(texts)))  # noqa: E731
    async with service(tmp_path, CHECKS, reply, check) as (it, *_):
        await ask(it, 2, response_format=form)
        (of,) = (await shown(it))["data"]
    assert (of["compared"], of["held"]) == (2, 1)


async def test_a_check_that_such_an_answer_is_not_for_says_nothing(tmp_path) -> None:
    """Of tests that come with requests, where none came."""
    check = "[routes.auto.check]\nnon_empty = false\nunit_tests = true\n"
    async with service(tmp_path, CHECKS, says("x"), check) as (it, *_):
        await ask(it, 3)
        (of,) = (await shown(it))["data"]
        known = await learnt(it, "other/m")
    assert (of["compared"], of["unread"], of["mean_value"]) == (0, 3, None)
    assert known["sources"] == []


async def test_the_judge_of_the_route_may_be_what_tells(tmp_path) -> None:
    """It sees the shadow's answer, and is paid as it always is."""
    judge = (
        '[routes.auto.judge]\nmodel = "judge/m"\nshare = 0.0\nown_family = true\nusd_per_day = 5\n'
    )
    shadow = CHECKS.replace("checks", "judge")
    async with upstream(says('{"score": 0.9}')) as judges:
        more = (
            f'{judge}[providers.judge]\nbase_url = "{judges.url}"\napi_key = "k"\n'
            "price = { input = 1, output = 2 }\n"
        )
        async with service(tmp_path, shadow, says("It is 40 and 2."), more) as (it, *_):
            await ask(it, 4)
            (of,) = (await shown(it))["data"]
            known = await learnt(it, "other/m")
            await it.service.ledger.flushed()
            tasks = (await it.http.get("/v1/report?by=task")).json()["data"]
    assert (of["compared"], of["held"]) == (4, 4)
    assert of["mean_value"] == pytest.approx(0.9)
    assert {each["source"]: each["rewards"] for each in known["sources"]} == {"judge": 4}
    assert all("It is 40 and 2." in str(each["messages"]) for each in judges.seen)
    assert {each["task"] for each in tasks} == {"default", "windsock-shadow", "windsock-judge"}


async def test_answers_that_stream_are_compared_as_a_whole(tmp_path) -> None:
    async with service(tmp_path, AGREEMENT, says("42")) as (it, *_):
        await ask(it, 3, stream=True)
        (of,) = (await shown(it))["data"]
    assert (of["compared"], of["held"]) == (3, 3)


@pytest.mark.parametrize("pieces", [12, 45])
async def test_a_stream_that_is_too_long_to_be_held_is_counted(tmp_path, pieces: int) -> None:
    """Of 1.2 MB, and of more than is gathered of any."""
    long = Answer(events=stream_of(["x" * 100_000] * pieces))
    async with (
        upstream(lambda _: long) as one,
        upstream(says("42")) as other,
        running(text_of(AGREEMENT, (one, other)), tmp_path) as it,
    ):
        body = {**ASK, "provider": {"order": ["one"]}, "stream": True}
        await it.http.post("/v1/chat/completions", json=body)
        (found,) = (await it.http.get("/v1/shadows")).json()["data"]
    assert (found["skipped"], found["taken"], other.seen) == (1, 0, [])


async def test_what_cannot_be_read_teaches_nothing(tmp_path) -> None:
    async with service(tmp_path, AGREEMENT, says("I cannot tell")) as (it, *_):
        await ask(it, 3)
        (of,) = (await shown(it))["data"]
        known = await learnt(it, "other/m")
    assert (of["compared"], of["unread"], of["mean_value"]) == (0, 3, None)
    assert known["sources"] == []


@pytest.mark.parametrize(
    "fields",
    [{"tools": [TOOL]}, {"functions": [TOOL["function"]]}, {"web_search_options": {}},
     {"search_parameters": {"mode": "on"}}, {"n": 2}],
    ids=lambda each: next(iter(each)),
)  # fmt: skip
async def test_what_may_act_is_never_sent_twice(fields: dict[str, Any], tmp_path) -> None:
    async with service(tmp_path, AGREEMENT, says("42")) as (it, _, other):
        await ask(it, 3, **fields)
        found = await shown(it)
    assert (found["skipped"], found["data"], other.seen) == (3, [], [])


async def test_unless_it_is_allowed(tmp_path) -> None:
    async with service(tmp_path, AGREEMENT + "tools = true\n", says("42")) as (it, _, other):
        await ask(it, 2, tools=[TOOL])
        (of,) = (await shown(it))["data"]
    assert of["compared"] == 2 and other.seen[0]["tools"] == [TOOL]


async def test_private_requests_are_never_sent_twice(tmp_path) -> None:
    async with service(tmp_path, AGREEMENT, says("42")) as (it, _, other):
        for _ in range(3):
            body = {**ASK, "provider": {"order": ["one"]}}
            private = {"x-windsock-private": "true"}
            answer = await it.http.post("/v1/chat/completions", json=body, headers=private)
            assert answer.status_code == 200
        (found,) = (await it.http.get("/v1/shadows")).json()["data"]
    assert (found["taken"], other.seen) == (0, [])


@pytest.mark.parametrize("wish", [{"only": ["one"]}, {"ignore": ["other"]}], ids=str)
async def test_whom_the_caller_rules_out_is_not_asked(wish: dict[str, Any], tmp_path) -> None:
    async with service(tmp_path, AGREEMENT, says("42")) as (it, _, other):
        await ask(it, 2, provider=wish)
        await shown(it)
    assert other.seen == []


async def test_it_never_spends_more_than_it_may(tmp_path) -> None:
    """A request is bounded before it is sent: a third one would pass the cap."""
    one = (30 + 50 * 4) * 2.0 / 1e6
    few = AGREEMENT.replace("usd_per_day = 5", f"usd_per_day = {2.5 * one:.8f}")
    async with service(tmp_path, few, says("42")) as (it, _, other):
        await ask(it, 30)
        await asyncio.sleep(0.5)
        (found,) = (await it.http.get("/v1/shadows")).json()["data"]
        assert 0 < len(other.seen) < 30
        assert 0 < found["spent_usd"] <= 2.5 * one
        assert found["limit_usd"] == pytest.approx(2.5 * one, rel=1e-4)
        await ask(it)


async def test_what_other_processes_at_the_port_spend_is_told_everywhere_alike(tmp_path) -> None:
    async with service(tmp_path, AGREEMENT, says("42")) as (it, *_):
        await ask(it, 2)
        own = (await shown(it))["spent_usd"]
        there = (Decimal(3), Decimal("0.25"), Decimal(0))
        it.service.router.caps.elsewhere["w1"] = {"routes.auto.shadow": there}
        found = await shown(it)
        caps = {each["cap"]: each for each in (await it.http.get("/v1/caps")).json()["data"]}
        metrics = (await it.http.get("/metrics")).text
    cap = caps["routes.auto.shadow"]
    assert found["spent_usd"] == cap["spent_usd"] == pytest.approx(own + 0.25)
    assert found["limit_usd"] == cap["usd"] == pytest.approx(8)
    assert f'windsock_cap_spent_usd{{cap="routes.auto.shadow",of=""}} {cap["spent_usd"]}' in metrics


async def test_without_a_cap_it_spends_a_hundredth_of_what_the_route_does(tmp_path) -> None:
    usual_cap = AGREEMENT.replace("usd_per_day = 5\n", "")
    async with service(tmp_path, usual_cap, says("42")) as (it, _, other):
        await ask(it, 10)
        await asyncio.sleep(0.3)
        (found,) = (await it.http.get("/v1/shadows")).json()["data"]
    assert other.seen == []
    assert found["limit_usd"] == pytest.approx(0.01 * 10 * 24 / 1e6)


async def test_a_share_of_requests_is_drawn_whatever_is_in_them(tmp_path) -> None:
    some = AGREEMENT.replace("share = 1.0", "share = 0.3")
    async with service(tmp_path, some, says("42")) as (it, _, other):
        await ask(it, 60)
        found = await shown(it)
    assert 5 < found["taken"] < 35 and len(other.seen) == found["taken"]


async def test_a_named_candidate_need_not_be_one_of_the_route(tmp_path) -> None:
    async with upstream(says("42")) as newcomer:
        more = (
            'candidates = ["new/m"]\n[providers.new]\n'
            f'base_url = "{newcomer.url}"\napi_key = "k"\nprice = {{ input = 1, output = 2 }}\n'
        )
        async with service(tmp_path, AGREEMENT, says("41"), more) as (it, _, other):
            await ask(it, 3)
            (of,) = (await shown(it))["data"]
    assert (of["deployment"], of["compared"], other.seen) == ("new/m", 3, [])


async def test_of_several_the_one_that_is_least_known_is_asked(tmp_path) -> None:
    async with upstream(says("42")) as third:
        async with upstream(usual) as one, upstream(says("42")) as other:
            config = config_of(
                ("one", one.url, 1.0), ("other", other.url, 2.0), ("third", third.url, 2.0)
            )
            async with running(f"{config}[routes.auto.shadow]\n{AGREEMENT}", tmp_path) as it:
                cell, now = Cell("default", "auto", "default"), it.service.clock.now()
                it.service.router.learn_sums(cell, "other/m", 60.0, 50.0, 50.0, now)
                await ask(it, 3)
                (of,) = (await shown(it))["data"]
    assert of["deployment"] == "third/m"


async def test_a_shadow_that_fails_is_felt_by_nobody(tmp_path) -> None:
    broken = Answer(status=500, body={"error": {"message": "no"}})
    async with service(tmp_path, AGREEMENT, lambda _: broken) as (it, *_):
        await ask(it, 6)
        found = await shown(it)
        deployments = (await it.http.get("/v1/deployments")).json()["data"]
        known = await learnt(it, "other/m")
    assert (found["failed"], found["data"]) == (6, [])
    assert not any(each.get("cooldown_until") for each in deployments)
    assert known["sources"] == [] and known["effective_samples"] < 0.1


async def test_an_edit_of_the_configuration_ends_it(tmp_path) -> None:
    async with service(tmp_path, AGREEMENT, says("42")) as (it, _, other):
        it.service.shadows.adopt({})
        await ask(it, 3)
        assert (await it.http.get("/v1/shadows")).json() == {"data": []}
    assert other.seen == []


async def test_it_ends_for_what_waits_as_well(tmp_path) -> None:
    """What waited for money would have none to keep to: the cap is gone with its settings."""
    poor = AGREEMENT.replace("usd_per_day = 5", "usd_per_day = 1e-9")
    async with service(tmp_path, poor, says("42")) as (it, _, other):
        await ask(it, 3)
        await asyncio.sleep(0.1)
        it.service.shadows.adopt({})
        it.service.router.caps.adopt([])
        await asyncio.sleep(0.7)
        assert not it.service.background.waiting("shadow", "auto")
    assert other.seen == []


async def test_what_was_learnt_is_kept_over_a_restart(tmp_path) -> None:
    async with service(tmp_path, AGREEMENT, says("42")) as (it, *_):
        await ask(it, 6)
        await shown(it)
        before = await learnt(it, "other/m")
    async with service(tmp_path, AGREEMENT, says("42")) as (it, *_):
        after = await learnt(it, "other/m")
    assert before["sources"][0]["rewards"] == after["sources"][0]["rewards"] == 6
    assert after["success_mean"] == pytest.approx(before["success_mean"], abs=1e-3)


async def test_another_namespace_sees_its_own_alone(tmp_path) -> None:
    async with service(tmp_path, AGREEMENT, says("42")) as (it, *_):
        await ask(it, 2)
        await shown(it)
        (other,) = list(it.service.shadows.facts("team"))
    assert other.desk.tallies == {} and other.tally is None and other.dollars is None


@pytest.mark.parametrize(
    ("shadow", "complaint"),
    [
        ("share = 0.1\n", "compare"),
        ('compare = "taste"\n', "compare"),
        ('compare = "judge"\n', 'shadow.compare = "judge" needs a [judge]'),
        ('compare = "checks"\n', 'shadow.compare = "checks" needs a [check]'),
        ('compare = "checks"\nfield = "x"\n', "field plays no part with compare = 'checks'"),
        ('compare = "agreement"\ncanonical = "sql"\n', 'canonical = "sql" needs `tables`'),
        ('compare = "agreement"\nshare = 2.0\n', "share"),
        ('compare = "agreement"\nusd_per_day = 0\n', "usd_per_day"),
    ],
)
def test_what_does_not_fit_is_refused_in_a_sentence(shadow: str, complaint: str) -> None:
    place = Upstream(url="http://127.0.0.1:1/v1", reply=lambda _: Answer())
    with pytest.raises(ConfigError) as error:
        parse(text_of(shadow, (place, place)), {}, source="windsock.toml")
    assert complaint in str(error.value) and "\n" not in str(error.value)


async def told_of(it: Running) -> list[dict[str, Any]]:
    """Rewards of the shadow's own answers, as their own decisions tell them."""
    await it.service.ledger.flushed()
    rows = (await it.http.get("/v1/requests?task=windsock-shadow&limit=50")).json()["data"]
    found = []
    for row in rows:
        explained = (await it.http.get(f"/v1/decisions/{row['decision_id']}")).json()
        found += explained["feedback"]
    return found


async def heard(it: Running, count: int) -> list[dict[str, Any]]:
    for _ in range(200):
        found = await told_of(it)
        if len(found) >= count:
            return found
        await asyncio.sleep(0.02)
    raise AssertionError(found)


@pytest.mark.parametrize(("said", "label", "mean"), [("42", 0, 0.1), ("41", 1, 0.1), ("42", 1, 1)])
async def test_a_label_on_what_was_served_corrects_what_the_comparison_said(
    tmp_path, said: str, label: int, mean: float
) -> None:
    async with service(tmp_path, AGREEMENT, says(said)) as (it, *_):
        await ask(it)
        await shown(it)
        (first,) = await heard(it, 1)
        served = (await it.http.get("/v1/requests?task=default")).json()["data"][0]["decision_id"]
        body = {"decision_id": served, "value": label}
        assert (await it.http.post("/v1/feedback", json=body)).status_code == 200
        told = await heard(it, 2)
        known = await learnt(it, "other/m")
    assert [each["source"] for each in told] == ["shadow", "shadow"]
    assert 0 < first["value"] < 1 and first["value"] != told[-1]["value"]
    assert told[-1]["value"] == pytest.approx(mean, abs=0.1)
    (source,) = known["sources"]
    assert (source["source"], source["rewards"]) == ("shadow", 1)
    assert source["mean"] == pytest.approx(told[-1]["value"])


async def test_what_a_shadow_learnt_survives_a_crash_as_rewards_do(tmp_path) -> None:
    (tmp_path / "first").mkdir()
    (tmp_path / "then").mkdir()
    async with service(tmp_path / "first", AGREEMENT, says("42")) as (it, *_):
        await ask(it, 12)
        await shown(it)
        before = await learnt(it, "other/m")
        await it.service.ledger.flushed()
        with closing(sqlite3.connect(tmp_path / "first" / "windsock.db")) as kept:
            with closing(sqlite3.connect(tmp_path / "then" / "windsock.db")) as copy:
                kept.backup(copy)
    async with service(tmp_path / "then", AGREEMENT, says("42")) as (it, *_):
        after = await learnt(it, "other/m")
    assert after["sources"] == before["sources"] and after["sources"][0]["rewards"] == 12
    assert after["success_mean"] == pytest.approx(before["success_mean"])
