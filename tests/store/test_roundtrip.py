"""Whatever the ledger is given, the store gives back, bit for bit."""

import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from tests.store.samples import FLOATS, anything, keep, last_position
from windsock.core.model.calls import Outcome
from windsock.core.model.decisions import Decision, WeightTable
from windsock.core.model.events import Event
from windsock.core.model.rewards import Feedback
from windsock.core.model.ticks import HealthReport, Quote
from windsock.core.pricing.validation import Held
from windsock.store import queries
from windsock.store.codec import encode
from windsock.store.compact.shapes.splitting import split
from windsock.store.compact.templates import numbers_in, picked
from windsock.store.engine import open_engine
from windsock.store.migrations import upgrade_engine
from windsock.store.rows import StateSnapshot
from windsock.store.upkeep.export import line_of, parts_of

OF_STATE = (Decision, Outcome, Feedback, Quote, Held, HealthReport)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def kept(request: pytest.FixtureRequest, tmp_path_factory) -> Iterator[Engine]:
    folder: Path = tmp_path_factory.mktemp("roundtrip")
    url = f"sqlite:///{folder}/store.db"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres").new_database()
    engine = open_engine(url)
    upgrade_engine(engine)
    yield engine
    engine.dispose()


def same(found: object, given_: object) -> None:
    """Equal, and equal in the order of mappings and the digits of numbers."""
    assert found == given_
    assert written(found) == written(given_)


def written(record: object) -> str:
    """JSON, where sets (the days of a window) stand in order."""
    return re.sub(r'(?<="days":\[)[\d,]*', lambda days: sorted_days(days[0]), encode(record))


def sorted_days(days: str) -> str:
    return ",".join(sorted(days.split(",")))


def without_key(feedback: Feedback) -> bool:
    return feedback.idempotency_key is None


ENTRIES = st.one_of(
    anything(kind) if kind is not Feedback else anything(kind).filter(without_key)
    for kind in OF_STATE
)


@settings(deadline=None, max_examples=60, suppress_health_check=list(HealthCheck))
@given(entries=st.lists(ENTRIES, max_size=8))
def test_the_tail_is_what_was_appended_in_that_order(kept: Engine, entries: list[Any]) -> None:
    before = last_position(kept)
    keep(kept, entries)
    found = list(queries.tail(kept, before))
    assert [type(each) for each in found] == [type(each) for each in entries]
    for one, other in zip(found, entries, strict=True):
        same(one, other)


@settings(deadline=None, max_examples=40, suppress_health_check=list(HealthCheck))
@given(record=anything(Outcome) | anything(Decision))
def test_an_export_takes_of_shapes_what_it_takes_of_records(record: Outcome | Decision) -> None:
    at = record.decision.at if isinstance(record, Outcome) else record.at
    ((shape, numbers),) = split([record], [at])
    found = picked(shape.text, parts_of)(numbers_in(numbers), at)
    assert line_of(found, None) == line_of(parts_of(msgspec.to_builtins(record)), None)


@settings(deadline=None, max_examples=40, suppress_health_check=list(HealthCheck))
@given(records=st.lists(anything(Outcome) | anything(Decision), min_size=2, max_size=6))
def test_a_batch_is_taken_apart_as_each_of_it_alone(records: list[Outcome | Decision]) -> None:
    records = [*records, *records]
    at = [each.decision.at if isinstance(each, Outcome) else each.at for each in records]
    together = split(records, at)
    alone = [split([each], [moment])[0] for each, moment in zip(records, at, strict=True)]
    assert [shape.text for shape, _ in together] == [shape.text for shape, _ in alone]
    assert [numbers for _, numbers in together] == [numbers for _, numbers in alone]


@settings(deadline=None)
@given(table=anything(WeightTable), ends=FLOATS | st.just(math.inf))
def test_a_weight_table_comes_back_even_if_it_never_expires(
    kept: Engine, table: WeightTable, ends: float
) -> None:
    facts = {name: getattr(table, name) for name in WeightTable.__dataclass_fields__}
    table = WeightTable(**{**facts, "version": last_position(kept) + 1, "expires_at": ends})
    keep(kept, [table])
    found = queries.table(kept, table.version)
    assert found is not None
    assert found.expires_at == ends
    same(found, table)


@settings(deadline=None, max_examples=30, suppress_health_check=list(HealthCheck))
@given(event=anything(Event), body=st.binary(max_size=50))
def test_events_and_snapshots_come_back(kept: Engine, event: Event, body: bytes) -> None:
    snapshot = StateSnapshot(event.at, body)
    keep(kept, [event, snapshot])
    same(queries.events(kept, since=-math.inf, limit=1)[0], event)
    assert queries.latest_snapshot(kept) == (last_position(kept), snapshot)
