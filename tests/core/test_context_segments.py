"""Learnt segments: borders from predicted gains per token, online from zero."""

from __future__ import annotations

import json
from decimal import Decimal

import numpy as np

from windsock.core.policy import CellView, Objective, PriceAware
from windsock.core.posterior import Beliefs
from windsock.core.records import Cell, Decision, Outcome, Reward, RouteRequest
from windsock.core.segments import Segmenter, SegmentSettings, cluster
from windsock.core.units import Usage

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


def taught(requests: int = 1200) -> tuple[PriceAware, set[str]]:
    rng = np.random.default_rng(2)
    policy = PriceAware(
        Beliefs(), Objective(kind="value", usd_per_success=0.01), segments=SegmentSettings(most=2)
    )
    tasks: set[str] = set()
    for i in range(requests):
        is_hard = bool(rng.random() < 0.5)
        asked = request(is_hard, float(rng.normal()))
        task = policy.task_of(asked)
        tasks.add(task)
        arm = int(rng.random() < 0.5)
        hit = float(rng.random() < RATE[is_hard][arm])
        settle(policy, Cell("default", "auto", task), NAMES[arm], asked, hit)
        if i % 20 == 0:
            policy.refresh(
                [view(name) for name in tasks],
                0.0,
            )
    return policy, tasks


def view(task: str) -> CellView:
    return CellView(cell=Cell("default", "auto", task), deployments=NAMES, usd=USD)


def test_segments_are_learnt_online_and_steer_the_weights() -> None:
    policy, _ = taught()
    easy, hard = (policy.task_of(request(flag, 0.0)) for flag in (False, True))
    assert easy != hard
    assert policy.weigh(view(easy), 0.0).weights[0] > 0.9
    assert policy.weigh(view(hard), 0.0).weights[1] > 0.9


def test_borders_move_rarely() -> None:
    _, tasks = taught()
    versions = {task.partition("#")[2].partition(".")[0] for task in tasks if "#" in task}
    assert 1 <= len(versions) <= 4


def test_a_segment_says_in_words_what_it_holds() -> None:
    policy, _ = taught()
    hard = Cell("default", "auto", policy.task_of(request(True, 0.0)))
    words = policy.segment_words(hard)
    assert "best succeeds" in words
    assert "cheap loses" in words


def test_without_features_the_task_is_the_cell() -> None:
    policy, _ = taught()
    assert policy.task_of(RouteRequest(model="auto", task="chat")) == "chat"


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
    assert segmenter.place("chat", (1.0,)) == "chat"


def test_clusters_are_found_from_a_fixed_start() -> None:
    rng = np.random.default_rng(3)
    points = np.concatenate([rng.normal(m, 0.1, (50, 2)) for m in (0.0, 2.0, 5.0)])
    centres, of = cluster(points, 3)
    assert sorted(np.bincount(of).tolist()) == [50, 50, 50]
    assert np.sort(centres[:, 0]).round().tolist() == [0.0, 2.0, 5.0]
