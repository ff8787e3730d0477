"""What a person decides at one replica holds at all, and is told and kept once."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest

from tests.replicas.test_services import alike, ask, comes, config, judge, pair, rewards_of
from tests.running import Running, running
from tests.store.conftest import Postgres
from tests.upstream import Answer, completion, upstream
from windsock.app.group.joining import missing
from windsock.core.evidence.judging.desk import LATEST, JudgeDesk
from windsock.core.model.ticks import Quote
from windsock.core.model.units import Meter
from windsock.service.control.commands import KEPT

pytestmark = pytest.mark.xdist_group("replicas")


def stated(deployment: str, usd: float) -> Quote:
    prices = {Meter.INPUT: Decimal(str(usd)), Meter.OUTPUT: Decimal(str(usd * 2))}
    now = time.time()
    return Quote(
        deployment=deployment,
        feed="sheet",
        feed_model="m",
        usd_per_mtok=prices,
        quoted_at=now,
        seen_at=now,
    )


def price(it: Running, deployment: str) -> float | None:
    quote = it.service.router.book.believed(deployment, it.service.clock.now())
    return None if quote is None else float(quote.usd_per_mtok[Meter.INPUT])


def held(it: Running) -> list[str]:
    return [each.quote.deployment for each in it.service.router.book.held()]


def rows(store: str, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(store, autocommit=True) as connection:
        return connection.execute(query.encode()).fetchall()


UNPRICED = (
    '[providers.core]\nbase_url = "http://127.0.0.1:9/v1"\napi_key = "k"\n'
    '[deployments."core/m"]\n[deployments."core/n"]\n'
)


def hold(them: Sequence[Running], deployment: str, usd: float) -> None:
    """All of them read the same price, which none of them believes."""
    quote = stated(deployment, usd)
    for it in them:
        it.service.ingestion.on_quote(quote, quote.seen_at)
        assert held(it) == [deployment]


def test_who_begins_to_lead_writes_what_is_newer_than_what_is_kept_and_nothing_twice() -> None:
    old, new = stated("core/m", 0.8), stated("core/m", 0.9)
    other = stated("core/n", 0.8)
    assert missing([old], [replace(new, seen_at=old.seen_at + 1)]) == []
    assert missing([new, other], [replace(old, seen_at=new.seen_at - 1)]) == [new, other]
    assert missing([new], [replace(new, seen_at=new.seen_at - 1)]) == []


async def test_a_price_that_one_had_still_to_write_when_another_began_to_lead_is_written_once(
    postgres: Postgres, tmp_path: Path
) -> None:
    """And so is the one that a person released there, which the other takes over in silence."""
    async with pair(postgres, tmp_path, UNPRICED) as (one, two, _, store):
        await comes(lambda: one.service.housekeeping.role.replicas == 2)
        hold((one, two), "core/n", 0.0)
        kept = "SELECT deployment FROM quote WHERE source = 'sheet' ORDER BY deployment"
        with psycopg.connect(store) as other:  # nobody writes anything
            other.execute("LOCK TABLE writer IN EXCLUSIVE MODE")
            quote = stated("core/m", 0.8)
            for it in (one, two):
                it.service.ingestion.on_quote(quote, quote.seen_at)
            one.service.ingestion.rulings.approve("core/n", "sheet")
            wanted = two.service.housekeeping.membership.replica.name
            rows(store, "UPDATE lease SET token = token + 1, until = until + 2, "
                        f"holder = '{wanted}' RETURNING 1")  # fmt: skip
            await comes(two.service.housekeeping.role.leads)
            await comes(lambda: not one.service.housekeeping.role.leads())
        await one.service.ledger.flushed()
        await comes(lambda: price(two, "core/n") == 0.0 and len(rows(store, kept)) == 2)
        await two.service.ledger.flushed()
        assert rows(store, kept) == [("core/m",), ("core/n",)]


async def rule(it: Running, verb: str, deployment: str) -> None:
    said = {"deployment": deployment, "feed": "sheet"}
    answer = await it.http.post(f"/v1/prices/quarantine/{verb}", json=said)
    assert answer.status_code == 200, answer.text


async def test_a_ruling_holds_at_all_and_is_told_and_kept_by_the_one_that_was_asked(
    postgres: Postgres, tmp_path: Path
) -> None:
    async with pair(postgres, tmp_path, UNPRICED) as (one, two, _, store):
        hold((one, two), "core/m", 0.0)
        await rule(two, "approve", "core/m")
        await comes(lambda: price(one, "core/m") == price(two, "core/m") == 0.0)
        hold((one, two), "core/n", 0.0)
        await rule(one, "reject", "core/n")
        await comes(lambda: held(two) == [])
        again = stated("core/n", 0.0)
        two.service.ingestion.on_quote(again, again.seen_at)
        assert held(two) == []
        for it in (one, two):  # the next poll says it again
            it.service.ingestion.on_quote(stated("core/m", 0.0), it.service.clock.now())
        await one.service.ledger.flushed()
        await two.service.ledger.flushed()
        kinds = "SELECT kind FROM event WHERE kind LIKE 'price.%' ORDER BY kind"
        assert rows(store, kinds) == [("price.held",), ("price.held",), ("price.released",)]
        assert rows(store, "SELECT deployment FROM quote WHERE source = 'sheet'") == [("core/m",)]


async def test_one_that_has_not_read_a_price_yet_takes_over_the_ruling_on_it(
    postgres: Postgres, tmp_path: Path
) -> None:
    async with pair(postgres, tmp_path, UNPRICED) as (one, two, _, _):
        hold((two,), "core/m", 0.0)
        await rule(two, "approve", "core/m")
        await comes(lambda: price(one, "core/m") == 0.0)
        late = stated("core/m", 0.0)
        one.service.ingestion.on_quote(late, late.seen_at)
        assert held(one) == []


async def teach(it: Running, success: float) -> int:
    result = {"task": "default", "deployment": "acme/m", "success": success, "count": 40}
    said = {"route": "auto", "results": [result], "strength": 30}
    answer = await it.http.post("/v1/learn", json=said)
    assert (answer.status_code, answer.headers[KEPT]) == (200, "yes"), answer.text
    lesson = int(answer.json()["lesson"])
    told = f"SELECT 1 FROM replica_delta WHERE body LIKE '%\"{lesson}\"%'"
    assert rows(it.service.settings.store.url, told)
    return lesson


async def test_lessons_hold_at_all_whoever_teaches_and_whoever_takes_them_back(
    postgres: Postgres, tmp_path: Path
) -> None:
    async with pair(postgres, tmp_path) as (one, two, _, store):
        for it in (one, two):
            await judge(it, await ask(it), 1.0)
        await comes(lambda: alike(one, two) and len(rewards_of(one)) > 0)
        lessons = await asyncio.gather(teach(one, 0.25), teach(two, 0.75))
        known = [it.service.router.lessons for it in (one, two)]
        await comes(lambda: all(each.held().keys() == set(lessons) for each in known))
        assert alike(one, two)
        assert sum(row[2] for row in rewards_of(one)) > 55
        url = one.service.settings.providers["acme"].base_url
        async with running(config(url, store, "three"), tmp_path) as three:
            await comes(lambda: alike(one, three))
            gone = await three.http.delete(f"/v1/learn/{lessons[0]}")
            assert gone.json() == {"lesson": lessons[0], "taught": 1}
            await comes(lambda: known[0].held().keys() == known[1].held().keys() == {lessons[1]})
            assert alike(one, two, three)
            assert (await two.http.delete(f"/v1/learn/{lessons[0]}")).status_code == 404


JUDGED = (
    '[providers.eve]\nbase_url = "URL"\napi_key = "k"\nprice = { input = 1, output = 1 }\n'
    '[routes.auto.judge]\nmodel = "eve/j"\nusd_per_day = 100\n'
)


async def test_a_judge_is_unread_by_what_it_replied_to_all_and_who_leads_tells(
    postgres: Postgres, tmp_path: Path
) -> None:
    async with upstream(lambda _: Answer(completion("no verdict"))) as judge:
        more = JUDGED.replace("URL", judge.url)
        async with pair(postgres, tmp_path, more) as (one, two, _, store):

            def desks() -> list[JudgeDesk]:
                return [each for it in (one, two) for each in it.service.judges.desks.values()]

            while sum(each.unreadable for each in desks()) < LATEST:
                for it in (one, two):
                    await ask(it)
                await asyncio.sleep(0)
            await comes(lambda: all(each.is_unread for each in desks()) and len(desks()) == 2)
            assert max(each.unreadable for each in desks()) < LATEST
            await one.service.ledger.flushed()
            await two.service.ledger.flushed()
            kinds = "SELECT kind FROM event WHERE kind LIKE 'judge.%'"
            assert rows(store, kinds) == [("judge.is_unread",)]
            leader = next(it for it in (one, two) if it.service.housekeeping.role.leads())
            await leader.service.housekeeping.membership.end()
            await comes(lambda: len(rows(store, kinds)) == 2)
