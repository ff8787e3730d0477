"""Bodies that no call may have: refused with a sentence, before any provider hears of them."""

from typing import Any

import pytest

from tests.attacks.form import SHARED, attack, row
from tests.attacks.world import CHAT, World, ask, error_of

pytestmark = SHARED

DIGITS = b"7" * 100_000
LONG = "s" * 900_000
NAME = "s" * 129


def chat(inner: bytes, field: bytes = b"x") -> bytes:
    """A chat body with this as the value of a field."""
    return b'{"model":"auto","messages":[{"role":"user","content":"hi"}],"%b":%b}' % (field, inner)


RAW: dict[str, bytes] = {
    "JSON 1,000 deep": chat(b"[" * 1000 + b"]" * 1000),
    "JSON 129 deep": chat(b'{"a":' * 128 + b"1" + b"}" * 128),
    "JSON 1,000,000 deep, never closed": chat(b"[" * 1_000_000),
    "5 MB of empty lists": chat(b"[" + b"[]," * 1_700_000 + b"1]"),
    "a list of 2,000,000 numbers": chat(b"[" + b"1," * 2_000_000 + b"1]"),
    "a number of 100,000 digits": chat(DIGITS),
    "100,000 digits after the point": chat(b"0." + DIGITS),
    "an exponent of 100,000 digits": chat(b"1e" + DIGITS),
    "a text of bytes that are no UTF-8": chat(b'"\xff\xfe"'),
    "a surrogate in UTF-8's clothes": chat(b'"\xed\xa0\x80"'),
    "a text cut within a character": chat('"é"'.encode()[:-2] + b'"'),
    "NaN": chat(b"NaN", b"temperature"),
    "Infinity deep within": chat(b'{"a":[-Infinity]}', b"max_price"),
    "a number no double holds": chat(b"1e400", b"temperature"),
    "no JSON": b"model=auto",
    "JSON cut short": chat(b"1")[:-1],
    "two JSON documents": chat(b"1") * 2,
    "a byte order mark": b"\xef\xbb\xbf" + chat(b"1"),
    "a list where an object is meant": b"[1, 2]",
    "null": b"null",
}


@pytest.mark.parametrize("body", [row(name, "400", body) for name, body in RAW.items()])
async def test_no_chat(world: World, body: bytes) -> None:
    asked = len(world.acme.asked) + len(world.bolt.asked)
    for path in (CHAT, "/v1/messages", "/v1/responses", "/v1/route", "/v1/whatif"):
        answer = await world.http.post(path, content=body)
        assert answer.status_code == 400, (path, answer.text[:300])
        assert len(answer.content) < 1000
    assert len(world.acme.asked) + len(world.bolt.asked) == asked
    assert await world.is_well()


FIELDS: dict[str, dict[str, Any]] = {
    "a session's name of 900 kB": {"session_id": LONG},
    "a session's name of 129 characters": {"session_id": NAME},
    "a task's name of 900 kB": {"metadata": {"task": LONG}},
    "a task's name of 129 characters": {"metadata": {"task": NAME}},
    "a task that clears the screen": {"metadata": {"task": "\x1b[2J"}},
    "a model's name of 900 kB": {"model": LONG},
    "10,000 models": {"models": ["m"] * 10_000},
    "a user's name of 900 kB": {"user": LONG},
    "a prompt cache's key of 900 kB": {"prompt_cache_key": LONG},
    "an answer's id of 900 kB": {"previous_response_id": LONG},
    "a provider's name of 900 kB": {"provider": {"only": [LONG]}},
    "100,000 providers": {"provider": {"order": ["acme"] * 100_000}},
    "a service tier of 900 kB": {"service_tier": LONG},
    "n = 0": {"n": 0},
    "n = 10^9": {"n": 10**9},
    "max_tokens = -5": {"max_tokens": -5},
    "max_tokens = 10^30": {"max_tokens": 10**30},
    "max_tokens as a text": {"max_tokens": "9"},
    "temperature = -1": {"temperature": -1},
    "sort = 5": {"provider": {"sort": 5}},
    "an unknown sort": {"provider": {"sort": "cheapest"}},
    "max_price as a list": {"provider": {"max_price": [1]}},
    "max_price as a text": {"provider": {"max_price": "1"}},
    "max_price below 0": {"provider": {"max_price": {"prompt": -1}}},
    "max_price as the text NaN": {"provider": {"max_price": {"prompt": "NaN"}}},
    "max_price of 10^999": {"provider": {"max_price": {"prompt": "1e999999999"}}},
    "an unknown wish": {"provider": {"onyl": ["acme"]}},
    "messages as a text": {"messages": "hi"},
    "messages that are numbers": {"messages": [5]},
    "metadata as a list": {"metadata": ["task"]},
    "stream as a text": {"stream": "yes"},
    "stream_options as a list": {"stream": True, "stream_options": [1]},
}


