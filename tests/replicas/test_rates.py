"""Shares of limits a minute, and a database that goes away in the midst of a claim."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from tests.replicas.wire import Wire
from tests.store.conftest import Postgres
from windsock.app.replicas.rates import RateKeeper
from windsock.clock import ManualClock
from windsock.core.replicas.rates import OVER_S, Claim
from windsock.errors import StoreError
from windsock.service.key_limits import KeyLimits
from windsock.service.rate_shares import RateShares
from windsock.store.engine import open_engine
from windsock.store.migrations import upgrade_engine
from windsock.store.replicas.rates import claim

pytestmark = pytest.mark.xdist_group("replicas")

PLACE = ("k", "requests")
THERE = {"one", "two"}


@pytest.mark.parametrize(("goes", "left"), [("before it is told", 30), ("as it is told", 1)])
async def test_an_idle_replica_has_its_even_part_unless_others_may_have_heard_that_it_gives_it_back(
    goes: str, left: int, postgres: Postgres, tmp_path: Path
) -> None:
    store = postgres.new_database()
    near, wire = open_engine(store), Wire(postgres.port)
    upgrade_engine(near)
    engine = open_engine(store.replace(str(postgres.port), str(wire.port)), patience_s=2)
    claim(near, "two", {PLACE: Claim(most=60, share=30, wanted=60)}, there=THERE)
    clock = ManualClock(1000.0)
    limits = KeyLimits(clock.elapsed, lambda: 2)
    keeper = RateKeeper(shares=RateShares(limits, clock.elapsed, lambda: 2), engine=engine,
                        clock=clock, replica="one")  # fmt: skip

    def cut(connection: Any, *more: Any) -> None:
        if goes == "as it is told" or "max(" in str(more[1]):
            wire.cut()

    event.listen(engine, "commit" if goes == "as it is told" else "after_cursor_execute", cut)
    with pytest.raises(StoreError):
        await keeper.sync(THERE)
    assert limits.minute(PLACE, 60).limit == left
    clock.advance_to(clock.now() + OVER_S + 1)
    keeper.shares.age()
    assert limits.minute(PLACE, 60).limit == 30
    wire.stop()
    near.dispose()
    engine.dispose()
