"""The response cache: identical requests only, free of charge, and nobody else's."""

from tests.running import config_of, running
from tests.upstream import Answer, completion, stream_of, upstream
from windsock.service.caching import ResponseCache

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
            assert (await ask(it)).status_code >= 502
            assert (await ask(it)).status_code >= 502


def test_the_byte_bound_and_the_time_to_live_hold() -> None:
    cache = ResponseCache(ttl_s=10, max_bytes=100)
    for n in range(5):
        cache.put(bytes([n]), b"x" * 40, is_stream=False, deployment="d", now=0)
    assert [cache.get(bytes([n]), 1) is not None for n in range(5)] == [False] * 3 + [True] * 2
    assert cache.get(bytes([4]), 10) is None
    cache.put(b"big", b"x" * 101, is_stream=False, deployment="d", now=0)
    assert cache.get(b"big", 0) is None
