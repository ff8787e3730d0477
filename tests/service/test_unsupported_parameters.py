"""A field that a deployment refuses is left out at once, and not sent there again for a day."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.running import config_of, running
from tests.upstream import Answer, completion, stream_of, upstream
from windsock.clock import ManualClock

HELLO = [{"role": "user", "content": "hello"}]


def refusing(says: Callable[[dict[str, Any]], Any], status: int = 400) -> Callable[..., Answer]:
    """A server that answers what `says` finds no fault in."""

    def reply(body: dict[str, Any]) -> Answer:
        fault = says(body)
        if fault:
            return Answer(fault, status=status)
        return Answer(events=stream_of(["hi"])) if body.get("stream") else Answer(completion("hi"))

    return reply


def openai_refusal(body: dict[str, Any]) -> Any:
    """As OpenAI's reasoning models refuse."""
    if "max_tokens" in body:
        words = ("Unsupported parameter: 'max_tokens' is not supported with this model. "
                 "Use 'max_completion_tokens' instead.")  # fmt: skip
        return {"error": {"message": words, "param": "max_tokens", "code": "unsupported_parameter"}}
    if body.get("temperature", 1) != 1:
        words = ("Unsupported value: 'temperature' does not support 0 with this model. "
                 "Only the default (1) value is supported.")  # fmt: skip
        return {"error": {"message": words, "param": "temperature", "code": "unsupported_value"}}
    return None


def pydantic_refusal(*names: str) -> Callable[[dict[str, Any]], Any]:
    """As a server refuses whose schema forbids what it does not know."""

    def says(body: dict[str, Any]) -> Any:
        faults = [
            {"type": "extra_forbidden", "loc": ["body", name], "input": body[name],
             "msg": "Extra inputs are not permitted"}
            for name in names
            if name in body
        ]  # fmt: skip
        return {"detail": faults} if faults else None

    return says


def unknown_to_google(body: dict[str, Any]) -> Any:
    names = [name for name in ("store", "seed") if name in body]
    words = "\n".join(f'Unknown name "{name}": Cannot find field.' for name in names)
    return [{"error": {"code": 400, "message": words, "status": "INVALID_ARGUMENT"}}] * bool(names)


@pytest.mark.parametrize(
    ("says", "status", "asked", "adapted"),
    [
        (openai_refusal, 400, {"max_tokens": 9, "temperature": 0}, "max_tokens, temperature"),
        (pydantic_refusal("seed", "user"), 422, {"seed": 1, "user": "u"}, "seed, user"),
        (unknown_to_google, 400, {"store": False, "seed": 1}, "store, seed"),
        (pydantic_refusal("stream_options"), 422, {"stream": True}, None),
        (pydantic_refusal("metadata"), 422, {"metadata": {"task": "x", "a": "b"}}, "metadata"),
        (pydantic_refusal("metadata"), 422, {"metadata": {"task": "x"}}, None),
    ],
)
async def test_the_same_place_is_asked_without_it_and_remembers(
    tmp_path, says, status, asked, adapted
) -> None:
    body = {"model": "auto", "messages": HELLO, **asked}
    async with upstream(refusing(says, status)) as acme:
        async with running(config_of(("acme", acme.url, 1.0)), tmp_path) as it:
            first = await it.http.post("/v1/chat/completions", json=body)
            calls = len(acme.seen)
            second = await it.http.post("/v1/chat/completions", json=body)
            await it.service.ledger.flushed()
            found = await it.http.get(f"/v1/decisions/{first.headers['x-windsock-decision-id']}")
    assert (first.status_code, second.status_code) == (200, 200)
    assert first.headers.get("x-windsock-adapted") == adapted
    assert second.headers.get("x-windsock-adapted") == adapted
    assert len(acme.seen) == calls + 1, "what it refused is not sent again"
    last = found.json()["attempts"][-1]
    assert last["adapted"] == ([] if adapted is None else adapted.split(", "))
    assert last["reason"] == ("mended" if calls > 1 else "first")


async def test_a_refused_field_is_no_strike_and_goes_nowhere_else(tmp_path) -> None:
    body = {"model": "auto", "messages": HELLO, "seed": 1}
    async with (
        upstream(refusing(pydantic_refusal("seed"), 422)) as acme,
        upstream(lambda _: Answer(completion("bolt"))) as bolt,
    ):
        config = config_of(("acme", acme.url, 0.01), ("bolt", bolt.url, 100.0))
        async with running(config + "max_attempts = 1\n", tmp_path) as it:
            asked = {**body, "model": "acme/m"}
            answers = [await it.http.post("/v1/chat/completions", json=asked) for _ in range(8)]
    assert {each.headers["x-windsock-deployment"] for each in answers} == {"acme/m"}
    assert not bolt.seen
    assert len(acme.seen) == 9


