"""What feeds bring in: whom a row means, models that retire, moving names."""

import asyncio
import json
from decimal import Decimal

import pytest

from tests.builders import START, deployment, router
from windsock.app.background.intake.ingestion import FeedIngestion
from windsock.clock import ManualClock
from windsock.core.model.events import Event
from windsock.core.model.model_names import Alias, Identity
from windsock.core.model.ticks import HealthReport, HealthState, ModelFacts, Quote
from windsock.core.model.units import Meter
from windsock.errors import FeedError
from windsock.feeds.definition import FeedDefinition, load_feed
from windsock.feeds.reader import PriceRow, Reading, read
from windsock.providers.presets import provider_names
from windsock.resources import folders

HOUR, DAY = 3600.0, 86_400.0
FEEDS = folders("pricefeeds", "feed.toml")


def intake(*names: str, prices: dict[str, float] | None = None, dated: tuple[Alias, ...] = ()):
    wind = router(prices=prices or {}, deployments=tuple(deployment(name) for name in names))
    seen: list[Event] = []
    made = FeedIngestion(
        router=wind,
        identity=Identity(wind.catalog, provider_names(), dated=dated),
        clock=ManualClock(START),
        append=lambda _: None,
        publish=seen.append,
    )
    return made, wind, seen


def feed(name: str = "list", trust: float = 0.9, every: str = "1h") -> FeedDefinition:
    return FeedDefinition.model_validate(
        {
            "id": name,
            "kind": "price",
            "url": "file:absent.csv",
            "every": every,
            "unit": "usd/mtok",
            "trust": trust,
            "quotes": ".[]",
        }
    )


def listed(*names: str, every_s: float = HOUR) -> Reading:
    return Reading(
        health=tuple(
            HealthReport(
                subject=name,
                feed="list",
                state=HealthState.UP,
                seen_at=START,
                good_for_s=3 * every_s,
            )
            for name in names
        )
    )


def why_out(wind, name: str, now: float) -> str | None:
    return wind.health.why_out(name, name.partition("/")[0], now)


def test_a_model_that_vanished_from_its_list_gets_no_traffic_until_the_list_names_it_again() -> (
    None
):
    made, wind, _ = intake("openai/a", "openai/b")
    made.on_reading(feed(), listed("openai/a", "openai/b"))
    assert why_out(wind, "openai/b", START) is None
    made.on_reading(feed(), listed("openai/a"))
    assert "no longer listed" in why_out(wind, "openai/b", START + 2.9 * HOUR)
    made.on_reading(feed(), listed("openai/a", "openai/b"))
    assert why_out(wind, "openai/b", START) is None


def test_a_list_read_once_an_hour_is_believed_until_it_should_have_been_read_thrice() -> None:
    made, wind, _ = intake("openai/a", "openai/b")
    made.on_reading(feed(), listed("openai/a", "openai/b"))
    made.on_reading(feed(), listed("openai/a"))
    assert why_out(wind, "openai/b", START + 3 * HOUR) is not None
    assert why_out(wind, "openai/b", START + 3 * HOUR + 1) is None


@pytest.mark.parametrize("said", ['"free"', "NaN", "null"])
def test_a_price_that_can_be_read_no_more_is_told_once_and_the_last_one_stays(said) -> None:
    made, wind, seen = intake("openai/a", "openai/b")
    body = '[{"provider": "openai", "model": "a", "input": 1.0, "output": 2.0}, %s]'
    other = '{"provider": "openai", "model": "b", "input": %s, "output": 2.0}'
    for price in ("3.0", said, said, "3.0", said):
        said_now = (body % (other % price)).encode()
        made.on_reading(feed(), read(feed(), said_now, seen_at=START))
    told = [shift for shift in seen if shift.kind == "price.unread"]
    assert [shift.deployment for shift in told] == ["openai/b"] * 2
    assert told[0].facts["feed"] == "list"
    assert told[0].facts["reason"].startswith("unreadable")
    assert wind.book.in_force("openai/b", START).usd_per_mtok[Meter.INPUT] == 3
    assert why_out(wind, "openai/b", START) is None


def retiring(at: float) -> Reading:
    return Reading(facts=(ModelFacts(provider="acme", model="m", feed="list", retires_at=at),))


@pytest.mark.parametrize(
    ("trust", "days", "state", "is_out"),
    [
        (0.9, 40, None, False),
        (0.9, 20, "degraded", False),
        (0.9, -1, "down", True),
        (0.6, -1, "degraded", False),
    ],
    ids=["far", "near", "over", "over-says-a-list"],
)
def test_a_date_of_retirement_is_announced_and_then_ends_traffic(
    trust, days, state, is_out
) -> None:
    made, wind, _ = intake("acme/m")
    made.on_reading(feed(trust=trust), retiring(START + days * DAY))
    report = wind.health.report_of("acme/m", "acme", START)
    assert (report.state.value if report else None) == state
    assert (why_out(wind, "acme/m", START) is not None) == is_out


