"""A store that falls behind is told once, and once that it has caught up."""

from pathlib import Path

from tests.store.samples import outcome
from windsock.app.background.ledger_watch import LedgerWatch
from windsock.clock import ManualClock
from windsock.core.model.events import Event
from windsock.store.engine import open_engine
from windsock.store.ledger import Ledger
from windsock.store.migrations import upgrade_engine


async def test_it_is_told_once_with_how_many_wait(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path}/store.db")
    upgrade_engine(engine)
    ledger = Ledger(engine, max_pending=100, flush_s=0.01)
    told: list[Event] = []
    watch = LedgerWatch(ledger=ledger, clock=ManualClock(), publish=told.append)
    for n in range(11):
        ledger.append(outcome(n))
    for _ in range(3):
        watch.check()
    assert [(event.kind, event.facts["pending"]) for event in told] == [("store.is_behind", 11)]
    ledger.open()
    await ledger.flushed()
    watch.check()
    watch.check()
    assert [event.kind for event in told] == ["store.is_behind", "store.caught_up"]
    ledger.close()
    engine.dispose()


def test_what_was_given_up_is_told_though_little_waits(tmp_path: Path) -> None:
    ledger = Ledger(open_engine(f"sqlite:///{tmp_path}/store.db"), max_pending=2)
    told: list[Event] = []
    watch = LedgerWatch(ledger=ledger, clock=ManualClock(), publish=told.append)
    for n in range(5):
        ledger.append(outcome(n))
    watch.check()
    assert told[0].facts["dropped"] == 3


def test_a_tenth_of_what_may_wait_is_no_news(tmp_path: Path) -> None:
    ledger = Ledger(open_engine(f"sqlite:///{tmp_path}/store.db"), max_pending=100)
    told: list[Event] = []
    watch = LedgerWatch(ledger=ledger, clock=ManualClock(), publish=told.append)
    for n in range(10):
        ledger.append(outcome(n))
    watch.check()
    assert not told
