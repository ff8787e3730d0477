"""The newest finished requests of the log, however long ago, however many came before."""

from functools import partial

import pytest

from tests.service.test_spend import HOUR, START, ask, served
from windsock.store import queries
from windsock.store.upkeep.newest import newest


@pytest.mark.parametrize(("limit", "expected"), [(1, "c"), (3, "bcc"), (9, "aabcc"), (0, "")])
async def test_the_last_are_found_across_hours_without_requests(limit, expected, tmp_path) -> None:
    async with served(tmp_path) as (it, clock):
        for hour, (task, times) in enumerate((("a", 2), ("b", 1), ("other", 1), ("c", 2))):
            clock.advance_to(START + 40 * HOUR * hour)
            await ask(it, "auto", task, times)
        await it.service.ledger.flushed()
        found = newest(
            partial(queries.decisions, it.service.engine),
            lambda each: each.decision.cell.name != "other",
            since=0.0,
            until=clock.now() + 1,
            namespace="default",
            limit=limit,
        )
    assert "".join(each.decision.cell.name for each in found) == expected
