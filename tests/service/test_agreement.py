"""Two cheap answers side by side, as clients and operators see it."""

from __future__ import annotations

import asyncio
import threading
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from tests.running import Running, config_of, running
from tests.upstream import Answer, Upstream, completion, stream_of, upstream
from windsock.config.file import parse
from windsock.core.evidence.agreement.canonical import Canonical, Form
from windsock.core.routing.weights.freshness import FRESH_S
from windsock.errors import ConfigError
from windsock.service.execution.comparing import second_opinions

ASK = {"model": "auto", "messages": [{"role": "user", "content": "6 * 7?"}]}


def config(cheap: Upstream, other: Upstream, strong: Upstream, more: str = "") -> str:
    places = [("cheap", cheap.url, 1.0), ("other", other.url, 1.1), ("strong", strong.url, 9.0)]
    return config_of(*places) + (
        "[routes.auto.cascade]\n"
        'confidence = "agreement"\nto = ["strong/m"]\nsecond = "other/m"\n'
        'canonical = "number"\ntrial = 1.0\n' + more
    )


async def ask(it: Running, **fields: Any) -> httpx.Response:
    return await it.http.post("/v1/chat/completions", json={**ASK, **fields})


async def one_pair(it: Running, **fields: Any) -> tuple[httpx.Response, dict[str, Any]]:
    """The first answer of a request that two were asked, and what is kept of it."""
    for _ in range(200):
        answer = await ask(it, **fields)
        if int(answer.headers["x-windsock-attempts"]) > 1:
            await it.service.ledger.flushed()
            name = answer.headers["x-windsock-decision-id"]
            return answer, (await it.http.get(f"/v1/decisions/{name}")).json()
    raise AssertionError("no pair was drawn")


def text_of(answer: httpx.Response) -> str:
    return str(answer.json()["choices"][0]["message"]["content"])


async def test_answers_that_agree_are_given_and_both_are_paid_for(tmp_path) -> None:
    async with (
        upstream(lambda _: Answer(completion("The answer is 42."), wait_s=0.05)) as cheap,
        upstream(lambda _: Answer(completion("**42**"), wait_s=0.05)) as other,
        upstream(lambda _: Answer(completion("43"))) as strong,
        running(config(cheap, other, strong), tmp_path) as it,
    ):
        answer, kept = await one_pair(it)
        (cell,) = (await it.http.get("/v1/weights?route=auto")).json()["data"]
    assert text_of(answer) == "The answer is 42."
    assert answer.headers["x-windsock-deployment"] == "cheap/m"
    second, first = kept["attempts"]
    assert [each["reason"] for each in kept["attempts"]] == ["second", "first"]
    assert (second["agrees"], first["agrees"]) == (True, None)
    assert kept["escalates_to"] == kept["draw"]["escalates_to"] == "strong/m"
    one = 12 * 1.0 + 3 * 4.0
    assert float(answer.headers["x-windsock-cost-usd"]) == pytest.approx(one * 2.1 / 1e6)
    shown = {each["deployment"]: each for each in cell["cascades"]}["cheap/m"]
    assert (shown["second"], shown["to"]) == ("other/m", "strong/m")
    assert shown["gain_error"] > 0 and 0 < shown["weight"] <= 0.5
    assert kept["propensity"] == pytest.approx(shown["weight"], abs=0.2)


@pytest.mark.parametrize(
    ("first", "second", "agrees"), [("42", "41", False), ("42", "I cannot tell", None)]
)
async def test_answers_that_do_not_are_asked_again(first, second, agrees, tmp_path) -> None:
    async with (
        upstream(lambda _: Answer(completion(first))) as cheap,
        upstream(lambda _: Answer(completion(second))) as other,
        upstream(lambda _: Answer(completion("43"))) as strong,
        running(config(cheap, other, strong), tmp_path) as it,
    ):
        answer, kept = await one_pair(it)
    assert text_of(answer) == "43"
    assert answer.headers["x-windsock-attempts"] == "3"
    reasons = [each["reason"] for each in kept["attempts"]]
    assert reasons == ["second", "first", "escalation"]
    assert kept["attempts"][0]["agrees"] is agrees
    assert float(answer.headers["x-windsock-cost-usd"]) == pytest.approx(24 * 11.1 / 1e6)


async def test_the_two_are_asked_side_by_side(tmp_path) -> None:
    """The first changes its answer, before it is sent, if the second is asked by then."""
    asked: set[str] = set()
    late = Answer(wait_s=0.2)

    def first(_: dict[str, Any]) -> Answer:
        return noted("first")

    def noted(who: str) -> Answer:
        asked.add(who)
        late.body = completion("42" if len(asked) == 2 else "7")
        return late

    def second(_: dict[str, Any]) -> Answer:
        noted("second")
        return Answer(completion("42"))

    async with (
        upstream(first) as cheap,
        upstream(second) as other,
        upstream(lambda _: Answer(completion("43"))) as strong,
        running(config(cheap, other, strong), tmp_path) as it,
    ):
        attempts = 0
        while attempts < 2:
            asked.clear()
            answer = await ask(it)
            attempts = int(answer.headers["x-windsock-attempts"])
    assert (attempts, text_of(answer)) == (2, "42")


