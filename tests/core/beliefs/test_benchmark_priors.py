"""Public figures: what they move, how weakly, and that nothing else does."""

from __future__ import annotations

import json

import pytest

from windsock.config.benchmark_rates import public_rates, published
from windsock.core.beliefs.beliefs import Beliefs
from windsock.core.beliefs.benchmark_priors import SPREAD, BenchmarkPriors, PublicRate, kind_of
from windsock.core.model.requests import Cell

CELL = Cell("default", "auto", "write code")
GOOD, BAD, UNKNOWN = "acme/good-1", "acme/bad-1", "acme/unheard"


def figures() -> BenchmarkPriors:
    def rate(family: str, kind: str, success: float) -> PublicRate:
        return PublicRate(
            family=family, kind=kind, success=success, par=0.5, strength=4.0, source="Bench 1"
        )

    return BenchmarkPriors(
        [
            rate("good*", "code", 0.9),
            rate("good*", "math", 0.5),
            rate("bad-1", "code", 0.1),
        ]
    )


def mean(beliefs: Beliefs, deployment: str, cell: Cell = CELL) -> float:
    a, b = beliefs.posterior(cell, deployment)
    return a / (a + b)


def test_a_better_family_starts_higher_and_an_unknown_one_in_between() -> None:
    beliefs = Beliefs(published=figures())
    assert mean(beliefs, GOOD) == pytest.approx(0.75 + 0.4 * SPREAD)
    assert mean(beliefs, UNKNOWN) == pytest.approx(0.75)
    assert mean(beliefs, BAD) == pytest.approx(0.75 - 0.4 * SPREAD)


def test_a_task_of_no_known_kind_takes_the_mean_of_all_kinds() -> None:
    beliefs = Beliefs(published=figures())
    assert mean(beliefs, GOOD, Cell("default", "auto", "default")) == pytest.approx(
        0.75 + 0.2 * SPREAD
    )


def test_evidence_outweighs_the_figures_within_tens_of_rewards() -> None:
    beliefs = Beliefs(published=figures())
    for i in range(40):
        beliefs.observe(CELL, GOOD, float(i % 2), now=float(i))
        beliefs.observe(CELL, BAD, float(i % 10 != 0), now=float(i))
    assert mean(beliefs, GOOD) < 0.6 < 0.8 < mean(beliefs, BAD)


def test_figures_are_no_evidence_and_leave_no_trace_when_switched_off() -> None:
    with_figures, without = Beliefs(published=figures()), Beliefs()
    for beliefs in (with_figures, without):
        beliefs.observe(CELL, GOOD, 1.0, now=0.0)
    assert json.dumps(with_figures.to_state()) == json.dumps(without.to_state())
    without.from_state(with_figures.to_state())
    plain = Beliefs()
    plain.observe(CELL, GOOD, 1.0, now=0.0)
    assert without.posterior(CELL, GOOD) == plain.posterior(CELL, GOOD)


def test_a_lean_is_not_learnt_a_second_time_as_the_deployments_own_effect() -> None:
    beliefs = Beliefs(published=figures())
    for i in range(400):
        beliefs.observe(CELL, GOOD, float(i % 20 < 17), now=float(i))
    elsewhere = mean(beliefs, GOOD, Cell("default", "auto", "more code"))
    assert elsewhere == pytest.approx(0.85, abs=0.02)


@pytest.mark.parametrize(
    ("task", "kind"),
    [
        ("coding", "code"),
        ("Generate SQL", "code"),
        ("maths homework", "math"),
        ("invoice-extraction", "data"),
        ("classification#2.1", "data"),
        ("summaries", "instructions"),
        ("translation", "language"),
        ("default", ""),
    ],
)
def test_the_kind_is_read_from_the_tasks_name(task: str, kind: str) -> None:
    assert kind_of(task) == kind


def test_every_shipped_figure_is_a_rate_with_a_dated_source() -> None:
    rows = public_rates()
    assert len(rows) > 300
    for row in rows:
        assert 0.0 < row.success <= 1.0
        assert 0.0 < row.par < 1.0
        assert 3.0 <= row.strength <= 4.0
        assert row.source[-10:-6].isdigit()
    assert len({(row.family, row.kind) for row in rows}) == len(rows)


def test_the_closest_family_speaks_for_a_model() -> None:
    said = published({"a": "gpt-4.1-mini", "b": "gpt-4.1-2025-04-14", "c": "openai/gpt-4.1-mini"})
    mini, full, routed = (said.lean("code", name) for name in "abc")
    assert mini is not None
    assert full is not None
    assert mini.shift < full.shift
    assert routed == mini
    assert said.lean("code", "nobody/has-heard-of-it") is None
