"""A wish for quality is a worth of a success, measured by the route's reference."""

import numpy as np
import pytest

from windsock.core.beliefs.beliefs import Beliefs
from windsock.core.model.requests import Cell
from windsock.core.policies.objectives import Objective
from windsock.core.policies.price_aware import PriceAware
from windsock.core.policies.protocol import Weighing
from windsock.core.policies.restraint.reference import Offer, reference_of
from windsock.core.policies.views import CellView

NAMES, USD = ("p/small", "p/middle", "p/large"), (1e-4, 1e-3, 2e-2)
CELLS = tuple(Cell("default", "auto", task) for task in ("chat", "sql"))


def known(rates: tuple[float, ...] = (0.80, 0.87, 0.90)) -> Beliefs:
    beliefs = Beliefs()
    for cell in CELLS:
        for name, rate in zip(NAMES, rates, strict=True):
            beliefs.observe_sums(cell, name, 500.0, 500 * rate, 500 * rate, now=0.0)
    return beliefs


def weighed(wish: str, *, incumbent: str | None = None, usd: tuple[float, ...] = USD) -> Weighing:
    policy = PriceAware(known(), Objective(kind="quality", quality=wish, incumbent=incumbent))
    views = [CellView(cell=cell, deployments=NAMES, usd=usd, share=0.5) for cell in CELLS]
    policy.refresh(views, 0.0)
    return policy.weigh(views[0], 0.0)


def offers(success: tuple[float, ...], usd: tuple[float, ...]) -> list[Offer]:
    triples = zip(NAMES, success, usd, strict=True)
    return [Offer(deployment=name, success=s, usd=u, share=1.0) for name, s, u in triples]


def test_the_reference_is_the_cheapest_that_is_nearly_the_best() -> None:
    found = reference_of(offers((0.70, 0.86, 0.90), USD))
    assert found is not None
    assert (found.deployment, found.usd_per_success) == ("p/middle", pytest.approx(1e-3 / 0.86))


def test_what_is_named_is_the_reference_and_what_is_free_is_none() -> None:
    named = reference_of(offers((0.7, 0.86, 0.9), USD), "p/large")
    assert named is not None and named.deployment == "p/large"
    free = reference_of(offers((0.9, 0.88, 0.9), (0.0, 1e-3, 2e-2)))
    assert free is not None and free.deployment == "p/middle"
    assert reference_of([]) is None


def test_a_success_is_measured_at_whoever_may_be_the_reference() -> None:
    chance, rates, errors = np.random.default_rng(1), (0.70, 0.86, 0.90), (0.08, 0.05, 0.02)
    unsure = [
        offer._replace(error=error) for offer, error in zip(offers(rates, USD), errors, strict=True)
    ]
    drawn = rates + chance.standard_normal((200_000, 3)) * errors
    who = (drawn >= drawn.max(axis=1, keepdims=True) - 0.05).argmax(axis=1)
    each = np.divide(USD, rates)
    found = reference_of(unsure)
    assert found is not None and found.deployment == "p/middle"
    assert found.likely_usd_per_success == pytest.approx(each[who].mean(), rel=0.01)


def test_what_is_known_or_named_is_measured_at_itself() -> None:
    for named in (None, "p/large"):
        found = reference_of(offers((0.70, 0.86, 0.90), USD), named)
        assert found is not None
        assert found.likely_usd_per_success == pytest.approx(found.usd_per_success, rel=1e-9)


@pytest.mark.parametrize("seed", range(20))
def test_a_measure_lies_between_those_that_cost_something_whatever_is_offered(seed: int) -> None:
    chance = np.random.default_rng(seed)
    count = int(chance.integers(1, 40))
    success = np.round(chance.uniform(0.01, 1.0, count), 2)
    usd = np.where(chance.random(count) < 0.2, 0.0, np.round(10.0 ** chance.uniform(-6, -1), 6))
    usd[0] = 1e-3
    errors = chance.choice([0.0, 1e-9, 0.02, 0.3], count)
    given = [
        Offer(deployment=f"p/{n}", success=s, usd=u, share=1.0, error=e)
        for n, (s, u, e) in enumerate(zip(success, usd, errors, strict=True))
    ]
    found = reference_of(given)
    assert found is not None
    paid = [each.usd / each.success for each in given if each.usd > 0.0]
    least, most = min(paid) * (1 - 1e-9), max(paid) * (1 + 1e-9)
    assert least <= found.likely_usd_per_success <= most


def test_the_more_is_wished_for_the_more_a_success_is_worth() -> None:
    found = [weighed(wish) for wish in ("economy", "balanced", "high", "max")]
    worth = [each.value_usd for each in found]
    assert worth == sorted(worth)
    assert worth[1] == pytest.approx(10 * worth[0])
    assert found[0].weights[2] < 0.01 < 0.9 < found[3].weights[2]
    assert found[1].decided_by == "quality"


def test_a_price_move_acts_at_once_and_leaves_nothing_behind() -> None:
    before, during = weighed("balanced"), weighed("balanced", usd=(1e-4, 1.5e-2, 2e-2))
    assert before.weights != during.weights
    assert weighed("balanced").weights == before.weights


def test_an_unproven_deployment_gets_a_trifle_beside_an_incumbent() -> None:
    policy = PriceAware(
        Beliefs(), Objective(kind="quality", quality="balanced", incumbent="p/large")
    )
    view = CellView(cell=CELLS[0], deployments=NAMES, usd=USD)
    policy.refresh([view], 0.0)
    weights = policy.weigh(view, 0.0).weights
    assert np.sum(weights) == pytest.approx(1.0)
    assert 0.95 < weights[2] < 1.0
    assert "incumbent" in policy.weigh(view, 0.0).decided_by


def test_a_quality_must_be_one_of_the_four() -> None:
    with pytest.raises(ValueError, match="economy, balanced, high, max"):
        Objective(kind="quality", quality="best")
