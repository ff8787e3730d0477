"""`windsock prices list` and `show`, against a running service and from the store alone."""

import asyncio
import json
import re
from collections.abc import Iterator
from decimal import Decimal

import pytest
import structlog
from typer.testing import CliRunner, Result

from tests.running import running
from windsock.cli import app
from windsock.core.model.ticks import Quote, Tier, Window
from windsock.core.model.units import Meter
from windsock.errors import WindsockError

LONG = "acme/a-model-with-a-very-long-name-indeed-20250929-v1-of-the-east"
NAMES = ("acme/m", LONG, LONG.replace("east", "west"), "acme/unpriced")
CONFIG = (
    '[providers.acme]\nbase_url = "https://acme.test/v1"\napi_key = "${ACME_KEY:-none}"\n'
    f"[routes.auto]\ncandidates = {json.dumps(NAMES)}\n"
)


@pytest.fixture(autouse=True)
def logged_as_before() -> Iterator[None]:
    """A command that reads the store writes its log to a stream that ends with it."""
    yield
    structlog.reset_defaults()


def usd(**prices: float) -> dict[Meter, Decimal]:
    return {Meter(name): Decimal(str(each)) for name, each in prices.items()}


def run(*command: str) -> Result:
    environ = {"WINDSOCK_URL": None, "WINDSOCK_API_KEY": None, "COLUMNS": "80"}
    return CliRunner().invoke(app, ["prices", *command], env=environ)


def say(it, feed: str, name: str = "acme/m", *, trust: float = 0.7, usd_in=2, **facts) -> None:
    now = it.service.clock.now()
    quote = Quote(
        deployment=name, feed=feed, feed_model="m", seen_at=now, trust=trust,
        usd_per_mtok=usd(input=usd_in, output=8, cache_read=0.2, image=4000), **facts,
    )  # fmt: skip
    it.service.ingestion.on_quote(quote, now)


def say_all(it) -> None:
    night = Window(
        days=frozenset({1, 2, 3, 4, 5}), start_minute=990, end_minute=30, timezone="UTC",
        usd_per_mtok=usd(input=1, output=4),
    )  # fmt: skip
    tier = Tier(min_prompt_tokens=272_000, usd_per_mtok=usd(input=4, output=12))
    flex = {"flex": usd(input=1, output=4)}
    say(it, "gateway", trust=0.9, windows=(night,), tiers=(tier,), service_tiers=flex)
    say(it, "list")
    say(it, "odd", usd_in=3)
    for name in NAMES[1:3]:
        say(it, "list", name)


async def test_the_list_reads_at_80_columns_and_cuts_no_name(tmp_path) -> None:
    async with running(CONFIG, tmp_path) as it:
        say_all(it)
        done = await asyncio.to_thread(run, "list", "--url", it.url)
    assert done.exit_code == 0, done.exception
    text = done.output.splitlines()
    assert all(len(line) <= 80 for line in text)
    for name in NAMES:
        assert any(line.split()[:1] == [name] for line in text), done.output
    whole = " ".join(done.output.split())
    assert "disputed by odd" in whole
    assert "by prompt size and the hour; tiers flex" in whole
    assert "no price: no feed quotes a price" in whole
    assert whole.count("provisional") == 2
    assert "…" not in done.output


async def test_show_lays_a_price_out_with_its_sources_and_every_voice(tmp_path) -> None:
    async with running(CONFIG, tmp_path) as it:
        say_all(it)
        done = await asyncio.to_thread(run, "show", "acme/m", "--url", it.url)
    said = re.sub(r"\b\d s\b", "0 s", done.output)  # ages: a busy machine takes a while
    text = [" ".join(line.split()) for line in said.splitlines()]
    assert all(len(line) <= 80 for line in done.output.splitlines())
    blocks = [line for line in text if line.startswith(("standard", "flex"))]
    assert [b.replace(", now", "") for b in blocks] == [
        "standard, other hours",
        "standard, Mon-Fri 16:30-00:30 UTC",
        "flex, other hours",
        "flex, Mon-Fri 16:30-00:30 UTC",
    ]
    assert text.count("prompt smaller above 272k") == 4
    assert sum(", now" in b for b in blocks) == 2
    assert "input 2 4 gateway 0 s" in text
    assert "input 0.5 1 gateway 0 s" in text  # flex, at night
    assert "image 0.004 0.004 gateway 0 s" in text
    assert "odd 3 8 0 s 0.7 dissents, unconfirmed" in text
    alike = "cache write as input, cache write 1h as input, reasoning as output"
    assert f"without a price of their own: {alike}" in " ".join(text)
    assert "gateway 2 8 0 s 0.9 agrees, by flex size hour" in text


