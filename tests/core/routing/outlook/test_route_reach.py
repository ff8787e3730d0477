"""A floor over all traffic of a route: out of reach if the best at each task is not enough."""

import pytest

from tests.builders import CHEAP, FLAGSHIP, MID, START, request, router, run
from tests.weight_tables import CELL, arm, table_of
from windsock.core.beliefs.beliefs import Beliefs
from windsock.core.policies.objectives import Objective
from windsock.core.routing.outlook.floor_reach import FloorWatch, Reach
from windsock.core.routing.outlook.route_reach import reaches, route_reach

CHAT = CELL._replace(task="chat")


def taught(rates: dict[tuple[str, str], float], n: float = 400.0) -> Beliefs:
    beliefs = Beliefs()
    for (task, name), rate in rates.items():
        cell = CELL._replace(task=task)
        beliefs.observe_sums(cell, name, n, n * rate, n * rate, now=START)
    return beliefs


def reach(beliefs: Beliefs, floor: float, shares: tuple[float, float] = (1.0, 3.0)) -> Reach:
    parts = []
    for share, cell in zip(shares, (CELL, CHAT), strict=True):
        arms = [
            arm(name, float(i == 0), beliefs.summary(cell, name).mean, 0.001 * 10**i,
                rewards=beliefs.summary(cell, name).effective_samples)
            for i, name in enumerate(("a/small", "b/large"))
        ]  # fmt: skip
        parts.append((share, table_of(*arms, cell=cell)))
    found = route_reach(parts, floor, beliefs)
    assert found is not None
    return found


RATES = {("sql", "a/small"): 0.6, ("sql", "b/large"): 0.7,
         ("chat", "a/small"): 0.9, ("chat", "b/large"): 0.95}  # fmt: skip


def test_a_hard_task_is_made_up_by_an_easy_one_with_more_traffic() -> None:
    found = reach(taught(RATES), 0.85)
    assert not found.is_out_of_reach
    assert found.reachable == pytest.approx((0.7 + 3 * 0.95) / 4, abs=0.01)
    assert reach(taught(RATES), 0.85, shares=(3.0, 1.0)).is_out_of_reach


def test_above_the_best_at_each_task_it_is_out_of_reach() -> None:
    found = reach(taught(RATES), 0.95)
    assert found.is_out_of_reach
    assert found.cell.task == ""
    assert found.success == pytest.approx((0.6 + 3 * 0.9) / 4, abs=0.01)


def test_more_is_bought_where_it_is_cheapest_whatever_the_task() -> None:
    found = reach(taught(RATES), 0.95)
    assert [each.deployment for each in found.further] == ["b/large at sql", "b/large at chat"]
    assert found.further[0].success_from == pytest.approx(found.success)
    assert found.further[0].success_to == pytest.approx(found.further[1].success_from)
    assert found.further[1].success_to == pytest.approx(found.reachable)
    prices = [each.usd_per_point for each in found.further]
    assert prices == sorted(prices)


def test_without_labels_it_is_merely_not_certain() -> None:
    assert not reach(Beliefs(), 0.99).is_out_of_reach


def test_without_a_floor_there_is_nothing_to_reach() -> None:
    assert route_reach([(1.0, table_of(arm("a/small", 1.0, 0.5, 0.1)))], None, Beliefs()) is None
    assert route_reach([], 0.9, Beliefs()) is None


def test_a_route_with_a_floor_of_its_own_is_told_of_once() -> None:
    wind = router(objective=Objective(kind="quality", quality="balanced", route_quality_floor=0.99))
    for task in ("sql", "chat"):
        for name, rate in ((CHEAP, 0.6), (MID, 0.7), (FLAGSHIP, 0.8)):
            cell = CELL._replace(task=task)
            wind.learn_sums(cell, name, 300.0, 300 * rate, 300 * rate, START)
        run(wind.open(request(task=task), START))
    watch, cells = FloorWatch(), wind.tables.cells()
    told = [event for cell, found in reaches(wind, cells, START)
            for event in watch.check(cell, found, START)]  # fmt: skip
    assert [(event.kind.value, event.facts["task"]) for event in told] == [
        ("floor.out_of_reach", "")
    ]
    again = FloorWatch()
    again.restore(told)
    assert [event for cell, found in reaches(wind, cells, START)
            for event in again.check(cell, found, START)] == []  # fmt: skip
