"""GET /v1/events and /v1/prices/feed.atom, as programs and people read them."""

import json
from datetime import datetime
from xml.etree import ElementTree as ET

import feedparser
import pytest

from tests.running import running
from tests.service.test_prices_shown import CONFIG, say
from windsock.core.model.events import Event, EventKind
from windsock.service.control.prices.atom import MOST_ENTRIES
from windsock.service.control.prices.wording import told

ATOM = "{http://www.w3.org/2005/Atom}"


def publish(it, kind: EventKind, deployment: str = "", **facts: object) -> None:
    at = it.service.clock.now()
    event = Event(kind=kind, deployment=deployment, at=at, facts=facts)
    it.service.ingestion.publish(event)


async def events(it, **params) -> list[dict]:
    await it.service.ledger.flushed()
    answer = await it.http.get("/v1/events", params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


async def entries(it) -> list:
    await it.service.ledger.flushed()
    answer = await it.http.get("/v1/prices/feed.atom")
    assert answer.headers["content-type"].startswith("application/atom+xml")
    check_rfc_4287(answer.content)
    read = feedparser.parse(answer.content, response_headers=dict(answer.headers))
    assert not read.bozo and read.version == "atom10", read.get("bozo_exception")
    return read.entries


def check_rfc_4287(body: bytes) -> None:
    """Sections 4.1.1 and 4.1.2: what a feed and its entries must hold, once each."""
    feed = ET.fromstring(body)
    assert feed.tag == f"{ATOM}feed"
    assert [each.get("rel") for each in feed.findall(f"{ATOM}link")].count("self") == 1
    assert feed.find(f"{ATOM}author/{ATOM}name").text
    for node in (feed, *feed.findall(f"{ATOM}entry")):
        for name in ("id", "title", "updated"):
            (found,) = node.findall(f"{ATOM}{name}")
            assert found.text
        when = node.find(f"{ATOM}updated").text
        assert datetime.fromisoformat(when).tzinfo is not None
    ids = [each.text for each in feed.iter(f"{ATOM}id")]
    assert len(ids) == len(set(ids)) and all(":" in each for each in ids)


async def test_events_are_told_oldest_first_and_can_be_asked_for(tmp_path) -> None:
    async with running(CONFIG, tmp_path) as it:
        say(it, "map", 2, 8)
        say(it, "odd", 6.5, 9)
        publish(it, EventKind.MODEL_LISTED, feed="map", model="acme/next")
        first = (await events(it))[0]
        assert first["event"] == "price.shifted"
        assert first["usd_per_mtok"] == {"input": 2.0, "output": 8.0}
        assert [each["model"] for each in await events(it, kind="model.listed")] == ["acme/next"]
        assert all(e["event"].startswith("price.") for e in await events(it, kind="price"))
        assert len(await events(it, kind="price,model.listed", limit=1)) == 1
        assert (await events(it, limit=1))[0]["event"] == "model.listed"
        assert {each["deployment"] for each in await events(it, deployment="acme/m")} == {"acme/m"}
        assert await events(it, since=it.service.clock.now() + 1) == []


async def test_an_event_that_is_none_is_told_with_the_nearest(tmp_path) -> None:
    async with running(CONFIG, tmp_path) as it:
        answer = await it.http.get("/v1/events", params={"kind": "price.shifed"})
    assert answer.status_code == 400
    assert "did you mean price.shifted?" in answer.json()["error"]["message"]


async def test_what_was_learnt_in_one_namespace_is_told_to_it_alone(tmp_path) -> None:
    async with running(CONFIG, tmp_path) as it:
        publish(it, EventKind.QUALITY_DRIFTED, "acme/m", namespace="theirs")
        publish(it, EventKind.QUALITY_DRIFTED, "acme/m", namespace="default")
        publish(it, EventKind.QUALITY_DRIFTED, "acme/m")
        found = [each.get("namespace") for each in await events(it, kind="quality")]
    assert found == ["default", None]


async def test_a_person_reads_what_moved_who_disagrees_what_is_new_and_what_goes(tmp_path) -> None:
    async with running(CONFIG, tmp_path) as it:
        assert await entries(it) == []
        say(it, "map", 2, 8)
        say(it, "map", 2.5, 8)
        say(it, "two", 2.5, 8)
        say(it, "odd", 7, 9)
        publish(it, EventKind.PRICE_VANISHED, "acme/m", feed="map")
        publish(it, EventKind.MODEL_LISTED, feed="map", model="acme/next")
        publish(it, EventKind.MODEL_LISTED, feed="map", models=["acme/x"], count=40)
        publish(it, EventKind.MODEL_RETIRES, "acme/m", feed="map", retires_on="2027-01-05",
                retires_at=it.service.clock.now() + 40 * 86400)  # fmt: skip
        publish(it, EventKind.COOLDOWN_BEGAN, "acme/m")
        titles = [each.title for each in await entries(it)][::-1]
    assert titles[:2] == [
        "acme/m: first price, input $2, output $8",
        "acme/m: input $2 → $2.5",
    ]
    assert titles[-4:] == [
        "acme/m: no longer listed by map",
        "acme/next: new in map",
        "new in map: acme/x and 39 more",
        "acme/m: retires on 2027-01-05, says map",
    ]
    assert any("price lists disagree, odd says input $7" in each for each in titles), titles


async def test_entries_are_the_same_at_every_reading_and_after_a_restart(tmp_path) -> None:
    async with running(CONFIG, tmp_path) as it:
        say(it, "map", 2, 8)
        publish(it, EventKind.MODEL_LISTED, feed="map", model="acme/next")
        publish(it, EventKind.MODEL_LISTED, feed="map", model="acme/other")
        first = {each.id: each.title for each in await entries(it)}
        assert {each.id: each.title for each in await entries(it)} == first
    async with running(CONFIG, tmp_path) as it:
        later = {each.id: each.title for each in await entries(it)}
    assert len(first) == 3 and first.items() <= later.items()


@pytest.mark.parametrize(
    "name",
    ["<script>alert(1)</script>", "a&b\"'", "nul\x00bell\x07", "]]>", "中文 \U0001f300"],
)
async def test_any_name_is_told_in_well_formed_xml(name, tmp_path) -> None:
    async with running(CONFIG, tmp_path) as it:
        publish(it, EventKind.MODEL_LISTED, feed="map", model=f"acme/{name}")
        await it.service.ledger.flushed()
        body = (await it.http.get("/v1/prices/feed.atom")).content
        assert len(await entries(it)) == 1
    title = ET.fromstring(body).findtext(f"{ATOM}entry/{ATOM}title")
    shown = "".join("\ufffd" if each < " " else each for each in name)
    assert title == f"acme/{shown}: new in map"


async def test_the_feed_is_bounded_and_keeps_the_newest(tmp_path) -> None:
    async with running(CONFIG, tmp_path) as it:
        for number in range(MOST_ENTRIES + 20):
            publish(it, EventKind.MODEL_LISTED, feed="map", model=f"acme/{number}")
        found = await entries(it)
    assert len(found) == MOST_ENTRIES
    assert found[0].title.startswith(f"acme/{MOST_ENTRIES + 19}")


async def test_both_need_a_key_where_reading_does(tmp_path) -> None:
    config = CONFIG + '[server]\nkeys = "required"\nadmin_token = "root-of-all"\n'
    async with running(config, tmp_path) as it:
        for path in ("/v1/events", "/v1/prices/feed.atom"):
            assert (await it.http.get(path)).status_code == 401
            headers = {"authorization": "Bearer root-of-all"}
            assert (await it.http.get(path, headers=headers)).status_code == 200


def test_what_is_sold_by_the_piece_is_told_by_the_piece() -> None:
    move = {
        "event": "price.shifted", "deployment": "acme/m",
        "usd_per_mtok": {"input": 1.0, "image": 4000.0, "web_search": 10000.0},
        "before": {"input": 1.0, "image": 2000.0},
    }  # fmt: skip
    assert told(move) == "acme/m: image $0.002 → $0.004, web search – → $0.01"


async def test_what_a_feed_lists_anew_and_no_more_is_told_after_its_first_reading(tmp_path) -> None:
    sheet = tmp_path / "prices.csv"
    sheet.write_text("provider,model,input,output\nacme,m,1,2\nacme,old,1,2\n")
    config = CONFIG + (
        '[feeds]\nenabled = ["price-sheet"]\n[feeds.override.price-sheet]\n'
        f'url = "file:{sheet}"\nevery = "1h"\n'
    )
    async with running(config, tmp_path) as it:
        await it.service.poller.poll_now("price-sheet")
        assert await events(it, kind="model,price.vanished") == []
        sheet.write_text("provider,model,input,output\nacme,old,1,2\nacme,new,1,2\n")
        for _ in range(3):
            await it.service.poller.poll_now("price-sheet")
        found = await events(it, kind="model,price.vanished")
        titles = {each.title for each in await entries(it)}
    assert sorted(each["event"] for each in found) == ["model.listed", "price.vanished"]
    assert {"acme/m: no longer listed by price-sheet", "acme/new: new in price-sheet"} <= titles


async def test_what_was_told_before_a_restart_is_not_told_again(tmp_path) -> None:
    rows = tmp_path / "rows.json"
    folder = tmp_path / "feeds" / "mine"
    folder.mkdir(parents=True)
    (folder / "feed.toml").write_text(
        f'id = "mine"\nkind = "price"\nurl = "file:{rows}"\nevery = "1h"\n'
        'unit = "usd/mtok"\ntrust = 0.9\nprovider = "acme"\nquotes = ".[]"\n'
    )
    row = {"model": "m", "input": 1, "output": 2, "retires_at": "2099-01-05"}
    rows.write_text(json.dumps([row, {"model": "x", "input": 1, "output": 2}]))
    config = CONFIG + f'[feeds]\nenabled = ["mine"]\ndirs = ["{tmp_path}/feeds"]\n'
    for _ in range(3):
        async with running(config, tmp_path) as it:
            for _ in range(2):
                await it.service.poller.poll_now("mine")
            told = await events(it, kind="model,price.vanished")
            titles = [each.title for each in await entries(it)]
    (dated,) = told
    assert (dated["event"], dated["deployment"]) == ("model.retires", "acme/m")
    assert "acme/m: retires on 2099-01-05, says mine" in titles