async def test_a_price_of_later_is_shown_with_its_date_and_told_with_it(tmp_path) -> None:
    config = CONFIG + (
        '[deployments."acme/m"]\n'
        "prices = [{ input = 1, output = 4 },"
        " { input = 3, output = 9, valid_from = 2099-01-01T08:30:00Z }]\n"
    )
    async with running(config, tmp_path) as it:
        await it.service.ledger.flushed()
        done = await asyncio.to_thread(run, "show", "acme/m", "--url", it.url)
        feed = (await it.http.get("/v1/prices/feed.atom")).text
        (price,) = (await it.http.get("/v1/prices?deployment=acme/m")).json()["data"]
    assert "from 2099-01-01 08:30 UTC on, says config: input 3, output 9" in done.output
    assert "input $1 → $3, output $4 → $9, from 2099-01-01 08:30 UTC on" in feed
    assert price["usd_per_mtok"]["input"] == 1 and len(price["scheduled"]) == 1


async def test_json_is_what_the_service_answers(tmp_path) -> None:
    async with running(CONFIG, tmp_path) as it:
        say_all(it)
        done = await asyncio.to_thread(run, "show", "acme/m", "--json", "--url", it.url)
    found = json.loads(done.output)
    assert found["deployment"] == "acme/m" and len(found["statements"]) == 3


async def test_an_unknown_name_is_asked_back_with_the_nearest(tmp_path) -> None:
    async with running(CONFIG, tmp_path) as it:
        for command in ("show", "history"):
            done = await asyncio.to_thread(run, command, "acme/mm", "--url", it.url)
            assert isinstance(done.exception, WindsockError), done.output
            assert "did you mean 'acme/m'?" in str(done.exception)


@pytest.fixture
async def left(tmp_path, monkeypatch):
    """A folder with a windsock.toml whose service has ended; the folder is the current one."""
    store = f'\n[store]\nurl = "sqlite:///{tmp_path}/windsock.db"\n[feeds]\nenabled = []\n'
    (tmp_path / "windsock.toml").write_text(CONFIG + store)
    async with running(CONFIG, tmp_path) as it:
        say(it, "list")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("windsock.cli.prices.commands.HERE", "http://127.0.0.1:9")
    return tmp_path


async def test_the_store_alone_tells_what_is_in_force_and_stays_as_it_is(left) -> None:
    before = (left / "windsock.db").read_bytes()
    for command in (["show", "acme/m"], ["list"], ["quarantine"]):
        done = await asyncio.to_thread(run, *command, "--config", "windsock.toml")
        assert done.exit_code == 0, done.exception
        assert command == ["quarantine"] or "0.2" in done.output
    lost = await asyncio.to_thread(run, "show", "acme/mm", "--config", "windsock.toml")
    assert "did you mean 'acme/m'?" in str(lost.exception)
    assert (left / "windsock.db").read_bytes() == before


async def test_where_no_service_answers_the_store_found_here_does_and_says_so(left) -> None:
    done = await asyncio.to_thread(run, "show", "acme/m", "--url", "http://127.0.0.1:9")
    assert done.exit_code == 0, done.exception
    assert "from the store of windsock.toml" in done.stderr
    named = await asyncio.to_thread(run, "show", "acme/m", "--url", "http://127.0.0.1:10")
    assert "no windsock answers" in str(named.exception)


def test_a_store_that_is_not_there_is_one_sentence_and_is_not_made(tmp_path) -> None:
    config = tmp_path / "windsock.toml"
    config.write_text(CONFIG + f'\n[store]\nurl = "sqlite:///{tmp_path}/absent.db"\n')
    done = run("show", "acme/m", "--config", str(config))
    assert "there is no store at" in str(done.exception)
    assert not (tmp_path / "absent.db").exists()