async def test_a_field_is_tried_again_after_a_day(tmp_path) -> None:
    clock = ManualClock(1_790_000_000.0)
    body = {"model": "auto", "messages": HELLO, "seed": 1}
    async with upstream(refusing(pydantic_refusal("seed"), 422)) as acme:
        async with running(config_of(("acme", acme.url, 1.0)), tmp_path, clock=clock) as it:
            for _ in range(3):
                await it.http.post("/v1/chat/completions", json=body)
            acme.reply = lambda _: Answer(completion("hi"))
            clock.advance_to(clock.now() + 86_401)
            answer = await it.http.post("/v1/chat/completions", json=body)
    assert ["seed" in each for each in acme.seen] == [True, False, False, False, True]
    assert "x-windsock-adapted" not in answer.headers


async def test_what_was_learnt_survives_a_restart(tmp_path) -> None:
    body = {"model": "auto", "messages": HELLO, "seed": 1}
    async with upstream(refusing(pydantic_refusal("seed"), 422)) as acme:
        config = config_of(("acme", acme.url, 1.0))
        async with running(config, tmp_path) as it:
            await it.http.post("/v1/chat/completions", json=body)
        async with running(config, tmp_path) as it:
            await it.http.post("/v1/chat/completions", json=body)
    assert ["seed" in each for each in acme.seen] == [True, False, False]


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"tools": [{"type": "function", "function": {"name": "f"}}]}, "m does not support tools"),
        ({"n": 2}, "n must be 1"),
        ({"logprobs": True}, "Unsupported parameter: 'logprobs' is not supported with this model."),
        ({"response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": {}}}},
         "This response_format type is unavailable now"),
    ],
)  # fmt: skip
async def test_what_would_change_the_meaning_is_asked_elsewhere(tmp_path, asked, words) -> None:
    field = next(iter(asked))

    def says(body: dict[str, Any]) -> Any:
        return {"error": {"message": words, "code": None}} if field in body else None

    body = {"model": "acme/m", "models": ["bolt/m"], "messages": HELLO, **asked}
    async with (
        upstream(refusing(says)) as acme,
        upstream(lambda _: Answer(completion("bolt"))) as bolt,
    ):
        config = config_of(("acme", acme.url, 1.0), ("bolt", bolt.url, 1.0))
        async with running(config, tmp_path) as it:
            elsewhere = await it.http.post("/v1/chat/completions", json=body)
            alone = await it.http.post("/v1/chat/completions", json={**body, "models": []})
            route = await it.http.post("/v1/route", json={**body, "model": "auto", "models": []})
            plain = await it.http.post(
                "/v1/chat/completions", json={"model": "acme/m", "messages": HELLO}
            )
    assert elsewhere.headers["x-windsock-deployment"] == "bolt/m"
    assert field in bolt.seen[0], "it is never dropped"
    assert alone.status_code == 422
    assert list(route.json()["ruled_out"]) == ["acme/m"]
    assert "does not take" in route.json()["ruled_out"]["acme/m"]
    assert plain.status_code == 200, "other requests go there as before"


async def test_a_place_that_complains_without_end_is_left(tmp_path) -> None:
    """Its words never change, whatever is left out: three calls, then another place."""
    asked = {"model": "acme/m", "models": ["bolt/m"], "messages": HELLO, "seed": 1, "user": "u"}
    words = {"error": {"message": "Unrecognized request argument supplied: seed"}}
    async with (
        upstream(lambda _: Answer(words, status=400)) as acme,
        upstream(lambda _: Answer(completion("bolt"))) as bolt,
    ):
        config = config_of(("acme", acme.url, 1.0), ("bolt", bolt.url, 1.0))
        async with running(config, tmp_path) as it:
            answer = await it.http.post("/v1/chat/completions", json=asked)
    assert answer.headers["x-windsock-deployment"] == "bolt/m"
    assert len(acme.seen) == 2
    assert json.loads(answer.text)["choices"][0]["message"]["content"] == "bolt"
    assert "seed" in bolt.seen[0], "one deployment's refusal changes nothing for another"