async def test_streams_and_tools_never_ask_a_second(tmp_path) -> None:
    tool = {"type": "function", "function": {"name": "buy", "parameters": {}}}

    def reply(body: dict[str, Any]) -> Answer:
        return (
            Answer(events=stream_of(["4", "2"])) if body.get("stream") else Answer(completion("42"))
        )

    async with (
        upstream(reply) as cheap,
        upstream(reply) as other,
        upstream(reply) as strong,
        running(config(cheap, other, strong), tmp_path) as it,
    ):
        for fields in ({"stream": True}, {"tools": [tool]}) * 20:
            answer = await ask(it, **fields)
            assert answer.headers["x-windsock-attempts"] == "1"


async def test_what_pairs_were_worth_is_measured_by_rewards_and_shown(tmp_path) -> None:
    """Where the two agree they are right, and what they differ on the strong one knows."""
    turn = {"n": 0}

    def first(_: dict[str, Any]) -> Answer:
        turn["n"] += 1
        return Answer(completion("42" if turn["n"] % 3 else "7"))

    async with (
        upstream(first) as cheap,
        upstream(lambda _: Answer(completion("42"))) as other,
        upstream(lambda _: Answer(completion("42"))) as strong,
        running(config(cheap, other, strong), tmp_path) as it,
    ):
        pairs = asked = 0
        while pairs < 60 and asked < 600:
            answer = await ask(it)
            asked, pairs = asked + 1, pairs + (int(answer.headers["x-windsock-attempts"]) > 1)
            right = text_of(answer) == "42"
            said = {"decision_id": answer.headers["x-windsock-decision-id"], "value": float(right)}
            assert (await it.http.post("/v1/feedback", json=said)).status_code == 200
        await asyncio.sleep(FRESH_S)
        (cell,) = (await it.http.get("/v1/weights?route=auto")).json()["data"]
    shown = {each["deployment"]: each for each in cell["cascades"]}["cheap/m"]
    assert shown["judged"] > 0 and 0.1 < shown["escalated"] < 0.7
    assert shown["gain_error"] < 0.3


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ('second = "othr/m"', "not among the candidates; add it, or take 'other/m'"),
        ("escalate_below = 0.8", "escalate_below plays no part with confidence = 'agreement'"),
        ('second = "strong/m"', "strong/m cannot be `second` and in `to`"),
        ('canonical = "sql"', 'canonical = "sql" needs `tables`'),
        ('canonical = "prose"', "canonical"),
        ('confidence = "stated"', "plays no part with confidence = 'stated'"),
        ("trial = 2.0", "trial"),
    ],
)
def test_what_does_not_fit_is_refused_in_a_sentence(line: str, complaint: str) -> None:
    place = Upstream(url="http://127.0.0.1:1/v1", reply=lambda _: Answer())
    text, name = config(place, place, place), line.partition(" =")[0]
    kept = [each for each in text.splitlines() if not each.startswith(f"{name} =")]
    with pytest.raises(ConfigError) as error:
        parse("\n".join([*kept, line]) + "\n", {}, source="windsock.toml")
    assert complaint in str(error.value) and "\n" not in str(error.value)


async def test_queries_are_compared_by_their_results_and_not_where_requests_wait(
    tmp_path, monkeypatch
) -> None:
    threads: list[bool] = []
    agree = Canonical.agree

    def seen(canonical: Canonical, *messages: Any) -> bool | None:
        threads.append(threading.current_thread() is threading.main_thread())
        return agree(canonical, *messages)

    monkeypatch.setattr(Canonical, "agree", seen)
    monkeypatch.setattr(second_opinions, "PATIENCE_S", 60.0)
    tables = "CREATE TABLE t (a INT); INSERT INTO t VALUES (1), (2);"
    async with (
        upstream(lambda _: Answer(completion("SELECT a FROM t"))) as cheap,
        upstream(lambda _: Answer(completion("SELECT a FROM t ORDER BY a DESC"))) as other,
        upstream(lambda _: Answer(completion("SELECT 2"))) as strong,
    ):
        text = config(cheap, other, strong, f'tables = "{tables}"\n')
        async with running(text.replace('"number"', '"sql"'), tmp_path) as it:
            answer, kept = await one_pair(it)
    assert kept["attempts"][0]["agrees"] is False and text_of(answer) == "SELECT 2"
    assert threads == [False]


async def test_queries_that_no_thread_has_time_for_are_not_compared(monkeypatch) -> None:
    may_end = threading.Event()
    monkeypatch.setattr(second_opinions, "PATIENCE_S", 0.01)
    monkeypatch.setattr(second_opinions, "_agree", lambda *_: may_end.wait(60))
    agreement = SimpleNamespace(canonical=Canonical(form=Form.SQL))
    route = SimpleNamespace(cascade=SimpleNamespace(agreement=agreement))
    compare = second_opinions.comparison(SimpleNamespace(route=route), {})  # type: ignore[arg-type]
    call = SimpleNamespace(number=0)
    try:
        assert await compare(call, call) is None  # type: ignore[arg-type]
    finally:
        may_end.set()
