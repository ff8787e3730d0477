"""What would have had to differ for another deployment to lead."""

from dataclasses import replace
from itertools import pairwise
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.weight_tables import arm, table_of
from windsock.core.model.decisions import ArmFacts, WeightTable
from windsock.core.policies.aims.margins import margins


def table(arms: list[ArmFacts], value_usd: float | None) -> WeightTable:
    return replace(table_of(*arms), value_usd=value_usd)


def worth(success: float, usd: float, value: float) -> float:
    return value * success - usd


ARMS = st.lists(
    st.tuples(st.floats(0.01, 1), st.floats(0, 1), st.floats(1e-6, 0.1)), min_size=2, max_size=6
)


@given(ARMS, st.floats(1e-4, 10))
def test_at_its_margin_a_candidate_is_worth_as_much_as_the_best(facts, value) -> None:
    whole = sum(weight for weight, _, _ in facts)
    arms = [arm(f"p/{i}", w / whole, s, usd) for i, (w, s, usd) in enumerate(facts)]
    found = margins(table(arms, value))
    (best,) = [each for each in found if each.is_best]
    top = next(each for each in arms if each.deployment == best.deployment)
    most = worth(top.success_mean, top.expected_usd, value)
    for each, own in zip(found, arms, strict=True):
        assert worth(own.success_mean, own.expected_usd, value) <= most
        if each.leads_below_usd is not None:
            assert worth(own.success_mean, each.leads_below_usd, value) == pytest.approx(most)
        if each.leads_above is not None:
            assert worth(each.leads_above, own.expected_usd, value) == pytest.approx(most)
    ends = [each.draws for each in found if each.draws]
    assert ends[0][0] == 0 and ends[-1][1] == pytest.approx(1)
    assert all(a[1] == b[0] for a, b in pairwise(ends))


@pytest.mark.parametrize("value", [None, inf])
def test_without_a_bounded_worth_of_success_only_the_draws_are_told(value) -> None:
    best, other = margins(table([arm("p/a", 0.9, 0.9, 1.0), arm("p/b", 0.1, 0.5, 0.1)], value))
    assert best.is_best and not other.is_best
    assert other.draws == pytest.approx((0.9, 1.0))
    assert (other.leads_below_usd, other.leads_above) == (None, None)


def test_where_success_is_worth_nothing_more_only_a_lower_cost_would_do() -> None:
    found = margins(table([arm("p/a", 0.9, 0.9, 0.2), arm("p/b", 0.1, 1.0, 0.3)], 0.0))
    assert found[1].leads_below_usd == pytest.approx(0.2)
    assert found[1].leads_above is None


def test_a_candidate_that_no_number_gives_is_told_so() -> None:
    found = margins(table([arm("p/a", 1.0, 0.9, 0.2), arm("p/b", 0.0, 0.5, 0.3)], 1.0))
    assert found[1].draws is None


def test_nobody_leads_an_empty_table() -> None:
    assert margins(table([], 1.0)) == []
