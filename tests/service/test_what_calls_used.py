"""What providers say of a call's use and cost, through the whole service: believed, or told of."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.running import Running, config_of, running
from tests.upstream import Answer, chunk, completion, event, stream_of, upstream
from tests.usage_rows import ROWS, placed, prices_of
from windsock.core.model.ticks import Quote
from windsock.core.model.units import Meter

ASK = {"messages": [{"role": "user", "content": "hi"}]}
MODES = pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
PRICES = {"input": 1, "output": 4}


def name_of(row: dict[str, Any]) -> str:
    return f"{row.get('provider', 'acme')}/{row['id']}"


def told(row: dict[str, Any], *, stream: bool) -> Answer:
    """The answer to a call, whose usage a stream gives with its finish or, as OpenAI, after it."""
    model = {"model": row["id"]}
    if not stream:
        return Answer(placed(row, completion(**model), row["usage"]))
    events = stream_of(["hel", "lo"], usage=False, done=False)[:-1]
    events += [event({**chunk({}, **model), "usage": usage}) for usage in row.get("before", [])]
    is_with_finish = row.get("place", "usage") != "usage"
    last = chunk({}, "stop" if is_with_finish else None, **model)
    if not is_with_finish:
        events.append(event(chunk({}, "stop", **model)))
        last["choices"] = []
    events.append(event(placed(row, last, row["usage"])))
    named = [each.replace(b"served-model", row["id"].encode()) for each in events]
    return Answer(events=[*named, b"data: [DONE]\n\n"])


def quote(row: dict[str, Any], now: float) -> Quote:
    return Quote(
        deployment=name_of(row), feed="config", feed_model=row["id"],
        usd_per_mtok=prices_of(row["usd_per_mtok"]),
        service_tiers={name: prices_of(usd) for name, usd in row.get("tiers", {}).items()},
        seen_at=now, trust=1.0,
    )  # fmt: skip


@asynccontextmanager
async def serving(
    tmp_path: Path, rows: list[dict[str, Any]], limits: str = ""
) -> AsyncIterator[Running]:
    by_id = {row["id"]: row for row in rows}

    def reply(asked: dict[str, Any]) -> Answer:
        return told(by_id[asked["model"]], stream=bool(asked.get("stream")))

    async with upstream(reply) as server:
        providers = sorted({name_of(row).partition("/")[0] for row in rows})
        text = "".join(
            f'[providers.{name}]\nbase_url = "{server.url}"\napi_key = "k"\n' for name in providers
        )
        names = json.dumps([name_of(row) for row in rows])
        text += f"[routes.auto]\ncandidates = {names}\n"
        async with running(text + limits, tmp_path) as it:
            now = it.service.clock.now()
            for row in rows:
                it.service.ingestion.on_quote(quote(row, now), now)
            yield it


async def asked(it: Running, row: dict[str, Any], *, stream: bool) -> dict[str, Any]:
    """The ledger's record of one call."""
    body = {**ASK, "model": name_of(row), "stream": stream}
    answer = await it.http.post("/v1/chat/completions", json=body)
    assert answer.status_code == 200, answer.text
    await it.service.ledger.flushed()
    kept = await it.http.get(f"/v1/decisions/{answer.headers['x-windsock-decision-id']}")
    return kept.json()


@MODES
async def test_every_row_costs_what_it_cost_to_the_cent(tmp_path, stream: bool) -> None:
    rows = [
        row for row in ROWS if row["cost_usd"] is not None and (stream or not row.get("before"))
    ]
    assert len(rows) > 40
    wrong = {}
    async with serving(tmp_path, rows) as it:
        for row in rows:
            kept = await asked(it, row, stream=stream)
            if kept["cost_usd"] != pytest.approx(row["cost_usd"], rel=1e-9, abs=1e-12):
                wrong[row["id"]] = (kept["cost_usd"], row["cost_usd"])
        shown = (await it.http.get("/v1/deployments")).json()["data"]
    assert not wrong
    assert not [view["deployment"] for view in shown if view["usage_doubted"]]


def row_of(usage: dict[str, Any], **facts: Any) -> dict[str, Any]:
    return {"id": "m", "usage": usage, "usd_per_mtok": PRICES, **facts}


def plain(prompt: Any, answer: Any, **facts: Any) -> dict[str, Any]:
    total = prompt + answer if isinstance(prompt, int) and isinstance(answer, int) else None
    return {"prompt_tokens": prompt, "completion_tokens": answer, "total_tokens": total, **facts}


