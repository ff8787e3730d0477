"""What feeds said and calls measured is there after a restart at once, not with the next."""

import json
import random
import sqlite3
from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path

import orjson
import pytest

from tests.builders import START, quote
from tests.running import running
from windsock.app.background.config_reload import Reloader
from windsock.app.background.intake.accepted_prices import AcceptedPrices
from windsock.core.model.ticks import HealthReport, HealthState, ModelFacts, Quote, Tier, Vanished
from windsock.core.model.units import Meter, Usage
from windsock.core.pricing.book import PriceBook

NAME = "acme/m"
BASE = {"provider": "acme", "model": "m", "input": 2.5, "output": 15}
TERMS = {
    **BASE,
    "cache_write": 3,
    "service_tiers": {"flex": {"input": 1.25, "output": 7.5}},
    "tiers": [{"min_prompt_tokens": 272000, "input": 5, "output": 22.5}],
}


def feed(folder: Path, name: str, trust: float, *rows: dict) -> None:
    (folder / name).mkdir(parents=True, exist_ok=True)
    body = folder / f"{name}.json"
    body.write_text(json.dumps(rows))
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
        health = it.service.router.health
        for seconds in range(1, 21):
            health.of(NAME).note_latency(health.rules, float(seconds), now)
        measured = health.latency(NAME, now)
        assert measured.p95_s == 19
    for name in ("leader.json", "map.json"):
        (folder / name).unlink()
    async with running(config(folder), tmp_path) as it:
        now = it.service.clock.now()
        assert [prices(it, now), prices(it, now, 300_000, "flex")] == before
        assert it.service.router.health.latency(NAME, now) == measured
        assert before[0][Meter.CACHE_WRITE] == 3
        assert before[1][Meter.INPUT] == Decimal("2.5")
        said = (await it.http.get(f"/v1/prices?deployment={NAME}")).json()["data"][0]
        assert {each["feed"] for each in said["statements"]} == {"leader", "map"}


def restarted(book: PriceBook, *later) -> PriceBook:
    again = PriceBook()
    voices = orjson.loads(orjson.dumps(book.moment()()))
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
    assert book.moment()()[NAME] is book.moment()()[NAME]
    before = book.moment()()[NAME]
    book.absorb(quote(NAME, feed="a", trust=0.9, seen_at=START + 60), START + 60)
    assert book.moment()()[NAME]["tracks"]["a"]["heard_at"] == START + 60
    assert before["tracks"]["a"]["heard_at"] == START


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


TRUST = {"a": 0.95, "b": 0.7, "c": 0.6, "d": 0.5, "acme": 0.8}
PAUSES = (1, 60, 600, 3600, 3600, 6 * 3600, 86_400, 3 * 86_400, 20 * 86_400)
WORDS = ("2", "2", "2.04", "1", "4", ".2", "20", "3", "0")


class Taken:
    """A book as a service has it, and what its store keeps of it."""

    def __init__(self, stored: Iterable[Quote] = (), said: dict | None = None) -> None:
        self.book, self.stored = PriceBook(), list(stored)
        self.book.restore(self.stored, said=said or {})
        self._accepted = AcceptedPrices(book=self.book, append=self.stored.append)

    def again(self) -> "Taken":
        """After a restart."""
        return Taken(self.stored, orjson.loads(orjson.dumps(self.book.moment()())))

    def take(self, event: tuple) -> None:
        kind, now, what = event
        self._accepted.look(NAME, now)
        waiting = sorted(self.book.held(), key=lambda h: (h.quote.feed, h.quote.valid_from or 0))
        if kind == "says":
            self.book.absorb(what, now)
        elif kind == "bill":
            self.book.confirm_bill(
                NAME, Usage(input_tokens=1000, output_tokens=1000), what, now, now
            )
        elif waiting:
            index, is_believed = what
            held = waiting[int(index * len(waiting))]
            if not (is_believed and held.is_final):
                self.book.rule(held.quote, now, is_believed=is_believed)
        self._accepted.keep(NAME, now)

    def shows(self, now: float) -> tuple:
        found = self.book.in_force(NAME, now)
        waiting = sorted((h.quote.feed, h.polls, h.reason) for h in self.book.held())
        return found and found.usd_per_mtok, self.book.standing(NAME, now), waiting


