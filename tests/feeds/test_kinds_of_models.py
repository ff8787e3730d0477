"""Models that are no chat models: what they do not bill is not asked for."""

import json
from decimal import Decimal

import pytest

from tests.builders import START
from windsock.core.model.units import Meter, Usage
from windsock.core.pricing.book import PriceBook
from windsock.feeds.definition import load_feed
from windsock.feeds.quotes import quote_of
from windsock.feeds.reader import read
from windsock.resources import folders

LITELLM = load_feed(folders("pricefeeds", "feed.toml")["litellm"])
MODEL = "acme/m"


def book_of(definition=LITELLM, **row: object) -> PriceBook:
    """The book after one poll of LiteLLM's map with one row."""
    body = json.dumps({"m": {"litellm_provider": "acme", **row}}).encode()
    book = PriceBook()
    for each in read(definition, body, seen_at=START).rows:
        book.absorb(quote_of(each, MODEL, definition, START, False), START)
    return book


@pytest.mark.parametrize(
    ("mode", "row", "usage", "usd"),
    [
        ("embedding", {"input_cost_per_token": 2e-8}, Usage(input_tokens=1000), "0.00002"),
        (
            "embedding",
            {"input_cost_per_token": 2e-8, "output_cost_per_token": 0.0},
            Usage(input_tokens=1000),
            "0.00002",
        ),
        ("embedding", {"input_cost_per_query": 7e-5}, Usage(input_tokens=9), "0.00007"),
        (
            "rerank",
            {"input_cost_per_query": 0.001, "input_cost_per_token": 0.0},
            Usage(input_tokens=9),
            "0.001",
        ),
        ("image_generation", {"output_cost_per_image": 0.06}, Usage(images=2), "0.12"),
        ("moderation", {"input_cost_per_token": 0.0}, Usage(input_tokens=9), "0"),
    ],
)
def test_a_model_is_priced_by_the_meters_of_its_kind(mode, row, usage, usd) -> None:
    book = book_of(mode=mode, **row)
    assert book.held() == []
    assert book.cost_usd(MODEL, usage, START) == Decimal(usd)


@pytest.mark.parametrize(
    "row",
    [
        {"mode": "chat", "input_cost_per_token": 2e-8},
        {"mode": "chat", "input_cost_per_token": 2e-8, "output_cost_per_token": 0.0},
        {"mode": "embedding", "input_cost_per_token": 0.0, "output_cost_per_token": 0.0},
        {"mode": "rerank", "input_cost_per_query": 0.0},
    ],
)
def test_a_chat_model_needs_an_output_price_and_nothing_is_free_unsaid(row) -> None:
    book = book_of(**row)
    assert book.in_force(MODEL, START) is None
    assert book.held()


def test_what_no_meter_counts_is_left_out_with_the_reason() -> None:
    body = {
        "m": {"litellm_provider": "acme", "mode": "image_generation", "input_cost_per_pixel": 1}
    }
    definition = LITELLM.model_copy(update={"least_rows": 0})
    reading = read(definition, json.dumps(body).encode(), seen_at=START)
    assert reading.rows == ()
    assert "no meter counts" in reading.skipped[0][1]


def test_a_spoken_character_is_counted() -> None:
    book = book_of(mode="audio_speech", input_cost_per_character=1.5e-05)
    spoken = Usage(input_tokens=300, input_characters=1000, audio_output_tokens=900)
    assert book.cost_usd(MODEL, spoken, START) == Decimal("0.015")


def test_the_kind_of_a_model_survives_the_store() -> None:
    book = book_of(mode="embedding", input_cost_per_token=2e-8)
    again = PriceBook()
    again.from_state(json.loads(json.dumps(book.to_state())))
    assert again.in_force(MODEL, START) == book.in_force(MODEL, START)
    assert again.prices(MODEL, START)[Meter.OUTPUT] == 0


@pytest.mark.parametrize(
    ("mode", "row", "usage", "usd"),
    [
        ("audio_transcription", {"input_cost_per_second": 1e-4, "output_cost_per_second": 1e-4},
         Usage(input_seconds=90), "0.009"),
        ("audio_transcription", {"output_cost_per_second": 0.0}, Usage(input_seconds=90), None),
        ("audio_transcription",
         {"input_cost_per_second": 1e-4, "input_cost_per_token": 2.5e-6,
          "output_cost_per_token": 1e-5},
         Usage(input_tokens=1000, output_tokens=100, input_seconds=90), "0.0035"),
        ("video_generation", {"output_cost_per_video_per_second": 0.1}, Usage(output_seconds=8),
         "0.8"),
        ("image_generation",
         {"input_cost_per_token": 5e-6, "output_cost_per_image_token": 4e-5},
         Usage(input_tokens=100, output_tokens=1000), "0.0405"),
    ],
    ids=["whisper", "free", "tokens-beside-seconds", "video", "image-tokens"],
)  # fmt: skip
def test_sound_and_pictures_are_priced_by_second_and_by_their_tokens(mode, row, usage, usd) -> None:
    found = book_of(mode=mode, **row).cost_usd(MODEL, usage, START)
    assert found == (None if usd is None else Decimal(usd))
