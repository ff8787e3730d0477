"""Learnt segments: borders from predicted gains per token, online from zero."""

from __future__ import annotations

import json
from decimal import Decimal

import numpy as np
import pytest

from windsock.core.beliefs.beliefs import Beliefs
from windsock.core.beliefs.statistics import BeliefSettings
from windsock.core.context.features import features
from windsock.core.context.segment_clusters import cluster, held
from windsock.core.context.segments import Segmenter, SegmentSettings
from windsock.core.model.calls import Outcome
from windsock.core.model.decisions import Decision
from windsock.core.model.requests import Cell, RouteRequest
from windsock.core.model.rewards import Reward
from windsock.core.model.units import Usage
from windsock.core.policies.objectives import Objective
from windsock.core.policies.price_aware import PriceAware
from windsock.core.policies.views import CellView

NAMES = ("cheap", "best")
USD = (1e-5, 1e-3)
RATE = {False: (0.95, 0.97), True: (0.4, 0.95)}
"""Success by whether the request is hard, which the first feature tells."""


def request(is_hard: bool, noise: float) -> RouteRequest:
    return RouteRequest(model="auto", features=(float(is_hard), noise))


def settle(policy: PriceAware, cell: Cell, name: str, asked: RouteRequest, hit: float) -> None:
    decision = Decision(
        number=0,
        id="x",
        at=0.0,
        cell=cell,
        table_version=0,
        deployment=name,
        propensity=0.5,
        draw=0.1,
        requested_model="auto",
        features=asked.features,
    )
    policy.beliefs.observe(cell, name, hit, now=0.0)
    policy.learn(decision, name, Reward(value=hit), 0.0)
    outcome = Outcome(
        decision=decision,
        results=(),
        served=name,
        ok=True,
        cost_usd=Decimal(0),
        finished_at=0.0,
        usage=Usage(input_tokens=100, output_tokens=50),
    )
    policy.settle(outcome, 0.0)


def taught(requests: int = 1200) -> tuple[PriceAware, set[Cell]]:
    rng = np.random.default_rng(2)
    policy = PriceAware(
        Beliefs(), Objective(kind="value", usd_per_success=0.01), segments=SegmentSettings(most=2)
    )
    cells: set[Cell] = set()
    for i in range(requests):
        is_hard = bool(rng.random() < 0.5)
        asked = request(is_hard, float(rng.normal()))
        cell = placed(policy, asked)
        cells.add(cell)
        arm = int(rng.random() < 0.5)
        hit = float(rng.random() < RATE[is_hard][arm])
        settle(policy, cell, NAMES[arm], asked, hit)
        if i % 20 == 0:
            policy.refresh(
                [view(each) for each in cells],
                0.0,
            )
    return policy, cells


def placed(policy: PriceAware, asked: RouteRequest) -> Cell:
    return Cell("default", "auto", *policy.task_of(asked))


def view(cell: Cell) -> CellView:
    return CellView(cell=cell, deployments=NAMES, usd=USD)


def test_segments_are_learnt_online_and_steer_the_weights() -> None:
    policy, _ = taught()
    easy, hard = (placed(policy, request(flag, 0.0)) for flag in (False, True))
    assert easy != hard
    assert policy.weigh(view(easy), 0.0).weights[0] > 0.9
    assert policy.weigh(view(hard), 0.0).weights[1] > 0.9


def test_borders_move_rarely() -> None:
    _, cells = taught()
    versions = {cell.segment.partition(".")[0] for cell in cells if cell.segment}
    assert 1 <= len(versions) <= 4


def test_a_segment_says_in_words_what_it_holds() -> None:
    policy, _ = taught()
    hard = placed(policy, request(True, 0.0))
    words = policy.segment_words(hard)
    assert "best succeeds" in words
    assert "cheap loses" in words


def test_without_features_the_task_is_the_cell() -> None:
    policy, _ = taught()
    assert policy.task_of(RouteRequest(model="auto", task="chat")) == ("chat", "")


def test_segments_survive_a_restart() -> None:
    policy, _ = taught()
    other = PriceAware(Beliefs(), policy.objective, segments=SegmentSettings(most=2))
    state = json.dumps(policy.to_state())
    other.from_state(json.loads(state))
    assert json.dumps(other.to_state()) == state
    asked = request(True, 0.3)
    assert other.task_of(asked) == policy.task_of(asked)


def test_too_little_evidence_draws_no_border() -> None:
    segmenter = Segmenter()
    for i in range(20):
        segmenter.learn((float(i),), "m", 1.0)
        segmenter.learn_size((float(i),), "m", 10.0)
    assert not segmenter.is_due()
    assert segmenter.draw_borders() is None
    assert segmenter.segment((1.0,)) == ""


def test_clusters_are_found_from_a_fixed_start() -> None:
    rng = np.random.default_rng(3)
    points = np.concatenate([rng.normal(m, 0.1, (50, 2)) for m in (0.0, 2.0, 5.0)])
    centres, of = cluster(points, 3)
    assert sorted(np.bincount(of).tolist()) == [50, 50, 50]
    assert np.sort(centres[:, 0]).round().tolist() == [0.0, 2.0, 5.0]


