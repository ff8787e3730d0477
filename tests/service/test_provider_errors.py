"""Errors of providers through the whole service: who is asked next, who is left alone, who is told.

One body of each meaning and status is sent by a real server on loopback, with another one that is
well beside; what every body of the corpus means is read in `tests/wire`.
"""

from __future__ import annotations

import asyncio
import json
import socket
from pathlib import Path
from typing import Any

import anthropic
import httpx
import openai
import pytest

from tests.running import Running, config_of, running
from tests.upstream import Answer, completion, stream_of, upstream
from windsock.cli.doctor import examine
from windsock.clock import ManualClock
from windsock.config.file import parse

START = 1_790_000_000.0
HELLO: list[Any] = [{"role": "user", "content": "hi"}]
ASK = {"model": "auto", "messages": HELLO}
ROWS = [
    json.loads(line)
    for line in (Path(__file__).parents[1] / "wire/provider_errors.jsonl").read_text().splitlines()
]
SENT = list(
    {
        (row["means"], row["then"], row["out"], row["status"]): row
        for row in reversed(ROWS)
        if row["status"] is not None and not row.get("provider")
    }.values()
)
LEFT_AT_ONCE = {"rate_limited", "auth_failed", "out_of_credit", "model_gone"}
"""Kinds whose first refusal takes a place out; failures do so when there are five."""


def fine(body: dict[str, Any]) -> Answer:
    return Answer(events=stream_of(["fine"])) if body.get("stream") else Answer(completion("fine"))


def refusing(row: dict[str, Any]) -> Answer:
    is_page = isinstance(row["body"], str)
    return Answer(
        row["body"],
        status=row["status"],
        headers=row.get("headers", {}),
        content_type="text/html" if is_page else "application/json",
    )


async def states(it: Running) -> dict[str, str]:
    rows = (await it.http.get("/v1/deployments")).json()["data"]
    return {row["deployment"]: row["state"] for row in rows}


async def ask(it: Running, **facts: Any) -> httpx.Response:
    return await it.http.post("/v1/chat/completions", json={**ASK, **facts})


def turn(n: int) -> list[dict[str, str]]:
    """A conversation that is none of the others: the same that fails again counts once."""
    return [{"role": "user", "content": f"number {n}"}]


ACCOUNT = """
[providers.bad{n}]
base_url = "{url}"
api_key = "sk-upstream-bad-secret"
price = {{ input = 1, output = 4 }}

[deployments."bad{n}/{n}"]

[deployments."bad{n}/twin"]

[routes.twin{n}]
candidates = ["bad{n}/twin"]

[routes.either{n}]
candidates = ["bad{n}/{n}", "well/m"]
"""
"""Of one row: what answers with its error, and a second deployment of the same account."""

SHARED = 8
"""Rows to a service, each with accounts of its own."""


@pytest.mark.parametrize("is_stream", [False, True])
@pytest.mark.parametrize(
    "rows",
    [SENT[first : first + SHARED] for first in range(0, len(SENT), SHARED)],
    ids=lambda rows: f"{rows[0]['id']} to {rows[-1]['id']}",
)
async def test_a_real_error_goes_where_it_should_and_takes_out_no_more_than_it_means(
    rows: list[dict[str, Any]], is_stream: bool, tmp_path: Path
) -> None:
    async with (
        upstream(lambda body: refusing(rows[int(body["model"])])) as bad,
        upstream(fine) as well,
    ):
        accounts = "".join(ACCOUNT.format(n=n, url=bad.url) for n in range(len(rows)))
        config = accounts + config_of(("well", well.url, 9.0))
        async with running(config, tmp_path) as it:
            for n, row in enumerate(rows):
                asked = len(well.seen)
                order = {"order": [f"bad{n}", "well"]}
                answer = await ask(it, model=f"either{n}", provider=order, stream=is_stream)
                if row["then"] == "nowhere":
                    assert answer.status_code in (400, 403, 422), row["id"]
                    assert len(well.seen) == asked, row["id"]
                else:
                    assert (answer.status_code, len(well.seen)) == (200, asked + 1), row["id"]
            state = await states(it)
            for n, row in enumerate(rows):
                is_out = row["means"] in LEFT_AT_ONCE and row["out"] in ("deployment", "account")
                assert state[f"bad{n}/{n}"] == ("open" if is_out else "closed"), row["id"]
                is_account = row["out"] == "account"
                assert state[f"bad{n}/twin"] == ("open" if is_account else "closed"), row["id"]
            assert state["well/m"] == "closed"


