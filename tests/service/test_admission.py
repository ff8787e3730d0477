"""The door: who is let in, who waits, who is refused, and that health never stands in a queue."""

import asyncio
from typing import Any

import pytest

from tests.running import config_of, running
from tests.upstream import Answer, completion, stream_of, upstream
from windsock.service.gateway.admission import LEAST_LIMIT, LimitRules, Limits

ASK = {"model": "auto", "messages": [{"role": "user", "content": "hi"}]}


async def entering(limits: Limits) -> asyncio.Task[bool]:
    task = asyncio.create_task(limits.enter())
    await asyncio.sleep(0)
    return task


async def test_excess_waits_newest_first_and_the_oldest_is_refused_when_the_queue_is_full() -> None:
    limits = Limits(LimitRules(max_concurrent=1, max_waiting=2, wait_s=5))
    assert await limits.enter()
    one, two, three = [await entering(limits) for _ in range(3)]
    assert await one is False
    limits.leave()
    assert await three is True
    limits.leave()
    assert await two is True
    limits.leave()
    assert (limits.running, limits.waiting, limits.refused) == (0, 0, 1)


async def test_nobody_waits_longer_than_told() -> None:
    limits = Limits(LimitRules(max_concurrent=1, wait_s=0.01))
    assert await limits.enter()
    assert not await limits.enter()
    assert limits.waiting == 0


async def test_a_client_that_leaves_the_queue_leaves_no_place_taken() -> None:
    limits = Limits(LimitRules(max_concurrent=1, wait_s=5))
    assert await limits.enter()
    gone, handed = await entering(limits), await entering(limits)
    gone.cancel()
    limits.leave()
    handed.cancel()
    await asyncio.gather(gone, handed, return_exceptions=True)
    assert (limits.running, limits.waiting) == (0, 0)


async def test_bodies_are_held_within_their_bytes() -> None:
    limits = Limits(LimitRules(max_bytes=100))
    assert limits.hold(60)
    assert not limits.hold(60)
    limits.release(60)
    assert limits.hold(60)


async def test_a_late_event_loop_lowers_the_limit_and_a_prompt_one_raises_it() -> None:
    limits = Limits(LimitRules(max_concurrent=1024))
    for _ in range(500):
        await limits.enter()
    limits.adapt(0.5, 0.25)
    assert limits.limit == 400
    for _ in range(50):
        limits.adapt(0.5, 0.25)
    assert limits.limit == LEAST_LIMIT
    for _ in range(60):
        limits.adapt(0.001, 0.25)
    assert limits.limit == 1024


async def test_a_clock_that_stands_still_tells_no_pace_and_no_request_is_lost() -> None:
    still, plain = (Limits(LimitRules(max_concurrent=64)) for _ in range(2))
    for limits in (still, plain):
        for _ in range(200):
            assert await limits.enter()
            limits.leave()
    for since_s in (0.0, -1.0):
        still.adapt(-0.25, since_s)
    for limits in (still, plain):
        for _ in range(20):
            limits.adapt(0.001, 0.25)
            for _ in range(200):
                assert await limits.enter()
                limits.leave()
    assert still.most_waiting == plain.most_waiting > 64


async def test_as_many_may_wait_as_are_served_in_half_of_the_longest_wait() -> None:
    limits = Limits(LimitRules(max_concurrent=64, wait_s=0.4))
    assert limits.most_waiting == 64
    for _ in range(20):
        for _ in range(200):
            assert await limits.enter()
            limits.leave()
        limits.adapt(0.001, 0.25)
    assert limits.most_waiting in (159, 160)
    limits.adapt(0.001, 0.25)
    assert limits.most_waiting < 90


async def test_a_short_queue_goes_in_order_of_arrival() -> None:
    limits = Limits(LimitRules(max_concurrent=1, wait_s=5))
    for _ in range(100):
        assert await limits.enter()
        limits.leave()
    limits.adapt(0.001, 0.25)
    assert await limits.enter()
    one, two = [await entering(limits) for _ in range(2)]
    limits.leave()
    assert await one is True and not two.done()
    limits.leave()
    assert await two is True


