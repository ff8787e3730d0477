"""Who was ejected is asked whether it is back: for nothing, or for a token where that is wanted."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.chaos import faults
from tests.chaos.provider import Provider, provider
from tests.running import Running, config_of, running
from windsock.app.background.health_probes import PROBE_TASK, ProbeRules, Probes

ASK = {
    "model": "auto",
    "messages": [{"role": "user", "content": "hi"}],
    "provider": {"order": ["one", "two"]},
}
OFF = "[health]\nfree_probes = false\n"


@asynccontextmanager
async def ejected(tmp_path, rules: ProbeRules) -> AsyncIterator[tuple[Running, Provider, Probes]]:
    """A service of two, the first of which has failed five times and is left alone."""
    async with provider(faults.status(503)) as one, provider() as two:
        config = config_of(("one", one.url, 1.0), ("two", two.url, 1.0)) + OFF
        async with running(config, tmp_path) as it:
            for _ in range(6):
                assert (await it.http.post("/v1/chat/completions", json=ASK)).status_code == 200
            assert await state(it) == "open"
            assert len(one.calls) == 5
            service = it.service
            yield (
                it,
                one,
                Probes(
                    router=service.router,
                    executor=service.executor,
                    clock=service.clock,
                    publish=service.ingestion.on_shift,
                    rules=rules,
                ),
            )


async def state(it: Running) -> str:
    rows = (await it.http.get("/v1/deployments")).json()["data"]
    return str(next(row["state"] for row in rows if row["deployment"] == "one/m"))


async def looked(probes: Probes, times: int = 4) -> None:
    for _ in range(times):
        probes.check()
        await asyncio.sleep(0.02)


async def test_a_provider_that_comes_back_ends_the_ejection_early(tmp_path) -> None:
    async with ejected(tmp_path, ProbeRules(free_s=0.01)) as (it, one, probes):
        one.is_listing = False
        await looked(probes)
        assert one.listings
        assert await state(it) == "open"
        one.is_listing, one.fault = True, None
        await looked(probes)
        assert await state(it) == "half_open"
        answer = await it.http.post("/v1/chat/completions", json=ASK)
        assert answer.headers["x-windsock-deployment"] == "one/m"
        assert await state(it) == "closed"
        asked = one.listings
        await looked(probes)
        assert one.listings == asked
        await probes.stop()


async def test_a_list_that_was_there_all_the_while_says_nothing_of_the_model(tmp_path) -> None:
    async with ejected(tmp_path, ProbeRules(free_s=0.01)) as (it, one, probes):
        await looked(probes)
        assert one.listings
        assert await state(it) == "open"
        await probes.stop()


@pytest.mark.parametrize("paid_s", [None, 0.01])
async def test_a_paid_probe_is_sent_only_if_wanted_and_stands_in_the_ledger(
    paid_s, tmp_path
) -> None:
    async with ejected(tmp_path, ProbeRules(free_s=None, paid_s=paid_s)) as (it, one, probes):
        await looked(probes)
        assert await state(it) == "open"
        one.fault = None
        await looked(probes, 10)
        sent = one.asked[5:]
        assert await state(it) == ("open" if paid_s is None else "closed")
        assert bool(sent) is (paid_s is not None)
        assert all(each["max_tokens"] == 1 for each in sent)
        await it.service.ledger.flushed()
        lines = [
            json.loads(each) for each in (await it.http.get("/v1/decisions")).text.splitlines()
        ]
        probed = [each for each in lines if each["task"] == PROBE_TASK]
        assert len(probed) == len(sent)
        assert sum(each["ok"] and float(each["cost_usd"]) > 0 for each in probed) == bool(sent)
        await probes.stop()
