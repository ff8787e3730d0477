"""What feeds said is there after a restart at once, not with their next poll."""

import json
from decimal import Decimal
from pathlib import Path

import orjson
import pytest

from tests.builders import START, quote
from tests.running import running
from windsock.core.model.ticks import Tier
from windsock.core.model.units import Meter
from windsock.core.pricing.book import PriceBook

NAME = "acme/m"
BASE = {"provider": "acme", "model": "m", "input": 2.5, "output": 15}
TERMS = {
    **BASE,
    "cache_write": 3,
    "service_tiers": {"flex": {"input": 1.25, "output": 7.5}},
    "tiers": [{"min_prompt_tokens": 272000, "input": 5, "output": 22.5}],
}


def feed(folder: Path, name: str, trust: float, row: dict) -> None:
    (folder / name).mkdir(parents=True, exist_ok=True)
    body = folder / f"{name}.json"
    body.write_text(json.dumps([row]))
    (folder / name / "feed.toml").write_text(
        f'id = "{name}"\nkind = "price"\nurl = "file:{body}"\nevery = "1h"\n'
        f'unit = "usd/mtok"\ntrust = {trust}\nquotes = ".[]"\n'
    )


def config(folder: Path) -> str:
    return (
        '[providers.acme]\nbase_url = "http://127.0.0.1:9"\n'
        f'[routes.auto]\ncandidates = ["{NAME}"]\n'
        f'[feeds]\nenabled = ["leader", "map"]\ndirs = ["{folder}"]\n'
    )


def prices(it, now: float, size: int = 0, tier: str | None = None) -> dict:
    book = it.service.router.book
    return book.prices(NAME, now, prompt_tokens=size, service_tier=tier)


async def test_facets_of_another_list_bill_at_once_after_a_restart(tmp_path) -> None:
    folder = tmp_path / "feeds"
    feed(folder, "leader", 0.9, BASE)
    feed(folder, "map", 0.6, TERMS)
    async with running(config(folder), tmp_path) as it:
        for name in ("leader", "map"):
            await it.service.poller.poll_now(name)
        now = it.service.clock.now()
        before = [prices(it, now), prices(it, now, 300_000, "flex")]
    for name in ("leader.json", "map.json"):
        (folder / name).unlink()
    async with running(config(folder), tmp_path) as it:
        now = it.service.clock.now()
        assert [prices(it, now), prices(it, now, 300_000, "flex")] == before
        assert before[0][Meter.CACHE_WRITE] == 3
        assert before[1][Meter.INPUT] == Decimal("2.5")
        said = (await it.http.get(f"/v1/prices?deployment={NAME}")).json()["data"][0]
        assert {each["feed"] for each in said["statements"]} == {"leader", "map"}


def restarted(book: PriceBook, *later) -> PriceBook:
    again = PriceBook()
    voices = orjson.loads(orjson.dumps(book.voices()))
    again.restore([*book.history(NAME, 0, 1e12), *later], said=voices)
    return again


FLEX = {"flex": {Meter.INPUT: Decimal("0.5"), Meter.OUTPUT: Decimal(2)}}


@pytest.fixture
def book() -> PriceBook:
    made = PriceBook()
    made.absorb(quote(NAME, feed="a", trust=0.9), START)
    long = Tier(min_prompt_tokens=200_000, usd_per_mtok={Meter.INPUT: Decimal(2)})
    made.absorb(quote(NAME, feed="b", trust=0.5, service_tiers=FLEX, tiers=(long,)), START)
    return made


def test_what_was_said_before_is_not_written_anew_until_somebody_speaks(book) -> None:
    assert book.voices()[NAME] is book.voices()[NAME]
    before = book.voices()[NAME]
    book.absorb(quote(NAME, feed="a", trust=0.9, seen_at=START + 60), START + 60)
    assert book.voices()[NAME]["a"]["heard_at"] == START + 60
    assert before["a"]["heard_at"] == START


def test_the_price_in_force_is_the_same_after_a_restart_and_after_the_next_poll(book) -> None:
    again = restarted(book)
    for moment, it in ((START + 1, book), (START + 1, again)):
        it.absorb(quote(NAME, feed="a", trust=0.9, seen_at=moment), moment)
    assert again.in_force(NAME, START + 1) == book.in_force(NAME, START + 1)
    assert again.standing(NAME) == book.standing(NAME)


def test_a_quote_of_after_the_snapshot_is_the_last_word_of_its_feed(book) -> None:
    dearer = {meter: 2 * usd for meter, usd in quote().usd_per_mtok.items()}
    later = quote(NAME, feed="a", trust=0.9, usd_per_mtok=dearer, seen_at=START + 60)
    again = restarted(book, later)
    assert again.prices(NAME, START + 60) == dearer
    assert again.prices(NAME, START + 60, service_tier="flex") == dearer


def test_a_store_of_before_has_no_voices_and_restores_as_ever(book) -> None:
    again = PriceBook()
    again.restore(book.history(NAME, 0, 1e12))
    assert again.prices(NAME, START) == book.believed(NAME, START).usd_per_mtok
