"""Refusals that pass: no request is refused for one that met another, or for a moment's wait."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter

import httpx
import pytest

from tests.running import config_of, running
from tests.service.test_caps import Shifted
from tests.upstream import Answer, completion, stream_of, upstream

ASK = {"model": "auto", "messages": [{"role": "user", "content": "hi"}]}
SHARED = Answer({"error": {"code": 429, "status": "RESOURCE_EXHAUSTED",
                           "message": "Resource exhausted. Please try again later."}},
                status=429)  # fmt: skip


def every(nth: int, refusal: Answer):
    """Refuses the nth call of as many, and answers the others."""
    calls = Counter()

    def reply(body: dict) -> Answer:
        calls["made"] += 1
        if calls["made"] % nth == 0:
            return refusal
        return Answer(events=stream_of(["fine"])) if body.get("stream") else Answer(completion())

    return reply


def error(status: int, message: str, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer({"error": {"message": message}}, status=status, headers=named)


PASSING = {
    "a limit that all share": SHARED,
    "an overloaded server of many": error(503, "try again later", retry_after="120"),
    "a page in place of an answer": Answer(b"<html>Bad gateway</html>", content_type="text/html"),
    "an answer that is cut off": Answer(b'{"choices": [{"mess'),
    "a page of a load balancer": Answer(
        b"<html><title>502 Bad Gateway</title></html>", status=502, content_type="text/html"
    ),
    "throttling in a cloud's words": Answer(
        {"__type": "ThrottlingException", "message": "Too many requests"}, status=400
    ),
    "a bad key of several": error(401, "Incorrect API key provided"),
    "an empty account of several": error(402, "Insufficient Balance"),
    "a server without the model": error(404, "The model `m` does not exist"),
}


@pytest.mark.parametrize("providers", [1, 2])
@pytest.mark.parametrize("refusal", PASSING.values(), ids=PASSING)
async def test_a_provider_that_refuses_one_call_of_ten_serves_every_request(
    refusal, providers, tmp_path
) -> None:
    async with upstream(every(10, refusal)) as acme, upstream(every(10, refusal)) as beta:
        named = [("acme", acme.url, 1.0), ("beta", beta.url, 2.0)][:providers]
        async with running(config_of(*named), tmp_path) as it:
            for turn in range(45):
                ask = {**ASK, "stream": turn % 2 == 1}
                answer = await it.http.post("/v1/chat/completions", json=ask)
                assert answer.status_code == 200, answer.text


async def test_a_request_waits_for_its_only_provider_as_long_as_that_asked_and_no_longer(
    tmp_path,
) -> None:
    came: list[float] = []

    def reply(_: dict) -> Answer:
        came.append(time.monotonic())
        first = Answer({"error": {}}, status=429, headers={"retry-after": "1"})
        return first if len(came) == 1 else Answer(completion())

    async with upstream(reply) as acme, running(config_of(("acme", acme.url, 1.0)), tmp_path) as it:

        async def ask() -> int:
            return (await it.http.post("/v1/chat/completions", json=ASK)).status_code

        first = asyncio.create_task(ask())
        while not came:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)
        assert await asyncio.gather(first, *(ask() for _ in range(5))) == [200] * 6
        assert len(came) == 7
        assert min(came[1:]) - came[0] >= 1.0


@pytest.mark.parametrize(
    ("patience", "headers", "retry_after"),
    [("0s", {}, "1"), ("1s", {"x-windsock-timeout": "0.4"}, "1"), ("1s", {}, "30")],
    ids=["no patience", "a deadline before", "too long"],
)
async def test_who_may_not_wait_is_told_when_to_come_again(
    patience, headers, retry_after, tmp_path
) -> None:
    limited = Answer({"error": {}}, status=429, headers={"retry-after": retry_after})
    async with upstream(lambda _: limited) as acme:
        config = config_of(("acme", acme.url, 1.0)) + f'patience = "{patience}"\nmax_attempts = 1\n'
        async with running(config, tmp_path) as it:
            await it.http.post("/v1/chat/completions", json=ASK)
            answer = await it.http.post("/v1/chat/completions", json=ASK, headers=headers)
            assert answer.status_code == 429
            assert 1 <= int(answer.headers["retry-after"]) <= int(retry_after)
            assert len(acme.seen) == 1


async def test_each_call_is_told_with_what_it_was_told(tmp_path) -> None:
    told = iter([Answer({"error": {"message": "slow down"}}, status=429), Answer(b"{{{")])
    async with upstream(lambda _: next(told)) as acme:
        config = config_of(("acme", acme.url, 1.0)) + "max_attempts = 2\n"
        async with running(config, tmp_path) as it:
            answer = await it.http.post("/v1/chat/completions", json=ASK)
    said = answer.json()["error"]["message"]
    assert said.startswith("every attempt failed: acme/m (rate_limited): slow down; acme/m (")
    assert said.count("slow down") == 1


async def test_credit_that_was_bought_is_found_within_half_a_minute(tmp_path) -> None:
    empty = Answer({"error": {"message": "Insufficient Balance"}}, status=402)
    answers = iter([empty, empty, Answer(completion())])
    clock = Shifted()
    async with upstream(lambda _: next(answers)) as acme:
        config = config_of(("acme", acme.url, 1.0))
        async with running(config, tmp_path, clock=clock) as it:
            found = []
            for clock.ahead_s in (0.0, 20.0, 31.0, 40.0, 62.0):
                answer = await it.http.post("/v1/chat/completions", json=ASK)
                found.append((answer.status_code, len(acme.seen)))
            assert found == [(502, 1), (503, 1), (502, 2), (503, 2), (200, 3)]
            (row,) = (await it.http.get("/v1/deployments")).json()["data"]
            assert row["state"] == "closed"


async def test_who_leaves_while_a_call_waits_longer_pays_for_none(tmp_path) -> None:
    """A delay that another call was told of in between puts off the one that waits."""
    limited = Answer({"error": {}}, status=429, headers={"retry-after": "1"})
    async with upstream(lambda _: limited) as acme:
        async with running(config_of(("acme", acme.url, 1.0)), tmp_path) as it:
            first = asyncio.create_task(it.http.post("/v1/chat/completions", json=ASK, timeout=2.2))
            while not acme.seen:
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.2)
            health = it.service.router.health
            health.of("acme/m").cooldown_until = it.service.clock.now() + 3.0
            with pytest.raises(httpx.ReadTimeout):
                await first
            await asyncio.sleep(0.3)
            await it.service.ledger.flushed()
            (line,) = (await it.http.get("/v1/decisions")).text.splitlines()
            assert len(acme.seen) == 1
            assert '"kind":"cancelled"' in line
            assert json.loads(line)["cost_usd"] in (None, 0, "0")
