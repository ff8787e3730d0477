"""The rows of the fault table, shortened: what is right is for here, times for the benchmark."""

from __future__ import annotations

import pytest

from tests.chaos.recorder import BARS, Finding, known_rows, not_offered
from tests.chaos.short import SHORT, SUITE


@pytest.mark.parametrize("name", SUITE)
async def test_a_row_is_right(name: str) -> None:
    finding = await known_rows()[name](**SHORT[name])
    assert finding.is_right, str(finding)


def test_every_row_measures_something_the_table_asks_for() -> None:
    assert set(known_rows()) <= set(BARS)


def test_a_finding_holds_by_its_checks_alone() -> None:
    finding = Finding().at_least("success", 0.9991, 0.999, "%").at_most("p99", 1.2, 1.0, "s")
    assert finding.verdict == "missed"
    assert finding.is_right
    assert str(finding) == "success 99.91 % (>= 99.90 %); p99 1.2 s (<= 1 s)"
    assert Finding().verdict == "missed"
    assert not_offered("no").verdict == "not offered"
