"""A service with a judge on loopback, and what the judge sees and says."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from tests.running import Running, running
from tests.upstream import Answer, Upstream, completion, upstream

ASK = {"model": "auto", "messages": [{"role": "user", "content": "What is 6 x 7?"}]}

Say = Callable[[dict[str, Any]], Answer]
"""What the judge saw -> how its provider answers."""

_decoder = json.JSONDecoder()


def seen_in(body: dict[str, Any]) -> dict[str, Any]:
    """The material in what a judge is asked."""
    found, _ = _decoder.raw_decode(body["messages"][-1]["content"])
    return dict(found)


def verdict(**said: Any) -> Answer:
    return Answer(body=completion(json.dumps(said)))


def says(text: str) -> Say:
    return lambda _: Answer(body=completion(text))


@dataclass
class Bench:
    it: Running
    served: Upstream
    judge: Upstream

    async def ask(self, times: int = 1, *, key: str | None = None, **facts: Any) -> list[str]:
        """Ids of the decisions."""
        ids = []
        headers = {"x-windsock-private": "true"} if facts.pop("private", False) else {}
        for _ in range(times):
            reply = await self.it.http.post(
                "/v1/chat/completions", json={**ASK, **facts}, headers=headers
            )
            assert reply.status_code == 200, reply.text
            ids.append(reply.headers["x-windsock-decision-id"])
        return ids

    async def settled(self, done: Callable[[], bool], seconds: float = 10.0) -> None:
        """Waits until what is done beside has come so far."""
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        while not done() and loop.time() < until:
            await asyncio.sleep(0.01)
        assert done()

    async def evidence(self, route: str = "auto") -> list[dict[str, Any]]:
        return list((await self.it.http.get(f"/v1/evidence?route={route}")).json()["data"])

    async def judged(self) -> dict[str, Any]:
        """What /v1/evidence tells of the judge."""
        return dict((await self.it.http.get("/v1/evidence")).json()["judges"][0])

    async def costs(self) -> dict[str, float | None]:
        """Dollars by task."""
        await self.it.service.ledger.flushed()
        lines = (await self.it.http.get("/v1/report?by=task")).json()["data"]
        return {line["task"]: line["cost_usd"] for line in lines}

    @property
    def desk(self) -> Any:
        return self.it.service.judges.desks["default", "auto"]


def config_of(
    served: str, judge: str, stated: str, *, usd: float | None = 1.0, model: str = "j"
) -> str:
    """A route over two models, with a judge of another make; usd: its price, None: unknown."""
    price = "" if usd is None else f"price = {{ input = {usd}, output = {usd} }}"
    return f"""
[providers.a]
base_url = "{served}"
api_key = "sk-upstream-a"
price = {{ input = 10, output = 10 }}
[providers.b]
base_url = "{judge}"
api_key = "sk-upstream-b"
{price}
[routes.auto]
candidates = ["a/alpha", "a/beta"]
[routes.auto.judge]
model = "b/{model}"
{stated}
"""


@asynccontextmanager
async def bench(
    tmp_path: Any,
    say: Say,
    stated: str = "usd_per_day = 100",
    *,
    answers: Say = lambda _: Answer(body=completion("The answer is 42.")),
    more: str = "",
    **facts: Any,
) -> AsyncIterator[Bench]:
    async with upstream(answers) as served, upstream(say) as judge:
        config = config_of(served.url, judge.url, stated, **facts) + more
        async with running(config, tmp_path) as it:
            yield Bench(it, served, judge)
