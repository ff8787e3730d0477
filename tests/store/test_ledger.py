"""The ledger: order, durability, bounds, and rows that fit nowhere."""

import asyncio
import math
import threading
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Engine, event
from sqlalchemy.exc import OperationalError

from tests.store.samples import (
    call,
    decision,
    feedback,
    keep,
    last_position,
    ledger_on,
    outcome,
    shift,
)
from windsock.core.model.calls import Outcome
from windsock.core.model.requests import Cell
from windsock.core.model.rewards import Feedback
from windsock.core.model.units import Usage
from windsock.store import queries
from windsock.store.ledger import Ledger
from windsock.store.rows import StateSnapshot
from windsock.store.writing.writer import MAX_SNAPSHOTS, MAX_WRITERS, Writer


def numbers(engine: Engine, after: int = 0) -> list[int]:
    """Of the decisions in the store, in append order."""
    return [
        each.decision.number if isinstance(each, Outcome) else each.number
        for each in queries.tail(engine, after)
        if not isinstance(each, Feedback)
    ]


async def test_flushed_returns_when_everything_appended_before_is_in_the_store(
    engine: Engine,
) -> None:
    with ledger_on(engine, flush_s=60) as ledger:
        for number in range(500):
            ledger.append(outcome(number))
        assert ledger.stats().pending == 500
        await asyncio.wait_for(ledger.flushed(), 20)
        assert numbers(engine) == list(range(500))
        assert ledger.stats().pending == 0
        await asyncio.wait_for(ledger.flushed(), 1)


async def test_without_being_asked_entries_are_written_within_the_flush_interval(
    engine: Engine,
) -> None:
    with ledger_on(engine, flush_s=0.05) as ledger:
        ledger.append(outcome(1))
        while ledger.stats().written < 1:
            await asyncio.sleep(0.01)
        assert numbers(engine) == [1]


def test_closing_writes_what_is_pending(engine: Engine) -> None:
    with ledger_on(engine, flush_s=60) as ledger:
        for number in range(5000):
            ledger.append(decision(number))
    assert numbers(engine) == list(range(5000))
    assert ledger.stats().pending == 0


def test_entries_appended_before_opening_wait_for_it(engine: Engine) -> None:
    keep(engine, [outcome(1)])
    ledger = Ledger(engine)
    ledger.append(outcome(2))
    ledger.open()
    ledger.close()
    assert numbers(engine) == [1, 2]


def test_positions_go_on_where_the_last_process_stopped(engine: Engine) -> None:
    keep(engine, [outcome(1), shift(1), StateSnapshot(1.0, b"a")])
    assert last_position(engine) == 3
    keep(engine, [outcome(2), StateSnapshot(2.0, b"b"), outcome(3)])
    position, snapshot = queries.latest_snapshot(engine) or (0, None)
    assert (position, snapshot) == (5, StateSnapshot(2.0, b"b"))
    assert numbers(engine, position) == [3]


def test_two_writers_lose_nothing_and_share_one_order(engine: Engine) -> None:
    with ledger_on(engine) as one, ledger_on(engine) as other:
        for number in range(0, 400, 2):
            one.append(outcome(number))
            other.append(outcome(number + 1))
    found = numbers(engine)
    assert sorted(found) == list(range(400))
    assert [each for each in found if each % 2 == 0] == list(range(0, 400, 2))
    assert last_position(engine) == 400


def test_a_commit_that_was_not_confirmed_is_not_done_twice(engine: Engine) -> None:
    writer = Writer(engine)
    writer.write([outcome(1)])
    asked: list[Any] = []

    def lose_the_answer(connection: Any) -> None:
        if not asked:
            asked.append(connection)
            connection.connection.dbapi_connection.commit()
            raise OperationalError("COMMIT", {}, Exception("connection lost"))

    event.listen(engine, "commit", lose_the_answer)
    with pytest.raises(OperationalError):
        writer.write([outcome(2), outcome(3)])
    assert writer.write([outcome(2), outcome(3)]) == 0
    writer.write([outcome(4)])
    writer.close()
    assert numbers(engine) == [1, 2, 3, 4]


def test_old_processes_are_forgotten_but_the_order_is_not(engine: Engine) -> None:
    for number in range(MAX_WRITERS + 4):
        keep(engine, [outcome(number)])
    assert last_position(engine) == MAX_WRITERS + 4


def test_the_same_word_under_the_same_idempotency_key_is_kept_once(engine: Engine) -> None:
    twice = feedback(1, 0.5, key_id=None, idempotency_key="a")
    others = [
        feedback(1, 0.5, idempotency_key="b"),
        feedback(2, 0.5, idempotency_key="a"),
        feedback(1, 0.5, key_id="k", idempotency_key="a"),
        feedback(1, 0.5, metric="tone", idempotency_key="a"),
        feedback(1, 0.5),
        feedback(1, 0.5),
    ]
    keep(engine, [twice, twice, *others])
    keep(engine, [twice])
    said = queries.feedback_of(engine, "d1")
    assert said.count(twice) == 1
    assert len(said) == 6


def test_only_the_last_snapshots_are_kept(engine: Engine) -> None:
    for number in range(MAX_SNAPSHOTS + 3):
        keep(engine, [outcome(number), StateSnapshot(float(number), b"x" * 100)])
    with engine.connect() as connection:
        kept = connection.exec_driver_sql("SELECT count(*) FROM snapshot").scalar()
    assert kept == MAX_SNAPSHOTS


def test_what_cannot_be_a_row_is_given_up_alone_and_counted(engine: Engine) -> None:
    told: list[str | None] = []
    broken = [
        shift(1, fact=object()),
        outcome(2, finished_at=math.nan),
        decision(3, number=2**80),
        decision(4, cell=Cell("default", None, "chat")),  # type: ignore[arg-type]
        outcome(5, cost_usd=0.25),
        outcome(6, results=(call(cost_usd=0.25),)),
        outcome(7, cost_usd=Decimal("NaN")),
        outcome(8, usage=Usage(input_tokens="many")),  # type: ignore[arg-type]
    ]
    with ledger_on(engine, on_trouble=told.append) as ledger:
        ledger.append(outcome(10))
        for entry in broken:
            ledger.append(entry)
        ledger.append(outcome(11))
    assert numbers(engine) == [10, 11]
    assert ledger.stats().dropped == len(broken)
    assert ledger.stats().written == 2
    assert told == [f"{len(broken)} entries fit no row and were given up", None]


def test_a_text_with_a_nul_is_kept_whole_in_the_record(engine: Engine) -> None:
    odd = outcome(1, decision=decision(1, cell=Cell("default", "auto", "a\x00b")))
    keep(engine, [odd, feedback(1, metric="x\x00y")])
    assert list(queries.tail(engine, 0)) == [odd, feedback(1, metric="x\x00y")]


def test_a_hundred_million_dollars_do_not_break_a_row(engine: Engine) -> None:
    dear = outcome(1, cost_usd=Decimal(100_000_000))
    keep(engine, [dear])
    assert queries.decision(engine, "d1") == dear


def test_the_writer_ends_with_its_ledger(engine: Engine) -> None:
    before = threading.active_count()
    keep(engine, [outcome(1)])
    assert threading.active_count() == before