async def test_a_content_filter_is_heard_unless_the_route_says_elsewhere(tmp_path: Path) -> None:
    words = "Content violates usage guidelines."
    body = {"code": "The caller does not have permission", "error": words}
    filtered = Answer(body, status=403)
    async with upstream(lambda _: filtered) as bad, upstream(fine) as well:
        config = config_of(("bad", bad.url, 1.0), ("well", well.url, 9.0))
        order = {"provider": {"order": ["bad", "well"]}}
        (tmp_path / "elsewhere").mkdir()
        async with running(config, tmp_path) as it:
            told = await ask(it, **order)
            assert (told.status_code, told.json()["error"]["message"]) == (403, words)
        config += 'content_filter = "elsewhere"\n'
        async with running(config, tmp_path / "elsewhere") as it:
            assert (await ask(it, **order)).json()["provider"] == "well"
            assert (await states(it))["bad/m"] == "closed"


KEY = "sk-upstream-bad-secret"
WRONG_KEY = Answer(
    {
        "error": {
            "message": f"Incorrect API key provided: {KEY}; also sk-proj-0123456789abcdef",
            "type": "invalid_request_error",
            "param": None,
            "code": "invalid_api_key",
        }
    },
    status=401,
)


async def test_the_openai_sdk_hears_the_providers_words_at_once_and_does_not_hang(tmp_path) -> None:
    async with upstream(lambda _: WRONG_KEY) as bad:
        async with running(config_of(("bad", bad.url, 1.0)), tmp_path) as it:
            async with openai.AsyncOpenAI(api_key="none", base_url=it.url + "/v1") as client:
                for status in (502, 503):
                    with pytest.raises(openai.InternalServerError) as caught:
                        await client.chat.completions.create(model="auto", messages=HELLO)
                    assert caught.value.status_code == status
                    assert caught.value.code == "provider_auth"
                    assert "Incorrect API key provided: [key]" in str(caught.value)
                    assert "sk-" not in str(caught.value)
                    headers = caught.value.response.headers
                    assert headers["x-should-retry"] == "false"
                    assert "retry-after" not in headers
            assert len(bad.seen) == 1


async def test_the_anthropic_sdk_does_so_too(tmp_path) -> None:
    poor = {"error": {"message": "Your credit balance is too low", "type": "invalid_request_error"}}
    async with upstream(lambda _: Answer(poor, status=400)) as bad:
        async with running(config_of(("bad", bad.url, 1.0)), tmp_path) as it:
            client = anthropic.AsyncAnthropic(api_key="none", base_url=it.url)
            for _ in range(2):
                with pytest.raises(anthropic.InternalServerError) as caught:
                    await client.messages.create(model="auto", max_tokens=5, messages=HELLO)
                assert "Your credit balance is too low" in str(caught.value)
            await client.close()
            assert len(bad.seen) == 1


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (401, {"message": "Unauthorized"}, "provider_auth"),
        (402, {"error": {"message": "Insufficient Balance"}}, "provider_out_of_credit"),
        (410, "gone for good", "provider_model_gone"),
        (529, {"error": {"type": "overloaded_error", "message": "-"}}, "provider_overloaded"),
        (429, {"error": {"message": "slow down"}}, "rate_limited"),
        (500, {"error": {"message": "a bug"}}, "upstream_failed"),
    ],
)  # fmt: skip
async def test_when_all_fail_alike_the_code_says_what_to_mend(status, body, code, tmp_path) -> None:
    async with upstream(lambda _: Answer(body, status=status)) as bad:
        async with running(config_of(("bad", bad.url, 1.0)), tmp_path) as it:
            told = await ask(it)
            assert told.json()["error"]["code"] == code
            assert "bad/m" in told.json()["error"]["message"]
            assert told.headers["x-should-retry"] == "false"


