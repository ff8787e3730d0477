"""What is tried to spend more than a cap leaves."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.attacks.form import SHARED, attack, row
from tests.attacks.world import CHAT, ask
from tests.running import Running, running
from tests.upstream import Answer, completion, stream_of, upstream

pytestmark = SHARED

WORDS = 1000
USED = {"prompt_tokens": 3, "completion_tokens": WORDS, "total_tokens": WORDS + 3}
"""What every answer has: at $2 a million tokens received $0.002, a fifth of each cap here."""

CONFIG = """
[providers.acme]
base_url = "{url}"
api_key = "k"
price = {{ input = 2, output = 2 }}
[deployments."acme/draw"]
price = {{ image = 2000, mode = "image_generation" }}
[routes.auto]
candidates = ["acme/m"]
[routes.other]
candidates = ["acme/other"]
{caps}
"""

ROUTE = '[caps.auto]\nusd = 0.01\nroutes = ["auto"]\n'


def reply(body: dict[str, Any]) -> Answer:
    if body.get("stream"):
        words = ["word "] * WORDS
        return Answer(events=stream_of(words, usage=False, done=False), between_s=0.0005)
    if "prompt" in body:
        return Answer({"created": 1, "data": [{"b64_json": "aGk="}]}, wait_s=0.02)
    return Answer(completion(usage=USED), wait_s=0.02)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def provider() -> AsyncIterator[str]:
    async with upstream(reply, "/images/generations") as there:
        yield there.url


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def spent(provider: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    """A service whose route `auto` has spent its day's dollars."""
    folder = tmp_path_factory.mktemp("spent")
    async with running(CONFIG.format(url=provider, caps=ROUTE), folder) as here:
        while (await here.http.post(CHAT, json=body())).status_code == 200:
            pass
        yield here


def body(**fields: Any) -> dict[str, Any]:
    return ask(max_tokens=WORDS, **fields)


async def spent_usd(here: Running) -> Decimal:
    await here.service.ledger.flushed()
    lines = (await here.http.get("/v1/report?by=route")).json()["data"]
    return sum((Decimal(str(line["cost_usd"] or 0)) for line in lines), Decimal(0))


CONTENT = {"contents": [{"parts": [{"text": "hi"}], "role": "user"}]}
GEMINI = "/v1beta/models/auto:"
REFUSED = "402, `budget_spent`"


@pytest.mark.parametrize(
    ("path", "sent"),
    [
        row("after the cap of a route: its route again", REFUSED, CHAT, body()),
        row("… its deployment by name", REFUSED, CHAT, body(model="acme/m")),
        row("… its model by its bare name", REFUSED, CHAT, body(model="m")),
        row("… a name with a suffix", REFUSED, CHAT, body(model="acme/m:floor")),
        row("… as one of `models`", REFUSED, CHAT, body(model="nobody", models=["m"])),
        row("… a stream", REFUSED, CHAT, body(stream=True)),
        row("… at another base path", REFUSED, "/api/v1/chat/completions", body()),
        row("… in Anthropic's format", REFUSED, "/v1/messages", body(model="acme/m")),
        row("… as a response", REFUSED, "/v1/responses", {"model": "m", "input": "hi"}),
        row("… as a completion", REFUSED, "/v1/completions", {"model": "m", "prompt": "hi"}),
        row("… as Gemini's content", REFUSED, f"{GEMINI}generateContent", CONTENT),
        row("… as Gemini's stream", REFUSED, f"{GEMINI}streamGenerateContent", CONTENT),
        row("… as embeddings", REFUSED, "/v1/embeddings", {"model": "m", "input": "hi"}),
        row("… a decision without the call", REFUSED, "/v1/route", body()),
        row("… with a task of its own", REFUSED, CHAT, body(metadata={"task": "new"})),
        row("… asking for one token only", REFUSED, CHAT, ask(max_tokens=1)),
    ],
)  # fmt: skip
async def test_other_doors(spent: Running, path: str, sent: dict[str, Any]) -> None:
    before = await spent_usd(spent)
    answer = await spent.http.post(path, json=sent)
    assert answer.status_code == 402, answer.text
    assert "auto" in answer.text
    assert await spent_usd(spent) == before
    assert (await spent.http.post(CHAT, json=body(model="other"))).status_code == 200


