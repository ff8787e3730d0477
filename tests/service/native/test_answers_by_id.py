"""Responses by their id: asked where they are kept, by OpenAI's SDK as directly, by nobody else."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import openai
import pytest
from aiohttp import web
from openai import AsyncOpenAI

from tests.running import running
from tests.service.native.test_as_it_comes import RESPONSE, provider, route
from windsock.service.auth import new_key
from windsock.store.keys import VirtualKey, add_key

ITEM = {"id": "msg_1", "type": "message", "role": "user", "status": "completed",
        "content": [{"type": "input_text", "text": "hi"}]}  # fmt: skip


class Account:
    """A provider that keeps its responses, and knows no others."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.kept: dict[str, dict[str, Any]] = {}
        self.asked: list[str] = []
        self.url = ""
        self.status: int | None = None

    async def create(self, request: web.Request) -> web.Response:
        body = await request.json()
        name = f"resp_{self.name}{len(self.kept)}"
        status = "queued" if body.get("background") else "completed"
        made = {**RESPONSE, "id": name, "status": status, "background": status == "queued"}
        if status == "queued":
            made |= {"output": [], "usage": None}
        self.kept[name] = made
        return web.json_response(made)

    async def by_id(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(f"{request.method} {request.raw_path}")
        assert request.headers["authorization"] == "Bearer sk-upstream-secret"
        name, tail = request.match_info["name"], request.match_info.get("tail", "")
        if self.status is not None:
            return web.json_response({"error": {"message": "no credit"}}, status=self.status)
        if name not in self.kept:
            error = {"message": f"Response with id '{name}' not found.", "param": None,
                     "type": "invalid_request_error", "code": None}  # fmt: skip
            return web.json_response({"error": error}, status=404)
        if request.query.get("stream") == "true":
            return await self._streamed(request, name)
        if tail == "input_items":
            listed = {"object": "list", "data": [ITEM], "has_more": False}
            return web.json_response({**listed, "first_id": "msg_1", "last_id": "msg_1"})
        if request.method == "DELETE":
            del self.kept[name]
            return web.json_response({"id": name, "object": "response", "deleted": True})
        if tail == "cancel":
            self.kept[name]["status"] = "cancelled"
        return web.json_response(self.kept[name])

    async def _streamed(self, request: web.Request, name: str) -> web.StreamResponse:
        told = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await told.prepare(request)
        done = {"type": "response.completed", "sequence_number": 9, "response": self.kept[name]}
        await told.write(f"event: {done['type']}\ndata: {json.dumps(done)}\n\n".encode())
        return told


@asynccontextmanager
async def account(name: str) -> AsyncIterator[Account]:
    made, app = Account(name), web.Application()
    app.router.add_post("/v1/responses", made.create)
    app.router.add_route("*", "/v1/responses/{name}", made.by_id)
    app.router.add_route("*", "/v1/responses/{name}/{tail}", made.by_id)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    try:
        yield made
    finally:
        await runner.cleanup()


def config(a: Account, b: Account) -> str:
    text = provider("openai", a.url) + provider("bolt", b.url)
    text = text.replace("[providers.bolt]", '[providers.bolt]\npreset = "openai"')
    return text + route("openai/gpt-5", "bolt/gpt-5")


async def test_openais_sdk_finds_what_it_asked_for_where_it_is_kept(tmp_path) -> None:
    async with account("a") as a, account("b") as b:
        async with running(config(a, b), tmp_path) as it:
            client = AsyncOpenAI(base_url=it.url + "/v1", api_key="k", max_retries=0)
            names = [
                (await client.responses.create(model=model, input="hi")).id
                for model in ("openai/gpt-5", "bolt/gpt-5", "auto")
            ]
            for name in names:
                got = await client.responses.retrieve(name, include=["reasoning.encrypted_content"])
                assert got.output_text == "wet"
                home = a if name.startswith("resp_a") else b
                assert name in home.asked[-1] and "include" in home.asked[-1]
            items = await client.responses.input_items.list(names[0], limit=5, order="asc")
            assert [each.id for each in items.data] == ["msg_1"]
            assert a.asked[-1].startswith("GET /v1/responses/resp_a0/input_items?")
            events = [each async for each in await client.responses.retrieve(names[0], stream=True)]
            assert events[-1].type == "response.completed"
            await client.responses.delete(names[0])
            assert names[0] not in a.kept
            with pytest.raises(openai.NotFoundError, match="not found"):
                await client.responses.retrieve(names[0])
            await client.close()
        async with running(config(a, b), tmp_path) as it:
            got = await it.http.get(f"/api/v1/responses/{names[1]}/")
            assert got.json() == b.kept[names[1]], "also after a restart, under any base path"


async def test_work_in_the_background_is_looked_at_and_cancelled(tmp_path) -> None:
    async with account("a") as a, account("b") as b, running(config(a, b), tmp_path) as it:
        client = AsyncOpenAI(base_url=it.url + "/v1", api_key="k", max_retries=0)
        begun = await client.responses.create(model="auto", input="hi", background=True)
        assert begun.status == "queued"
        assert (await client.responses.retrieve(begun.id)).status == "queued"
        assert (await client.responses.cancel(begun.id)).status == "cancelled"
        await client.close()


async def test_what_is_not_kept_here_is_told_and_asked_of_nobody(tmp_path) -> None:
    async with account("a") as a, account("b") as b, running(config(a, b), tmp_path) as it:
        for name in ("resp_none", "..%2Fmodels", "a b", "x" * 400, "%00"):
            for method, tail in (("GET", ""), ("DELETE", ""), ("GET", "/input_items"),
                                 ("POST", "/cancel")):  # fmt: skip
                got = await it.http.request(method, f"/v1/responses/{name}{tail}")
                assert got.status_code == 404, (name, method)
                assert got.json()["error"]["code"] in ("response_not_found", "unsupported_endpoint")
        assert a.asked == b.asked == []


async def test_a_refused_key_of_ours_is_no_fault_of_the_clients(tmp_path) -> None:
    async with account("a") as a, account("b") as b, running(config(a, b), tmp_path) as it:
        ask = {"model": "openai/gpt-5", "input": "hi"}
        name = (await it.http.post("/v1/responses", json=ask)).json()["id"]
        for status in (401, 402, 403):
            a.status = status
            got = await it.http.get(f"/v1/responses/{name}")
            assert (got.status_code, got.json()["error"]["code"]) == (502, "provider_auth")
        a.url = ""
        await it.http.aclose()


async def test_answers_belong_to_the_namespace_that_asked(tmp_path) -> None:
    closed = '[server]\nkeys = "required"\n'
    async with (
        account("a") as a,
        account("b") as b,
        running(config(a, b) + closed, tmp_path) as it,
    ):
        keys = {}
        for space in ("ours", "theirs"):
            secret, public, digest = new_key()
            key = VirtualKey(id=public, sha256=digest, name=space, namespace=space,
                             scopes=("infer",), created_at=0.0)  # fmt: skip
            add_key(it.service.engine, key)
            keys[space] = {"authorization": f"Bearer {secret}"}
        await it.service.housekeeping.read_keys()
        ask = {"model": "auto", "input": "hi"}
        made = await it.http.post("/v1/responses", json=ask, headers=keys["ours"])
        name = made.json()["id"]
        for space, status in (("ours", 200), ("theirs", 404)):
            got = await it.http.get(f"/v1/responses/{name}", headers=keys[space])
            assert got.status_code == status, space
        assert (await it.http.get(f"/v1/responses/{name}")).status_code == 401
