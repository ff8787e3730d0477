"""What GET /v1/prices shows of a price: every term, every voice, and how sure it is."""

from decimal import Decimal

import pytest

from tests.running import running
from windsock.core.model.ticks import Quote, Tier, Window
from windsock.core.model.units import Meter

DAY = 86_400.0
CONFIG = (
    '[providers.acme]\nbase_url = "https://acme.test/v1"\n[routes.auto]\ncandidates = ["acme/m"]\n'
)


def usd(**prices: float) -> dict[Meter, Decimal]:
    return {Meter(name): Decimal(str(each)) for name, each in prices.items()}


def say(it, feed: str, usd_in: float, usd_out: float, *, trust: float = 0.7, **facts) -> None:
    """A feed states a price now, through the same door as every feed's."""
    now = it.service.clock.now()
    more = facts.pop("more", {})
    stated = Quote(
        deployment="acme/m", feed=feed, feed_model=f"{feed}-m", seen_at=now, trust=trust,
        usd_per_mtok=usd(input=usd_in, output=usd_out, **more), **facts,
    )  # fmt: skip
    it.service.ingestion.on_quote(stated, now)


async def shown(it, **params) -> dict:
    (view,) = (await it.http.get("/v1/prices", params=params)).json()["data"]
    return view


async def test_all_terms_and_meters_are_shown_with_who_states_them(tmp_path) -> None:
    night = Window(start_minute=990, end_minute=30, usd_per_mtok=usd(input=1, output=4))
    terms = {
        "more": {"cache_read": 0.2},
        "windows": (night,),
        "tiers": (Tier(min_prompt_tokens=200_000, usd_per_mtok=usd(input=4, output=12)),),
        "service_tiers": {"flex": usd(input=1, output=4)},
    }
    async with running(CONFIG, tmp_path) as it:
        say(it, "gateway", 2, 8, trust=0.9, **terms)
        say(it, "map", 2, 8)
        view = await shown(it)
    assert view["billed_as"].items() >= {"reasoning": "output", "cache_write": "input"}.items()
    assert not view["billed_as"].keys() & view["usd_per_mtok"].keys()
    assert view["base_usd_per_mtok"] == {"input": 2.0, "output": 8.0, "cache_read": 0.2}
    (tier,) = view["tiers"]
    assert (tier["min_prompt_tokens"], tier["is_strict"]) == (200_000, True)
    (window,) = view["windows"]
    assert (window["start"], window["end"], window["timezone"]) == ("16:30", "00:30", "UTC")
    assert view["service_tiers"] == {"flex": {"input": 1.0, "output": 4.0}}
    flex_long = next(
        line for line in view["lines"]
        if (line["service_tier"], line["from_prompt_tokens"]) == ("flex", 200_001)
        and not line["open_windows"]
    )  # fmt: skip
    assert flex_long["usd_per_mtok"]["input"] == 2.0
    assert flex_long["feed_by_meter"]["input"] == "gateway"
    gateway, other = view["statements"]
    assert (gateway["feed"], gateway["trust"], gateway["stands"]) == ("gateway", 0.9, "agrees")
    assert gateway["service_tiers"] and other["tiers"] == []
    assert other["agrees"] and not view["is_provisional"] and not view["is_disputed"]


async def test_one_voice_alone_is_provisional_until_its_time_has_come(tmp_path) -> None:
    async with running(CONFIG, tmp_path) as it:
        say(it, "map", 2, 8)
        alone = await shown(it)
        say(it, "second", 2, 8)
        seconded = await shown(it)
    assert alone["is_provisional"] and "map" in alone["provisional_reason"]
    left = alone["provisional_until"] - it.service.clock.now()
    assert 59.9 * DAY < left <= 60 * DAY
    assert not seconded["is_provisional"] and seconded["provisional_until"] is None
    (word,) = alone["statements"]
    assert word["is_provisional"] and word["provisional_until"] == alone["provisional_until"]
    assert not any(each["is_provisional"] for each in seconded["statements"])


