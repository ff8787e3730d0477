"""What providers and clients do wrong, and what the service makes of it."""

import asyncio
import time

import httpx
import pytest

from tests.process import free_port
from tests.running import config_of, running
from tests.upstream import Answer, completion, stream_of, upstream

ASK = {"model": "auto", "messages": [{"role": "user", "content": "hi"}]}


def fine(body: dict) -> Answer:
    if body.get("stream"):
        return Answer(events=stream_of(["Hel", "lo"]))
    return Answer(completion())


async def until(condition, seconds: float = 3.0) -> bool:
    for _ in range(int(seconds / 0.01)):
        if condition():
            return True
        await asyncio.sleep(0.01)
    return False


@pytest.mark.parametrize("is_stream", [False, True], ids=["plain", "stream"])
async def test_a_client_that_leaves_ends_the_call_upstream_and_is_recorded(
    is_stream, tmp_path
) -> None:
    events = stream_of(["a"] * 200)
    slow = Answer(events=events, between_s=0.05) if is_stream else Answer(completion(), wait_s=30)
    async with upstream(lambda _: slow) as acme:
        async with running(config_of(("acme", acme.url, 1.0)), tmp_path) as it:
            timeout = httpx.Timeout(10, read=0.5)
            async with httpx.AsyncClient(base_url=it.url, timeout=timeout, trust_env=False) as http:
                ask = {**ASK, "stream": is_stream}
                if is_stream:
                    async with http.stream("POST", "/v1/chat/completions", json=ask) as answer:
                        await anext(answer.aiter_raw())
                else:
                    with pytest.raises(httpx.ReadTimeout):
                        await http.post("/v1/chat/completions", json=ask)
            left_at = time.monotonic()
            assert await until(lambda: acme.dropped)
            assert time.monotonic() - left_at < 3
            await it.service.ledger.flushed()
            (line,) = (await it.http.get("/v1/decisions")).text.splitlines()
            assert '"kind":"cancelled"' in line
            assert '"ok":false' in line
            (row,) = (await it.http.get("/v1/deployments")).json()["data"]
            assert row["failures"] == 0


async def test_a_rate_limited_deployment_is_left_alone_until_it_said(tmp_path) -> None:
    limited = Answer({"error": {}}, status=429, headers={"retry-after": "30"})
    async with upstream(lambda _: limited) as one, upstream(fine) as two:
        config = config_of(("one", one.url, 1.0), ("two", two.url, 1.0))
        async with running(config, tmp_path) as it:
            first = {**ASK, "model": "one/m", "models": ["two/m"]}
            assert (await it.http.post("/v1/chat/completions", json=first)).status_code == 200
            for _ in range(20):
                answer = await it.http.post("/v1/chat/completions", json=ASK)
                assert answer.headers["x-windsock-deployment"] == "two/m"
            assert len(one.seen) == 1
            alone = await it.http.post("/v1/chat/completions", json={**ASK, "model": "one/m"})
            assert alone.status_code == 429
            assert 25 <= int(alone.headers["retry-after"]) <= 30


async def test_a_deployment_that_hangs_is_given_up_for_another(tmp_path) -> None:
    hanging = Answer(completion(), wait_s=30)
    async with upstream(lambda _: hanging) as one, upstream(fine) as two:
        config = config_of(("one", one.url, 1.0), ("two", two.url, 1.0))
        config += 'first_byte_timeout = "300ms"\n'
        async with running(config, tmp_path) as it:
            ask = {**ASK, "provider": {"order": ["one", "two"]}}
            for is_stream in (False, True):
                answer = await it.http.post(
                    "/v1/chat/completions", json={**ask, "stream": is_stream}
                )
                assert answer.status_code == 200
                assert answer.headers["x-windsock-deployment"] == "two/m"


async def test_comments_that_keep_a_line_open_are_no_progress(tmp_path) -> None:
    drip = Answer(events=[b": keep-alive\n\n"] * 200, between_s=0.05)
    async with upstream(lambda _: drip) as one, upstream(fine) as two:
        config = config_of(("one", one.url, 1.0), ("two", two.url, 1.0))
        config += 'first_byte_timeout = "300ms"\n'
        async with running(config, tmp_path) as it:
            ask = {**ASK, "stream": True, "provider": {"order": ["one", "two"]}}
            answer = await it.http.post("/v1/chat/completions", json=ask)
            assert answer.headers["x-windsock-deployment"] == "two/m"


@pytest.mark.parametrize("host", ["127.0.0.1:{port}", "nowhere.invalid"], ids=["refused", "dns"])
async def test_an_unreachable_deployment_is_passed_by_and_then_ejected(host, tmp_path) -> None:
    dead = "http://" + host.format(port=free_port()) + "/v1"
    async with upstream(fine) as good:
        config = config_of(("dead", dead, 1.0), ("good", good.url, 1.0))
        async with running(config, tmp_path) as it:
            ask = {**ASK, "model": "dead/m", "models": ["good/m"]}
            for _ in range(5):
                answer = await it.http.post("/v1/chat/completions", json=ask)
                assert answer.headers["x-windsock-deployment"] == "good/m"
            states = {
                row["deployment"]: row["state"]
                for row in (await it.http.get("/v1/deployments")).json()["data"]
            }
            assert states == {"dead/m": "open", "good/m": "closed"}


async def test_a_burst_of_errors_costs_no_client_an_answer_and_the_bad_one_little_traffic(
    tmp_path,
) -> None:
    async with upstream(lambda _: Answer({"error": {}}, status=503)) as bad:
        async with upstream(fine) as good:
            config = config_of(("bad", bad.url, 0.1), ("good", good.url, 1.0))
            async with running(config, tmp_path) as it:
                answers = [
                    (await it.http.post("/v1/chat/completions", json=ASK)).status_code
                    for _ in range(100)
                ]
                assert answers == [200] * 100
                assert len(bad.seen) <= 20


async def test_the_sdk_is_told_not_to_try_again_what_was_tried_everywhere(tmp_path) -> None:
    async with upstream(lambda _: Answer({"error": {}}, status=500)) as bad:
        async with running(config_of(("bad", bad.url, 1.0)), tmp_path) as it:
            answer = await it.http.post("/v1/chat/completions", json=ASK)
            assert answer.status_code == 502
            assert answer.headers["x-should-retry"] == "false"
            assert len(bad.seen) <= 4
