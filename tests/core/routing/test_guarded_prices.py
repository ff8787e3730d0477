"""No meter of one feed moves traffic by being wrong, and a price of one list moves little."""

from dataclasses import replace
from decimal import Decimal

import pytest

from tests.builders import CHEAP, FLAGSHIP, MID, START, quote, request, router
from windsock.core.model.requests import Cell
from windsock.core.model.ticks import Quote, Tier
from windsock.core.model.units import Meter, Usage
from windsock.core.routing.router import Router
from windsock.core.routing.what_if import what_if

CELL = Cell("", "auto", "default")
NAMES = (CHEAP, MID, FLAGSHIP)
PARTS = [*Meter, "tier", "bound", "flex", "priority"]
RATIOS = {
    Meter.INPUT: 1.0,
    Meter.OUTPUT: 4.0,
    Meter.CACHE_READ: 0.1,
    Meter.CACHE_WRITE: 1.25,
    Meter.CACHE_WRITE_1H: 2.0,
    Meter.REASONING: 4.0,
    Meter.AUDIO_INPUT: 8.0,
    Meter.AUDIO_OUTPUT: 16.0,
    Meter.IMAGE: 2000.0,
    Meter.REQUEST: 2000.0,
    Meter.WEB_SEARCH: 10_000.0,
    Meter.WEB_SEARCH_LOW: 6_000.0,
    Meter.WEB_SEARCH_MEDIUM: 10_000.0,
    Meter.WEB_SEARCH_HIGH: 14_000.0,
    Meter.AUDIO_CACHED: 0.8,
    Meter.INPUT_SECOND: 100.0,
    Meter.OUTPUT_SECOND: 400.0,
    Meter.CACHE_STORAGE: 1.0,
    Meter.INPUT_CHARACTER: 30.0,
}
USED = Usage(
    input_tokens=800,
    output_tokens=200,
    cache_read_tokens=4000,
    cache_write_tokens=400,
    cache_write_1h_tokens=400,
    reasoning_tokens=2000,
    audio_input_tokens=50,
    audio_output_tokens=50,
    images=1,
    web_searches=1,
    low_web_searches=1,
    medium_web_searches=1,
    high_web_searches=1,
    audio_cached_tokens=100,
    input_seconds=5,
    output_seconds=5,
    cache_storage_token_hours=4000,
    input_characters=100,
)


def full(name: str, usd: float, at: float = START, feed: str = "sheet") -> Quote:
    prices = {meter: Decimal(str(round(usd * times, 6))) for meter, times in RATIOS.items()}
    main = {meter: prices[meter] for meter in (Meter.INPUT, Meter.OUTPUT)}
    long = Tier(min_prompt_tokens=128_000, usd_per_mtok={m: 2 * p for m, p in main.items()})
    return quote(
        name,
        feed=feed,
        usd_per_mtok=prices,
        tiers=(long,),
        service_tiers={
            "flex": {m: p / 2 for m, p in main.items()},
            "priority": {m: 2 * p for m, p in main.items()},
        },
        seen_at=at,
        trust=0.7,
    )


def spoilt(good: Quote, part: Meter | str, times: Decimal) -> Quote:
    if isinstance(part, Meter):
        return replace(
            good, usd_per_mtok={**good.usd_per_mtok, part: good.usd_per_mtok[part] * times}
        )
    (tier,) = good.tiers
    if part == "bound":
        bound = int(tier.min_prompt_tokens * times)
        return replace(good, tiers=(replace(tier, min_prompt_tokens=bound),))
    if part == "tier":
        prices = {m: p * times for m, p in tier.usd_per_mtok.items()}
        return replace(good, tiers=(replace(tier, usd_per_mtok=prices),))
    prices = {m: p * times for m, p in good.service_tiers[part].items()}
    return replace(good, service_tiers={**good.service_tiers, part: prices})


def taught() -> Router:
    it = router(prices={})
    it = router(prices=dict.fromkeys(NAMES, 1.0))
    for name in NAMES:
        it.book.forget(name)
        it.beliefs.seed(CELL, name, 0.9, rewards=400.0, now=START)
        for _ in range(30):
            it.beliefs.observe_usage(CELL, name, USED, START)
    return it


def shares(it: Router, at: float) -> dict[str, float]:
    table = it.table("", "auto", "default", at)
    return dict(zip(table.deployments, table.weights, strict=True))


@pytest.mark.parametrize("times", ["0.01", "100"])
@pytest.mark.parametrize("part", PARTS)
def test_no_meter_of_one_feed_moves_traffic_by_being_a_hundred_times_off(part, times) -> None:
    it = taught()
    for name, usd in zip(NAMES, (1.0, 1.3, 1.6), strict=True):
        it.book.absorb(full(name, usd), START)
    before = shares(it, START)
    for name, usd in zip(NAMES, (1.0, 1.3, 1.6), strict=True):
        for poll in range(1, 25):
            at = START + 900 * poll
            it.book.absorb(spoilt(full(name, usd, at), part, Decimal(times)), at)
        after = shares(it, at)
        assert all(abs(after[each] - before[each]) < 0.02 for each in NAMES)
        assert it.book.held()


def test_a_price_that_one_list_alone_states_gets_a_bounded_share_until_it_is_proven() -> None:
    it = taught()
    for name, usd in ((MID, 1.0), (FLAGSHIP, 1.5)):
        for feed in ("one", "two"):
            it.book.absorb(full(name, usd, feed=feed), START)
    it.book.absorb(full(CHEAP, 0.3), START + 1)
    assert shares(it, START + 1)[CHEAP] <= 0.05 + 1e-9
    (arm,) = [a for a in it.table("", "auto", "default", START + 1).arms if a.deployment == CHEAP]
    assert "provisional price" in arm.limits
    it.book.absorb(full(CHEAP, 0.3, START + 2, feed="two"), START + 2)
    assert shares(it, START + 2)[CHEAP] > 0.5


def test_where_every_price_stands_on_one_list_none_is_bounded() -> None:
    it = taught()
    for name, usd in zip(NAMES, (0.3, 1.0, 1.5), strict=True):
        it.book.absorb(full(name, usd), START)
    assert shares(it, START)[CHEAP] > 0.5


def test_an_imagined_price_makes_no_other_price_less_proven() -> None:
    """Each price is known to one list: what-if of one must not put a bound on all the others."""
    wind = router()
    wind.open(request(), START)
    dear = {CHEAP: {"input": 50.0, "output": 200.0}}
    found = what_if(wind, "default", "auto", "chat", dear, START + 1.0)
    assert found.weights_then[CHEAP] < found.weights_now[CHEAP]
