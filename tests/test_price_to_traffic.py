"""From a feed on the wire to the next request: prices move traffic, bad feeds do not."""

import asyncio
import copy
import json
from contextlib import asynccontextmanager

import orjson
import pytest
from aiohttp import web

from tests.running import running
from tests.upstream import Answer, completion, upstream

START = {
    "acme": {"models": {"m": {"id": "m", "cost": {"input": 0.5, "output": 1.0}}}},
    "bolt": {"models": {"m": {"id": "m", "cost": {"input": 0.8, "output": 1.6}}}},
    "core": {"models": {"m": {"id": "m", "cost": {"input": 5.0, "output": 9.0}}}},
}
ASK = {"model": "auto", "messages": [{"role": "user", "content": "hi"}]}


class FeedServer:
    """A feed in the shape of models.dev; `answer` replaces its next bodies."""

    def __init__(self) -> None:
        self.prices = copy.deepcopy(START)
        self.answer: web.Response | None = None
        self.polls = 0
        self.url = ""

    async def handle(self, _: web.Request) -> web.Response:
        self.polls += 1
        if self.answer is not None:
            return web.Response(
                body=self.answer.body,
                status=self.answer.status,
                content_type=self.answer.content_type,
            )
        return web.json_response(self.prices)


@asynccontextmanager
async def world(tmp_path):
    """A running service with three deployments, priced by a feed server; beliefs are taught."""
    feed = FeedServer()
    app = web.Application()
    app.router.add_get("/api.json", feed.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    feed.url = f"http://127.0.0.1:{runner.addresses[0][1]}/api.json"
    async with upstream(lambda _: Answer(completion())) as model:
        config = "".join(
            f'[providers.{name}]\nbase_url = "{model.url}"\napi_key = "k"\n' for name in START
        )
        config += (
            '[routes.auto]\ncandidates = ["acme/m", "bolt/m", "core/m"]\nquality_floor = 0.8\n'
            '[feeds]\nenabled = ["models-dev"]\n[feeds.override.models-dev]\n'
            f'url = "{feed.url}"\nevery = "1h"\nallow_private = true\n'
        )
        async with running(config, tmp_path) as it:
            await it.service.poller.poll_now("models-dev")
            for name in ("acme/m", "bolt/m", "core/m"):
                for i in range(12):
                    ask = {**ASK, "model": name}
                    answer = await it.http.post("/v1/chat/completions", json={**ask, "model": name})
                    assert answer.status_code == 200
                    said = {"decision_id": answer.headers["x-windsock-decision-id"]}
                    await it.http.post("/v1/feedback", json={**said, "value": i % 12 != 0})
            teach(it)
            yield it, feed
    await runner.cleanup()


def teach(it) -> None:
    """Beliefs of the route itself, as if the answers had come through it."""
    from windsock.core.model.requests import Cell

    now = it.service.clock.now()
    for name in ("acme/m", "bolt/m", "core/m"):
        for i in range(200):
            it.service.router.beliefs.observe(
                Cell("default", "auto", "default"), name, float(i % 12 != 0), now=now
            )
    it.service.router.tables.forget()


async def weights(it) -> dict[str, float]:
    (cell,) = (await it.http.get("/v1/weights?route=auto&task=default")).json()["data"]
    return cell["weights"]


async def ruled_out(it) -> dict[str, str]:
    (cell,) = (await it.http.get("/v1/weights?route=auto&task=default")).json()["data"]
    return cell["ruled_out"]


def rows(it) -> bytes:
    return orjson.dumps(it.service.router.beliefs.to_state())


async def test_a_price_times_four_moves_traffic_within_a_poll_and_a_request_and_back(
    tmp_path,
) -> None:
    async with world(tmp_path) as (it, feed):
        before, beliefs = await weights(it), rows(it)
        assert max(before, key=before.get) == "acme/m"
        feed.prices["acme"]["models"]["m"]["cost"] = {"input": 2.0, "output": 4.0}
        await it.service.poller.poll_now("models-dev")
        moved = await weights(it)
        decision = (await it.http.post("/v1/route", json=ASK)).json()
        assert decision["weights"] == moved
        settled = moved["acme/m"]
        assert before["acme/m"] - settled > 0.5
        for _ in range(3):
            await it.service.poller.poll_now("models-dev")
        new_split = (await weights(it))["acme/m"]
        assert before["acme/m"] - settled >= 0.9 * (before["acme/m"] - new_split)
        assert rows(it) == beliefs
        feed.prices = copy.deepcopy(START)
        await it.service.poller.poll_now("models-dev")
        assert await weights(it) == pytest.approx(before, abs=1e-9)
        assert rows(it) == beliefs


@pytest.mark.parametrize(
    "cost",
    [
        None,
        {"input": -1, "output": -1},
        {"input": 0, "output": 0},
        {"input": 0.0005, "output": 0.001},
        {"input": 500000, "output": 1000000},
        {"output": 1.0},
    ],
    ids=["none", "minus-one", "zero", "thousand-low", "million-high", "no-input"],
)
async def test_a_price_that_is_none_keeps_the_last_good_one(cost, tmp_path) -> None:
    async with world(tmp_path) as (it, feed):
        before = await weights(it)
        feed.prices["core"]["models"]["m"]["cost"] = cost
        for _ in range(4):
            await it.service.poller.poll_now("models-dev")
        after = await weights(it)
        assert after == pytest.approx(before, abs=0.01)


async def test_an_unknown_price_rules_a_deployment_out_with_the_reason(tmp_path) -> None:
    async with upstream(lambda _: Answer(completion())) as model:
        config = (
            f'[providers.acme]\nbase_url = "{model.url}"\napi_key = "k"\n'
            f'[providers.dark]\nbase_url = "{model.url}"\napi_key = "k"\n'
            '[deployments."acme/m"]\nprice = { input = 1, output = 2 }\n'
            '[routes.auto]\ncandidates = ["acme/m", "dark/m"]\n'
        )
        async with running(config, tmp_path) as it:
            assert await weights(it) == {"acme/m": 1.0}
            assert "price" in (await ruled_out(it))["dark/m"]
            refused = await it.http.post("/v1/chat/completions", json={**ASK, "model": "dark/m"})
            assert refused.status_code == 503
            assert "price" in refused.json()["error"]["message"]


POISON = {
    "zero": '{"input": 0, "output": 0}',
    "minus-one": '{"input": -1, "output": -1}',
    "nan": '{"input": NaN, "output": NaN}',
    "1e-12": '{"input": 1e-12, "output": 1e-12}',
    "thousandth": '{"input": 0.005, "output": 0.009}',
    "per-token": '{"input": 0.000005, "output": 0.000009}',
    "per-thousand": '{"input": 0.005, "output": 0.009, "cache_read": 0.005}',
    "html": None,
    "200-mb": None,
}


@pytest.mark.parametrize("name", POISON)
async def test_a_poisoned_feed_gains_the_poisoned_deployment_no_traffic(name, tmp_path) -> None:
    async with world(tmp_path) as (it, feed):
        before = await weights(it)
        body = json.dumps(START)
        if name == "html":
            poisoned = "<html>" + body
        elif name == "200-mb":
            poisoned = body[:-1] + " " * 200_000_000 + "}"
        else:
            poisoned = body.replace('{"input": 5.0, "output": 9.0}', POISON[name])
            assert poisoned != body
        feed.answer = web.Response(text=poisoned, content_type="application/json")
        for _ in range(5):
            await it.service.poller.poll_now("models-dev")
        after = await weights(it)
        assert after["core/m"] - before["core/m"] < 0.01


@pytest.mark.parametrize(
    "answer",
    [
        web.Response(text="<html>maintenance</html>", content_type="text/html"),
        web.Response(text="boom", status=500),
        web.Response(text="{}", content_type="application/json"),
        web.Response(text="[1, 2", content_type="application/json"),
    ],
    ids=["html", "500", "empty", "broken"],
)
async def test_a_feed_that_answers_nonsense_changes_nothing(answer, tmp_path) -> None:
    async with world(tmp_path) as (it, feed):
        before = await weights(it)
        feed.answer = answer
        await it.service.poller.poll_now("models-dev")
        assert await weights(it) == before
        (status,) = it.service.poller.status()
        assert status.error


async def test_a_vanished_row_keeps_its_last_good_price(tmp_path) -> None:
    async with world(tmp_path) as (it, feed):
        before = await weights(it)
        del feed.prices["core"]
        await it.service.poller.poll_now("models-dev")
        assert await weights(it) == before


async def test_the_first_polls_come_by_themselves(tmp_path) -> None:
    async with world(tmp_path) as (_, feed):
        polls = feed.polls
        for _ in range(40):
            if feed.polls > polls:
                break
            await asyncio.sleep(0.1)
        assert feed.polls >= 2
