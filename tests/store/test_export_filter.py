"""What a caller may not see takes none of the room of what it may: filter first, then limit."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.builders import START
from tests.running import Running, config_of, running
from tests.store.samples import decision, outcome
from tests.upstream import Answer, completion, upstream
from windsock.core.model.requests import Cell
from windsock.service.auth import new_key
from windsock.store.keys import VirtualKey, add_key

LARGE, SMALL = "large", "small"
ROWS = {LARGE: 1200, SMALL: 50}


@asynccontextmanager
async def shared(tmp_path: Path) -> AsyncIterator[tuple[Running, dict[str, dict[str, str]]]]:
    """A service of two namespaces, and a reader's headers for each."""
    async with upstream(lambda _: Answer(completion())) as model:
        async with running(config_of(("acme", model.url, 1.0)), tmp_path) as it:
            headers = {}
            for namespace in ROWS:
                secret, public, digest = new_key()
                key = VirtualKey(id=public, name=namespace, sha256=digest, namespace=namespace,
                                 scopes=("read",), created_at=0.0)  # fmt: skip
                add_key(it.service.engine, key)
                headers[namespace] = {"authorization": f"Bearer {secret}"}
            await it.service.housekeeping.read_keys()
            yield it, headers


async def exported(it: Running, headers: dict[str, str], **asked: Any) -> list[str]:
    asked = {"since": START, "until": START + 10_000, **asked}
    answer = await it.http.get("/v1/decisions", params=asked, headers=headers)
    return [json.loads(line)["decision_id"] for line in answer.text.splitlines()]


@pytest.mark.parametrize("namespace", ROWS)
async def test_an_export_holds_as_many_of_the_callers_rows_as_it_asked_for(
    namespace, tmp_path
) -> None:
    """1,200 rows of one namespace, then 50 of another; a limit of 1,000 counts the caller's."""
    async with shared(tmp_path) as (it, headers):
        number = 0
        for owner, count in ROWS.items():
            for _ in range(count):
                number += 1
                cell = Cell(owner, "auto", "chat")
                it.service.ledger.append(outcome(number, decision=decision(number, cell=cell)))
        await it.service.ledger.flushed()
        found = await exported(it, headers[namespace], limit=1000)
        first = 1 if namespace == LARGE else ROWS[LARGE] + 1
        expected = range(first, first + min(1000, ROWS[namespace]))
        assert found == [f"d{number}" for number in expected]
        assert len(await exported(it, headers[namespace], limit=20)) == 20


async def test_an_export_may_leave_out_rows_that_nobody_can_read_and_no_others(tmp_path) -> None:
    """A limit of ten gives ten rows though the first five cannot be read."""
    async with shared(tmp_path) as (it, headers):
        cell = Cell(SMALL, "auto", "chat")
        for number in range(1, 31):
            it.service.ledger.append(outcome(number, decision=decision(number, cell=cell)))
        await it.service.ledger.flushed()
        with it.service.engine.begin() as store:
            store.exec_driver_sql("UPDATE decision SET body = '{' WHERE number <= 5")
        found = await exported(it, headers[SMALL], limit=10)
        assert found == [f"d{number}" for number in range(6, 16)]
