"""What a holder of a key tries beyond what the key may."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import httpx
import pytest
import pytest_asyncio

from tests.attacks.form import SHARED, attack, row
from tests.attacks.world import CHAT, World, ask, error_of
from windsock.cli.keys.key_book import KeyBook, MadeKey
from windsock.clock import SystemClock
from windsock.config.file import load_store
from windsock.service.auth import new_key
from windsock.store.engine import open_engine
from windsock.store.keys import add_key

pytestmark = SHARED
Keys = dict[str, dict[str, str]]
MESSAGE = ask(max_tokens=9)


def book(world: World) -> KeyBook:
    return KeyBook(load_store(world.folder / "windsock.toml", {}), SystemClock())


async def noticed(world: World, made: MadeKey) -> dict[str, str]:
    """Headers with a key, once the service knows it."""
    headers = {"authorization": f"Bearer {made.secret}"}
    async with asyncio.timeout(10):
        while (await world.http.get("/v1/models", headers=headers)).status_code == 401:
            await asyncio.sleep(0.1)
    return headers


async def asked(
    world: World, headers: dict[str, str], body: dict[str, Any], path: str = CHAT
) -> httpx.Response:
    return await world.http.post(path, json=body, headers=headers)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def keys(world: World) -> Keys:
    """Headers with the keys of the rows below, made at once: the service looks every 2 s."""
    made = {
        "ten requests": {"rpm": 10},
        "few tokens": {"tpm": 5000},
        "fewer tokens": {"tpm": 50},
        "auto only": {"models": ["auto"]},
        "foreign": {"namespace": "foreign", "scopes": ["admin"]},
        "plain": {},
    }
    found = {name: book(world).create("k", **facts) for name, facts in made.items()}
    found["rotated"] = book(world).create("k", rpm=2)
    found["in its place"] = book(world).rotate(found["rotated"].key.id, "1h")
    found["odd"] = odd(world, found["plain"])
    return {name: await noticed(world, key) for name, key in found.items()}


def odd(world: World, like: MadeKey) -> MadeKey:
    """A key of scopes that are none, written past the command."""
    secret, public, digest = new_key()
    scopes = ("root", "*", "admin,infer")
    key = replace(like.key, id=public, sha256=digest, scopes=scopes)
    engine = open_engine(f"sqlite:///{world.folder}/windsock.db")
    add_key(engine, key)
    engine.dispose()
    return MadeKey(secret, key)


@attack("fifty requests at once with a key of ten a minute", "ten are served, 429 says when again")
async def test_a_minute_of_requests(world: World, keys: Keys) -> None:
    headers = keys["ten requests"]
    answers = await asyncio.gather(*(asked(world, headers, ask()) for _ in range(50)))
    served = [each.status_code for each in answers].count(200)
    refused = [each for each in answers if each.status_code == 429]
    assert (served, len(refused)) == (10, 40)
    assert all(0 < int(each.headers["retry-after"]) <= 61 for each in refused)
    assert error_of(refused[0])["code"] == "rate_limit_exceeded"


@attack("a key rotated to double its minute", "both share one minute")
async def test_a_minute_of_two_keys(world: World, keys: Keys) -> None:
    both = [keys["rotated"], keys["in its place"]]
    statuses = [(await asked(world, headers, ask())).status_code for headers in both * 2]
    assert statuses == [200, 200, 429, 429]


@attack("max_tokens of 2^31 - 1 with a key of few tokens", "one at a time, what is left given back")
async def test_a_minute_of_tokens_at_once(world: World, keys: Keys) -> None:
    headers = keys["few tokens"]
    huge = ask(max_tokens=2**31 - 1)
    answers = await asyncio.gather(*(asked(world, headers, huge) for _ in range(5)))
    statuses = sorted(each.status_code for each in answers)
    assert set(statuses) == {200, 429}
    assert (await asked(world, headers, ask(max_tokens=100))).status_code == 200


@attack("a prompt longer than a minute's tokens", "429, and never to be tried again")
async def test_a_prompt_beyond_a_minute(world: World, keys: Keys) -> None:
    long = ask(messages=[{"role": "user", "content": "a " * 500}])
    answer = await asked(world, keys["fewer tokens"], long)
    assert (answer.status_code, answer.headers["x-should-retry"]) == (429, "false")


NAMES = (
    row("a model that the key does not list", "403", CHAT, ask(model="lone")),
    row("the same behind one that it lists", "403", CHAT, ask(model="auto", models=["lone"])),
    row("a deployment of a route that it lists", "403", CHAT, ask(model="bolt/m")),
    row("the bare model of both", "403", CHAT, ask(model="m")),
    row("the same with a suffix", "403", CHAT, ask(model="lone:floor")),
    row("the same by the path of Azure", "403", "/openai/deployments/lone/chat/completions",
        {"messages": ask()["messages"]}),
    row("the same in Anthropic's format", "403 permission_error", "/v1/messages",
        {**MESSAGE, "model": "lone"}),
    row("the same as a response", "403", "/v1/responses", {"model": "lone", "input": "hi"}),
    row("the decision alone", "403", "/v1/route", ask(model="lone")),
    row("a name that nobody has", "403, no word on what there is", CHAT, ask(model="no-such")),
)  # fmt: skip


@pytest.mark.parametrize(("path", "body"), NAMES)
async def test_a_name_that_is_not_listed(
    world: World, keys: Keys, path: str, body: dict[str, Any]
) -> None:
    headers = keys["auto only"]
    assert (await asked(world, headers, ask())).status_code == 200
    refused = await asked(world, headers, body, path)
    assert refused.status_code == 403
    message = refused.json()["error"]["message"]
    assert "auto" in message
    assert "bolt" not in message.replace(str(body.get("model")), "")


@attack("a key after its end", "401")
async def test_a_key_that_is_over(world: World) -> None:
    made = book(world).create("k", expires="3s")
    headers = await noticed(world, made)
    async with asyncio.timeout(10):
        while (answer := await asked(world, headers, ask())).status_code == 200:
            await asyncio.sleep(0.2)
    assert (answer.status_code, "expired" in answer.text) == (401, True)


@attack("a secret that was guessed to a known id", "401")
async def test_a_wrong_secret(world: World, keys: Keys) -> None:
    secret = keys["plain"]["authorization"]
    headers = {"authorization": secret[:-1] + ("a" if secret[-1] != "a" else "b")}
    assert (await asked(world, headers, ask())).status_code == 401


@attack("a scope that is none, written into the store", "it opens nothing")
async def test_an_invented_scope(world: World, keys: Keys) -> None:
    headers = keys["odd"]
    assert (await asked(world, headers, ask())).status_code == 403
    assert (await world.http.get("/v1/prices", headers=headers)).status_code == 403


OTHERS = (
    row("another namespace's decision is read", "404", "GET", "/v1/decisions/DECISION", None),
    row("it is judged", "404", "POST", "/v1/feedback", {"decision_id": "DECISION", "value": 0}),
    row("another namespace's lesson is taken back", "404", "DELETE", "/v1/learn/LESSON", None),
    row("a lesson is taken back that is none", "404", "DELETE", "/v1/learn/999999", None),
)


@pytest.mark.parametrize(("method", "path", "body"), OTHERS)
async def test_another_namespace(
    world: World, keys: Keys, method: str, path: str, body: dict[str, str] | None
) -> None:
    served = await world.http.post(CHAT, json=ask())
    result = {"task": "t", "deployment": "acme/m", "success": 1, "count": 9}
    lesson = await world.http.post("/v1/learn", json={"route": "auto", "results": [result]})
    names = {
        "DECISION": served.headers["x-windsock-decision-id"],
        "LESSON": str(lesson.json()["lesson"]),
    }
    for name, value in names.items():
        path = path.replace(name, value)
        body = body and {field: value if said == name else said for field, said in body.items()}
    answer = await world.http.request(method, path, json=body, headers=keys["foreign"])
    assert answer.status_code == 404
    undone = await world.http.delete(f"/v1/learn/{names['LESSON']}")
    assert undone.status_code == 200
