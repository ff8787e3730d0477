"""GET /v1/prices/statements: who says what of every price, and what becomes of it."""

from decimal import Decimal
from typing import Any

import pytest

from tests.running import Running, running
from windsock.core.model.ticks import Quote, Vanished
from windsock.core.model.units import Meter

CONFIG = """
[providers.acme]
base_url = "https://acme.test/v1"
[providers.boreal]
base_url = "https://boreal.test/v1"
[routes.auto]
candidates = ["acme/m", "boreal/m"]
"""


def say(it: Running, feed: str, usd_in: str, deployment: str = "acme/m", **facts: Any) -> None:
    now = it.service.clock.now()
    prices = {Meter.INPUT: Decimal(usd_in), Meter.OUTPUT: Decimal(usd_in) * 4}
    quote = Quote(deployment=deployment, feed=feed, feed_model=f"{feed}-m", seen_at=now,
                  usd_per_mtok=prices, trust=0.7, **facts)  # fmt: skip
    it.service.ingestion.on_quote(quote, now)


async def said(it: Running, **asked: Any) -> list[dict[str, Any]]:
    answer = await it.http.get("/v1/prices/statements", params=asked)
    found: list[dict[str, Any]] = answer.json()["data"]
    return found


async def test_every_list_is_told_with_what_becomes_of_its_word_and_why(tmp_path) -> None:
    async with running(CONFIG, tmp_path) as it:
        for feed, price in (("one", "2"), ("two", "2"), ("odd", "3"), ("mad", "-1")):
            say(it, feed, price)
        say(it, "shop", "2.4", is_indirect=True)
        by_feed = {each["feed"]: each for each in await said(it)}
    assert {feed: each["stands"] for feed, each in by_feed.items()} == {
        "one": "agrees", "two": "agrees", "odd": "dissents", "mad": "refused", "shop": "elsewhere",
    }  # fmt: skip
    assert by_feed["one"]["reason"] == "is the price in force"
    assert by_feed["two"]["reason"] == "as one says"
    assert by_feed["odd"]["reason"] == "one says otherwise, and is believed"
    assert by_feed["odd"]["times_in_force"] == pytest.approx(1.5)
    assert "negative" in by_feed["mad"]["reason"]
    assert by_feed["shop"]["reason"] == "the same model, sold as shop-m"


async def test_what_a_person_may_have_to_rule_on_comes_first(tmp_path) -> None:
    async with running(CONFIG, tmp_path) as it:
        for feed, price in (("one", "2"), ("two", "2"), ("odd", "3")):
            say(it, feed, price)
        for price in ("1", "0.01"):
            say(it, "one", price, "boreal/m")
        places = [each["stands"] for each in await said(it)]
        (held,) = await said(it, stands="held")
        assert await said(it, deployment="boreal/m", feed="two") == []
        answer = await it.http.get("/v1/prices/statements?limit=1")
    assert places == ["held", "dissents", "agrees", "agrees"]
    assert (held["feed"], held["deployment"], held["polls"]) == ("one", "boreal/m", 1)
    assert held["times_in_force"] == pytest.approx(0.01) and held["reason"]
    assert (answer.json()["total"], len(answer.json()["data"])) == (4, 1)


async def test_a_list_that_names_the_deployment_no_longer_is_told_so(tmp_path) -> None:
    async with running(CONFIG, tmp_path) as it:
        say(it, "one", "2")
        say(it, "two", "2")
        now = it.service.clock.now()
        it.service.router.absorb(
            Vanished(deployment="acme/m", feed="two", feed_model="two-m", seen_at=now), now
        )
        by_feed = {each["feed"]: each["reason"] for each in await said(it)}
    assert by_feed["two"] == "its list names the deployment no longer"


async def test_a_price_that_is_no_number_is_null_and_no_failure(tmp_path) -> None:
    async with running(CONFIG, tmp_path) as it:
        say(it, "mad", "NaN")
        (word,) = await said(it)
    assert (word["stands"], word["input"], word["times_in_force"]) == ("refused", None, None)


@pytest.mark.parametrize("query", ["deployment=acme/n", "stands=maybe", "limit=0", "limit=x"])
async def test_a_bad_question_gets_one_sentence(query: str, tmp_path) -> None:
    async with running(CONFIG, tmp_path) as it:
        answer = await it.http.get(f"/v1/prices/statements?{query}")
    assert answer.status_code in (400, 404)
    assert answer.json()["error"]["message"]
