"""The price book over HTTP: quarantine, approval, history, and past decisions re-priced."""

import asyncio
from dataclasses import replace
from decimal import Decimal

import pytest

from tests.running import running
from tests.upstream import Answer, completion, upstream
from windsock.core.model.ticks import Quote
from windsock.core.model.units import Meter

ASK = {"model": "auto", "messages": [{"role": "user", "content": "hi"}]}


def config(url: str) -> str:
    return f'[providers.acme]\nbase_url = "{url}"\n[routes.auto]\ncandidates = ["acme/m"]\n'


def quote(it, usd: float, feed: str = "sheet") -> Quote:
    """Stated now, through the same door as every feed's."""
    prices = {Meter.INPUT: Decimal(str(usd)), Meter.OUTPUT: Decimal(str(usd)) * 4}
    stated = Quote(
        deployment="acme/m",
        feed=feed,
        feed_model="m",
        usd_per_mtok=prices,
        seen_at=it.service.clock.now(),
        trust=0.9,
    )
    it.service.ingestion.on_quote(stated, stated.seen_at)
    return stated


async def test_a_held_quote_is_shown_and_a_person_believes_it(tmp_path) -> None:
    async with upstream(lambda _: Answer(completion())) as acme:
        async with running(config(acme.url), tmp_path) as it:
            quote(it, 10.0)
            quote(it, 1.0)
            (held,) = (await it.http.get("/v1/prices/quarantine")).json()["data"]
            assert held["usd_per_mtok"]["input"] == 1.0
            assert "power of ten" in held["reason"]
            ruling = {"deployment": "acme/m", "feed": "sheet"}
            answer = await it.http.post("/v1/prices/quarantine/approve", json=ruling)
            assert answer.json()["events"][0]["event"] == "price.released"
            (price,) = (await it.http.get("/v1/prices")).json()["data"]
            assert price["usd_per_mtok"]["input"] == 1.0
            nothing = await it.http.post("/v1/prices/quarantine/approve", json=ruling)
            assert nothing.status_code == 404


async def test_a_person_takes_back_what_is_believed_where_another_price_is_left(tmp_path) -> None:
    ruling = {"deployment": "acme/m", "feed": "sheet"}

    async def in_force(it) -> float:
        (price,) = (await it.http.get("/v1/prices")).json()["data"]
        return price["usd_per_mtok"]["input"]

    async with upstream(lambda _: Answer(completion())) as acme:
        async with running(config(acme.url), tmp_path) as it:
            quote(it, 10.0)
            alone = await it.http.post("/v1/prices/quarantine/reject", json=ruling)
            assert alone.status_code == 400 and "of your own" in alone.text
            quote(it, 1.0)
            await it.http.post("/v1/prices/quarantine/approve", json=ruling)
            assert await in_force(it) == 1.0
            answer = await it.http.post("/v1/prices/quarantine/reject", json=ruling)
            assert answer.status_code == 200
            quote(it, 1.0)
            assert await in_force(it) == 10.0
            nobody = {"deployment": "acme/m", "feed": "other"}
            lost = await it.http.post("/v1/prices/quarantine/reject", json=nobody)
            assert lost.status_code == 404


async def test_every_accepted_quote_is_in_the_history(tmp_path) -> None:
    async with upstream(lambda _: Answer(completion())) as acme:
        async with running(config(acme.url), tmp_path) as it:
            for usd in (1.0, 1.5, 1.2):
                quote(it, usd)
            await it.service.ledger.flushed()
            answer = await it.http.get("/v1/prices/history", params={"deployment": "acme/m"})
            found = [each["usd_per_mtok"]["input"] for each in answer.json()["data"]]
            assert found == [1.0, 1.5, 1.2]
            lost = await it.http.get("/v1/prices/history", params={"deployment": "acme/n"})
            assert lost.status_code == 400


