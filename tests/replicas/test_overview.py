"""Who is there, who leads, which configuration each has: over HTTP, in the terminal, in events."""

import asyncio
from pathlib import Path

import pytest

from tests.command import windsock_alone
from tests.replicas.test_services import comes, config, pair
from tests.running import Running, config_of, running
from tests.store.conftest import Postgres
from windsock import __version__
from windsock.app.group.overview import overview

pytestmark = pytest.mark.xdist_group("replicas")


async def test_one_process_says_that_it_is_alone(tmp_path: Path) -> None:
    async with running(config_of(("acme", "http://127.0.0.1:9", 1.0)), tmp_path) as it:
        told = (await it.http.get("/v1/replicas")).json()
        assert told == {
            "says": "one process, no replicas", "this": None, "is_away": False, "data": []
        }  # fmt: skip


def says(it: Running) -> str:
    return overview(it.service).says


async def test_replicas_are_listed_and_one_with_another_configuration_is_told_of(
    postgres: Postgres, tmp_path: Path
) -> None:
    async with pair(postgres, tmp_path) as (one, two, _, store):
        url = one.service.settings.providers["acme"].base_url
        await comes(lambda: says(one) == "2 replicas, one leads")
        told = (await one.http.get("/v1/replicas")).json()
        first, second = told["data"]
        assert told["this"] == first["id"]
        assert [each["name"] for each in (first, second)] == ["one", "two"]
        assert first["version"] == second["version"] == __version__
        assert first["configuration"]["digest"] == second["configuration"]["digest"]
        assert first["configuration"]["loads"] == 1
        assert first["requests"] == 0
        text = config(url, store, "three", "[cache]\nenabled = true\n")
        async with running(text, tmp_path) as three:
            behind = "3 replicas, one leads, not on the newest configuration: one, two"
            await comes(lambda: says(one) == says(three) == behind)
            told = (await three.http.get("/v1/replicas")).json()
            newest = told["data"][2]["configuration"]["digest"]
            await one.service.ledger.flushed()
            events = (await one.http.get("/v1/events")).json()["data"]
            differ = [each for each in events if each["event"] == "replicas.differ"]
            assert (["one", "two"], newest) in [(e["replicas"], e["newest"]) for e in differ]
        await comes(lambda: one.service.tallies.events["replicas.agree"] > 0)
        assert two.service.tallies.events["replicas.differ"] == 0
        await comes(lambda: says(two) == "2 replicas, one leads")
        command = ("replicas", "--url", two.url)
        shown = await asyncio.to_thread(windsock_alone, *command, folder=tmp_path)
        assert "one leads" in shown.stdout
        assert "gone, last seen" in shown.stdout


async def test_who_leads_next_tells_again_of_replicas_that_differ(
    postgres: Postgres, tmp_path: Path
) -> None:
    async with pair(postgres, tmp_path) as (one, two, _, store):
        url = one.service.settings.providers["acme"].base_url
        other = config(url, store, "three", "[cache]\nenabled = true\n")
        async with (
            running(other, tmp_path) as three,
            running(config(url, store, "four"), tmp_path) as four,
        ):
            them, behind = (two, three, four), "one leads, not on the newest configuration: three"
            await comes(lambda: all(says(it) == f"4 replicas, {behind}" for it in (one, *them)))
            told = [it.service.tallies.events for it in them]
            before = sum(each["replicas.differ"] for each in told)
            await one.service.housekeeping.membership.end()
            await comes(lambda: sum(each["replicas.differ"] for each in told) > before)
