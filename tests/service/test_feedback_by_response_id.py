"""Who uses an SDK holds only the id of the answer: it is enough for feedback, at any time."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from tests.running import Running, config_of, running
from tests.upstream import Answer, completion, stream_of, upstream
from windsock.service.auth import new_key
from windsock.store.keys import VirtualKey, add_key

SAY = [{"role": "user", "content": "hi"}]
ASK = {"model": "auto", "messages": SAY}


def numbered() -> Callable[[dict[str, Any]], Answer]:
    """Each answer has an id of its own, as providers give them."""
    count = 0

    def reply(asked: dict[str, Any]) -> Answer:
        nonlocal count
        count += 1
        name = f"chatcmpl-{count:04}"
        if asked.get("stream"):
            events = stream_of(["a", "b"])
            return Answer(events=[each.replace(b"chatcmpl-1", name.encode()) for each in events])
        return Answer(completion(id=name))

    return reply


@asynccontextmanager
async def twice(tmp_path) -> AsyncIterator[Callable[[], Any]]:
    """Starts the service on the same store, each time anew."""
    async with upstream(numbered()) as model:
        config = config_of(("acme", model.url, 1.0), ("bolt", model.url, 1.0))
        yield lambda: running(config, tmp_path)


async def plain(it: Running) -> tuple[str, str]:
    """(id of the answer, decision)"""
    answer = await it.http.post("/v1/chat/completions", json=ASK)
    return answer.json()["id"], answer.headers["x-windsock-decision-id"]


async def streamed(it: Running) -> tuple[str, str]:
    answer = await it.http.post("/v1/chat/completions", json={**ASK, "stream": True})
    first = next(line[6:] for line in answer.text.splitlines() if line.startswith("data: {"))
    return json.loads(first)["id"], answer.headers["x-windsock-decision-id"]


async def message(it: Running) -> tuple[str, str]:
    body = {"model": "auto", "max_tokens": 9, "messages": SAY}
    answer = await it.http.post("/v1/messages", json=body)
    return answer.json()["id"], answer.headers["x-windsock-decision-id"]


async def streamed_message(it: Running) -> tuple[str, str]:
    body = {"model": "auto", "max_tokens": 9, "messages": SAY, "stream": True}
    answer = await it.http.post("/v1/messages", json=body)
    first = next(line[6:] for line in answer.text.splitlines() if line.startswith("data: {"))
    return json.loads(first)["message"]["id"], answer.headers["x-windsock-decision-id"]


async def response(it: Running) -> tuple[str, str]:
    answer = await it.http.post("/v1/responses", json={"model": "auto", "input": "hi"})
    return answer.json()["id"], answer.headers["x-windsock-decision-id"]


async def streamed_response(it: Running) -> tuple[str, str]:
    body = {"model": "auto", "input": "hi", "stream": True}
    answer = await it.http.post("/v1/responses", json=body)
    first = next(line[6:] for line in answer.text.splitlines() if line.startswith("data: {"))
    return json.loads(first)["response"]["id"], answer.headers["x-windsock-decision-id"]


WAYS: dict[str, Callable[[Running], Awaitable[tuple[str, str]]]] = {
    each.__name__: each
    for each in (plain, streamed, message, streamed_message, response, streamed_response)
}


async def judge(it: Running, name: str, value: float = 1.0, **facts: Any) -> httpx.Response:
    said = {"response_id": name, "value": value, **facts}
    return await it.http.post("/v1/feedback", json=said)


async def credited(it: Running, decision: str) -> list[float]:
    await it.service.ledger.flushed()
    kept = (await it.http.get(f"/v1/decisions/{decision}")).json()
    return [each["value"] for each in kept["feedback"]]


@pytest.mark.parametrize("way", WAYS)
async def test_the_id_of_an_answer_is_enough_at_once(way, tmp_path) -> None:
    async with twice(tmp_path) as start:
        async with start() as it:
            await plain(it)
            name, decision = await WAYS[way](it)
            await plain(it)
            answer = await judge(it, name)
            assert answer.status_code == 200, answer.text
            assert await credited(it, decision) == [1.0]


@pytest.mark.parametrize("way", WAYS)
async def test_the_id_of_an_answer_is_enough_after_a_restart(way, tmp_path) -> None:
    async with twice(tmp_path) as start:
        async with start() as it:
            await plain(it)
            name, decision = await WAYS[way](it)
            await plain(it)
        async with start() as it:
            answer = await judge(it, name)
            assert answer.status_code == 200, answer.text
            assert await credited(it, decision) == [1.0]


async def test_after_a_restart_both_names_of_a_decision_are_one(tmp_path) -> None:
    async with twice(tmp_path) as start:
        async with start() as it:
            name, decision = await plain(it)
            assert not (await judge(it, name)).json()["is_duplicate"]
        async with start() as it:
            assert (await judge(it, name)).json()["is_duplicate"]
            assert (await judge(it, decision)).json()["is_duplicate"]
            assert await credited(it, decision) == [1.0]


@pytest.mark.parametrize("starts", [1, 2])
async def test_two_namespaces_whose_answers_have_the_same_id_find_their_own(
    starts, tmp_path
) -> None:
    """Small servers count from 1; what one namespace is answered hides nothing of another."""
    async with upstream(lambda _: Answer(completion(id="cmpl-1"))) as model:
        config, keys, decisions = config_of(("acme", model.url, 1.0)), {}, {}
        async with running(config, tmp_path) as it:
            for namespace in ("one", "other"):
                secret, public, digest = new_key()
                key = VirtualKey(id=public, name="t", sha256=digest, namespace=namespace,
                                 scopes=("infer", "feedback", "read"), created_at=0.0)  # fmt: skip
                add_key(it.service.engine, key)
                keys[namespace] = {"authorization": f"Bearer {secret}"}
            await it.service.housekeeping.read_keys()
            for namespace, key in keys.items():
                asked = await it.http.post("/v1/chat/completions", json=ASK, headers=key)
                decisions[namespace] = asked.headers["x-windsock-decision-id"]
            if starts == 1:
                await found(it, keys, decisions)
        if starts == 2:
            async with running(config, tmp_path) as it:
                await found(it, keys, decisions)


async def found(it: Running, keys: dict[str, dict[str, str]], decisions: dict[str, str]) -> None:
    """Each finds the decision that it was answered by."""
    for namespace, key in keys.items():
        said = {"response_id": "cmpl-1", "value": 1.0}
        answer = await it.http.post("/v1/feedback", json=said, headers=key)
        assert answer.status_code == 200, answer.text
        await it.service.ledger.flushed()
        name = decisions[namespace]
        kept = (await it.http.get(f"/v1/decisions/{name}", headers=key)).json()
        assert len(kept["feedback"]) == 1
