"""Services over one PostgreSQL, in one process: they think alike, and one of them leads."""

import asyncio
import contextlib
import threading
import time
from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event
from sqlalchemy.exc import SQLAlchemyError

from tests.replicas.wire import Wire
from tests.running import Running, running
from tests.service.native.test_as_it_comes import Account, asked, provider, route
from tests.store.conftest import Postgres
from tests.upstream import Answer, completion, upstream
from windsock.app.catalog_parts import catalog_of
from windsock.app.core_parts import _router
from windsock.app.replicas.place import BITS_OF_NUMBERS
from windsock.app.replicas.shares import ShareKeeper
from windsock.app.state_recovery import restored
from windsock.config.file import parse
from windsock.core.model.requests import Cell
from windsock.core.model.rewards import Feedback, Reward
from windsock.core.routing.caps.book import CapBook
from windsock.core.routing.caps.cap import EVERYTHING, Cap, Charge
from windsock.errors import ConfigError, StoreError
from windsock.providers.presets import presets
from windsock.service.auth import digest_of, new_key
from windsock.store.engine import open_engine
from windsock.store.keys import VirtualKey, add_key, revoke_key
from windsock.store.migrations import upgrade_engine
from windsock.store.queries import latest_snapshot
from windsock.store.replicas import feed_bodies, group, waking
from windsock.store.replicas.lease import Held
from windsock.store.replicas.listening import Listener
from windsock.store.replicas.news import Eras, eras
from windsock.store.rows import Led, StateSnapshot
from windsock.store.writing.writer import Writer

pytestmark = pytest.mark.xdist_group("replicas")

ASK = {"model": "auto", "messages": [{"role": "user", "content": "hi"}]}
HERE = Cell("default", "auto", "default")
PRICES = (("acme", 0.5), ("bolt", 0.8))


def config(url: str, store: str, name: str, more: str = "") -> str:
    parts = [
        f'[providers.{each}]\nbase_url = "{url}"\napi_key = "k"\n'
        f"price = {{ input = {usd}, output = {usd * 2} }}\n"
        for each, usd in PRICES
    ]
    return "".join(parts) + (
        '[routes.auto]\ncandidates = ["acme/m", "bolt/m"]\n'
        f'[store]\nurl = "{store}"\nflush = "20ms"\nsnapshot_every = "300ms"\n'
        f'[replicas]\nenabled = true\nname = "{name}"\nexchange = "50ms"\nlease = "1s"\n{more}'
    )


@contextlib.asynccontextmanager
async def pair(
    postgres: Postgres, folder: Path, more: str = ""
) -> AsyncIterator[tuple[Running, Running, Wire, str]]:
    """Two services; the second one is on a wire that can be cut. The first leads.

    Answers are judged already, so that a mere answer counts for nothing.
    """
    store = postgres.new_database()
    wire = Wire(postgres.port)
    far = store.replace(str(postgres.port), str(wire.port))
    async with upstream(lambda _: Answer(completion(model="m"))) as model:
        async with (
            running(config(model.url, store, "one", more), folder) as one,
            running(config(model.url, far, "two", more), folder) as two,
        ):
            for it in (one, two):
                it.service.router.learner.count_judgement(HERE, 100.0)
            try:
                yield one, two, wire, store
            finally:
                wire.mend()
    wire.stop()


async def ask(it: Running, **more: object) -> str:
    answer = await it.http.post("/v1/chat/completions", json={**ASK, **more})
    assert answer.status_code == 200, answer.text
    return str(answer.headers["x-windsock-decision-id"])


async def judge(it: Running, decision: str, value: float) -> None:
    said = {"decision_id": decision, "value": value}
    assert (await it.http.post("/v1/feedback", json=said)).status_code == 200


def rewards_of(it: Running) -> list[list[object]]:
    groups = it.service.router.beliefs.to_state()["groups"]
    return sorted(row[:5] for each in groups for row in each["rows"])


