"""Tables solved between requests: a route's priors, its rungs, then one table at a time."""

from tests.builders import CHEAP, START, request, router
from windsock.core.model.requests import Cell

CELL = Cell("default", "auto", "task 0")


def test_priors_and_rungs_of_a_route_have_steps_of_their_own_and_tables_come_after() -> None:
    wind = router()
    asked = [request(task=f"task {number}") for number in range(3)]
    for each in asked:
        wind.open(each, START)
    now = START + 60.0
    for each in asked:
        cell = Cell("default", "auto", each.task)
        wind.beliefs.observe(cell, CHEAP, 1.0, now=now)
        wind.tables.count_evidence(cell, now)
    before = wind.tables.shown(CELL)
    steps = [wind.tables.refresh(now), wind.tables.refresh(now)]
    assert wind.tables.shown(CELL) is before
    while wind.tables.refresh(now):
        steps.append(True)
    assert len(steps) == 2 + len(asked)
    ahead = wind.tables.shown(CELL)
    assert ahead is not None and before is not None and ahead.version > before.version


def test_what_is_learnt_all_the_time_keeps_no_table_from_being_solved() -> None:
    wind = router()
    asked = [request(task=f"task {number}") for number in range(3)]
    for each in asked:
        wind.open(each, START)
    now, before = (
        START + 60.0,
        {each.cell.name: each.version for each in wind.tables.standing_tables()},
    )
    for _ in range(2 + len(asked)):
        for each in asked:
            cell = Cell("default", "auto", each.task)
            wind.beliefs.observe(cell, CHEAP, 1.0, now=now)
            wind.tables.count_evidence(cell, now)
        assert wind.tables.refresh(now)
    assert all(each.version > before[each.cell.name] for each in wind.tables.standing_tables())


def test_a_table_solved_ahead_is_the_one_that_a_request_would_have_solved() -> None:
    ahead, late = router(), router()
    now = START + 60.0
    for wind in (ahead, late):
        wind.open(request(task="task 0"), START)
        wind.beliefs.observe(CELL, CHEAP, 1.0, now=now)
        wind.tables.count_evidence(CELL, now)
    while ahead.tables.refresh(now):
        pass
    weights = [wind.open(request(task="task 0"), now).table.weights for wind in (ahead, late)]
    assert weights[0] == weights[1]