async def test_what_two_say_without_a_reason_is_the_callers(tmp_path) -> None:
    odd = {"error": {"message": "it is Tuesday", "type": "invalid_request_error"}}
    refused = Answer(odd, status=400)
    async with upstream(lambda _: refused) as one, upstream(lambda _: refused) as two:
        config = config_of(("one", one.url, 1.0), ("two", two.url, 1.0))
        async with running(config, tmp_path) as it:
            told = await ask(it)
            assert (told.status_code, told.json()) == (400, odd)
            assert (len(one.seen), len(two.seen)) == (1, 1)


async def test_an_error_without_words_is_told_all_the_same(tmp_path) -> None:
    async with upstream(lambda _: Answer("", status=409)) as bad:
        async with running(config_of(("bad", bad.url, 1.0)), tmp_path) as it:
            told = await ask(it)
            assert told.status_code == 409
            assert "bad/m (refused)" in told.json()["error"]["message"]


async def test_496_of_500_refusals_move_the_traffic_and_are_seen_everywhere(tmp_path) -> None:
    """Each looks like the caller's own mistake; another deployment answers every one of them."""
    wrong = {
        "error": {"message": "no such role", "param": "messages[0].role", "code": "invalid_value"}
    }
    async with upstream(lambda _: Answer(wrong, status=400)) as bad, upstream(fine) as well:
        config = config_of(("bad", bad.url, 1.0), ("well", well.url, 9.0))
        async with running(config, tmp_path) as it:
            order = {"provider": {"order": ["bad", "well"]}}
            codes = [(await ask(it, **order)).status_code for _ in range(100)]
            assert codes[20:] == [200] * 80
            assert len(bad.seen) < 50
            ready = (await it.http.get("/readyz")).json()
            assert "caller error" in ready["degraded"]["errors at bad/m"]
            rows = (await it.http.get("/v1/deployments")).json()["data"]
            assert "caller error" in next(r["errors"] for r in rows if r["deployment"] == "bad/m")
            scraped = (await it.http.get("/metrics")).text
            assert 'windsock_events_total{event="errors.rose"} 1.0' in scraped


async def test_doctor_finds_in_the_store_where_most_calls_failed(tmp_path) -> None:
    wrong = {"error": {"message": "no", "param": "messages", "code": "invalid_value"}}
    async with upstream(lambda _: Answer(wrong, status=400)) as bad, upstream(fine) as well:
        config = config_of(("bad", bad.url, 1.0), ("well", well.url, 9.0))
        config += f'[store]\nurl = "sqlite:///{tmp_path}/windsock.db"\n[feeds]\nenabled = []\n'
        async with running(config, tmp_path) as it:
            for name in ("bad/m", "well/m"):
                for _ in range(25):
                    await ask(it, model=name)
        settings = parse(config, {}, source="windsock.toml")
        findings = await asyncio.to_thread(examine, settings, {})
    found = {each.subject: each for each in findings if each.subject.startswith("errors at")}
    assert list(found) == ["errors at bad/m"]
    assert not found["errors at bad/m"].ok
    assert "100% of the last 25 calls got no answer" in found["errors at bad/m"].text


FORMS: list[dict[str, Any]] = [
    {"model": "auto"},
    {"model": "m"},
    {"model": "auto", "provider": {"order": ["bad", "well"]}},
    {"model": "m", "provider": {"order": ["bad", "well"]}},
    {"model": "bad/m", "models": ["well/m"]},
    {"model": "auto", "models": ["bad/m", "well/m"]},
]