async def comes(is_so: Callable[[], bool], most_s: float = 20.0) -> None:
    """Wait until it is so; the bound only ends a test that would wait for ever."""
    ends = time.monotonic() + most_s
    while not is_so():
        assert time.monotonic() < ends, "it never came"
        await asyncio.sleep(0.02)


def alike(*services: Running) -> bool:
    """Their rewards are the same to a billionth."""
    first, *others = (rewards_of(each) for each in services)
    return all(
        len(first) == len(other)
        and all(a[:2] == b[:2] and a[2:] == pytest.approx(b[2:], rel=1e-9)
                for a, b in zip(first, other, strict=True))
        for other in others
    )  # fmt: skip


async def test_they_learn_from_each_other_and_one_that_comes_later_knows_it_all(
    postgres: Postgres, tmp_path: Path
) -> None:
    async with pair(postgres, tmp_path) as (one, two, _, store):
        assert one.service.housekeeping.role.leads()
        assert not two.service.housekeeping.role.leads()
        for number in range(24):
            it = (one, two)[number % 2]
            await judge(it, await ask(it), float(number % 3 == 0))
        await comes(lambda: alike(one, two) and len(rewards_of(one)) > 0)
        assert sum(row[2] for row in rewards_of(one)) > 5
        url = one.service.settings.providers["acme"].base_url
        async with running(config(url, store, "three"), tmp_path) as three:
            await comes(lambda: alike(one, three))
            await judge(three, await ask(three), 1.0)
            await comes(lambda: alike(one, two, three))


async def test_whoever_is_cut_from_the_database_serves_and_tells_it_later(
    postgres: Postgres, tmp_path: Path
) -> None:
    async with pair(postgres, tmp_path) as (one, two, wire, _):
        await judge(two, await ask(two), 1.0)
        await comes(lambda: alike(one, two) and len(rewards_of(one)) > 0)
        wire.cut()
        decisions = [await ask(two) for _ in range(6)]
        for decision in decisions:
            await judge(two, decision, 0.0)
        membership = two.service.housekeeping.membership
        await comes(lambda: membership.is_away and two.service.ledger.stats().error is not None)
        number = membership.replica.outbox.number
        for _ in range(4):
            decisions.append(await ask(two))
            await asyncio.sleep(0.06)
        assert membership.replica.outbox.number == number, "sums add up instead of deltas"
        assert not alike(one, two)
        wire.mend()
        await comes(lambda: alike(one, two))
        await two.service.ledger.flushed()
        ids = {str(d) for d in decisions}
        for decision in ids:
            told = await one.http.get(f"/v1/decisions/{decision}")
            assert told.status_code == 200


async def test_one_that_starts_without_its_database_has_all_of_it_later_and_nothing_twice(
    postgres: Postgres, tmp_path: Path
) -> None:
    store = postgres.new_database()
    wire = Wire(postgres.port)
    far = store.replace(str(postgres.port), str(wire.port))
    async with upstream(lambda _: Answer(completion(model="m"))) as model:
        async with running(config(model.url, store, "one"), tmp_path) as one:
            one.service.router.learner.count_judgement(HERE, 100.0)
            await judge(one, await ask(one), 1.0)
            # with which others start: that answers are judged stands in no delta
            await comes(lambda: latest_snapshot(one.service.engine) is not None)
            wire.cut()
            door = '[server]\nkeys = "open"\n'
            async with running(config(model.url, far, "two", door), tmp_path) as two:
                two.service.router.learner.count_judgement(HERE, 100.0)
                await judge(two, await ask(two), 0.0)
                assert not two.service.housekeeping.is_restored
                wire.mend()
                await comes(lambda: two.service.housekeeping.is_restored)
                await comes(lambda: alike(one, two))
                assert len(rewards_of(one)) > 0
                await judge(two, await ask(two), 1.0)
                await judge(one, await ask(one), 1.0)
                await comes(lambda: alike(one, two))
                async with running(config(model.url, store, "three"), tmp_path) as three:
                    await comes(lambda: alike(one, two, three))
    wire.stop()


