"""Every meter is a row, and whoever deals with prices or use knows all of them by it."""

from dataclasses import fields, replace
from decimal import Decimal

import pytest

from tests.builders import START, quote
from windsock.app.feed_parts import own_quotes
from windsock.config.file import parse
from windsock.core.beliefs.beliefs import Beliefs
from windsock.core.model.catalog import Catalog, Deployment
from windsock.core.model.requests import Cell
from windsock.core.model.units import (
    ANSWER_METERS,
    BILLED_AS,
    MAIN_METERS,
    MIX_METERS,
    MTOK,
    PROMPT_METERS,
    STANDALONE,
    Family,
    Meter,
    Usage,
    cost_usd,
)
from windsock.core.pricing.rules import DEFAULT_RULES
from windsock.core.pricing.validation import invalid_reason
from windsock.feeds.price_terms import meters

STORED_MIX = ["input", "cache_read", "cache_write", "output", "reasoning", "image", "web_search"]
STORED_MIX += ["cache_write_1h", "audio_input", "audio_output"]
"""Token mixes in stores are lists in this order; new meters come behind."""

MAIN = "input = 1\noutput = 2\n"


def test_input_and_output_are_the_meters_that_a_price_needs() -> None:
    assert MAIN_METERS == (Meter.INPUT, Meter.OUTPUT)


def test_families_divide_the_meters() -> None:
    assert sorted([*PROMPT_METERS, *ANSWER_METERS, *STANDALONE]) == sorted(Meter)


def test_every_meter_is_counted_in_a_field_of_its_own() -> None:
    assert sorted(m.usage_field for m in Meter) == sorted(f.name for f in fields(Usage))


@pytest.mark.parametrize("meter", Meter)
def test_what_is_counted_is_billed_at_its_own_price(meter: Meter) -> None:
    usage = replace(Usage(requests=0), **{meter.usage_field: 7})
    counts = {each: count for each, count in usage.counts().items() if count}
    assert counts == {meter: 7}
    assert usage.prompt_tokens == 7 * (meter.family is Family.PROMPT)
    assert usage.completion_tokens == 7 * (meter.family is Family.ANSWER)
    assert cost_usd(usage.counts(), {meter: Decimal(3)}) == Decimal(21) / MTOK


@pytest.mark.parametrize("meter", Meter)
def test_without_a_price_of_its_own_it_costs_what_it_is_billed_as(meter: Meter) -> None:
    prices = {Meter.INPUT: Decimal(2), Meter.OUTPUT: Decimal(5)}
    expected = {Family.PROMPT: 2, Family.ANSWER: 5, Family.ALONE: 0}[meter.family]
    assert cost_usd({meter: 1}, prices) == Decimal(expected) / MTOK
    if meter.family is not Family.ALONE:
        with pytest.raises(KeyError):
            cost_usd({meter: 1}, {})


@pytest.mark.parametrize("meter", Meter)
def test_an_owner_may_price_it(meter: Meter) -> None:
    line = "" if meter in MAIN_METERS else f"{meter} = 9\n"
    text = f"[providers.mine]\nbase_url = 'http://x'\n[providers.mine.price]\n{MAIN}{line}"
    catalog = Catalog([Deployment(id="mine/m", provider="mine", model="m")])
    (own,) = own_quotes(parse(text, {}, source="test"), catalog, START)
    assert own.usd_per_mtok == {
        Meter.INPUT: Decimal(1),
        Meter.OUTPUT: Decimal(2),
        **({} if meter in MAIN_METERS else {meter: Decimal(9)}),
    }


@pytest.mark.parametrize("meter", Meter)
def test_a_feed_may_price_it(meter: Meter) -> None:
    per_million = MTOK if meter in STANDALONE else Decimal(1000)
    assert meters({meter.value: "0.25"}, Decimal(1000)) == {meter: per_million / 4}


@pytest.mark.parametrize("meter", Meter)
def test_the_guard_bounds_it(meter: Meter) -> None:
    rules = DEFAULT_RULES
    most = rules.most_usd_per_unit * MTOK if meter in STANDALONE else rules.most_usd_per_mtok

    def reason(price: Decimal) -> str | None:
        stated = quote()
        prices = {**stated.usd_per_mtok, meter: price}
        return invalid_reason(replace(stated, usd_per_mtok=prices), rules)

    assert reason(most) is None
    for wrong in (most * 2, Decimal(-1), Decimal("NaN"), Decimal("Infinity")):
        assert str(reason(wrong)).startswith(f"{meter} is ")


@pytest.mark.parametrize("meter", MIX_METERS)
def test_its_typical_use_is_learnt(meter: Meter) -> None:
    beliefs, cell = Beliefs(), Cell("default", "chat", "task")
    beliefs.observe_usage(cell, "a/m", replace(Usage(), **{meter.usage_field: 40}), START)
    expected = {each: 40.0 * (each is meter) for each in MIX_METERS}
    assert beliefs.mix(cell, "a/m") == {**expected, Meter.REQUEST: 1.0}


def test_each_has_its_place_in_stored_mixes_and_keeps_it() -> None:
    assert [meter.mix_place for meter in MIX_METERS] == list(range(len(Meter) - 1))
    assert [meter.value for meter in MIX_METERS[: len(STORED_MIX)]] == STORED_MIX


def test_what_it_is_billed_as_is_of_its_family() -> None:
    assert all(meter.family is other.family for meter, other in BILLED_AS.items())