async def test_a_past_decision_is_repriced_to_the_cent_from_the_quote_it_names(tmp_path) -> None:
    async with upstream(lambda _: Answer(completion())) as acme:
        async with running(config(acme.url), tmp_path) as it:
            quote(it, 1.0)
            answer = await it.http.post("/v1/chat/completions", json=ASK)
            decision = answer.headers["x-windsock-decision-id"]
            quote(it, 2.0)
            await it.service.ledger.flushed()
            why = (await it.http.get(f"/v1/decisions/{decision}")).json()
            (arm,) = why["table"]["candidates"]
            history = await it.http.get("/v1/prices/history", params={"deployment": "acme/m"})
            (used,) = [
                each
                for each in history.json()["data"]
                if (each["feed"], each["seen_at"])
                == (arm["price"]["feed"], arm["price"]["seen_at"])
            ]
            usage = answer.json()["usage"]
            cost = (
                usage["prompt_tokens"] * used["usd_per_mtok"]["input"]
                + usage["completion_tokens"] * used["usd_per_mtok"]["output"]
            ) / 1e6
            assert cost == pytest.approx(why["cost_usd"], abs=1e-12)
            assert cost == pytest.approx(usage["cost"], abs=1e-12)


async def test_an_unpriced_model_that_is_asked_for_makes_the_feeds_be_read_again(tmp_path) -> None:
    sheet = tmp_path / "prices.csv"
    sheet.write_text("provider,model,input,output\nbolt,m,1,2\n")
    text = (
        '[feeds]\nenabled = ["price-sheet"]\n[feeds.override.price-sheet]\n'
        f'url = "file:{sheet}"\nevery = "1h"\n'
    )
    async with upstream(lambda _: Answer(completion())) as acme:
        async with running(config(acme.url) + text, tmp_path) as it:
            async with asyncio.timeout(20):  # until the poll that a start brings has begun
                while not it.service.poller.status()[0].polls:
                    await asyncio.sleep(0.02)
            await it.service.poller.poll_now("price-sheet")
            sheet.write_text("provider,model,input,output\nbolt,m,1,2\nacme,m,1,2\n")
            assert (await it.http.post("/v1/chat/completions", json=ASK)).status_code == 503
            for task in list(it.service.poller._tasks):
                await task
            assert (await it.http.post("/v1/chat/completions", json=ASK)).status_code == 200


async def test_an_unknown_model_makes_the_feeds_be_read_again_once(tmp_path) -> None:
    sheet = tmp_path / "prices.csv"
    sheet.write_text("provider,model,input,output\nacme,m,1,2\n")
    text = (
        '[feeds]\nenabled = ["price-sheet"]\n[feeds.override.price-sheet]\n'
        f'url = "file:{sheet}"\nevery = "1h"\n'
    )
    async with upstream(lambda _: Answer(completion())) as acme:
        async with running(config(acme.url) + text, tmp_path) as it:
            await it.service.poller.poll_now("price-sheet")
            (before,) = (feed.polls for feed in it.service.poller.status())
            for _ in range(3):
                ask = {**ASK, "model": "brand-new"}
                assert (await it.http.post("/v1/chat/completions", json=ask)).status_code == 404
            for task in list(it.service.poller._tasks):
                await task
            (after,) = (feed.polls for feed in it.service.poller.status())
            assert 1 <= after - before <= 2


async def test_a_silent_redirect_is_an_event_and_the_served_model_is_billed(tmp_path) -> None:
    served = ["m", "m", "n"]

    def reply(_: dict) -> Answer:
        return Answer(completion(model=served.pop(0)))

    async with upstream(reply) as acme:
        text = config(acme.url).replace('["acme/m"]', '["acme/m", "acme/n"]')
        async with running(text, tmp_path) as it:
            cheap = quote(it, 1.0)
            dear = replace(cheap, deployment="acme/n", feed_model="n")
            dear = replace(dear, usd_per_mtok={m: usd * 3 for m, usd in cheap.usd_per_mtok.items()})
            it.service.ingestion.on_quote(dear, dear.seen_at)
            ask = {**ASK, "model": "acme/m"}
            costs = [
                (await it.http.post("/v1/chat/completions", json=ask)).json()["usage"]["cost"]
                for _ in range(3)
            ]
            assert costs[0] == costs[1]
            assert costs[2] == pytest.approx(3 * costs[0])