@pytest.mark.parametrize("form", FORMS, ids=[json.dumps(form) for form in FORMS])
async def test_a_dead_primary_is_left_alone_and_taken_back_in_every_form_of_request(
    form: dict[str, Any], tmp_path: Path
) -> None:
    dead = [True]
    clock = ManualClock(START)

    def primary(body: dict[str, Any]) -> Answer:
        return Answer({"error": {"message": "broken"}}, status=500) if dead[0] else fine(body)

    async with upstream(primary) as bad, upstream(fine) as well:
        config = config_of(("bad", bad.url, 1.0), ("well", well.url, 9.0))
        config += 'patience = "0s"\nexplore = 0\n'
        async with running(config, tmp_path, clock=clock) as it:
            for _ in range(15):
                answer = await ask(it, **form)
                assert answer.json()["provider"] == "well"
                clock.advance_to(clock.now() + 0.5)
            is_ordered = "provider" in form or form["model"] == "bad/m"
            assert len(bad.seen) == 5 if is_ordered else 1 <= len(bad.seen) <= 5
            for _ in range(60):
                clock.advance_to(clock.now() + 5.0)
                assert (await ask(it, **form)).json()["provider"] == "well"
            assert len(bad.seen) <= 5 + 20, "a probe every 15 seconds"
            dead[0] = False
            back_at = clock.now() + 30.0
            while clock.now() < back_at:
                clock.advance_to(clock.now() + 1.0)
                answer = await ask(it, **form)
            assert (await states(it))["bad/m"] != "open"
            if is_ordered:
                assert answer.json()["provider"] == "bad"


async def test_a_pinned_dead_one_is_asked_now_and_then_and_answers_as_soon_as_it_is_back(
    tmp_path,
) -> None:
    dead = [True]
    clock = ManualClock(START)

    def only(body: dict[str, Any]) -> Answer:
        return Answer({"error": {"message": "broken"}}, status=500) if dead[0] else fine(body)

    async with upstream(only) as bad, upstream(fine) as well:
        config = config_of(("bad", bad.url, 1.0), ("well", well.url, 9.0))
        config += "max_attempts = 1\n"
        async with running(config, tmp_path, clock=clock) as it:
            codes = [
                (await ask(it, model="bad/m", messages=turn(n))).status_code for n in range(15)
            ]
            assert (codes[:5], set(codes[5:])) == ([502] * 4 + [503], {503})
            assert len(bad.seen) == 5
            told = await ask(it, model="bad/m", messages=turn(15))
            assert int(told.headers["retry-after"]) <= 3
            dead[0] = False
            clock.advance_to(clock.now() + 3.0)
            assert (await ask(it, model="bad/m")).status_code == 200


@pytest.mark.parametrize("form", [f for f in FORMS if f["model"] != "auto"], ids=json.dumps)
async def test_the_routes_first_byte_timeout_holds_for_names_that_are_no_route(
    form: dict[str, Any], tmp_path: Path
) -> None:
    hanging = Answer(completion(), wait_s=30)
    async with upstream(lambda _: hanging) as bad, upstream(fine) as well:
        config = config_of(("bad", bad.url, 1.0), ("well", well.url, 9.0))
        config += 'first_byte_timeout = "200ms"\nexplore = 0\n'
        async with running(config, tmp_path) as it:
            assert (await ask(it, **form)).json()["provider"] == "well"
            assert len(bad.seen) <= 1


async def test_a_call_that_brought_no_words_says_why(tmp_path) -> None:
    """Nobody listens at one, another answers with a page, a third breaks off."""
    page = Answer("<html>maintenance</html>", content_type="text/html")
    torn = Answer(events=[b'{"id": '], cut=True, content_type="text/plain")
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{bound.getsockname()[1]}/v1"
        async with upstream(lambda _: page) as acme, upstream(lambda _: torn) as bolt:
            text = config_of(
                ("acme", acme.url, 1.0), ("bolt", bolt.url, 2.0), ("cask", address, 3.0)
            )
            async with running(text, tmp_path) as it:
                answer = await it.http.post("/v1/chat/completions", json=ASK)
    said = answer.json()["error"]["message"]
    assert "acme/m (bad_answer): what came is no answer to this call (text/html)" in said
    assert "bolt/m (bad_answer): the connection " in said
    assert "cask/m (unreachable): connection refused" in said
    assert "127.0.0.1" not in said
