"""Every feed folder proves itself: what its sample yields is what its expected.csv says."""

import copy
import csv
import json
import shutil
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from windsock.core.model.units import Meter
from windsock.errors import ConfigError, FeedError
from windsock.feeds.definition import load_feed
from windsock.feeds.expected_rows import rows_as_csv
from windsock.feeds.quotes import rows_at
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
        ("rows(.data[];", "rows(.data[;", "not a jq program"),
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


ENTRIES = {
    "litellm": [],
    "portkey": [],
    "together": [],
    "xai": ["models"],
    "llm-prices": ["prices"],
    "tokenmix": ["data", "list"],
    "genai-prices": [0, "models"],
    "models-dev": ["google", "models"],
    "huggingface": ["data", 0, "providers"],
    "openrouter-endpoints": ["data", "endpoints"],
    **{name: ["data"] for name in ("openrouter", "helicone", "vercel", "deepinfra")},
}
"""Where a list's entries stand in its body."""


def spoilt(body: Any, path: list[Any]) -> Iterator[tuple[Any, Any]]:
    """(the body without one entry, the body with nonsense in its place or in one of its fields)."""
    entries = at(body, path)
    for key in list(entries if isinstance(entries, dict) else range(len(entries)))[:3]:
        without = copy.deepcopy(body)
        del at(without, path)[key]
        for odd in ("<td>", None, 7, [[]]):
            yield without, changed(body, [*path, key], odd)
        for name in entries[key]:
            yield without, changed(body, [*path, key, name], -1)


def at(body: Any, path: list[Any]) -> Any:
    for key in path:
        body = body[key]
    return body


def changed(body: Any, path: list[Any], value: Any) -> Any:
    body = copy.deepcopy(body)
    at(body, path[:-1])[path[-1]] = value
    return body


@pytest.mark.parametrize("name", ENTRIES)
def test_an_odd_entry_of_a_list_takes_none_but_itself(name: str) -> None:
    definition = load_feed(FEEDS[name]).model_copy(update={"least_rows": 0})
    body = json.loads((FEEDS[name] / "sample.json").read_text())
    for without, odd in spoilt(body, ENTRIES[name]):
        rest = read(definition, json.dumps(without).encode(), seen_at=NOW)
        found = read(definition, json.dumps(odd).encode(), seen_at=NOW)
        names = {(row.provider, row.model) for row in found.rows}
        assert names >= {(row.provider, row.model) for row in rest.rows}


@pytest.mark.parametrize(
    ("stated", "found"),
    [
        ({"currency": " usd "}, "USD"),
        ({"currency": "US$"}, "USD"),
        ({"currency": "rmb"}, "CNY"),
        ({"currency": "€"}, "EUR"),
        ({"input": "$3.00", "output": "15 USD"}, "USD"),
        ({"input": "¥3"}, "unreadable: a price that is no number"),
        ({"discount": "20%"}, "USD"),
        ({"discount": 20}, "unreadable: the discount 20 is no share of 0 to 1"),
        ({"discount": "-0.1"}, "unreadable: the discount -0.1 is no share of 0 to 1"),
        ({"discount": "some"}, "unreadable: a price that is no number"),
        ({"input": "1e999999"}, "unreadable: input is 1E+999999, which is no price"),
        ({"input": "1,25"}, "unreadable: a price that is no number"),
        ({"input": "3_0"}, "unreadable: a price that is no number"),
        ({"input": "\uff13"}, "unreadable: a price that is no number"),
        ({"output": "1__5"}, "unreadable: a price that is no number"),
        ({"input": True}, "unreadable: a price that is no number"),
        ({"input": None}, "unreadable: states no input price"),
        ({"windows": [7]}, "unreadable: 'int' object has no attribute 'get'"),
        ({"service_tiers": [1]}, "unreadable: 'list' object has no attribute 'items'"),
        ({"context_tokens": 0, "max_output_tokens": -1, "vision": "no"}, "USD"),
    ],
)
def test_what_a_row_states_oddly(stated: dict[str, object], found: str) -> None:
    definition = load_feed(FEEDS["price-sheet"]).model_copy(
        update={"quotes": ".[]", "format": "json"}
    )
    row = {"provider": "acme", "model": "m", "input": 1, "output": 2, **stated}
    reading = read(definition, json.dumps([row]).encode(), seen_at=NOW)
    said = [each.currency for each in reading.rows] or [reason for _, reason in reading.skipped]
    assert said == [found]
    facts = reading.facts[0]
    assert (facts.context_tokens, facts.max_output_tokens, facts.vision) == (None, None, None)