def test_the_shipped_lists_of_models_rule_out_what_is_retired_and_nothing_else() -> None:
    names = ("anthropic", "mistral")
    ruled = {}
    for name in names:
        folder = FEEDS[f"{name}-models"]
        reading = read(load_feed(folder), (folder / "sample.json").read_bytes(), seen_at=START)
        subjects = {report.subject: report.state.value for report in reading.health}
        made, wind, _ = intake(*subjects)
        made.on_reading(load_feed(folder), reading)
        for subject, state in subjects.items():
            ruled[subject] = state
            assert (why_out(wind, subject, START) is not None) == (state == "down")
    assert {"up", "down", "degraded"} <= set(ruled.values())


def test_health_under_another_name_of_the_provider_counts_and_strangers_do_not() -> None:
    made, wind, seen = intake("bedrock/m", "google-vertex/m")
    down = (
        HealthReport(subject=name, feed="status", state=HealthState.DOWN, seen_at=START)
        for name in ("aws", "vertex_ai", "acme", "acme/m")
    )
    made.on_reading(feed(), Reading(health=tuple(down)))
    assert why_out(wind, "bedrock/m", START) is not None
    assert why_out(wind, "google-vertex/m", START) is not None
    assert {shift.deployment for shift in seen} == {"bedrock", "google-vertex"}


def test_a_moving_name_prices_the_model_that_it_means_today() -> None:
    dated = (
        Alias(provider="mistral", alias="medium-latest", target="medium-3", until=START + DAY),
        Alias(provider="mistral", alias="medium-latest", target="medium-4", since=START + DAY),
    )
    made, wind, _ = intake("mistral/medium-3", "mistral/medium-4", dated=dated)
    row = PriceRow(
        provider="mistral",
        model="medium-latest",
        usd_per_mtok={Meter.INPUT: Decimal(1), Meter.OUTPUT: Decimal(2)},
    )
    made.on_reading(feed(), Reading(rows=(row,)))
    assert wind.book.in_force("mistral/medium-3", START) is not None
    assert wind.book.in_force("mistral/medium-4", START) is None
    made.clock.advance_to(START + 2 * DAY)
    made.on_reading(feed(), Reading(rows=(row,)))
    assert isinstance(wind.book.in_force("mistral/medium-4", START + 2 * DAY), Quote)


def test_a_row_with_an_unreadable_date_is_left_out_and_the_others_are_read() -> None:
    folder = FEEDS["openrouter"]
    reading = read(load_feed(folder), (folder / "sample.json").read_bytes(), seen_at=START)
    assert any("half-written" in name for name, _ in reading.skipped)
    assert len(reading.rows) == 5


def test_a_health_row_without_a_subject_refuses_the_body() -> None:
    stated = feed().model_dump() | {"kind": "health", "quotes": None, "health": ".[]"}
    with pytest.raises(FeedError, match="unreadable"):
        read(FeedDefinition.model_validate(stated), b'[{"state": "down"}]', seen_at=START)


async def test_an_edit_in_the_middle_of_a_reading_loses_no_price_of_the_new_deployment() -> None:
    made, wind, _ = intake("acme/a")
    rows = [{"provider": "acme", "model": "b", "input": 1.0, "output": 2.0}]
    rows += [{"provider": "other", "model": f"m{n}", "input": 1, "output": 1} for n in range(40)]
    reading = read(feed(), json.dumps(rows).encode(), seen_at=START)
    under_way = asyncio.create_task(made.take_in(feed(), reading))
    for _ in range(2):
        await asyncio.sleep(0)
    assert not under_way.done()
    wind.catalog.adopt([deployment("acme/a"), deployment("acme/b")])
    made.adopt(Identity(wind.catalog, provider_names()), [], [feed().id])
    await under_way
    status = wind.book.status("acme/b", START)
    assert (status.quote is not None, status.vanished) == (True, ())


def row(model: str, usd: int, provider: str = "bedrock") -> PriceRow:
    prices = {Meter.INPUT: Decimal(usd), Meter.OUTPUT: Decimal(usd * 5)}
    return PriceRow(provider=provider, model=model, usd_per_mtok=prices)


@pytest.mark.parametrize("is_reversed", [False, True])
def test_a_region_is_priced_with_its_uplift_unless_a_list_states_it(is_reversed) -> None:
    us, eu, world = "bedrock/us.a.m", "bedrock/eu.a.m", "bedrock/a.m"
    made, wind, _ = intake(us, eu, world)
    rows = [row("a.m", 3), row("eu.a.m", 4)]
    made.on_reading(feed(), Reading(rows=tuple(reversed(rows) if is_reversed else rows)))
    prices = {name: wind.book.prices(name, START)[Meter.INPUT] for name in (us, eu, world)}
    assert prices == {us: Decimal("3.3"), eu: 4, world: 3}


