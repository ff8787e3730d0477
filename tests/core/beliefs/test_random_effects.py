"""Crossed random effects: who differs alike from task to task is known from the others."""

import numpy as np
import pytest
from scipy import special

from windsock.core.beliefs.beliefs import Beliefs
from windsock.core.beliefs.random_effects import FURTHEST, ROUNDS, Unknown, beta_of, fit_effects
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


@pytest.mark.parametrize("shape", [(2, 7), (7, 2), (1, 4), (4, 4)])
def test_a_fit_solves_the_equations_of_all_effects_at_once(shape: tuple[int, int]) -> None:
    """The last round against the whole system, with nothing eliminated."""
    rng = np.random.default_rng(sum(shape))
    n = rng.integers(0, 60, shape).astype(float)
    s, offset = np.floor(n * rng.uniform(0.4, 0.95, shape)), rng.normal(0, 0.2, shape)
    unknown = Unknown.of(0.75, 4.0)
    found = fit_effects(offset, n, s, unknown)
    whole = fit_of_all(offset, n, s, unknown)
    assert found.grand == pytest.approx(whole[0], rel=1e-9)
    assert found.tasks == [pytest.approx(pair, rel=1e-9) for pair in whole[1 : 1 + shape[0]]]
    assert found.names == [pytest.approx(pair, rel=1e-9) for pair in whole[1 + shape[0] :]]


def fit_of_all(
    offset: np.ndarray, n: np.ndarray, s: np.ndarray, unknown: Unknown
) -> list[tuple[float, float]]:
    """Each effect with that of the mean, and its variance, by dense matrices alone."""
    tasks, names = n.shape
    x = np.zeros((n.size, 1 + tasks + names))
    x[:, 0] = 1.0
    for i, (task, name) in enumerate(np.ndindex(n.shape)):
        x[i, 1 + task] = x[i, 1 + tasks + name] = 1.0
    off, n, s = offset.ravel(), n.ravel(), s.ravel()
    usual, common, own = unknown.usual, np.full(len(n), unknown.log_odds), np.zeros(len(n))
    for _ in range(ROUNDS):
        p = special.expit(np.clip(off + common + own, -FURTHEST, FURTHEST))
        weight = n * p * (1 - p)
        response = common + own + (s - n * p) / np.maximum(weight, 1e-9)
        spread = weight / (1 + usual[3] * weight)
        precision = np.repeat(1 / usual[:3], [1, tasks, names])
        covariance = np.linalg.inv(x.T @ (spread[:, None] * x) + np.diag(precision))
        right = x.T @ (spread * response)
        right[0] += unknown.log_odds / usual[0]
        beta = covariance @ right
        common, known = x @ beta, np.diag(x @ covariance @ x.T)
        shrunk, rest = usual[3] * spread, response - x @ beta
        own, squares = shrunk * rest, beta**2 + np.diag(covariance)
        cells = (shrunk * rest) ** 2 + usual[3] * (1 - shrunk) + shrunk**2 * known
        seen = x.T @ n > 0
        groups = (
            squares[1 : 1 + tasks][seen[1 : 1 + tasks]],
            squares[1 + tasks :][seen[1 + tasks :]],
            cells[n > 0],
        )
        parts = zip(groups, unknown.usual[1:], strict=True)
        usual = np.array([usual[0], *((g.sum() + 4 * u) / (len(g) + 4) for g, u in parts)])
    lift = np.eye(len(beta))
    lift[1:, 0] = 1.0
    return list(zip(lift @ beta, np.diag(lift @ covariance @ lift.T), strict=True))