def events(dice: random.Random) -> Iterator[tuple]:
    """What some lists, a bill and a person say of one deployment over weeks."""
    now, feeds = START, dice.sample(list(TRUST), dice.randint(1, 4))
    said = {feed: dice.choice(WORDS[:5]) for feed in feeds}
    for _ in range(dice.randint(6, 40)):
        now, feed, kind = now + dice.choice(PAUSES), dice.choice(feeds), dice.random()
        if dice.random() < 0.25:
            said[feed] = dice.choice(WORDS)
        usd = {
            Meter.INPUT: Decimal(said[feed]),
            Meter.OUTPUT: dice.choice([4, 4, 4, 1]) * Decimal(said[feed]),
        }
        if dice.random() < 0.2:
            usd[Meter.CACHE_READ] = usd[Meter.INPUT] / 10
        if kind < 0.08:
            yield "rules", now, (dice.random(), dice.random() < 0.6)
        elif kind < 0.11:
            yield "bill", now, dice.choice([Decimal("0.01"), Decimal("0.04")])
        elif kind < 0.13:
            yield "says", now, Vanished(deployment=NAME, feed=feed, feed_model=NAME, seen_at=now)
        else:
            terms = {"is_indirect": dice.random() < 0.1, "trust": TRUST[feed]}
            if dice.random() < 0.05:
                terms["valid_from"] = now + dice.choice([100, 86_400])
            yield "says", now, quote(NAME, feed=feed, usd_per_mtok=usd, seen_at=now, **terms)


@pytest.mark.parametrize("seed", range(60))
def test_a_restart_changes_nothing_of_what_is_believed_held_or_ruled(seed: int) -> None:
    dice = random.Random(seed)
    told = list(events(dice))
    restarts = dice.sample(range(1, len(told)), 2)
    one = other = Taken()
    for i, event in enumerate(told):
        if i in restarts:
            other = one.again() if other is one else other.again()
        for each in {id(one): one, id(other): other}.values():
            each.take(event)
        assert other.shows(event[1]) == one.shows(event[1]), (i, restarts)


@pytest.mark.parametrize("said", [{"input": 0.25, "output": 1.5}, {"input": 2.0, "output": 12}])
async def test_what_a_person_drops_is_dropped_after_a_restart_that_nobody_foresaw(
    said, tmp_path
) -> None:
    """Held, or believed at once."""
    folder = tmp_path / "feeds"
    feed(folder, "leader", 0.9, BASE)
    feed(folder, "map", 0.6, TERMS)
    kept = config(folder) + '[store]\nurl = "sqlite:///{}"\nsnapshot_every = "1h"\n'
    left = tmp_path / "left.db"
    async with running(kept.format(tmp_path / "windsock.db"), tmp_path) as it:
        await it.service.poller.poll_now("leader")
        feed(folder, "leader", 0.9, {**BASE, **said})
        await it.service.poller.poll_now("leader")
        ask = {"deployment": NAME, "feed": "leader"}
        dropped = await it.http.post("/v1/prices/quarantine/reject", json=ask)
        assert dropped.status_code == 200, dropped.text
        with sqlite3.connect(tmp_path / "windsock.db") as now, sqlite3.connect(left) as then:
            now.backup(then)
    async with running(kept.format(left), tmp_path) as it:
        await it.service.poller.poll_now("leader")
        assert (await it.http.get("/v1/prices/quarantine")).json()["data"] == []
        assert prices(it, it.service.clock.now())[Meter.INPUT] == Decimal("2.5")


async def test_a_price_that_the_owner_states_no_more_is_none_after_a_restart(tmp_path) -> None:
    own = '[providers.acme]\nbase_url = "http://127.0.0.1:9"\n{}'
    own += f'[routes.auto]\ncandidates = ["{NAME}"]\n'
    for price, shown in (("price = { input = 7, output = 9 }\n", "config"), ("", None)):
        async with running(own.format(price), tmp_path) as it:
            said = (await it.http.get(f"/v1/prices?deployment={NAME}")).json()["data"][0]
            assert (said["feed"], said["is_priced"]) == (shown, bool(price))


