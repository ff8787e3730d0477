"""Crossed random effects: who differs alike from task to task is known from the others."""

import numpy as np
import pytest

from windsock.core.beliefs.beliefs import Beliefs
from windsock.core.beliefs.random_effects import Unknown, beta_of
from windsock.core.model.requests import Cell

TASKS, NAMES = ("a", "b", "c", "d", "e"), ("x", "y", "z")


def taught(rates: dict[tuple[str, str], float], rewards: float = 100.0) -> Beliefs:
    beliefs = Beliefs()
    for (task, name), rate in rates.items():
        cell = Cell("default", "auto", task)
        beliefs.observe_sums(cell, name, rewards, rewards * rate, rewards * rate, now=0.0)
    return beliefs


def prior(beliefs: Beliefs, task: str, name: str) -> tuple[float, float]:
    """Mean and strength of a belief."""
    a, b = beliefs.posterior(Cell("default", "auto", task), name)
    return a / (a + b), a + b


def table(own: float) -> dict[tuple[str, str], float]:
    """Deployments 0.6, 0.75 and 0.9 good, give or take `own` by the task."""
    signs = np.random.default_rng(3).choice([-1.0, 1.0], (len(TASKS), len(NAMES)))
    return {
        (task, name): 0.6 + 0.15 * k + own * float(signs[g, k])
        for g, task in enumerate(TASKS)
        for k, name in enumerate(NAMES)
    }


def test_nothing_known_is_the_prior_mean_worth_its_strength() -> None:
    unknown = Unknown.of(0.75, 4.0)
    mean, strength = beta_of(np.array([unknown.log_odds]), np.array([unknown.usual.sum()]))
    assert (mean[0], strength[0]) == pytest.approx((0.75, 4.0))


def test_a_shift_of_success_is_an_offset_in_log_odds() -> None:
    unknown = Unknown.of(0.75, 4.0)
    odds = np.array([unknown.log_odds + unknown.offset(0.1)])
    assert beta_of(odds, np.array([unknown.usual.sum()]))[0][0] == pytest.approx(0.85)


def test_a_cell_never_seen_is_believed_as_its_deployment_is_elsewhere() -> None:
    seen = {key: rate for key, rate in table(0.0).items() if key != ("e", "z")}
    mean, _ = prior(taught(seen), "e", "z")
    assert mean == pytest.approx(0.9, abs=0.05)


def test_the_less_tasks_differ_the_surer_is_a_prior() -> None:
    alike, unlike = (
        prior(taught({k: r for k, r in table(own).items() if k != ("e", "y")}), "e", "y")[1]
        for own in (0.0, 0.12)
    )
    assert alike > 1.3 * unlike


def test_a_new_task_and_a_new_deployment_have_priors_of_their_own() -> None:
    beliefs = taught(table(0.0))
    known, new = prior(beliefs, "new", "z"), prior(beliefs, "new", "new")
    assert known[0] > 0.82 > new[0] > 0.6
    assert known[1] > new[1]
