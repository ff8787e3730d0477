"""From the words of a feed to the dollars of one request, at hand-worked times and sizes."""

import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from windsock.core.model.catalog import Catalog, Deployment
from windsock.core.model.model_names import Identity
from windsock.core.model.units import Usage
from windsock.core.pricing.book import PriceBook
from windsock.feeds.definition import load_feed
from windsock.feeds.quotes import quote_of
from windsock.feeds.reader import read
from windsock.providers.presets import provider_names
from windsock.resources import folders

SEEN = datetime(2026, 11, 20, tzinfo=UTC).timestamp()
WEEKDAYS = ["monday", "tuesday", "wednesday", "thursday", "friday"]
USED = Usage(input_tokens=3_000, cache_read_tokens=1_000, output_tokens=500)


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def book_of(feed: str, body: object, deployment: str) -> PriceBook:
    """What the shipped feed makes of a body, resolved and believed by an empty book."""
    provider, _, model = deployment.partition("/")
    identity = Identity(
        Catalog([Deployment(id=deployment, provider=provider, model=model)]), provider_names()
    )
    definition = load_feed(folders("pricefeeds", "feed.toml")[feed])
    book = PriceBook()
    for row in read(definition, json.dumps(body).encode(), seen_at=SEEN).rows:
        for name, is_indirect in identity.resolve(row.provider, row.model):
            book.absorb(quote_of(row, name, definition, SEEN, is_indirect), SEEN)
    return book


def openrouter(model: str, pricing: dict[str, object]) -> PriceBook:
    entry = {
        "id": model,
        "context_length": 1_000_000,
        "architecture": {"input_modalities": ["text"], "output_modalities": ["text"]},
        "pricing": pricing,
        "top_provider": {"max_completion_tokens": None},
        "supported_parameters": [],
    }
    return book_of("openrouter", {"data": [entry]}, f"openrouter/{model}")


FLASH = {
    "prompt": "0.00000015",
    "completion": "0.0000006",
    "input_cache_read": "0.000000003",
    "internal_reasoning": "0",
    "overrides": [
        {"utc_start": 100, "utc_end": 400, "utc_days": WEEKDAYS,
         "prompt": "0.0000003", "completion": "0.0000012", "input_cache_read": "0.000000006"},
        {"utc_start": 600, "utc_end": 1000, "utc_days": WEEKDAYS,
         "prompt": "0.0000003", "completion": "0.0000012", "input_cache_read": "0.000000006"},
    ],
}  # fmt: skip
CALM = Decimal("0.000753")
"""3000 x 0.15 + 1000 x 0.003 + 500 x 0.6 dollars per million."""


@pytest.mark.parametrize(
    ("when", "times"),
    [
        ("2026-11-20T00:59:00", 1),
        ("2026-11-20T01:00:00", 2),
        ("2026-11-20T03:59:00", 2),
        ("2026-11-20T04:00:00", 1),
        ("2026-11-20T05:59:00", 1),
        ("2026-11-20T06:00:00", 2),
        ("2026-11-20T09:59:00", 2),
        ("2026-11-20T10:00:00", 1),
        ("2026-11-21T02:00:00", 1),
        ("2026-11-22T07:00:00", 1),
        ("2026-11-23T01:00:00", 2),
    ],
)
def test_openrouters_overrides_by_hour_and_day(when: str, times: int) -> None:
    model = "deepseek/deepseek-v4-flash"
    book = openrouter(model, FLASH)
    assert book.cost_usd(f"openrouter/{model}", USED, at(when)) == times * CALM


def test_a_reasoning_price_of_zero_bills_reasoning_as_output() -> None:
    model = "deepseek/deepseek-v4-flash"
    used = Usage(output_tokens=100, reasoning_tokens=900)
    cost = openrouter(model, FLASH).cost_usd(f"openrouter/{model}", used, SEEN)
    assert cost == Decimal("0.0006")


@pytest.mark.parametrize(
    ("tokens", "expected"),
    [(199_999, "0.24999875"), (200_000, "0.25"), (200_001, "0.5000025")],
)
def test_openrouters_overrides_by_size_are_strict(tokens: int, expected: str) -> None:
    pricing = {
        "prompt": "0.00000125",
        "completion": "0.00001",
        "overrides": [
            {"min_prompt_tokens": 200_000, "prompt": "0.0000025", "completion": "0.000015"}
        ],
    }
    book = openrouter("google/gemini-2.5-pro", pricing)
    used = Usage(input_tokens=tokens)
    assert book.cost_usd("openrouter/google/gemini-2.5-pro", used, SEEN) == Decimal(expected)


@pytest.mark.parametrize(
    ("tokens", "expected"), [(200_000, "0.26"), (200_001, "0.5150025"), (1_000, "0.01125")]
)
def test_geminis_200k_step_in_litellms_map(tokens: int, expected: str) -> None:
    row = {
        "input_cost_per_token": 1.25e-06,
        "input_cost_per_token_above_200k_tokens": 2.5e-06,
        "output_cost_per_token": 1e-05,
        "output_cost_per_token_above_200k_tokens": 1.5e-05,
        "litellm_provider": "gemini",
        "mode": "chat",
    }
    book = book_of("litellm", {"gemini/gemini-2.5-pro": row}, "google/gemini-2.5-pro")
    used = Usage(input_tokens=tokens, output_tokens=1_000)
    assert book.cost_usd("google/gemini-2.5-pro", used, SEEN) == Decimal(expected)