IMPOSSIBLE = {
    "answer": plain(100, 10**12),
    "answer-above-what-came": plain(100, 60_000),
    "answer-of-nothing": plain(100, 0),
    "prompt": plain(10**9, 30),
    "cached": plain(100, 30, prompt_tokens_details={"cached_tokens": 10**9}),
    "reasoning": {
        **plain(100, 30), "total_tokens": 130 + 10**7,
        "completion_tokens_details": {"reasoning_tokens": 10**7},
    },
    "total": {**plain(100, 30), "total_tokens": 10**12},
    "text": plain("one hundred", "thirty"),
    "negative": plain(100, -35),
    "searches": plain(100, 30, server_tool_use={"web_search_requests": 10**9}),
}  # fmt: skip


@MODES
@pytest.mark.parametrize("kind", IMPOSSIBLE)
async def test_what_cannot_be_is_counted_here_and_told_of(tmp_path, kind: str, stream: bool):
    row = row_of(IMPOSSIBLE[kind])
    async with serving(tmp_path, [row]) as it:
        kept = await asked(it, row, stream=stream)
        assert 0 < kept["cost_usd"] < 0.001
        assert kept["attempts"][0]["is_usage_estimated"]
        (view,) = (await it.http.get("/v1/deployments")).json()["data"]
        told_of = await it.http.get("/metrics")
    assert view["usage_doubted"] == 1
    assert view["usage_doubt"]
    assert 'event="usage.doubted"' in told_of.text


async def test_an_answer_above_the_models_limit_is_not_believed(tmp_path) -> None:
    limits = '[deployments."acme/m".capabilities]\nmax_output_tokens = 4096\n'
    fits, exceeds = row_of(plain(100, 4096)), row_of(plain(100, 5000))
    async with serving(tmp_path, [fits], limits) as it:
        kept = await asked(it, fits, stream=True)
        assert kept["cost_usd"] == pytest.approx((100 + 4 * 4096) / 1e6)
    async with serving(tmp_path / "", [exceeds], limits) as it:
        kept = await asked(it, exceeds, stream=True)
        assert kept["cost_usd"] < 0.0005, "its text tells, not the 5,000 that it says"


BILLS = {
    "800": (800, None),
    "a-slip-of-ten": (0.005, None),
    "nothing": (0, None),
    "text": ("free", None),
    "negative": (-1, None),
    "near": (0.00055, 0.00055),
    "a-number-as-text": ("0.00055", None),
}


@MODES
@pytest.mark.parametrize("bill", BILLS)
async def test_a_bill_enters_only_where_it_is_plausible(tmp_path, bill: str, stream: bool) -> None:
    cost, entered = BILLS[bill]
    row = row_of(plain(100, 100, cost=cost))
    async with serving(tmp_path, [row]) as it:
        kept = await asked(it, row, stream=stream)
        assert kept["cost_usd"] == pytest.approx(entered or 0.0005)
        (line,) = (await it.http.get("/v1/report", params={"by": "deployment"})).json()["data"]
        assert line["cost_usd"] == pytest.approx(entered or 0.0005)
        (view,) = (await it.http.get("/v1/deployments")).json()["data"]
        assert view["bills_doubted"] == (bill in ("800", "a-slip-of-ten"))
        metrics = (await it.http.get("/metrics")).text
        assert ('event="bill.doubted"} 0.0' not in metrics) == (bill in ("800", "a-slip-of-ten"))


async def test_a_gateway_may_state_its_bill_in_a_header(tmp_path) -> None:
    header = {"x-litellm-response-cost": "0.00055"}
    answer = Answer(completion(model="m", usage=plain(100, 100)), headers=header)
    async with upstream(lambda _: answer) as gateway:
        async with running(config_of(("litellm", gateway.url, 1.0)), tmp_path) as it:
            body = {**ASK, "model": "auto"}
            told_of = (await it.http.post("/v1/chat/completions", json=body)).json()
            assert told_of["usage"]["cost"] == pytest.approx(0.00055)