async def test_who_dissents_and_by_how_much_is_shown(tmp_path) -> None:
    async with running(CONFIG, tmp_path) as it:
        say(it, "one", 2, 8)
        say(it, "two", 2, 8)
        say(it, "odd", 3, 9)
        view = await shown(it, deployment="acme/m")
    assert view["disputed_by"] == ["odd"] and view["is_disputed"]
    odd = next(each for each in view["statements"] if each["feed"] == "odd")
    assert (odd["agrees"], odd["stands"], odd["is_provisional"]) == (False, "dissents", True)
    assert view["dearer_by"] == 0.0, "two lists say it"


async def test_what_is_held_and_what_it_would_take_is_shown_beside_the_price(tmp_path) -> None:
    async with running(CONFIG, tmp_path) as it:
        say(it, "one", 2, 8)
        say(it, "one", 0.6, 2.4)
        view = await shown(it)
        (held,) = view["held"]
    assert view["usd_per_mtok"]["input"] == 2.0
    assert held["needs_polls"] == 3 and "polls" in held
    (word,) = view["statements"]
    assert word["stands"] == "held"


async def test_a_contract_is_shown_beside_what_lists_say(tmp_path) -> None:
    config = CONFIG.replace('/v1"\n', '/v1"\ndiscount = 0.15\n', 1)
    async with running(config, tmp_path) as it:
        say(it, "map", 2, 8, service_tiers={"flex": usd(input=1, output=4)})
        view = await shown(it)
    assert view["usd_per_mtok"]["input"] == pytest.approx(1.7)
    assert view["statements"][0]["usd_per_mtok"]["input"] == 2.0
    (discount,) = view["adjustments"]
    assert discount["share"] == pytest.approx(-0.15)
    assert {feed for line in view["lines"] for feed in line["feed_by_meter"].values()} == {"map"}


async def test_what_nobody_prices_shows_why_and_what_was_said(tmp_path) -> None:
    async with running(CONFIG, tmp_path) as it:
        say(it, "map", -1, -1)
        view = await shown(it)
    assert not view["is_priced"] and view["lines"] == [] and view["usd_per_mtok"] == {}
    assert "held" in view["reason"] and view["held"][0]["needs_polls"] is None


@pytest.mark.parametrize("path", ["/v1/prices", "/v1/prices/history"])
@pytest.mark.parametrize(
    ("asked", "hint"),
    [
        ("acme/n", "did you mean 'acme/m'?"),
        ("ACME/M", "did you mean 'acme/m'?"),
        ("m2", "did you mean 'acme/m'?"),
        ("acm", "did you mean 'acme/m'?"),
        ("something quite else", "lists all"),
        ("<b>&\"'", "lists all"),
    ],
)
async def test_an_unknown_name_is_told_with_the_nearest(path, asked, hint, tmp_path) -> None:
    async with running(CONFIG, tmp_path) as it:
        answer = await it.http.get(path, params={"deployment": asked})
    message = answer.json()["error"]["message"]
    assert answer.status_code == 400 and hint in message and "None" not in message, message


async def test_a_feed_that_no_longer_lists_it_is_named(tmp_path) -> None:
    sheet = tmp_path / "prices.csv"
    sheet.write_text("provider,model,input,output\nacme,m,1,2\nacme,n,1,2\n")
    config = CONFIG + (
        '[feeds]\nenabled = ["price-sheet"]\n[feeds.override.price-sheet]\n'
        f'url = "file:{sheet}"\nevery = "1h"\n'
    )
    async with running(config, tmp_path) as it:
        await it.service.poller.poll_now("price-sheet")
        sheet.write_text("provider,model,input,output\nacme,n,1,2\n")
        await it.service.poller.poll_now("price-sheet")
        view = await shown(it)
    assert view["is_priced"] and view["vanished_from"] == ["price-sheet"]