def test_the_nearest_names_share_words_with_the_one_that_nothing_prices() -> None:
    made, _, _ = intake("acme/gpt-4o")
    rows = tuple(row(name, 1, "azure") for name in ("gpt-4o-2024-08-06", "gpt-4o", "llama-3"))
    made.on_reading(feed(), Reading(rows=rows))
    assert made.nearest("acme/gpt-4o")[0] == "azure/gpt-4o"


def uplifted_row(**uplifts: str) -> PriceRow:
    return PriceRow(
        provider="acme", model="m",
        usd_per_mtok={Meter.INPUT: Decimal(2), Meter.OUTPUT: Decimal(10)},
        uplifts={name.replace("any", "*"): Decimal(share) for name, share in uplifts.items()},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("site", "uplifts", "usd"),
    [
        ("eu", {"eu": "0.1", "us": "0.2"}, "2.2"),
        ("eu-west-4", {"any": "0.1"}, "2.2"),
        ("eu", {"any": "0.1", "eu": "0"}, "2"),
        ("global", {"any": "0.1"}, "2"),
    ],
)
def test_a_list_says_what_a_site_adds_to_a_models_price(site, uplifts, usd) -> None:
    made, wind, _ = intake("acme/m", f"acme/m@{site}")
    made.on_reading(feed(), Reading(rows=(uplifted_row(**uplifts),)))
    assert wind.book.prices("acme/m", START)[Meter.INPUT] == 2
    assert wind.book.prices(f"acme/m@{site}", START)[Meter.INPUT] == Decimal(usd)


def test_a_site_that_no_list_knows_has_no_price() -> None:
    made, wind, _ = intake("acme/m", "acme/m@mars")
    made.on_reading(feed(), Reading(rows=(uplifted_row(eu="0.1"),)))
    assert wind.book.prices("acme/m@mars", START) is None


def priced_row(provider: str, model: str, usd_in: str, usd_out: str) -> PriceRow:
    prices = {Meter.INPUT: Decimal(usd_in), Meter.OUTPUT: Decimal(usd_out)}
    return PriceRow(provider=provider, model=model, usd_per_mtok=prices)


def test_rows_of_models_that_are_not_in_use_measure_those_that_are() -> None:
    made, wind, _ = intake("together/glm-4.6")
    rows = (
        priced_row("together", "glm-4.6", "6", "22"),
        priced_row("zhipuai", "glm-4.6", "0.6", "2.2"),
        priced_row("novita", "zai-org/GLM-4.6", "0.55", "2"),
        priced_row("novita", "broken-glm-4.6", "-1", "-1"),
        priced_row("other", "unlike-this-1", "50", "60"),
    )
    made.on_reading(feed(), Reading(rows=rows))
    standing = wind.book.standing("together/glm-4.6", START)
    assert standing.measured_by == "the same model elsewhere"
    assert standing.dearer_by == pytest.approx(0.2 - 1)
    assert not wind.book.knows("novita/zai-org/glm-4.6")


def stated(usd: float, at: float) -> Quote:
    prices = {Meter.INPUT: Decimal(str(usd)), Meter.OUTPUT: Decimal(str(2 * usd))}
    return Quote(deployment="openai/a", feed="list", feed_model="a", usd_per_mtok=prices,
                 quoted_at=at, seen_at=at, trust=0.9)  # fmt: skip


@pytest.mark.parametrize("then", [0.2, 0.21, 0.3])
def test_a_price_that_came_before_a_ruling_from_elsewhere_counts_as_it_does_there(then) -> None:
    """Elsewhere the ruling on 0.2 came first, and then the price."""
    here, there = (intake("openai/a") for _ in range(2))
    held = stated(0.2, START + 1)
    for made, wind, _ in (here, there):
        made.on_quote(stated(10.0, START), START)
        made.on_quote(held, START + 1)
        assert [each.quote for each in wind.book.held()] == [held]
    there[0].rulings.approve("openai/a", "list")
    for made, _, _ in (here, there):
        made.clock.advance_to(START + 2)
        made.on_quote(stated(then, START + 2), START + 2)
    here[0].rulings.hear(held, is_believed=True)
    prices = [
        wind.book.believed("openai/a", START + 2).usd_per_mtok for _, wind, _ in (here, there)
    ]
    assert prices[0] == prices[1] == stated(then, START).usd_per_mtok
    assert here[1].book.held() == there[1].book.held() == []


def test_a_ruling_from_elsewhere_does_not_touch_a_price_of_the_owner_s() -> None:
    made, wind, _ = intake("openai/a")
    made.adopt(made.identity, [stated(10.0, START)], [])
    made.rulings.hear(stated(0.2, START + 1), is_believed=True)
    assert wind.book.believed("openai/a", START + 1).usd_per_mtok[Meter.INPUT] == 10
