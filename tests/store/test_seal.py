"""What makes a batch: of replicas, entries and the delta that tells what they taught, or none."""

from collections.abc import Sequence

import pytest
from sqlalchemy import Engine

from tests.store.samples import outcome
from windsock.core.replicas.deltas import Delta
from windsock.store.ledger import Ledger
from windsock.store.rows import Entry
from windsock.store.writing.pending import MAX_BATCH

TAUGHT = Delta(replica="a", number=1, at=1.0)


class Batches:
    """Keeps what it is given, once it is there."""

    def __init__(self) -> None:
        self.is_there = True
        self.kept: list[list[Entry | None]] = []

    def write(self, entries: Sequence[Entry | None]) -> int:
        if not self.is_there:
            raise ConnectionError("away")
        self.kept.append(list(entries))
        return 0

    def connect(self) -> None:
        """Nothing to do."""

    def close(self) -> None:
        """Nothing to do."""


def test_what_is_not_sealed_waits_for_what_follows_from_it(file_engine: Engine) -> None:
    batches = Batches()
    ledger = Ledger(file_engine, writer=batches)
    ledger.seal(None)
    ledger.append(outcome(1))
    assert ledger._flush()
    assert batches.kept == []
    ledger.seal(TAUGHT)
    ledger.append(outcome(2))
    assert ledger._flush()
    assert batches.kept == [[outcome(1), TAUGHT]]


@pytest.mark.parametrize("was_away", [False, True])
def test_a_seal_is_one_batch_however_much_it_covers(file_engine: Engine, was_away: bool) -> None:
    batches = Batches()
    ledger = Ledger(file_engine, writer=batches)
    ledger.seal(None)
    entries = [outcome(number) for number in range(MAX_BATCH + 10)]
    for each in entries[:5]:
        ledger.append(each)
    ledger.seal(TAUGHT)
    batches.is_there = not was_away
    assert ledger._flush() is not was_away
    for each in entries[5:]:
        ledger.append(each)
    ledger.seal(TAUGHT)
    assert ledger._flush() is not was_away
    batches.is_there = True
    assert ledger._flush()
    assert batches.kept == [[*entries[:5], TAUGHT], [*entries[5:], TAUGHT]]


def test_what_comes_while_a_batch_is_written_waits_for_its_turn(file_engine: Engine) -> None:
    class Busy(Batches):
        def write(self, entries: Sequence[Entry | None]) -> int:
            ledger.append(outcome(2))
            return super().write(entries)

    batches = Busy()
    ledger = Ledger(file_engine, writer=batches)
    for _ in range(MAX_BATCH + 1):
        ledger.append(outcome(1))
    assert ledger._flush()
    assert [len(each) for each in batches.kept] == [MAX_BATCH, 2]
    assert ledger.stats().pending == 1
