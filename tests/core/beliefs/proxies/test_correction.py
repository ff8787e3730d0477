"""Scores corrected by labels: what is taken for bias, what for success, and how sure that is."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from windsock.core.beliefs.proxies.combination import Forecast, Labels, combined
from windsock.core.beliefs.proxies.correction import Correction, corrected, slope_of
from windsock.core.beliefs.proxies.sums import NO_SUMS, ProxySums, known_both_ways, scored
from windsock.core.model.arrays import FloatArray

TASKS, NAMES = 4, 5
TASK = np.repeat(np.arange(TASKS), NAMES)
NAME = np.tile(np.arange(NAMES), TASKS)


def grid(
    success: FloatArray, bias: FloatArray, labels: int, judged: int = 200, seed: int = 0
) -> FloatArray:
    """(9, cells) sums of a judge that says yes with the chance success + bias."""
    rng = np.random.default_rng(seed)
    luck = rng.random((TASKS * NAMES, judged))
    right = (luck < success[:, None]).astype(float)
    score = (luck < np.clip(success + bias, 0, 1)[:, None]).astype(float)
    s, j = right[:, :labels], score[:, :labels]
    alone = score[:, labels:].sum(1)
    rows = [np.full(TASKS * NAMES, float(judged - labels)), alone, alone]
    rows += [np.full(TASKS * NAMES, float(labels))]
    rows += [each.sum(1) for each in (s, s * s, j, j * j, s * j)]
    return np.array(rows)


def fit(sums: FloatArray) -> Correction:
    return corrected(sums, TASK, NAME)


def test_sums_add_and_are_taken_back() -> None:
    some = scored(0.7).plus(known_both_ways(0.7, 1.0)).plus(scored(0.2))
    back = some.plus(scored(0.2), -1.0).plus(known_both_ways(0.7, 1.0), -1.0).plus(scored(0.7), -1)
    assert back == pytest.approx(NO_SUMS, abs=1e-12)
    assert some.times(0.5).plus(some.times(0.5)) == pytest.approx(some)


def test_a_deployment_that_is_flattered_everywhere_is_found_out_at_tasks_without_labels() -> None:
    success = np.full(TASKS * NAMES, 0.6)
    sums = grid(success, np.where(NAME == 0, 0.25, 0.0), labels=40)
    blind = np.where(TASK == 3, 0.0, 1.0)
    sums[3:] *= blind
    found = fit(sums)
    here = (TASK == 3) & (NAME == 0)
    assert sums[1][here] / sums[0][here] == pytest.approx(0.85, abs=0.06)
    assert found.mean[here] < 0.7


def test_without_labels_no_number_of_scores_makes_it_sure() -> None:
    success = np.linspace(0.3, 0.9, TASKS * NAMES)
    few, many = (fit(grid(success, np.zeros(20), 0, judged)) for judged in (50, 20_000))
    worth = many.mean * (1 - many.mean) / many.variance
    assert (many.variance <= few.variance).all()
    assert (worth < 0.25 / 0.12**2).all()
    assert (few.slope, many.slope) == (1.0, 1.0)


def test_labels_make_a_good_judge_surer_than_an_unknown_one() -> None:
    success = np.linspace(0.3, 0.9, TASKS * NAMES)
    unknown, known = (fit(grid(success, np.zeros(20), labels)) for labels in (0, 40))
    assert (known.variance < 0.5 * unknown.variance).all()
    assert max(known.spread) < max(unknown.spread)


def test_one_that_says_anything_at_all_tells_nothing() -> None:
    rng = np.random.default_rng(1)
    sums = grid(np.linspace(0.3, 0.9, TASKS * NAMES), np.zeros(20), 40)
    guesses = rng.random((20, 40)) < 0.7
    right = rng.random((20, 40)) < np.linspace(0.3, 0.9, 20)[:, None]
    j, s = guesses.sum(1), right.sum(1)
    sums[4:] = [s, s, j, j, (guesses & right).sum(1)]
    assert slope_of(sums) < 0.15


def test_praise_of_every_answer_moves_a_quarter_of_the_way_from_the_middle_of_its_task() -> None:
    success = np.where(TASK < 2, 0.8, 0.4) + np.zeros(20)
    sums = grid(success, np.zeros(20), 0)
    sums[1:3, NAME == 0] = 200.0
    found = fit(sums)
    for task, level in ((0, 0.8), (3, 0.4)):
        praised, others = ((task == TASK) & (NAME == 0)), ((task == TASK) & (NAME > 0))
        assert found.mean[others].mean() < found.mean[praised] < level + 0.25 * (1 - level) + 0.03


@pytest.mark.parametrize("score", [0.95, 1.0])
def test_praise_of_every_answer_of_every_deployment_is_no_failure(score: float) -> None:
    """An easy task, a lenient judge, or a check that all pass."""
    for count in (1, NAMES):
        sums = np.zeros((9, count))
        sums[:3] = np.array([[50.0, 50 * score, 50 * score**2]]).T
        found = corrected(sums, np.zeros(count, int), np.arange(count))
        assert found.mean == pytest.approx(np.full(count, score))


@pytest.mark.parametrize("poor", [0.1, 0.5])
@pytest.mark.parametrize("judged", [12.0, 200.0])
def test_a_judge_that_says_the_same_of_every_answer_of_a_model_ranks_models_all_the_same(
    poor: float, judged: float
) -> None:
    means = np.array([poor, 0.95])
    sums = np.zeros((9, 2))
    sums[:3] = judged * np.array([np.ones(2), means, means**2])
    found = corrected(sums, np.zeros(2, int), np.arange(2))
    assert found.mean[1] > found.mean[0] + 0.5 * (0.95 - poor)


def test_grades_that_vary_little_for_all_say_what_they_say_where_all_vary_more() -> None:
    """Grades of a good deployment at .9, of the others at .6 to .7; all vary by a tenth, or by a
    fifth."""
    means = np.where(NAME == 0, 0.9, 0.6 + 0.02 * NAME)
    sums = np.zeros((9, TASKS * NAMES))
    sums[:3] = 50 * np.array([np.ones(20), means, means**2 + 0.01])
    little = fit(sums)
    sums[2] = 50 * (means**2 + 0.04)
    assert little.mean == pytest.approx(fit(sums).mean)


def test_one_that_passes_every_time_is_ahead_of_one_that_mostly_fails() -> None:
    sums = np.array([[100.0, 10, 10, 0, 0, 0, 0, 0, 0], [100.0, 100, 100, 0, 0, 0, 0, 0, 0]]).T
    found = corrected(sums, np.zeros(2, int), np.arange(2))
    assert found.mean[1] > found.mean[0] + 0.15


def test_one_label_against_praise_of_everything_is_heard_at_other_tasks() -> None:
    sums = grid(np.full(20, 0.7), np.zeros(20), 0)
    sums[1:3, NAME == 0] = 200.0
    before = fit(sums).mean[(TASK == 1) & (NAME == 0)]
    at = (TASK == 0) & (NAME == 0)
    sums[3, at], sums[6:8, at] = 1.0, 1.0
    after = fit(sums).mean[(TASK == 1) & (NAME == 0)]
    assert after < before - 0.15


def test_answers_with_a_label_speak_as_labels_alone() -> None:
    """Their luck is in the labels: were their scores heard for the cell, it would count twice."""
    success = np.linspace(0.3, 0.9, TASKS * NAMES)
    every, none = (fit(grid(success, np.zeros(20), labels=50, judged=n)) for n in (50, 250))
    assert np.isinf(every.variance).all()
    assert np.isfinite(none.variance).all()


def test_failure_of_every_answer_is_believed() -> None:
    sums = grid(np.full(20, 0.7), np.zeros(20), 0)
    sums[1:3, NAME == 0] = 0.0
    assert (fit(sums).mean[NAME == 0] < 0.35).all()


def test_one_scored_cell_alone_is_taken_as_it_is() -> None:
    found = corrected(
        np.array([[50, 40, 40, 0, 0, 0, 0, 0, 0.0]]).T, np.zeros(1, int), np.zeros(1, int)
    )
    assert found.mean == pytest.approx([0.8])
    assert np.isfinite(found.variance).all()


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_whatever_was_said_makes_a_forecast(data: st.DataObject) -> None:
    """Means stay in 0..1, variances above 0, and the order of the cells does not matter."""
    count = data.draw(st.integers(1, 6))
    rows = []
    for _ in range(count):
        sums = NO_SUMS
        for score, label in data.draw(
            st.lists(st.tuples(st.floats(0, 1), st.one_of(st.none(), st.floats(0, 1))), max_size=6)
        ):
            sums = sums.plus(scored(score) if label is None else known_both_ways(score, label))
        rows.append(sums)
    task, name = (np.array([each % width for each in range(count)]) for width in (2, 3))
    turn = np.array(data.draw(st.permutations(range(count))))
    found = corrected(np.array(rows).T, task, name)
    turned = corrected(np.array(rows).T[:, turn], task[turn], name[turn])
    assert ((found.mean >= 0) & (found.mean <= 1)).all()
    assert (found.variance > 0).all() and 0 <= found.slope <= 1
    assert turned.mean == pytest.approx(found.mean[turn], abs=1e-9)
    prior = Forecast(mean=np.full(count, 0.7), variance=np.full(count, 0.03))
    sums = np.array(rows).T
    both = combined(prior, found, Labels(count=sums[3], total=sums[4]))
    assert (both.variance <= prior.variance + 1e-12).all() and (both.variance > 0).all()
    assert ((both.mean >= 0.01) & (both.mean <= 0.99)).all()


def test_a_proxy_that_was_never_heard_changes_no_forecast() -> None:
    prior = Forecast(mean=np.array([0.7, 0.2]), variance=np.array([0.03, 0.01]))
    nothing = corrected(np.zeros((9, 2)), np.array([0, 1]), np.array([0, 0]))
    both = combined(prior, nothing, Labels(count=np.zeros(2), total=np.zeros(2)))
    assert both.mean == pytest.approx(prior.mean, abs=1e-3)
    assert both.variance == pytest.approx(prior.variance, rel=1e-3)


def test_a_proxy_that_errs_as_the_prior_does_adds_nothing() -> None:
    """Both forecasts are off in the same cells by the same: together they know no more."""
    rng = np.random.default_rng(2)
    truth = rng.uniform(0.2, 0.8, 40)
    off = rng.normal(0, 0.12, 40)
    proxy = Correction(slope=1.0, bias=np.zeros(40), mean=truth + off, variance=np.full(40, 0.02),
                       spread=(0.1, 0.1))  # fmt: skip
    prior = Forecast(mean=truth + off, variance=np.full(40, 0.0144))
    labels = Labels(count=np.full(40, 200.0), total=200.0 * truth)
    same = combined(prior, proxy, labels)
    apart = combined(Forecast(mean=truth - off, variance=prior.variance), proxy, labels)
    assert (same.variance > 0.9 * prior.variance).all()
    assert (apart.variance < 0.8 * prior.variance).all()


@pytest.mark.parametrize(("judged", "weight"), [*itertools.product((1, 7, 400), (0.1, 0.5, 1.0))])
def test_scores_never_count_for_more_than_they_are(judged: int, weight: float) -> None:
    sums = np.array([ProxySums(judged=judged, total=0.8 * judged, squares=0.8 * judged)]).T
    found = corrected(sums, np.zeros(1, int), np.zeros(1, int), weight)
    say = 0.1875 / float(found.variance[0])
    assert say <= min(judged * weight * 1.01, 0.25 / 0.12**2)