async def test_one_absurd_answer_moves_no_traffic_and_no_money(tmp_path) -> None:
    """It put five million dollars into the ledger, and all traffic to a dearer deployment."""
    async with (
        upstream(lambda _: told(row_of(plain(100, 10**12)), stream=False)) as acme,
        upstream(lambda _: told(row_of(plain(100, 30)), stream=False)) as bolt,
    ):
        text = config_of(("acme", acme.url, 1.0), ("bolt", bolt.url, 2.5))
        async with running(text, tmp_path) as it:
            for name in ("acme/m", *["auto"] * 30):
                await it.http.post("/v1/chat/completions", json={**ASK, "model": name})
            await it.service.ledger.flushed()
            router = it.service.router
            table = router.table("default", "auto", "default", it.service.clock.now())
            weights = dict(zip(table.deployments, table.weights, strict=True))
            assert weights["acme/m"] > 0.4, "nothing was learnt of its tokens but that it answers"
            lines = (await it.http.get("/v1/report", params={"by": "deployment"})).json()["data"]
            assert sum(line["cost_usd"] for line in lines) < 0.1


async def test_the_tier_that_answered_is_in_the_ledger(tmp_path) -> None:
    tiers = {"flex": {"input": 0.5, "output": 2}}
    row = row_of(plain(100, 100), body={"service_tier": "flex"}, tiers=tiers)
    async with serving(tmp_path, [row]) as it:
        for stream in (False, True):
            kept = await asked(it, row, stream=stream)
            assert kept["cost_usd"] == pytest.approx(0.00025)
            assert kept["attempts"][0]["service_tier"] == "flex"


async def test_a_flex_bill_brings_no_cheaper_standard_price_into_force(tmp_path) -> None:
    row = row_of(plain(1000, 1000, cost=0.0025), body={"service_tier": "flex"})
    async with serving(tmp_path, [row]) as it:
        now = it.service.clock.now()
        half = {meter: usd / 2 for meter, usd in prices_of(PRICES).items()}
        low = Quote(deployment="acme/m", feed="other", feed_model="m", seen_at=now,
                    usd_per_mtok={**half, Meter.INPUT: Decimal("0.5")}, trust=0.5)  # fmt: skip
        it.service.ingestion.on_quote(low, now)
        (before,) = (await it.http.get("/v1/prices")).json()["data"]
        kept = await asked(it, row, stream=False)
        assert kept["cost_usd"] == pytest.approx(0.0025), "a plausible bill, of an unpriced tier"
        (after,) = (await it.http.get("/v1/prices")).json()["data"]
        assert after["usd_per_mtok"] == before["usd_per_mtok"]


WORDS = "to be or not to be, " * 20
DRAWN = completion(WORDS)
DRAWN["choices"][0]["message"]["images"] = [
    {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{'A' * 400_000}"}}
]
TORN = Answer(events=[b'{"id": "chatcmpl-1", "choices": ['], cut=True, content_type="text/plain")


@pytest.mark.parametrize(
    ("answer", "prompt", "tokens", "kind"),
    [
        (Answer({**completion(WORDS), "usage": None}), None, 108, "answered"),
        (Answer(completion(WORDS, usage=plain(100, 10**12))), 100, 108, "answered"),
        (Answer(completion(WORDS, usage={"total_tokens": 240})), 13, 227, "answered"),
        (Answer({**DRAWN, "usage": None}), None, 1115, "answered"),
        (TORN, None, 0, "bad_answer"),
    ],
    ids=["no-usage", "impossible", "in-one", "drawn", "torn"],
)
async def test_an_answer_that_nobody_counts_costs_its_words_and_none_only_its_prompt(
    tmp_path, answer: Answer, prompt: int | None, tokens: int, kind: str
) -> None:
    """A byte is .27 tokens; what stands around the words was not written by a model."""
    async with upstream(lambda _: answer) as acme:
        text = f'[providers.acme]\nbase_url = "{acme.url}"\nprice = {{ input = 1, output = 4 }}\n'
        text += '[routes.auto]\ncandidates = ["acme/m"]\nmax_attempts = 1\n'
        async with running(text, tmp_path) as it:
            await it.http.post("/v1/chat/completions", json={**ASK, "model": "auto"})
            await it.service.ledger.flushed()
            (kept,) = (await it.http.get("/v1/decisions")).text.splitlines()
    decision = json.loads(kept)
    (call,) = decision["attempts"]
    assert (call["kind"], call["status"], call["is_usage_estimated"]) == (kind, 200, True)
    sent = decision["prompt_tokens"] if prompt is None else prompt
    assert decision["cost_usd"] == pytest.approx((sent + 4 * tokens) / 1e6)
