"""Groups of a report: those with most requests one by one, and all others as one."""

from decimal import Decimal
from random import Random
from typing import Any

import pytest

from windsock.core.model.requests import About
from windsock.service.control.reporting import knowing
from windsock.service.control.reporting.knowing import EXPLORING
from windsock.service.control.reporting.lines import busiest_lines, report_lines, summed
from windsock.service.control.reporting.spending import Spending, Spent

ADDING = ("requests", "answered", "judged", "unknown_cost", "bills", "refused", "cache_hits")


def row(chance: Random, task: int) -> dict[str, Any]:
    requests = chance.randrange(1, 50)
    return {
        "task": f"t{task:02d}", "requests": requests, "answered": requests - 1,
        "attempts": requests, "unknown_cost": 0, "judged": 1, "successes": 0.5,
        "cost_usd": Decimal(requests), "cost_nano_usd": requests * 10**9,
        "mean_latency_s": 0.5 if requests > 1 else None,
    }  # fmt: skip


def bill(task: int) -> dict[str, Any]:
    usd = {name: Decimal(1) for name in ("billed_usd", "counted_usd", "doubted_usd")}
    return {"task": f"t{task:02d}", "bills": 1, "doubted_bills": 0, **usd}


def aside(task: int) -> dict[str, Any]:
    return {"task": f"t{task:02d}", "refused": 2, "cache_hits": 1, "saved_usd": Decimal("0.5")}


def test_what_is_not_told_one_by_one_is_told_as_one_and_nothing_is_lost() -> None:
    chance = Random(3)
    rows = [row(chance, task) for task in range(30)]
    bills, uncalled = [bill(task) for task in range(0, 40, 3)], [aside(35), aside(2)]
    every = report_lines(rows, bills, uncalled, ("task",))
    assert busiest_lines(rows, bills, uncalled, ("task",), len(every)) == (every, None)
    told, others = busiest_lines(rows, bills, uncalled, ("task",), 10)
    assert others is not None and len(told) == 10 and others["groups"] == len(every) - 10
    assert [each for each in every if each in told] == told
    left = [each["requests"] for each in every if each not in told]
    assert min(each["requests"] for each in told) >= max(left)
    for name in ADDING:
        assert sum(each[name] for each in [*told, others]) == sum(each[name] for each in every)
    assert sum(each["cost_usd"] or 0 for each in [*told, others]) == pytest.approx(
        float(sum(each["cost_usd"] for each in rows))
    )
    assert others["mean_latency_s"] == pytest.approx(0.5)
    nobody_served = busiest_lines(rows[:1], [bill(5)], uncalled, ("task",), 1)[1]
    assert nobody_served is not None and nobody_served["mean_latency_s"] is None
    assert summed([], ()) == []


def test_knowing_at_more_places_than_are_told_is_told_as_one(monkeypatch) -> None:
    monkeypatch.setattr(knowing, "MOST_PLACES", 2)
    spending = Spending(
        served={("auto", f"t{number}", "a/m"): 10 + number for number in range(5)},
        beside={("auto", "judge"): {About("a/m", f"t{number}"): Spent(1, Decimal(number))
                                    for number in range(5)} | {None: Spent(1, Decimal(9))}},
    )  # fmt: skip
    told, others = knowing._told(spending, "default", ["auto"])
    assert told == [("auto", About("a/m", "t4")), ("auto", About("a/m", "t3"))]
    assert others == {
        ("auto", EXPLORING): Spent(33, unknown_cost=33),
        ("auto", "judge"): Spent(4, Decimal(0 + 1 + 2 + 9)),
    }
    assert knowing._told(spending, "default", []) == ([], {})