def taught_on(
    policy: PriceAware, rate: dict[bool, tuple[float, float]], requests: int, seed: int
) -> None:
    """Requests half of which are hard, each sent to either deployment, judged as `rate` has it."""
    rng = np.random.default_rng(seed)
    for i in range(requests):
        is_hard = bool(rng.random() < 0.5)
        asked = request(is_hard, float(rng.normal()))
        arm = int(rng.random() < 0.5)
        hit = float(rng.random() < rate[is_hard][arm])
        settle(policy, placed(policy, asked), NAMES[arm], asked, hit)
        if i % 20 == 0:
            refresh(policy)


def refresh(policy: PriceAware) -> None:
    names = policy.beliefs.tasks("default", "auto")
    policy.refresh([view(Cell.read("default", "auto", name)) for name in names], 0.0)


def fresh(**changes: float) -> PriceAware:
    settings = SegmentSettings(memory=changes.get("memory", 1000.0))
    beliefs = Beliefs(BeliefSettings(evidence_cap=1e6, half_life_s=1e9, watches_drift=False))
    objective = Objective(kind="value", usd_per_success=0.01)
    return PriceAware(beliefs, objective, segments=settings)


def sums(policy: PriceAware) -> dict[str, tuple[float, float]]:
    """Rewards and their sum by deployment, over all cells of the route."""
    (group,) = policy.beliefs.to_state()["groups"]
    found = dict.fromkeys(NAMES, (0.0, 0.0))
    for _, name, n, s, *_ in group["rows"]:
        found[name] = (found[name][0] + n, found[name][1] + s)
    return found


ALIKE = {False: (0.7, 0.9), True: (0.7, 0.9)}


def test_where_no_feature_tells_deployments_apart_nothing_is_divided() -> None:
    for seed in range(5):
        policy = fresh()
        taught_on(policy, ALIKE, 1500, seed)
        assert list(policy.beliefs.tasks("default", "auto")) == ["default"]


def test_where_success_changes_alike_for_all_nothing_is_divided() -> None:
    policy = fresh()
    taught_on(policy, {False: (0.8, 0.9), True: (0.4, 0.5)}, 1500, 0)
    assert policy.task_of(request(True, 0.0)) == ("default", "")


def test_clusters_that_want_the_same_are_one_segment() -> None:
    policy = fresh()
    taught_on(policy, RATE, 3000, 0)
    assert placed(policy, request(True, 0.0)).segment
    segments = {policy.task_of(request(flag, x)) for flag in (True, False) for x in (-1.0, 0, 1.0)}
    assert len(segments) == 2


def test_segments_that_have_become_alike_lead_back_to_the_task_with_all_evidence() -> None:
    policy = fresh(memory=150.0)
    taught_on(policy, RATE, 1200, 0)
    assert placed(policy, request(True, 0.0)).segment
    for seed in range(1, 100):
        before = sums(policy)
        taught_on(policy, ALIKE, 1, seed)
        if not placed(policy, request(True, 0.0)).segment:
            break
        taught_on(policy, ALIKE, 20, seed)
    assert list(policy.beliefs.tasks("default", "auto")) == ["default"]
    after = sums(policy)
    assert sum(n for n, _ in after.values()) == pytest.approx(
        sum(n for n, _ in before.values()) + 1
    )
    for name in NAMES:
        assert abs(after[name][1] - before[name][1]) <= 1.0


def test_evidence_moves_to_new_segments_and_does_not_grow_by_it() -> None:
    policy = fresh()
    taught_on(policy, RATE, 900, 0)
    rewards = sum(n for n, _ in sums(policy).values())
    assert placed(policy, request(True, 0.0)).segment
    assert rewards == pytest.approx(900)


def test_words_tell_a_segment_by_its_requests() -> None:
    rng = np.random.default_rng(4)
    plain = [features(["What is the capital of France?"]) for _ in range(50)]
    code = [features(["```\ndef f(x):\n    return x\n```\nMend it.\n"], turns=4) for _ in range(20)]
    x = np.array([(1.0, *each) for each in plain + code]) + 1e-3 * rng.normal(size=(70, 29))
    words = held(x[50:], x)
    assert "code" in words.split(", ")
    assert len(words.split(", ")) == 3
    assert held(x[50:, :9], x[:, :9]) == ""


def test_a_task_that_is_named_is_not_divided() -> None:
    policy, _ = taught()
    assert policy.task_of(request(True, 0.0))[1]
    named = RouteRequest(model="auto", task="sql", features=(1.0, 0.0))
    assert policy.task_of(named) == ("sql", "")
    before = policy.to_state()["segments"]
    settle(policy, Cell("default", "auto", "sql"), "best", named, 1.0)
    assert policy.to_state()["segments"] == before