FIVE = "five are answered at most, the others 402; what is spent passes the cap by one call at most"
ALL = "[caps.all]\nusd = 0.01\n"


@pytest.mark.parametrize(
    ("caps", "path", "sent"),
    [
        row("200 calls at once against a cap for five", FIVE, ALL, CHAT, body()),
        row("… of a model family by the month", FIVE,
            '[caps.m]\nusd = 0.01\nperiod = "month"\nmodels = ["m"]\n', CHAT, body()),
        row("… of a budget of routes", FIVE,
            '[budgets.auto]\nusd_per_day = 0.01\n', CHAT, body()),
        row("… without a bound on the answer", FIVE, ALL, CHAT, ask()),
        row("… each for several answers", FIVE, ALL, CHAT, body(n=2)),
        row("… for pictures", FIVE, ALL, "/v1/images/generations",
            {"model": "draw", "prompt": "a ship"}),
    ],
)  # fmt: skip
async def test_at_once(
    provider: str, tmp_path: Path, caps: str, path: str, sent: dict[str, Any]
) -> None:
    config = CONFIG.format(url=provider, caps=caps)
    if "budgets" in caps:
        config = config.replace('["acme/m"]', '["acme/m"]\nbudget = "auto"')
    async with running(config, tmp_path) as here:
        answers = await asyncio.gather(*(here.http.post(path, json=sent) for _ in range(200)))
        statuses = Counter(answer.status_code for answer in answers)
        assert set(statuses) == {200, 402}
        assert statuses[200] <= 5
        while (await here.http.post(path, json=sent)).status_code == 200:
            pass
        assert Decimal("0.01") <= await spent_usd(here) <= Decimal("0.0121")


@attack("200 streams at once, each left at its first words", "each costs what had come of it, and "
        "the cap holds as it does for whole answers")  # fmt: skip
async def test_streams_left(provider: str, tmp_path: Path) -> None:
    async def left(here: Running) -> int:
        async with here.http.stream("POST", CHAT, json=body(stream=True)) as answer:
            async for _ in answer.aiter_bytes():
                break
            return answer.status_code

    async with running(CONFIG.format(url=provider, caps=ALL), tmp_path) as here:
        statuses = Counter(await asyncio.gather(*(left(here) for _ in range(200))))
        assert set(statuses) == {200, 402}
        async with asyncio.timeout(5):
            while (account := (await here.http.get("/v1/caps")).json()["data"][0])["reserved_usd"]:
                await asyncio.sleep(0.02)
        assert 0 < account["spent_usd"] <= 0.012
        assert float(await spent_usd(here)) == pytest.approx(account["spent_usd"])


@attack("a small prompt with tools of 60 kB", "they are reserved for: one call at a time")
async def test_tools(provider: str, tmp_path: Path) -> None:
    tool = {"type": "function", "function": {"name": "f", "description": "x" * 60_000}}
    async with running(CONFIG.format(url=provider, caps=ALL), tmp_path) as here:
        asked = (here.http.post(CHAT, json=body(tools=[tool])) for _ in range(20))
        statuses = Counter(answer.status_code for answer in await asyncio.gather(*asked))
        assert statuses == {200: 1, 402: 19}


@attack("a restart, so that what was spent is forgotten", "it is read from the ledger: 402")
async def test_restart(provider: str, tmp_path: Path) -> None:
    config = CONFIG.format(url=provider, caps=ALL)
    statuses = []
    for _ in range(3):
        async with running(config, tmp_path) as here:
            statuses += [(await here.http.post(CHAT, json=body())).status_code for _ in range(3)]
    assert statuses == [200] * 5 + [402] * 4


@attack("a raise of a cap by no sensible sum or for no sensible time", "400 with the field")
async def test_raises(spent: Running) -> None:
    for wrong in ({"usd": -1}, {"usd": "1e999"}, {"usd": 1, "lasts": "9999d"}, {"usd": True}):
        answer = await spent.http.post("/v1/caps/auto/raise", json=wrong)
        assert answer.status_code == 400, wrong
        assert answer.json()["error"]["message"]
    assert (await spent.http.post(CHAT, json=body())).status_code == 402
