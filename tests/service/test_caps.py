"""Money caps hold: however many ask at once, by whichever door, over a restart, in any period."""

import asyncio
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.running import Running, running
from tests.upstream import Answer, completion, upstream

pytestmark = pytest.mark.anyio

MESSAGES = [{"role": "user", "content": "hello"}]
USED = {"prompt_tokens": 3, "completion_tokens": 1000, "total_tokens": 1003}
"""What an answer here has: at $2 a million tokens received, $0.002."""


def reply(body: dict[str, Any]) -> Answer:
    return Answer(body=completion(usage=USED), wait_s=0.02)


def config(url: str, caps: str, *, more: str = "") -> str:
    return f"""
[providers.a]
base_url = "{url}"
api_key = "sk-upstream-a"
price = {{ input = 0, output = 2 }}
[providers.b]
base_url = "{url}"
api_key = "sk-upstream-b"
price = {{ input = 0, output = 2 }}
[routes.auto]
candidates = ["a/m", "b/m"]
{more}
{caps}
"""


async def ask(here: Running, model: str = "auto", **facts: Any) -> httpx.Response:
    headers = {"authorization": f"Bearer {facts.pop('key')}"} if "key" in facts else {}
    path = facts.pop("path", "/v1/chat/completions")
    body = {"model": model, "messages": MESSAGES, "max_tokens": 1000, **facts}
    return await here.http.post(path, json=body, headers=headers)


async def spent_usd(here: Running) -> Decimal:
    await here.service.ledger.flushed()
    lines = (await here.http.get("/v1/report?by=route")).json()["data"]
    return sum((Decimal(str(line["cost_usd"] or 0)) for line in lines), Decimal(0))


@pytest.mark.parametrize(
    "limit",
    [
        "[caps.all]\nusd = 0.01",
        '[caps.r]\nusd = 0.01\nroutes = ["auto"]',
        '[caps.p]\nusd = 0.01\nproviders = ["a", "b"]',
        '[caps.f]\nusd = 0.01\nperiod = "month"\ntimezone = "Europe/Berlin"\nmodels = ["m"]',
        "[budgets.day]\nusd_per_day = 0.01",
    ],
)
async def test_two_hundred_at_once_pass_no_cap_by_more_than_one_call(
    limit: str, tmp_path: Path
) -> None:
    more = 'budget = "day"' if "budgets" in limit else ""
    async with (
        upstream(reply) as there,
        running(config(there.url, limit, more=more), tmp_path) as here,
    ):
        answers = await asyncio.gather(*(ask(here) for _ in range(200)))
        statuses = Counter(answer.status_code for answer in answers)
        assert set(statuses) == {200, 402}
        assert 4 <= statuses[200] <= 5
        assert await spent_usd(here) <= Decimal("0.012")
        while (await ask(here)).status_code == 200:
            pass
        assert await spent_usd(here) == Decimal("0.01")
        for door in ("a/m", "b/m", "m", "auto"):
            assert (await ask(here, door)).status_code == 402, door
            assert (await ask(here, door, path="/v1/messages")).status_code == 402, door
            assert (await ask(here, door, stream=True)).status_code == 402, door
            asked = await here.http.post("/v1/responses", json={"model": door, "input": "hi"})
            assert asked.status_code == 402, door
            asked = await here.http.post("/v1/completions", json={"model": door, "prompt": "hi"})
            assert asked.status_code == 402, door
            asked = await here.http.post("/v1/embeddings", json={"model": door, "input": "hi"})
            assert asked.status_code == 402, door
            assert (await ask(here, door, path="/v1/route")).status_code == 402, door
        other = await ask(here, "nobody", models=["auto"])
        assert other.status_code == 402
        assert len(there.seen) == 5
