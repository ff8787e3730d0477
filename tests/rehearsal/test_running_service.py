"""A rehearsal of a service that runs elsewhere, which tells what it knows, never a key."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest

from tests.running import Running, running
from tests.upstream import Answer, completion, upstream
from windsock.cli.foresight.rehearse import rehearse_log
from windsock.cli.service_client import ServiceClient
from windsock.errors import ConfigError, WindsockError
from windsock.rehearsal.rehearse import AS_IS, CHANGED, Rehearsal

ADMIN = "an-admin-token-of-the-test"
SECRETS = ("sk-upstream-secret", ADMIN, "x-private", "127.0.0.1:1", "hook.example")


def config_of(url: str) -> str:
    return f"""
[server]
admin_token = "{ADMIN}"
keys = "required"
[[webhooks]]
url = "https://hook.example/x"
secret = "hook-secret-long"
[providers.acme]
base_url = "{url}"
api_key = "sk-upstream-secret"
headers = {{ "x-private" = "y" }}
price = {{ input = 1, output = 4 }}
[providers.bolt]
base_url = "{url}"
price = {{ input = 3, output = 12 }}
[routes.auto]
candidates = ["acme/m", "bolt/m"]
objective = "value"
usd_per_success = 0.02
[learning]
seed = 1
[routes.other]
candidates = ["bolt/m"]
"""


async def ask(it: Running, count: int, model: str = "auto") -> None:
    for number in range(count):
        body = {"model": model, "metadata": {"task": "sql"},
                "messages": [{"role": "user", "content": f"question {number}"}]}  # fmt: skip
        headers = {"authorization": f"Bearer {ADMIN}"}
        answer = await it.http.post("/v1/chat/completions", json=body, headers=headers)
        answer.raise_for_status()
        said = {"decision_id": answer.headers["x-windsock-decision-id"], "value": True}
        (await it.http.post("/v1/feedback", json=said, headers=headers)).raise_for_status()
    await it.service.ledger.flushed()


def known(it: Running) -> bytes:
    """All that it believes."""
    router = it.service.router
    return orjson.dumps([router.to_state(), router.book.to_state()])


def rehearsed(it: Running, key: str | None = ADMIN, **facts: Any) -> Rehearsal:
    asked = {"lasts": "10s", "seeds": 2, "at_once": 1, **facts}
    return rehearse_log(None, {}, service=ServiceClient(it.url, key), **asked)


async def test_a_running_service_is_rehearsed_by_its_address(tmp_path) -> None:
    async with upstream(lambda _: Answer(completion())) as model:
        async with running(config_of(model.url), tmp_path) as it:
            await ask(it, 60)
            await ask(it, 5, "other")
            headers = {"authorization": f"Bearer {ADMIN}"}
            before = known(it)
            raw = await it.http.get("/v1/rehearsal", headers=headers)
            found = await asyncio.to_thread(rehearsed, it, prices=["acme/m=x2000"], retired=[])
            shut = await asyncio.to_thread(rehearsed, it, retired=["acme/m"])
            assert known(it) == before
            refused = []
            for facts in ({"key": None}, {"key": "sk-ws-nobody"}, {"route": "autobahn"},
                          {"since": "yesterday"}, {"route": "other"}):  # fmt: skip
                with pytest.raises(WindsockError) as raised:
                    await asyncio.to_thread(rehearsed, it, **facts)
                refused.append(str(raised.value))
    shares = {each.name: each.shares for each in found.runs}
    assert shares[AS_IS]["acme/m"].as_believed > 0.2 > shares[CHANGED]["acme/m"].as_believed
    assert {each.name: each.shares for each in shut.runs}[CHANGED]["bolt/m"].as_believed == 1.0
    assert len(raw.json()["outcomes"]) == len(raw.json()["feedback"]) == 60
    assert not [word for word in SECRETS if word in raw.text.replace("127.0.0.1:9", "")]
    told = (
        "--key",
        "not known",
        "no route, deployment or model is named",
        "no point in time",
        "needs 50",
    )
    assert all(word in said for word, said in zip(told, refused, strict=True)), refused


async def test_it_hands_out_the_newest_requests_and_never_more_than_asked_for(tmp_path) -> None:
    async with upstream(lambda _: Answer(completion())) as model:
        async with running(config_of(model.url), tmp_path) as it:
            await ask(it, 12)
            headers = {"authorization": f"Bearer {ADMIN}"}
            whole = (await it.http.get("/v1/rehearsal", headers=headers)).json()
            last = (await it.http.get("/v1/rehearsal?limit=5", headers=headers)).json()
            much = await it.http.get("/v1/rehearsal?limit=1000000", headers=headers)
            lost = await it.http.get("/v1/rehearsal?route=autobahn", headers=headers)
    assert last["outcomes"] == whole["outcomes"][-5:]
    assert much.status_code == 400 and "limit" in much.json()["error"]["message"]
    assert lost.status_code == 404 and "'autobahn'" in lost.json()["error"]["message"]


def test_without_a_service_or_a_store_it_says_what_to_name() -> None:
    with pytest.raises(ConfigError, match="--url"):
        rehearse_log(None, {})