async def test_a_list_that_is_read_no_more_has_no_voice(tmp_path) -> None:
    folder, path = tmp_path / "feeds", tmp_path / "windsock.toml"
    feed(folder, "leader", 0.9, {**BASE, "input": 9}, {**BASE, "model": "big-2"})
    feed(folder, "map", 0.6, TERMS)
    path.write_text(config(folder))
    lone = config(folder).replace('["leader", "map"]', '["map"]')
    async with running(path.read_text(), tmp_path) as it:
        for name in ("leader", "map"):
            await it.service.poller.poll_now(name)
        assert prices(it, it.service.clock.now())[Meter.INPUT] == 9
        assert "acme/big-2" in it.service.ingestion.nearest("acme/big-3")
        catalog = it.service.router.catalog
        facts = {"provider": "acme", "model": "m", "feed": "leader"}
        catalog.learn(NAME, ModelFacts(**facts, context_tokens=9))
        reloader = Reloader(target=it.service.reloaded, path=path, environ={})
        path.write_text(lone)
        reloader.check()
        said = (await it.http.get(f"/v1/prices?deployment={NAME}")).json()["data"][0]
        assert (said["feed"], said["disputed_by"]) == ("map", [])
        assert "acme/big-2" not in it.service.ingestion.nearest("acme/big-3")
        assert catalog.deployments[NAME].capabilities.context_tokens is None
        assert [each["feed"] for each in said["statements"]] == ["map"]
        assert prices(it, it.service.clock.now())[Meter.INPUT] == Decimal("2.5")
    async with running(path.read_text(), tmp_path) as it:
        assert prices(it, it.service.clock.now())[Meter.INPUT] == Decimal("2.5")


async def test_what_the_owner_prices_by_now_no_list_speaks_of_and_no_dismissed_feed_keeps_out(
    tmp_path,
) -> None:
    folder, path = tmp_path / "feeds", tmp_path / "windsock.toml"
    feed(folder, "leader", 0.9, BASE)
    feed(folder, "map", 0.6, TERMS)
    path.write_text(config(folder))
    own = config(folder).replace("[routes", "price = { input = 7, output = 9 }\n[routes")
    async with running(path.read_text(), tmp_path) as it:
        for name in ("leader", "map"):
            await it.service.poller.poll_now(name)
        wind, now = it.service.router, it.service.clock.now()
        down = HealthReport(feed="map", subject="acme", state=HealthState.DOWN, seen_at=now)
        wind.absorb(down, now)
        assert wind.health.why_out(NAME, "acme", now) is not None
        reloader = Reloader(target=it.service.reloaded, path=path, environ={})
        path.write_text(own.replace('["leader", "map"]', '["leader"]'))
        reloader.check()
        said = (await it.http.get(f"/v1/prices?deployment={NAME}")).json()["data"][0]
        assert [each["feed"] for each in said["statements"]] == ["config"]
        assert (said["disputed_by"], said["vanished_from"]) == ([], [])
        assert wind.health.why_out(NAME, "acme", now) is None
        path.write_text(config(folder))
        reloader.check()
        said = (await it.http.get(f"/v1/prices?deployment={NAME}")).json()["data"][0]
        assert said["feed"] in ("leader", "map")  # which the edit has read again at once, or a poll


async def test_a_name_that_is_taken_back_takes_what_was_said_under_it_along(tmp_path) -> None:
    folder, path = tmp_path / "feeds", tmp_path / "windsock.toml"
    feed(folder, "leader", 0.9, {**BASE, "provider": "other", "model": "x", "input": 9})
    feed(folder, "map", 0.6, TERMS)
    wrong = '[deployments."acme/m"]\nprice_names = ["other/x"]\n'
    path.write_text(config(folder) + wrong)
    async with running(path.read_text(), tmp_path) as it:
        for name in ("leader", "map"):
            await it.service.poller.poll_now(name)
        assert prices(it, it.service.clock.now())[Meter.INPUT] == 9
        reloader = Reloader(target=it.service.reloaded, path=path, environ={})
        path.write_text(config(folder))
        reloader.check()
        said = (await it.http.get(f"/v1/prices?deployment={NAME}")).json()["data"][0]
        assert (said["feed"], said["disputed_by"], said["vanished_from"]) == ("map", [], [])
