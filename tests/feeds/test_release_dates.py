"""Feeds that state when a model was released are read so."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.builders import START
from windsock.feeds.definition import load_feed
from windsock.feeds.reader import read

FEEDS = Path(__file__).parents[2] / "pricefeeds"


@pytest.mark.parametrize(
    ("feed", "model", "at"),
    [
        ("openrouter", "google/gemini-2.5-pro", 1_750_000_000.0),
        ("models-dev", "gemini-2.5-pro", datetime(2025, 3, 20, tzinfo=UTC).timestamp()),
    ],
)
def test_the_release_of_a_model_is_read(feed: str, model: str, at: float) -> None:
    folder = FEEDS / feed
    reading = read(load_feed(folder), (folder / "sample.json").read_bytes(), seen_at=START)
    assert {each.released_at for each in reading.facts if each.model == model} == {at}


def test_a_date_that_is_none_is_unknown() -> None:
    row = {"id": "a/b", "created": "soon", "pricing": {"prompt": "1", "completion": "2"}}
    body = json.dumps({"data": [row]}).encode()
    reading = read(load_feed(FEEDS / "openrouter"), body, seen_at=START)
    assert [each.released_at for each in reading.facts] == [None]
