"""FailoverBench v0.1 in short times: no row fails, none needs a caller's second try."""

from __future__ import annotations

import pytest

from tests.chaos.failover import SCENARIOS, SHORT, judged


def test_there_are_sixteen_rows() -> None:
    assert list(SCENARIOS) == [f"S{n:02}" for n in range(1, 17)]


@pytest.mark.parametrize("name", SCENARIOS)
async def test_a_fault_of_the_primary_costs_the_caller_nothing(name) -> None:
    verdict = await judged(SCENARIOS[name], SHORT)
    assert verdict.word == "pass", verdict.reason
