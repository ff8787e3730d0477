"""Large bodies are read in a process of their own, to the same rows."""

import json
import os
import signal

import pytest

from windsock.errors import FeedError
from windsock.feeds.definition import load_feed
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
    assert (await apart.read(definition, large("openrouter"), seen_at=NOW)).rows


async def test_a_process_that_dies_is_an_error_once_and_started_again(apart) -> None:
    definition = load_feed(FEEDS["openrouter"])
    await apart.read(definition, large("openrouter"), seen_at=NOW)
    os.kill(apart._process.pid, signal.SIGKILL)
    with pytest.raises(FeedError, match="gave no answer"):
        await apart.read(definition, large("openrouter"), seen_at=NOW)
    assert (await apart.read(definition, large("openrouter"), seen_at=NOW)).rows