def test_a_sheet_may_have_capitals_dollars_and_a_discount_in_percent() -> None:
    sheet = "Provider,Model,Input,Output,Discount\nacme,m,$3.00,15 USD,20%\n"
    (row,) = read(load_feed(FEEDS["price-sheet"]), sheet.encode(), seen_at=NOW).rows
    assert (row.usd_per_mtok[Meter.INPUT], row.usd_per_mtok[Meter.OUTPUT]) == (
        Decimal("2.4"),
        Decimal(12),
    )


def test_a_size_may_be_told_in_millions() -> None:
    entry = {"litellm_provider": "acme", "mode": "chat"} | {
        f"{meter}_cost_per_token{size}": usd
        for meter in ("input", "output")
        for size, usd in (("", 1e-6), ("_above_1m_tokens", 2e-6))
    }
    (row,) = read(load_feed(FEEDS["litellm"]), json.dumps({"m": entry}).encode(), seen_at=NOW).rows
    assert [tier.min_prompt_tokens for tier in row.tiers] == [1_000_000]


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


@pytest.mark.parametrize(
    ("term", "words"),
    [
        ('">272000 input=5",,', "tiers states >272000, which is not of the form"),
        ('">272000:input:5",,', "input:5 is no list of prices"),
        (",22:00-06:00:input=1,", "windows states 22:00-06:00:input=1, which is not of the form"),
        (",12345@25:00-06:00/UTC:input=1,", "'25:00' is no time of day"),
        (",12345@22:00-06:00/Mars:input=1,", "no such time zone"),
        (",12345@22:00-06:00/Europe:input=1,", "no such time zone"),
        (",,flex:inptu=1", "inptu=1 is no list of prices"),
        (",,flex", "service_tiers states flex, which is not of the form"),
    ],
)
def test_a_slip_in_a_price_sheet_is_told_instead_of_a_price_without_it(term, words) -> None:
    sheet = f"provider,model,input,output,tiers,windows,service_tiers\nacme,m,1,2,{term}\n"
    reading = read(load_feed(FEEDS["price-sheet"]), sheet.encode(), seen_at=NOW)
    assert reading.rows == ()
    assert [name for name, _ in reading.skipped] == ["acme/m"]
    assert words in reading.skipped[0][1]


@pytest.mark.parametrize("sheet", ["Anbieter;Modell;input\na;m;1\n", "Anbieter,Modell\na,m\n"])
def test_a_price_sheet_without_its_columns_is_refused(sheet: str) -> None:
    with pytest.raises(FeedError, match="it needs columns so named"):
        read(load_feed(FEEDS["price-sheet"]), sheet.encode(), seen_at=NOW)


@pytest.mark.parametrize("turn", [1, -1])
def test_of_two_rows_of_one_model_the_dearer_holds(turn: int) -> None:
    lines = ["acme,m,1,2,", "acme,m,3,4,", "acme,m,5,6,2027-01-01", "acme,m,4,6,2027-01-01"]
    lines = [*lines, "acme,m,inf,-inf,"][::turn]
    sheet = "provider,model,input,output,valid_from\n" + "\n".join(lines)
    rows = read(load_feed(FEEDS["price-sheet"]), sheet.encode(), seen_at=NOW).rows
    assert sorted(row.usd_per_mtok[Meter.INPUT] for row in rows_at(rows, NOW)) == [3, 5]
