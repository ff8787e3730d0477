"""Large bodies are read in a process of their own, to the same rows."""

import asyncio
import json
import os
import signal

import pytest

from windsock.errors import FeedError
from windsock.feeds import reader_process
from windsock.feeds.definition import FeedDefinition, load_feed
from windsock.feeds.fetcher import RetryLater
from windsock.feeds.reader import read
from windsock.feeds.reader_process import LEAST_BYTES, ReadingProcess
from windsock.resources import folders

FEEDS = folders("pricefeeds", "feed.toml")
NOW = 1_795_514_400.0


def large(name: str) -> bytes:
    """A sample, padded with white space until it counts as large."""
    (sample,) = FEEDS[name].glob("sample.*")
    return sample.read_bytes() + b" " * LEAST_BYTES


@pytest.fixture
async def apart():
    process = ReadingProcess()
    yield process
    await process.close()


@pytest.mark.parametrize("name", ["openrouter", "litellm", "huggingface", "statuspage-openai"])
async def test_rows_facts_and_health_come_back_as_they_were_read(apart, name: str) -> None:
    definition = load_feed(FEEDS[name])
    found = await apart.read(definition, large(name), seen_at=NOW)
    assert found == read(definition, large(name), seen_at=NOW)


async def test_many_rows_come_in_parts_and_in_order(apart) -> None:
    definition = load_feed(FEEDS["models-dev"])
    models = {f"m{i}": {"id": f"m{i}", "cost": {"input": 1 + i, "output": 2}} for i in range(1500)}
    body = json.dumps({"acme": {"models": models}}).encode()
    assert len(body) > LEAST_BYTES
    found = await apart.read(definition, body, seen_at=NOW)
    assert [row.model for row in found.rows] == list(models)


async def test_what_is_no_feed_is_the_same_error_and_the_process_goes_on(apart) -> None:
    definition = load_feed(FEEDS["openrouter"])
    with pytest.raises(FeedError, match=r"^feed 'openrouter': the body does not fit"):
        await apart.read(definition, b"<html>" + b" " * LEAST_BYTES, seen_at=NOW)
    deep = b'[{"model": "m", "input": 1, "tiers": ' + b"[" * 5000 + b"]" * 5000 + b"}]"
    with pytest.raises(FeedError, match=r"nested too deeply|unreadable"):
        await apart.read(own(".[]"), deep, seen_at=NOW)
    assert (await apart.read(definition, large("openrouter"), seen_at=NOW)).rows


async def test_a_process_that_dies_is_an_error_once_and_started_again(apart) -> None:
    definition = load_feed(FEEDS["openrouter"])
    await apart.read(definition, large("openrouter"), seen_at=NOW)
    os.kill(apart._process.pid, signal.SIGKILL)
    with pytest.raises(FeedError, match="gave no answer"):
        await apart.read(definition, large("openrouter"), seen_at=NOW)
    assert (await apart.read(definition, large("openrouter"), seen_at=NOW)).rows


def own(program: str, **more: object) -> FeedDefinition:
    """A feed of an operator's own."""
    stated = {
        "id": "own", "kind": "price", "url": "https://prices.example/own.json", "unit": "usd/mtok",
        "provider": "acme", "every": "1m", "trust": 0.5, "quotes": program, **more,
    }  # fmt: skip
    return FeedDefinition.model_validate(stated)


ENDLESS = {
    "a definition of itself": "def f: f; f",
    "a repetition": "[repeat(.)] | .[]",
    "a list without end": "[range(1e12)] | .[]",
    "a condition never met": "until(false; . + 1)",
    "a recursion that grows": "[recurse([., .])] | .[]",
}


@pytest.mark.parametrize("kind", ENDLESS)
async def test_a_mapping_without_end_is_ended_and_the_feed_left_alone(
    apart, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(reader_process, "DEADLINE_S", 2.0)
        with pytest.raises(FeedError, match=r"did not end within 2 s|gave no answer|does not fit"):
            await apart.read(own(ENDLESS[kind]), b"[1]", seen_at=NOW)
    found = await apart.read(own(".[]"), b'[{"model": "m", "input": 1, "output": 2}]', seen_at=NOW)
    assert len(found.rows) == 1


async def test_a_feed_whose_mapping_hangs_is_quiet_for_an_hour(
    apart, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader_process, "DEADLINE_S", 1.0)
    with pytest.raises(RetryLater) as refused:
        await apart.read(own("def f: f; f"), b"[]", seen_at=NOW)
    assert refused.value.wait_s == reader_process.QUIET_S


async def test_a_process_that_is_reading_ends_at_once(apart) -> None:
    reading = asyncio.create_task(apart.read(own("def f: f; f"), b"[]", seen_at=NOW))
    while apart._process is None:
        await asyncio.sleep(0.05)
    child = apart._process
    await asyncio.wait_for(apart.close(), 2)
    assert child.returncode is not None
    with pytest.raises(FeedError, match="gave no answer"):
        await reading


async def test_a_list_with_more_rows_than_any_market_has_is_refused(apart) -> None:
    program = "range(25000) | {model: tostring, input: 1, output: 2}"
    with pytest.raises(FeedError, match="lists 25000 rows, more than 20000"):
        await apart.read(own(program), b"[]", seen_at=NOW)
