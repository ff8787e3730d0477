"""What holds of the weights of a next turn, whatever the conversation costs where."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import START, router
from windsock.core.routing.conversations.costs import Outlook
from windsock.core.routing.conversations.law import Choice, conversation_weights

USD = st.floats(1e-6, 10.0)
SHARE = st.floats(0.0, 1.0)
TABLE = router().table("default", "auto", "default", START)


@st.composite
def choices(draw) -> Choice:
    raw = [draw(st.floats(0.001, 1.0)) for _ in range(3)]
    weights = tuple(each / sum(raw) for each in raw)
    arms = tuple(
        replace(
            arm,
            weight=weight,
            success_mean=draw(SHARE),
            expected_usd=draw(USD),
            limits=draw(st.sampled_from([(), ("floor",), ("young",)])),
        )
        for arm, weight in zip(TABLE.arms, weights, strict=True)
    )
    value = draw(st.one_of(st.none(), USD))
    table = replace(TABLE, weights=weights, arms=arms, value_usd=value)
    outlooks = tuple(
        draw(st.one_of(st.none(), st.just(_outlook(draw, name)))) for name in table.deployments
    )
    return Choice(
        table=table,
        outlooks=outlooks,
        is_judged=draw(st.booleans()),
        leans=tuple(draw(st.floats(-0.1, 0.1)) for _ in range(3)),
        home=draw(st.one_of(st.none(), st.integers(0, 2))),
        home_weight=draw(SHARE),
        is_shared=draw(st.booleans()),
        turns=draw(st.floats(1.0, 60.0)),
    )


def _outlook(draw, name: str) -> Outlook:
    turn, later = draw(USD), draw(USD)
    return Outlook(
        deployment=name,
        held_tokens=draw(st.integers(0, 100_000)),
        hit_rate=draw(SHARE),
        turn_usd=turn,
        next_usd=later,
        plain_usd=draw(USD),
        saved_usd=draw(USD),
        total_usd=turn + 10 * later,
    )


@given(choices())
def test_they_are_chances(it: Choice) -> None:
    weights = conversation_weights(it)
    assert sum(weights) == pytest.approx(1.0)
    assert all(-1e-12 <= weight <= 1.0 + 1e-12 for weight in weights)


@given(choices(), st.sampled_from([0.125, 4.0, 1024.0]))
def test_money_of_another_unit_changes_nothing(it: Choice, factor: float) -> None:
    """A power of two, so that not a digit changes."""
    table = it.table
    scaled = replace(
        it,
        table=replace(
            table,
            value_usd=None if table.value_usd is None else table.value_usd * factor,
            arms=tuple(replace(arm, expected_usd=arm.expected_usd * factor) for arm in table.arms),
        ),
        outlooks=tuple(
            each
            and replace(
                each,
                plain_usd=each.plain_usd * factor,
                saved_usd=each.saved_usd * factor,
                total_usd=each.total_usd * factor,
            )
            for each in it.outlooks
        ),
    )
    assert conversation_weights(scaled) == conversation_weights(it)


@given(choices())
def test_a_home_that_becomes_cheaper_keeps_at_least_as_much(it: Choice) -> None:
    if it.home is None or it.outlooks[it.home] is None:
        return
    mine = it.outlooks[it.home]
    cheap = replace(mine, total_usd=mine.total_usd * 0.5)
    cheaper = tuple(cheap if i == it.home else each for i, each in enumerate(it.outlooks))
    if it.is_shared:
        return
    before, after = conversation_weights(it), conversation_weights(replace(it, outlooks=cheaper))
    assert after[it.home] >= before[it.home] - 1e-12
