"""What more success would cost: the upper hull of what candidates cost and deliver."""

import pytest

from tests.weight_tables import arm, table_of
from windsock.core.model.decisions import CascadeFacts
from windsock.core.routing.outlook.further_success import further_success


def told(table):
    return [
        (
            each.deployment,
            round(each.success_from, 4),
            each.success_to,
            round(each.usd_per_point, 6),
        )
        for each in further_success(table)
    ]


def test_each_point_costs_what_the_cheapest_mixture_takes_for_it() -> None:
    table = table_of(arm("a/small", 1.0, 0.80, 0.001), arm("b/mid", 0.0, 0.85, 0.002),
                     arm("c/large", 0.0, 0.90, 0.010))  # fmt: skip
    assert told(table) == [("b/mid", 0.80, 0.85, 0.2), ("c/large", 0.85, 0.90, 1.6)]


def test_who_is_dearer_than_a_mixture_of_his_neighbours_is_no_way_to_more() -> None:
    table = table_of(arm("a/small", 1.0, 0.80, 0.001), arm("b/mid", 0.0, 0.81, 0.009),
                     arm("c/large", 0.0, 0.90, 0.010))  # fmt: skip
    assert told(table) == [("c/large", 0.80, 0.90, 0.9)]


def test_it_begins_where_the_weights_stand() -> None:
    table = table_of(arm("a/small", 0.5, 0.80, 0.001), arm("b/mid", 0.5, 0.90, 0.002),
                     arm("c/large", 0.0, 0.95, 0.010))  # fmt: skip
    assert [(name, low) for name, low, _, _ in told(table)] == [("b/mid", 0.85), ("c/large", 0.9)]


def test_nothing_is_further_than_the_best() -> None:
    table = table_of(arm("a/small", 0.0, 0.80, 0.001), arm("b/mid", 1.0, 0.90, 0.002),
                     arm("c/dear", 0.0, 0.90, 0.010))  # fmt: skip
    assert told(table) == []
    assert told(table_of()) == []


def test_a_free_candidate_and_a_cascade_are_ways_like_all_others() -> None:
    cascade = CascadeFacts(
        deployment="a/free", to="c/large", weight=0.0, success_mean=0.9, expected_usd=0.002,
        escalated=0.2, unsure=0.0, wrong_found=0.9, right_passed=0.9, judged=50.0, gain=0.1,
    )  # fmt: skip
    table = table_of(arm("a/free", 1.0, 0.80, 0.0), arm("c/large", 0.0, 0.92, 0.010),
                     cascades=(cascade,))  # fmt: skip
    assert told(table) == [("a/free > c/large", 0.8, 0.9, pytest.approx(0.2)),
                           ("c/large", 0.9, 0.92, pytest.approx(4.0))]  # fmt: skip
