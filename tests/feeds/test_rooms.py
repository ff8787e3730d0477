"""Every feed folder proves itself: what its sample yields is what its expected.csv says."""

import csv
import shutil
from datetime import datetime
from pathlib import Path

import pytest

from windsock.errors import ConfigError, FeedError
from windsock.feeds.definition import load_feed
from windsock.feeds.expected_rows import rows_as_csv
from windsock.feeds.reader import read
from windsock.resources import folders, room

FEEDS = folders("pricefeeds", "feed.toml")
NOW = 1_795_514_400.0
"""2026-11-24, when the samples were written."""


@pytest.mark.parametrize("name", FEEDS)
def test_a_sample_yields_what_is_expected(name: str) -> None:
    folder = FEEDS[name]
    definition = load_feed(folder)
    assert definition.id == name
    (sample,) = folder.glob("sample.*")
    reading = read(definition, sample.read_bytes(), seen_at=NOW)
    with (folder / "expected.csv").open() as lines:
        expected = list(csv.DictReader(lines))
    assert expected
    found = [{key: row[key] for key in expected[0]} for row in rows_as_csv(reading)]
    assert found == expected


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('unit = "usd/token"\n', "", "unit is missing"),
        ('unit = "usd/token"', 'unit = "usd/kg"', "'usd/kg' is no unit"),
        ("trust = 0.9\n", "", "trust is missing"),
        ('every = "5m"', 'every = "often"', "'often' is not a duration"),
        (".data[] |", ".data[ |", "not a jq program"),
        ("trust = 0.9", 'trust = 0.9\ncolour = "red"', "unknown key 'colour'"),
    ],
)
def test_a_faulty_declaration_is_refused_with_file_and_key(old, new, words, tmp_path: Path) -> None:
    shutil.copytree(FEEDS["openrouter"], tmp_path / "feed")
    file = tmp_path / "feed" / "feed.toml"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))
    with pytest.raises(ConfigError) as caught:
        load_feed(tmp_path / "feed")
    assert words in str(caught.value)
    assert str(file) in str(caught.value)


@pytest.mark.parametrize(
    "body",
    [b"<html>", b"[]", b'{"data": 3}', b"\xff\xfe\x00", b"", b'{"data": []}'],
    ids=["html", "list", "number", "utf16", "empty", "no-rows"],
)
def test_a_body_that_is_no_feed_is_refused_whole(body: bytes) -> None:
    with pytest.raises(FeedError, match="openrouter"):
        read(load_feed(FEEDS["openrouter"]), body, seen_at=NOW)


def test_a_dynamic_price_is_no_price() -> None:
    folder = FEEDS["openrouter"]
    reading = read(load_feed(folder), (folder / "sample.json").read_bytes(), seen_at=NOW)
    assert ("openrouter/openrouter/auto", "dynamic price") in reading.skipped
    assert not any(row.model == "openrouter/auto" for row in reading.rows)


def test_a_frozen_status_page_is_unknown_not_down() -> None:
    folder = FEEDS["statuspage-anthropic"]
    body = (folder / "sample.json").read_bytes().replace(b"2026-11-20T10", b"2026-05-08T10")
    (report,) = read(load_feed(folder), body, seen_at=NOW).health
    assert report.state.value == "unknown"


def test_an_unknown_status_is_unknown() -> None:
    folder = FEEDS["statuspage-anthropic"]
    body = (folder / "sample.json").read_bytes().replace(b"degraded_performance", b"dancing")
    (report,) = read(load_feed(folder), body, seen_at=NOW).health
    assert report.state.value == "unknown"


@pytest.mark.parametrize(("name", "count"), [("events", 167), ("aggregator", 326)])
def test_every_row_of_the_archive_has_its_date_source_and_confidence(name, count) -> None:
    with (room("pricefeeds") / "archive" / f"{name}.csv").open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    assert len(rows) == count
    for row in rows:
        assert row["source"], row
        assert row["confidence"] in ("high", "medium", "low"), row
        datetime.fromisoformat(row["seen_at"].replace("Z", "+00:00"))
    assert [row["seen_at"] for row in rows] == sorted(row["seen_at"] for row in rows)