@pytest.mark.parametrize("fields", [row(name, "400", body) for name, body in FIELDS.items()])
async def test_no_field(world: World, fields: dict[str, Any]) -> None:
    answer = await world.http.post(CHAT, json=ask(**fields))
    assert answer.status_code == 400
    assert len(answer.content) < 1000
    assert await world.is_well()


HEADERS = {
    "a deadline of nan": {"x-windsock-timeout": "nan"},
    "a deadline of inf": {"x-windsock-timeout": "inf"},
    "a deadline of 10^308 s": {"x-windsock-timeout": "1e308"},
    "a deadline below 0": {"x-windsock-timeout": "-1"},
    "a deadline in words": {"x-windsock-timeout": "soon"},
    "a task of 20 kB in a header": {"x-windsock-task": "s" * 20_000},
    "a session of 20 kB in a header": {"x-session-id": "s" * 20_000},
    "an unknown wish of the cache": {"x-windsock-cache": "x"},
}


@pytest.mark.parametrize("headers", [row(name, "400", each) for name, each in HEADERS.items()])
async def test_no_header(world: World, headers: dict[str, str]) -> None:
    answer = await world.http.post(CHAT, json=ask(), headers=headers)
    assert answer.status_code == 400
    assert error_of(answer)["param"] in headers
    assert await world.is_well()


NOT_TOLD: dict[str, list[Any]] = {
    "a turn that is a number": [5],
    "a turn without a role": [{"content": "hi"}],
    "a turn whose content is an object": [{"role": "user", "content": {"a": 1}}],
    "parts that are numbers": [{"role": "user", "content": [1, None, []]}],
    "an image without an address": [{"role": "user", "content": [{"type": "image_url"}]}],
    "calls that are a text": [{"role": "assistant", "content": "", "tool_calls": "look"}],
    "a call without a function": [{"role": "assistant", "tool_calls": [{"function": 3}]}],
    "a result of no call": [{"role": "tool", "content": [{"text": 5}], "tool_call_id": {}}],
}


@pytest.mark.parametrize(
    "turns", [row(f"{name}, told in other formats", "4xx", each) for name, each in NOT_TOLD.items()]
)
async def test_what_no_other_format_can_tell(world: World, turns: list[Any]) -> None:
    """To Anthropic, Gemini and Bedrock, plain and streamed: never our own error, nor theirs."""
    for model in ("anthropic", "google-native", "bedrock"):
        for stream in (False, True):
            body = ask(model=model, messages=turns, stream=stream)
            answer = await world.http.post(CHAT, json=body)
            assert answer.status_code in (200, 400), (model, answer.text)
    assert await world.is_well()


@attack("embeddings of a provider that has none", "422")
async def test_a_call_that_is_not_offered(world: World) -> None:
    asked = {"model": "anthropic", "input": "hi"}
    answer = await world.http.post("/v1/embeddings", json=asked)
    assert answer.status_code == 422
    assert "offers no embedding" in error_of(answer)["message"]
    assert await world.is_well()