@pytest.mark.parametrize(
    ("when", "times"),
    [
        ("2026-11-20T00:59:00", 1),
        ("2026-11-20T01:00:00", 2),
        ("2026-11-20T04:00:00", 1),
        ("2026-11-20T06:00:00", 2),
        ("2026-11-20T10:00:00", 1),
        ("2026-11-20T23:59:00", 1),
        ("2026-11-21T02:00:00", 1),
        ("2026-11-23T00:30:00", 1),
    ],
)
def test_litellms_top_price_is_the_peak_and_its_windows_are_the_calm(when, times) -> None:
    row = {
        "input_cost_per_token": 3e-07,
        "output_cost_per_token": 1.2e-06,
        "cache_read_input_token_cost": 6e-09,
        "litellm_provider": "deepseek",
        "mode": "chat",
        "off_peak_pricing": {
            "input_cost_per_token": 1.5e-07,
            "output_cost_per_token": 6e-07,
            "cache_read_input_token_cost": 3e-09,
            "windows": [
                {"hours_utc": ["00:00-01:00", "04:00-06:00", "10:00-00:00"],
                 "weekdays": [1, 2, 3, 4, 5]},
                {"hours_utc": "00:00-00:00", "weekdays": [6, 7]},
            ],
            "weekday_timezone": "Asia/Shanghai",
        },
    }  # fmt: skip
    name = "deepseek/deepseek-v4-flash"
    book = book_of("litellm", {"deepseek/deepseek-v4-flash": row}, name)
    assert book.cost_usd(name, USED, at(when)) == times * CALM


@pytest.mark.parametrize(
    ("when", "usd"),
    [
        ("2026-11-20T15:59:00", 2),
        ("2026-11-20T16:00:00", 1),
        ("2026-11-20T19:59:00", 1),
        ("2026-11-20T20:00:00", 2),
        ("2026-11-22T15:59:00", 2),
        ("2026-11-22T16:00:00", 2),
        ("2026-11-21T16:00:00", 1),
    ],
    ids=["fri", "sat-in-shanghai", "last", "past", "sun", "mon-in-shanghai", "sun-in-shanghai"],
)
def test_litellms_weekdays_are_counted_in_their_own_zone(when: str, usd: int) -> None:
    """Friday 16:00 UTC is Saturday in Shanghai; Sunday 16:00 UTC is Monday there."""
    row = {
        "input_cost_per_token": 2e-06,
        "output_cost_per_token": 2e-06,
        "litellm_provider": "deepseek",
        "mode": "chat",
        "off_peak_pricing": {
            "input_cost_per_token": 1e-06,
            "output_cost_per_token": 1e-06,
            "windows": [{"hours_utc": "16:00-20:00", "weekdays": [6, 7]}],
            "weekday_timezone": "Asia/Shanghai",
        },
    }
    book = book_of("litellm", {"deepseek/m": row}, "deepseek/m")
    assert book.cost_usd("deepseek/m", Usage(input_tokens=1_000_000), at(when)) == usd


@pytest.mark.parametrize(
    ("when", "tokens", "usd_per_mtok"),
    [
        ("2026-11-20T21:59:00", 200_001, "1.2"),
        ("2026-11-20T22:00:00", 200_001, "0.9"),
        ("2026-11-21T05:59:00", 200_001, "0.9"),
        ("2026-11-21T06:00:00", 200_001, "1.2"),
        ("2026-11-20T22:00:00", 200_000, "0.6"),
    ],
)
def test_openrouters_overrides_by_size_and_hour_hold_where_both_do(
    when, tokens, usd_per_mtok
) -> None:
    pricing = {
        "prompt": "0.0000006",
        "completion": "0.0000022",
        "overrides": [
            {"min_prompt_tokens": 200_000, "prompt": "0.0000012"},
            {"min_prompt_tokens": 200_000, "utc_start": 2200, "utc_end": 600, "prompt": "9e-7"},
        ],
    }
    book = openrouter("z-ai/glm-5.3", pricing)
    cost = book.cost_usd("openrouter/z-ai/glm-5.3", Usage(input_tokens=tokens), at(when))
    assert cost == Decimal(usd_per_mtok) * tokens / 1_000_000


def test_every_meter_is_billed_at_its_own_price() -> None:
    pricing = {
        "prompt": "0.000003",
        "completion": "0.000002",
        "input_cache_read": "0.000001",
        "input_cache_write": "0.000004",
        "input_cache_write_1h": "0.000005",
        "internal_reasoning": "0.000006",
        "audio": "0.000007",
        "audio_output": "0.000008",
        "image": "0.009",
        "web_search": "0.01",
        "request": "0.02",
    }
    used = Usage(
        input_tokens=1,
        output_tokens=10,
        cache_read_tokens=100,
        cache_write_tokens=1_000,
        cache_write_1h_tokens=10_000,
        reasoning_tokens=100_000,
        audio_input_tokens=1_000_000,
        audio_output_tokens=10_000_000,
        images=2,
        web_searches=3,
    )
    cost = openrouter("acme/all", pricing).cost_usd("openrouter/acme/all", used, SEEN)
    assert cost == Decimal("87.654123") + Decimal("0.068")