async def test_what_is_learnt_while_another_is_starting_counts_there_once(
    postgres: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = postgres.new_database()
    looked, may_go_on = threading.Event(), threading.Event()

    def eras_and_wait(engine: Engine) -> Eras:
        found = eras(engine)
        looked.set()
        assert may_go_on.wait(20.0)
        return found

    async with upstream(lambda _: Answer(completion(model="m"))) as model:
        async with running(config(model.url, store, "one"), tmp_path) as one:
            await judge(one, await ask(one), 1.0)
            await one.service.ledger.flushed()
            settings = parse(config(model.url, store, "two"), {}, source="")
            made = partial(_router, settings, catalog_of(settings, presets()), 7)
            monkeypatch.setattr("windsock.app.state_recovery.eras", eras_and_wait)
            starting = asyncio.create_task(asyncio.to_thread(restored, made, one.service.engine))
            await comes(looked.is_set)
            await judge(one, await ask(one), 1.0)
            await one.service.ledger.flushed()
            may_go_on.set()
            groups = (await starting).beliefs.to_state()["groups"]
            found = sorted(row[:5] for each in groups for row in each["rows"])
            assert [row[:2] for row in found] == [row[:2] for row in rewards_of(one)]
            for had, row in zip(rewards_of(one), found, strict=True):
                assert row[2:] == pytest.approx(had[2:], rel=1e-6)


async def test_decisions_of_two_that_start_at_once_have_different_names(
    postgres: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    marks = iter((3, 5))
    monkeypatch.setattr("secrets.randbelow", lambda most: next(marks) % most)
    async with pair(postgres, tmp_path) as (one, two, _, _):
        numbers = [each.service.router._draws.number >> BITS_OF_NUMBERS for each in (one, two)]
        assert numbers == [3, 5]


async def test_when_the_leader_ends_another_leads_and_nothing_is_written_twice(
    postgres: Postgres, tmp_path: Path
) -> None:
    store = postgres.new_database()
    async with upstream(lambda _: Answer(completion(model="m"))) as model:
        async with running(config(model.url, store, "one"), tmp_path) as one:
            role = one.service.housekeeping.role
            await comes(role.leads)
            first = role.lease.token
            async with running(config(model.url, store, "two"), tmp_path) as two:
                await one.service.housekeeping.membership.end()
                await comes(two.service.housekeeping.role.leads)
                assert two.service.housekeeping.role.lease.token > first
                engine = two.service.engine
                assert not feed_bodies.put_body(engine, "feed", Held(first, 1.0), b"old", 1.0)
                assert feed_bodies.body_of(engine, "feed", None) is None
                now = two.service.housekeeping.role.lease.token
                assert feed_bodies.put_body(engine, "feed", Held(now, 1.0), b"new", 2.0)
                assert feed_bodies.body_of(engine, "feed", None) == ("1", b"new")
                assert feed_bodies.body_of(engine, "feed", "1") == ("1", None)

                def kept() -> list[str]:
                    with engine.connect() as connection:
                        rows = connection.exec_driver_sql("SELECT deployment FROM quote").all()
                    return sorted(row[0] for row in rows)

                await comes(lambda: kept() == ["acme/m", "bolt/m"])


async def test_others_are_called_as_soon_as_there_is_something_to_hear(postgres: Postgres) -> None:
    engine = open_engine(postgres.new_database())
    listener = Listener(engine)
    assert await asyncio.to_thread(listener.wait, 0.0) == set()
    waits = asyncio.create_task(asyncio.to_thread(listener.wait, 60.0))
    for why in ("", waking.KEYS):
        with engine.begin() as connection:
            waking.wake(connection, why)
        assert why in await waits
        waits = asyncio.create_task(asyncio.to_thread(listener.wait, 60.0))
    with engine.begin() as connection:
        waking.wake(connection, waking.LIMITS)
    assert await waits == {waking.LIMITS}
    with engine.begin() as connection:  # its connection is cut: it listens again
        connection.exec_driver_sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN %%'"
        )
    heard: set[str] = set()
    while not heard:
        with engine.begin() as connection:
            waking.wake(connection, waking.KEYS)
        heard = await asyncio.to_thread(listener.wait, 0.2)
    assert heard == {waking.KEYS}
    listener.close()
    engine.dispose()


@pytest.mark.parametrize("work", ["says that it leads", "keeps a body", "writes what it keeps"])
def test_one_that_is_stopped_while_others_wait_for_the_lease_loses_it_in_time(
    work: str, postgres: Postgres
) -> None:
    """Stopped wherever it has told the database something and goes on only once another leads."""
    store = postgres.new_database()
    one, two = open_engine(store), open_engine(store)
    upgrade_engine(one)
    told, lease_s = group.Told(name="x"), 0.5
    for engine, name in ((one, "one"), (two, "two")):
        group.join(engine, name, told)
    lease, _ = group.beat(one, "one", told, lease_s)
    held = Held(lease.token, lease_s)
    found: list[str] = []

    def stop(connection: Any, _: Any, statement: str, *more: Any) -> None:
        if "lease" not in statement or "idle_in_transaction" in statement or found:
            return
        within = connection.exec_driver_sql("SHOW idle_in_transaction_session_timeout").scalar()
        assert within == "250ms"
        ends = time.monotonic() + 20
        while not found and time.monotonic() < ends:
            with contextlib.suppress(StoreError):  # on a busy machine it may be late itself
                now, _ = group.beat(two, "two", told, lease_s)
                found.extend([now.holder] if now.holder == "two" else [])
        assert found == ["two"], "nobody else led while it was stopped"

    event.listen(one, "after_cursor_execute", stop)
    with pytest.raises((StoreError, SQLAlchemyError), match="idle-in-transaction"):
        if work == "writes what it keeps":
            Writer(one).write([Led(held, StateSnapshot(1.0, b"{}"))])
        elif work == "keeps a body":
            feed_bodies.put_body(one, "feed", held, b"body", 1.0)
        else:
            group.beat(one, "one", told, lease_s)
    one.dispose()
    two.dispose()


async def test_one_that_was_forgotten_takes_part_again(postgres: Postgres, tmp_path: Path) -> None:
    async with pair(postgres, tmp_path) as (one, two, _, _):
        name = two.service.housekeeping.membership.replica.name
        with one.service.engine.begin() as connection:
            connection.exec_driver_sql(f"DELETE FROM replica WHERE id = '{name}'")
        await judge(two, await ask(two), 1.0)
        await comes(lambda: alike(one, two) and len(rewards_of(one)) > 0)

        def is_there() -> bool:
            with one.service.engine.connect() as connection:
                found = connection.exec_driver_sql(f"SELECT 1 FROM replica WHERE id = '{name}'")
                return found.first() is not None

        await comes(is_there)


async def test_a_conversation_goes_on_where_it_was_and_a_revoked_key_is_out_everywhere(
    postgres: Postgres, tmp_path: Path
) -> None:
    async with pair(postgres, tmp_path) as (one, two, _, _):
        long = [{"role": "user", "content": "word " * 20_000}]
        await ask(one, messages=long, user="u1", prompt_cache_key="s1")
        memory = two.service.router.conversations.memory
        await comes(lambda: len(memory) == len(one.service.router.conversations.memory) == 1)
        secret, public, digest = new_key()
        key = VirtualKey(id=public, name="k", sha256=digest, namespace="default",
                         scopes=("infer",), created_at=1.0)  # fmt: skip
        await asyncio.to_thread(add_key, one.service.engine, key)
        for it in (one, two):
            await comes(lambda it=it: it.service.access.knows(digest_of(secret), 2.0))
        await asyncio.to_thread(revoke_key, one.service.engine, public, 3.0)
        for it in (one, two):
            await comes(lambda it=it: not it.service.access.knows(digest_of(secret), time.time()))


async def test_an_answer_is_judged_at_once_by_whichever_is_asked_and_once_by_all(
    postgres: Postgres, tmp_path: Path
) -> None:
    """Its row is not written yet when another is told; what that one was told the first knows."""
    async with pair(postgres, tmp_path) as (one, two, _, _):
        decision = await ask(one)
        for it, value, is_duplicate in ((two, 1, False), (one, 1, True), (one, 0, False)):
            said = {"decision_id": decision, "value": value}
            answer = await it.http.post("/v1/feedback", json=said)
            assert answer.status_code == 200, answer.text
            assert answer.json()["is_duplicate"] is is_duplicate
            await comes(partial(_have_heard, (one, two), decision, value))
        late = Feedback(decision_id=decision, reward=Reward(value=0.5), at=1.0)
        one.service.feedbacks.hear(late, "two")
        assert _have_heard((one, two), decision, 0), "what was said last holds, not what comes last"
        row = {"request_id": decision, "metric": "helpful", "value": 1}
        unknown = {**row, "request_id": "nobody"}
        decision = row["request_id"] = await ask(two)
        taken = await one.http.post("/v1/feedback/rows", json={"scores": [unknown, row]})
        assert (taken.json()["learnt"], taken.json()["left_out"]) == (1, 1)
        assert _rewards(one) == pytest.approx(2, abs=1e-3), "a correction and a score"
        decision = await ask(one)
        await asyncio.gather(*(judge(it, decision, 1) for it in (one, two)))
        for it in (one, two):
            await comes(lambda it=it: _rewards(it) == pytest.approx(3, abs=1e-3))


def _rewards(it: Running) -> float:
    beliefs = it.service.router.beliefs
    return sum(beliefs.summary(HERE, f"{name}/m").effective_samples for name, _ in PRICES)


async def test_a_request_goes_on_from_an_answer_that_another_gave_just_now(
    postgres: Postgres, tmp_path: Path
) -> None:
    shared = f'[store]\nurl = "{postgres.new_database()}"\n[replicas]\nenabled = true\n'
    first, second = Account("a"), Account("b")
    async with upstream(first, "/responses") as a, upstream(second, "/responses") as b:
        text = provider("openai", a.url) + provider("bolt", b.url) + shared
        text = text.replace("[providers.bolt]", '[providers.bolt]\npreset = "openai"')
        text += route("openai/gpt-5", "bolt/gpt-5")
        async with running(text, tmp_path) as one, running(text, tmp_path) as two:
            last = None
            for it in (one, two) * 8:
                before, last = last, await asked(it, last)
                assert before is None or last[0] == before[0]


def _have_heard(them: tuple[Running, ...], decision: str, value: float) -> bool:
    heard = [it.service.feedbacks.said_of(decision) for it in them]
    return all([each.value for each in said] == [value] for said in heard)


async def test_all_that_several_spend_of_a_cap_is_no_more_than_it_and_one_call_each(
    postgres: Postgres, tmp_path: Path
) -> None:
    cap = '[caps.all]\nusd = 0.004\nperiod = "day"\nroutes = ["auto"]\n'
    async with pair(postgres, tmp_path, cap) as (one, two, _, _):
        spent: list[float] = []

        async def spend(it: Running) -> None:
            refused = 0
            while refused < 12:
                asked = {**ASK, "max_tokens": 40}
                answer = await it.http.post("/v1/chat/completions", json=asked)
                if answer.status_code == 200:
                    spent.append(1.0)
                else:
                    assert answer.json()["error"]["code"] in ("budget_reserved", "budget_spent")
                    refused += 1
                    await asyncio.sleep(0.1)

        await asyncio.gather(*(spend(it) for it in (one, two) for _ in range(3)))
        accounts = [it.service.router.caps.all_accounts(time.time())[0] for it in (one, two)]
        own = float(sum(account.own_usd for account in accounts))
        assert len(spent) > 20
        assert own <= 0.004 + 2 * 0.0001
        await comes(lambda: accounts[0].spent_usd == accounts[1].spent_usd)
        assert float(accounts[0].spent_usd) == pytest.approx(own)


async def test_a_limit_a_minute_is_had_in_full_at_one_and_by_all_no_more_than_once(
    postgres: Postgres, tmp_path: Path
) -> None:
    async with pair(postgres, tmp_path) as (one, two, wire, _):
        secret, public, digest = new_key()
        key = VirtualKey(id=public, name="k", sha256=digest, namespace="default", rpm=20,
                         scopes=("infer",), created_at=1.0)  # fmt: skip
        await asyncio.to_thread(add_key, one.service.engine, key)
        for it in (one, two):
            await it.service.housekeeping.read_keys()
            await comes(lambda it=it: it.service.housekeeping.role.replicas == 2)

        async def calls(it: Running) -> int:
            headers = {"authorization": f"Bearer {secret}"}
            answer = await it.http.post("/v1/chat/completions", json=ASK, headers=headers)
            if answer.status_code == 429:
                assert "20 requests a minute" in answer.text
                assert 1 <= int(answer.headers["retry-after"]) <= 61
                await asyncio.sleep(0.05)
            else:
                assert answer.headers["x-ratelimit-limit-requests"] == "20"
            return int(answer.status_code == 200)

        first = [await calls(two) for _ in range(10)]
        assert first == [1] * 10, "an even part is had without asking"
        ends = time.monotonic() + 20
        let_in = sum(first)
        while let_in < 20 and time.monotonic() < ends:
            let_in += await calls(two)
        assert let_in == 20, "all of it is had where the other uses nothing"
        wire.cut()
        rest = [await calls(it) for _ in range(3) for it in (one, two)]
        assert sum(rest) <= 2, "one each at most"


async def test_the_one_that_leads_tells_of_a_cap_that_only_another_spends(
    postgres: Postgres, tmp_path: Path
) -> None:
    cap = '[caps.all]\nusd = 0.00004\nperiod = "day"\nroutes = ["auto"]\n'
    async with pair(postgres, tmp_path, cap) as (one, two, _, _):
        told: list[str] = []
        one.service.events.listeners.append(
            lambda each: told.append(str(getattr(each, "kind", "")))
        )
        ends = time.monotonic() + 20
        while not {"cap.neared", "cap.spent"} & set(told):
            assert time.monotonic() < ends, "it was never told"
            await two.http.post("/v1/chat/completions", json=ASK)
            await asyncio.sleep(0.1)


async def test_a_cap_is_shared_once_it_is_read_what_it_had_before_and_old_periods_are_dropped(
    postgres: Postgres, tmp_path: Path
) -> None:
    async with pair(postgres, tmp_path) as (one, _, _, _):
        book, read = CapBook(is_shared=True), set[str]()
        book.adopt([Cap(name="all", usd=Decimal(1))])
        shares = ShareKeeper(book=book, engine=one.service.engine, clock=one.service.clock,
                             replica="x", is_read=read.__contains__, publish=print)  # fmt: skip
        account = book.open("all", EVERYTHING)
        await shares.sync(1)
        assert account.granted_usd is None
        book.restore({"all"}, [(Charge("k", "auto", "acme", "m"), Decimal("0.5"))], time.time())
        read.add("all")
        await shares.sync(1)
        assert account.granted_usd is not None
        assert account.elsewhere_usd == Decimal("0.5")
        with one.service.engine.begin() as connection:
            connection.exec_driver_sql("UPDATE cap_share SET begins_at = begins_at - 100 * 86400")
        group.join(one.service.engine, "later", group.Told(name="later"))
        old = f"SELECT count(*) FROM cap_share WHERE begins_at < {time.time() - 90 * 86400}"
        with one.service.engine.connect() as connection:
            assert connection.exec_driver_sql(old).scalar() == 0


def test_replicas_need_a_database_that_they_can_share() -> None:
    text = '[store]\nurl = "sqlite:///x.db"\n[replicas]\nenabled = true\n'
    with pytest.raises(ConfigError, match="PostgreSQL"):
        parse(text, {}, source="windsock.toml")