async def test_a_model_served_instead_is_billed_at_its_own_price_from_the_first_answer(
    tmp_path,
) -> None:
    """It is no deployment here: the feeds that list it price it, after a restart as well."""
    sheet = tmp_path / "prices.csv"
    sheet.write_text("provider,model,input,output\nacme,m,1,2\nacme,m-next,5,10\n")
    feeds = (
        '[feeds]\nenabled = ["price-sheet"]\n[feeds.override.price-sheet]\n'
        f'url = "file:{sheet}"\nevery = "1h"\n'
    )
    async with upstream(lambda _: Answer(completion(model="m-next"))) as acme:
        text = config(acme.url) + feeds
        expected = (12 * 5 + 3 * 10) / 1e6
        async with running(text, tmp_path) as it:
            await it.service.poller.poll_now("price-sheet")
            costs = [
                (await it.http.post("/v1/chat/completions", json=ASK)).json()["usage"]["cost"]
                for _ in range(2)
            ]
            assert costs[1] == pytest.approx(expected)
            (price,) = (await it.http.get("/v1/prices")).json()["data"]
            assert price["feed_model"] == "m-next"
        async with running(text, tmp_path) as it:
            answer = await it.http.post("/v1/chat/completions", json=ASK)
            assert answer.json()["usage"]["cost"] == pytest.approx(expected)


async def test_what_a_person_or_a_bill_released_is_there_after_a_restart(tmp_path) -> None:
    billed = completion(usage={"prompt_tokens": 1000, "completion_tokens": 1, "cost": 0.001})
    async with upstream(lambda _: Answer(billed)) as acme:
        async with running(config(acme.url), tmp_path) as it:
            quote(it, 10.0)
            quote(it, 1.0)
            assert (await it.http.get("/v1/prices/quarantine")).json()["data"]
            await it.http.post("/v1/chat/completions", json=ASK)
            (price,) = (await it.http.get("/v1/prices")).json()["data"]
            assert price["usd_per_mtok"]["input"] == 1.0
        async with running(config(acme.url), tmp_path) as it:
            (price,) = (await it.http.get("/v1/prices")).json()["data"]
            assert price["usd_per_mtok"]["input"] == 1.0


async def test_images_and_the_tier_that_served_are_billed_at_their_own_prices(tmp_path) -> None:
    answer = completion(service_tier="flex")
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}
    ask = {"model": "acme/m", "messages": [{"role": "user", "content": [picture, picture]}]}
    async with upstream(lambda _: Answer(answer)) as acme:
        text = config(acme.url) + '[deployments."acme/m".capabilities]\nvision = true\n'
        async with running(text, tmp_path) as it:
            stated = quote(it, 2.0, feed="first")
            prices = {**stated.usd_per_mtok, Meter.IMAGE: Decimal(4000)}
            half = {meter: usd / 2 for meter, usd in stated.usd_per_mtok.items()}
            later = stated.seen_at + 0.001
            whole = replace(stated, usd_per_mtok=prices, service_tiers={"flex": half})
            it.service.ingestion.on_quote(replace(whole, seen_at=later), later)
            body = (await it.http.post("/v1/chat/completions", json=ask)).json()
            assert body["usage"]["cost"] == pytest.approx((12 * 1 + 3 * 4 + 2 * 4000) / 1e6)


async def test_a_deployment_without_a_price_is_shown_with_the_nearest_names(tmp_path) -> None:
    config = (
        '[providers.acme]\nbase_url = "https://acme.test/v1"\n'
        '[routes.auto]\ncandidates = ["acme/gpt-4o-mini"]\n'
        '[feeds]\nenabled = ["genai-prices"]\n'
    )
    async with running(config, tmp_path) as it:
        (view,) = (await it.http.get("/v1/prices")).json()["data"]
        assert not view["is_priced"]
        assert any(name.endswith("gpt-4o-mini") for name in view["nearest"]), view
