"""One service in a process of its own before one provider, which all rows share."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.chaos.provider import Call, Fault, Provider, provider
from tests.process import Process, free_port
from tests.providers.fake import fake
from windsock.service.auth import new_key
from windsock.store.engine import open_engine
from windsock.store.keys import VirtualKey, add_key
from windsock.store.migrations import upgrade_engine

CHAT = "/v1/chat/completions"
CONFIG = """
[store]
url = "sqlite:///{folder}/windsock.db"
[providers.acme]
base_url = "{acme}"
api_key = "sk-upstream-acme-secret"
price = {{ input = 1, output = 4 }}
[providers.bolt]
base_url = "{bolt}"
api_key = "sk-upstream-bolt-secret"
price = {{ input = 2, output = 8 }}
[routes.auto]
candidates = ["acme/m", "bolt/m"]
[routes.lone]
candidates = ["acme/m"]
{others}
[feeds]
enabled = []
"""

SPOKEN = ("anthropic", "google-native", "bedrock")
"""Providers whose formats are others, each with a route of its name."""

OTHER = """
[providers.{name}]
base_url = "{url}"
api_key = "k"
price = {{ input = 1, output = 4 }}
[routes.{name}]
candidates = ["{name}/m"]
"""


def ask(**fields: Any) -> dict[str, Any]:
    """A chat body."""
    return {"model": "auto", "messages": [{"role": "user", "content": "hi"}], **fields}


@dataclass
class World:
    """What runs, and the keys it knows. Its providers are as strict as any: see `strict`.

    folder          of its configuration and its store
    admin, infer    headers that carry a key of that scope
    http            a client with the admin's
    """

    folder: Path
    process: Process
    acme: Provider
    bolt: Provider
    admin: dict[str, str]
    infer: dict[str, str]
    http: httpx.AsyncClient

    async def raw(self, sent: bytes, *, seconds: float = 5.0) -> bytes:
        """All that is answered to these bytes until the service closes, or is quiet for `seconds`.

        ADMIN in them stands for the header with the admin's key.
        """
        host, _, port = self.process.url.removeprefix("http://").partition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        key = f"authorization: {self.admin['authorization']}".encode()
        heard = bytearray()
        try:
            writer.write(sent.replace(b"ADMIN", key))
            while part := await asyncio.wait_for(reader.read(65_536), seconds):
                heard += part
        except (TimeoutError, ConnectionError):
            pass
        finally:
            writer.close()
        return bytes(heard)

    async def is_well(self) -> bool:
        """An honest request is served, by the best deployment, with nothing against anybody."""
        answer = await self.http.post(CHAT, json=ask(), headers=self.infer)
        shown = (await self.http.get("/v1/deployments")).json()["data"]
        return answer.status_code == 200 and all(
            (each["state"], each["failures"]) == ("closed", 0) for each in shown
        )

    def log_size(self) -> int:
        """Bytes of its log so far."""
        return Path(self.process.log.name).stat().st_size

    def log_since(self, size: int) -> str:
        """What it logged since it had this size."""
        return Path(self.process.log.name).read_bytes()[size:].decode()

    def faulty(self, fault: Fault | None) -> None:
        """What both providers of `auto` do from now on; None: answer right."""
        self.acme.fault = self.bolt.fault = fault or strict


async def strict(call: Call) -> None:
    """Answers right what a provider takes, and refuses the rest as one does."""
    asked = call.ask
    if "input" in asked and "messages" not in asked:
        vector = {"object": "embedding", "index": 0, "embedding": [0.1, 0.2]}
        used = {"prompt_tokens": 2, "total_tokens": 2}
        await call.answer(json.dumps({"data": [vector], "model": "m", "usage": used}).encode())
    elif any(not isinstance(each, dict) or not isinstance(each.get("content"), str | list | None)
             for each in asked.get("messages") or [0]):  # fmt: skip
        error = {"message": "messages: invalid", "type": "invalid_request_error", "param": None}
        await call.answer(json.dumps({"error": error}).encode(), status=400)
    else:
        asked["messages"][-1].setdefault("content", None)
        await call.provider.right(call)


@asynccontextmanager
async def world_in(folder: Path, more: str = "") -> AsyncIterator[World]:
    """Serve in this folder until the block ends; `more` is added to the configuration."""
    async with provider(strict) as acme, provider(strict) as bolt, fake(is_patient=True) as others:
        spoken = "".join(OTHER.format(name=name, url=others.base_url(name)) for name in SPOKEN)
        text = CONFIG.format(folder=folder, acme=acme.url, bolt=bolt.url, others=spoken)
        (folder / "windsock.toml").write_text(text + more)
        keys = _keys_in(folder, "admin", "infer")
        process = Process(folder / "windsock.toml", free_port())
        try:
            await process.ready()
            async with httpx.AsyncClient(
                base_url=process.url, headers=keys[0], timeout=20, trust_env=False
            ) as http:
                yield World(folder, process, acme, bolt, *keys, http)
        finally:
            await asyncio.to_thread(process.kill)


def _keys_in(folder: Path, *scopes: str) -> list[dict[str, str]]:
    engine = open_engine(f"sqlite:///{folder}/windsock.db")
    upgrade_engine(engine)
    made = []
    for scope in scopes:
        secret, public, digest = new_key()
        key = VirtualKey(
            id=public, name=scope, sha256=digest, namespace="default", scopes=(scope,),
            created_at=1.0,
        )  # fmt: skip
        add_key(engine, key)
        made.append({"authorization": f"Bearer {secret}"})
    engine.dispose()
    return made


def statuses(heard: bytes) -> list[int]:
    """Of every answer in what was heard."""
    return [
        int(line[9:12])
        for line in heard.split(b"\r\n")
        if line.startswith((b"HTTP/1.1 ", b"HTTP/1.0 "))
    ]


def error_of(answer: httpx.Response) -> dict[str, Any]:
    """The error of an answer in OpenAI's shape: four fields, a sentence among them."""
    error = json.loads(answer.content)["error"]
    assert error.keys() == {"message", "type", "param", "code"}
    assert error["message"]
    return dict(error)
