"""GET /v1/feeds: when each feed last said something, how much, and what becomes of its word."""

import asyncio
import json
from pathlib import Path
from typing import Any

from tests.running import Running, running
from tests.upstream import Answer, upstream

CONFIG = """
[providers.acme]
base_url = "https://acme.test/v1"
[providers.boreal]
base_url = "https://boreal.test/v1"
[routes.auto]
candidates = ["acme/m", "boreal/m"]
"""
FEED = """
id = "{name}"
kind = "price"
url = "{url}"
every = "{every}"
unit = "usd/mtok"
trust = 0.8
allow_private = true
quotes = '.[] | {{provider: .p, model: "m", input: .in, output: (.in * 4)}}'
"""


def feed(folder: Path, name: str, url: str, every: str = "10m") -> str:
    place = folder / name
    place.mkdir(parents=True)
    (place / "feed.toml").write_text(FEED.format(name=name, url=url, every=every))
    return f'[feeds]\nenabled = ["{name}"]\ndirs = ["{folder}"]\n'


def sheet(folder: Path, rows: list[dict[str, Any]]) -> str:
    path = folder / "sheet.json"
    path.write_text(json.dumps(rows))
    return f"file:{path}"


async def seen(it: Running) -> dict[str, Any]:
    (view,) = (await it.http.get("/v1/feeds")).json()["data"]
    found: dict[str, Any] = view
    return found


async def test_a_feed_is_told_with_its_ages_its_rows_and_what_becomes_of_its_word(tmp_path) -> None:
    rows = [{"p": "acme", "in": 2}, {"p": "boreal", "in": 3}, {"p": "crux", "in": "dear"}]
    config = CONFIG + feed(tmp_path / "feeds", "mine", sheet(tmp_path, rows))
    async with running(config, tmp_path) as it:
        while (view := await seen(it))["last_good_age_s"] is None:
            await asyncio.sleep(0.05)
    assert (view["kind"], view["host"], view["trust"], view["every_s"]) == (
        "price", "file", 0.8, 600.0
    )  # fmt: skip
    assert 0 <= view["last_good_age_s"] < 30 and view["overdue_s"] == 0.0
    assert 500 < view["next_poll_s"] <= 602
    assert (view["rows"], view["refused_rows"]) == (2, 1)
    assert view["refused"][0]["name"] == "crux/m" and view["refused"][0]["reason"]
    assert view["says"] == {"agrees": 2}
    assert not view["is_stale"] and view["error"] is None


async def test_a_feed_that_cannot_be_read_says_why_and_never_where_its_secret_stands(
    tmp_path,
) -> None:
    async with upstream(lambda _: Answer({})) as there:
        url = f"{there.url}/prices?token=s3cret"
        config = CONFIG + feed(tmp_path / "feeds", "mine", url)
        async with running(config, tmp_path) as it:
            await it.service.poller.poll_now("mine")
            answer = await it.http.get("/v1/feeds")
    (view,) = answer.json()["data"]
    assert view["host"] == "127.0.0.1" and "s3cret" not in answer.text
    assert "404" in view["error"] and view["failures"] >= 1
    assert view["last_good_age_s"] is view["overdue_s"] is None
    assert view["last_tried_age_s"] is not None
    assert (view["rows"], view["says"]) == (0, {})


async def test_before_the_first_poll_nothing_is_made_up(tmp_path) -> None:
    config = CONFIG + feed(tmp_path / "feeds", "mine", sheet(tmp_path, []))
    async with running(config, tmp_path) as it:
        it.service.poller._schedule.plan("mine", 60.0)
        for status in it.service.poller.status():
            status.last_good_at = status.last_tried = None
        view = await seen(it)
    assert view["last_good_age_s"] is view["last_tried_age_s"] is None
    assert 50 < view["next_poll_s"] <= 60 and not view["is_stale"]


async def test_without_feeds_the_list_is_empty(tmp_path) -> None:
    async with running(CONFIG, tmp_path) as it:
        assert (await it.http.get("/v1/feeds")).json() == {"data": []}
