"""A cap, a key's requests a minute and a change by hand hold over every process at the port."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.app.workers.test_together import BODY, Together, together, until

CAP = "\n[caps.all]\nusd = 0.001\nperiod = \"day\"\n"
DEAREST = 0.00013
"""Dollars that a call to the dearer deployment may cost, of which a process holds one at most."""


@pytest.mark.xdist_group("workers")
async def test_a_cap_holds_over_all_and_a_change_by_hand_reaches_all(tmp_path: Path) -> None:
    async with together(tmp_path, CAP) as it:
        await _spend_all(it)
        spent = await it.metric("windsock_cap_spent_usd")
        assert 0.0005 < spent <= 0.001 + 3 * DEAREST
        more = {"usd": 0.01, "lasts": "1h"}
        answer = await it.call("POST", "/v1/caps/all/raise", json=more)
        assert answer.status_code == 200, answer.text

        async def have_all_room() -> bool:
            answers = [await it.call("POST", "/v1/chat/completions", json=BODY) for _ in range(8)]
            return all(each.status_code == 200 for each in answers)

        assert await until(have_all_room)


async def _spend_all(it: Together) -> None:
    for _ in range(8):
        await asyncio.gather(*(it.chat() for _ in range(8)))
        await asyncio.sleep(0.3)
    assert it.failed, "the cap was reached"
    assert len(it.answered) >= 8
