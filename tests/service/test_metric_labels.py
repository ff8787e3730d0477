"""Callers choose tasks; the labels of /metrics are bounded all the same, and no request is lost."""

import pytest

from tests.store.samples import decision, outcome
from windsock.core.model.requests import Cell
from windsock.service import tallies as module
from windsock.service.tallies import OTHERS, Tallies


def test_beyond_the_bound_what_was_counted_longest_ago_goes_to_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "MOST_TALLIES", 10)
    tallies = Tallies()
    for number in range(100):
        for task in ("ours", f"x{number}"):
            cell = Cell("default", "auto", task)
            tallies.count(outcome(number, decision=decision(number, cell=cell)))
    assert len(tallies.by_name) <= 11
    assert sum(tally.requests for tally in tallies.by_name.values()) == 200
    by_task = {task: tally.requests for (_, task, _), tally in tallies.by_name.items()}
    assert by_task["ours"] == 100
    assert by_task[OTHERS] > 80