async def test_the_providers_limits_bound_the_door() -> None:
    limits = Limits(LimitRules(max_waiting=0), capacity=lambda: 2.0)
    assert [await limits.enter() for _ in range(3)] == [True, True, False]


async def test_too_many_requests_are_refused_at_once_with_a_time_to_come_back(tmp_path) -> None:
    async with upstream(lambda _: Answer(completion(), wait_s=0.4)) as acme:
        config = config_of(("acme", acme.url, 1.0))
        config += "[server]\nmax_concurrent = 2\nmax_waiting = 0\n"
        async with running(config, tmp_path) as it:
            calls = [
                asyncio.create_task(it.http.post("/v1/chat/completions", json=ASK))
                for _ in range(6)
            ]
            await asyncio.sleep(0.2)
            assert (await it.http.get("/healthz")).status_code == 200
            assert "windsock_requests_running 2.0" in (await it.http.get("/metrics")).text
            answers = await asyncio.gather(*calls)
    assert sorted(each.status_code for each in answers) == [200, 200, 503, 503, 503, 503]
    refused = next(each for each in answers if each.status_code == 503)
    assert refused.headers["retry-after"] == "1"
    assert refused.json()["error"]["code"] == "overloaded"
    assert len(acme.seen) == 2


async def test_a_provider_at_its_limit_passes_requests_on_to_the_next(tmp_path) -> None:
    slow = Answer(completion(), wait_s=0.3)
    async with upstream(lambda _: slow) as one, upstream(lambda _: slow) as two:
        config = config_of(("one", one.url, 1.0), ("two", two.url, 1.0))
        config = config.replace("[providers.one]\n", "[providers.one]\nmax_concurrent = 1\n")
        async with running(config, tmp_path) as it:
            ask = {**ASK, "provider": {"order": ["one", "two"]}}
            answers = await asyncio.gather(
                *(it.http.post("/v1/chat/completions", json=ask) for _ in range(4))
            )
    served = sorted(each.headers["x-windsock-deployment"] for each in answers)
    assert served == ["one/m", "two/m", "two/m", "two/m"]
    assert all(each.headers["x-windsock-attempts"] == "1" for each in answers)


@pytest.mark.parametrize("is_stream", [False, True], ids=["plain", "stream"])
async def test_a_late_call_is_answered_by_its_twin_and_both_are_recorded(
    is_stream, tmp_path
) -> None:
    waits = [0.0] * 60 + [5.0]
    whole: dict[str, Any] = {"events": stream_of(["a", "b"])} if is_stream else {}

    def answer(wait_s: float = 0.0) -> Answer:
        return Answer(completion(), wait_s=wait_s, **whole)

    def reply(_: object) -> Answer:
        return answer(waits.pop(0) if waits else 0.0)

    async with upstream(reply) as one, upstream(lambda _: answer()) as two:
        config = config_of(("one", one.url, 1.0), ("two", two.url, 1.0)) + "hedge = 0.05\n"
        async with running(config, tmp_path) as it:
            ask = {**ASK, "stream": is_stream, "provider": {"order": ["one", "two"]}}
            for _ in range(61):
                got = await it.http.post("/v1/chat/completions", json=ask)
                assert got.status_code == 200
                assert not is_stream or got.text.endswith("data: [DONE]\n\n")
            assert got.headers["x-windsock-deployment"] == "two/m"
            assert got.headers["x-windsock-attempts"] == "2"
            assert len(one.dropped) >= 1
            await it.service.ledger.flushed()
            text = (await it.http.get("/v1/decisions")).text
            assert '"reason":"hedge"' in text
            line = next(each for each in text.splitlines() if '"reason":"hedge"' in each)
            assert '"kind":"cancelled"' in line


async def test_when_everything_fails_the_answer_says_when_to_come_back(tmp_path) -> None:
    async with upstream(lambda _: Answer({"error": {}}, status=503)) as bad:
        async with running(config_of(("bad", bad.url, 1.0)), tmp_path) as it:
            for n in range(8):
                asked = {**ASK, "user": f"caller {n}"}
                answer = await it.http.post("/v1/chat/completions", json=asked)
            assert answer.status_code == 503
            assert 1 <= int(answer.headers["retry-after"]) <= 60
            assert answer.headers["x-should-retry"] == "false"
