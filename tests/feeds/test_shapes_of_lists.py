"""Public lists in further shapes that they come in, besides the sample of each feed."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from tests.builders import START
from windsock.core.model.units import Meter
from windsock.errors import FeedError
from windsock.feeds.definition import FeedDefinition, load_feed
from windsock.feeds.reader import Reading, read
from windsock.resources import folders

GIVEN, GOT, CACHED = Meter.INPUT, Meter.OUTPUT, Meter.CACHE_READ


def read_by(feed: str, body: Any) -> Reading:
    definition = load_feed(folders("pricefeeds", "feed.toml")[feed])
    return read(definition, json.dumps(body).encode(), seen_at=START)


def entry(name: str, pricing: dict[str, Any], **facts: Any) -> dict[str, Any]:
    base = {"model_name": name, "reported_type": "text-generation", "deprecated": None}
    return {**base, **facts, "pricing": pricing}


def tokens(given: float, got: float, **facts: Any) -> dict[str, Any]:
    base = {"type": "tokens", "cents_per_input_token": given, "cents_per_output_token": got}
    return {**base, "discount": None, "full": None, **facts}


def test_deepinfras_full_list_is_in_cents_a_token_with_multipliers_and_a_discount() -> None:
    said = tokens(
        0.000015,
        0.00005,
        rate_per_input_token_cached=0.2,
        rate_per_input_token_cache_write=None,
        rate_per_explicit_cache_write_token={"5m": 1.25, "1h": 2.0},
        rate_per_service_tier_priority=1.5,
        rate_per_service_tier_flex=None,
        discount=0.5,
    )
    (row,) = read_by("deepinfra", [entry("zai-org/GLM-5.3-Flash", said)]).rows
    assert row.usd_per_mtok == {
        GIVEN: Decimal("0.075"),
        GOT: Decimal("0.25"),
        CACHED: Decimal("0.015"),
        Meter.CACHE_WRITE: Decimal("0.09375"),
        Meter.CACHE_WRITE_1H: Decimal("0.15"),
    }
    assert row.service_tiers == {
        "priority": {GIVEN: Decimal("0.1125"), GOT: Decimal("0.375"), CACHED: Decimal("0.0225")}
    }


def test_what_deepinfras_full_list_says_in_words_alone_is_told() -> None:
    reading = read_by(
        "deepinfra",
        [
            entry("a/plain", tokens(1e-05, 3.2e-05)),
            entry("a/sizes", tokens(0.00012, 0.0006, full="$1.2/$6 <=32k, $2.4/$12 >32k")),
            entry("a/image", {"type": "image_units", "cents_per_image_unit": 1}),
            entry("a/old", tokens(1e-05, 1e-05), deprecated=1717000000),
        ],
    )
    assert [(row.model, row.usd_per_mtok) for row in reading.rows] == [
        ("a/plain", {GIVEN: Decimal("0.1"), GOT: Decimal("0.32")})
    ]
    assert dict(reading.skipped) == {
        "deepinfra/a/sizes": "states sizes in words: $1.2/$6 <=32k, $2.4/$12 >32k",
        "deepinfra/a/image": "no token price",
    }


def test_xais_plain_list_of_models_has_the_same_prices() -> None:
    model = {
        "id": "grok-4.20-0309-non-reasoning",
        "aliases": ["grok-4.20-non-reasoning"],
        "context_length": 2000000,
        "prompt_text_token_price": 12500,
        "cached_prompt_text_token_price": 2000,
        "completion_text_token_price": 25000,
        "prompt_text_token_price_long_context": 25000,
        "cached_prompt_text_token_price_long_context": 4000,
        "completion_text_token_price_long_context": 50000,
        "long_context_threshold": 128000,
    }
    rows = read_by("xai", {"object": "list", "data": [model]}).rows
    assert [row.model for row in rows] == [model["id"], "grok-4.20-non-reasoning"]
    for row in rows:
        assert row.usd_per_mtok == {
            GIVEN: Decimal("1.25"),
            GOT: Decimal("2.5"),
            CACHED: Decimal("0.2"),
        }
        (tier,) = row.tiers
        assert (tier.min_prompt_tokens, tier.is_strict) == (128_000, True)
        assert tier.usd_per_mtok == {GIVEN: Decimal("2.5"), GOT: 5, CACHED: Decimal("0.4")}


PROGRAM = """rows(.models | to_entries[]; {model: .key}; .value | {
  input: .in, output: .out, valid_from: .since
})"""
WRITTEN = {
    "toml": """
[models.m]
in = 0.15
out = 6e-1
since = 2027-01-01
[models.n]
in = "contact us"
""",
    "yaml": "models:\n  m: {in: 0.15, out: 6e-1, since: 2027-01-01}\n  n: {in: contact us}\n",
}


def in_form(form: str) -> FeedDefinition:
    return FeedDefinition.model_validate(
        {
            "id": "acme",
            "kind": "price",
            "url": f"file:prices.{form}",
            "every": "1h",
            "unit": "usd/mtok",
            "trust": 0.5,
            "provider": "acme",
            "format": form,
            "quotes": PROGRAM,
        }
    )


@pytest.mark.parametrize("form", WRITTEN)
def test_yaml_and_toml_are_read_as_json(form: str) -> None:
    reading = read(in_form(form), WRITTEN[form].encode(), seen_at=START)
    (row,) = reading.rows
    assert row.usd_per_mtok == {GIVEN: Decimal("0.15"), GOT: Decimal("0.6")}
    assert row.valid_from == 1_798_761_600.0
    assert reading.skipped == (("acme/n", "unreadable: a price that is no number"),)


@pytest.mark.parametrize(
    ("form", "body", "reason"),
    [
        ("toml", "[models", "the body is no TOML: "),
        ("toml", '{"models": {}}', "the body is no TOML: "),
        ("yaml", "models: [", "the body is no YAML: "),
        ("yaml", "models: !!python/object/apply:os.system [id]", "the body is no YAML: "),
        ("yaml", "a: &a [x, x]\nb: &b [*a, *a]\nmodels: {m: *b}", "it uses aliases"),
        ("yaml", "models: " + "[" * 500 + "]" * 500, "it is nested too deeply"),
        ("toml", "models = " + "[" * 50_000, "the body is no TOML: "),
        ("yaml", "<html></html>", "does not fit the declaration"),
    ],
)
def test_a_body_of_another_form_is_refused_whole(form: str, body: str, reason: str) -> None:
    with pytest.raises(FeedError, match=reason):
        read(in_form(form), body.encode(), seen_at=START)
