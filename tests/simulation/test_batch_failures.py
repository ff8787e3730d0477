"""Calls that fail go the same way in both engines: retries, fallbacks, ejections, cascades."""

from dataclasses import replace

import numpy as np
import pytest

from windsock.core.model.decisions import ArmFacts
from windsock.resources import room
from windsock.simulation.engines import runner
from windsock.simulation.engines.batch_attempts import (
    Answers,
    GroupDecision,
    RequestGroup,
    answers,
    stronger_answers,
)
from windsock.simulation.engines.contenders import chosen
from windsock.simulation.engines.exact import router_of
from windsock.simulation.results.measures import summarize
from windsock.simulation.world.conditions import CascadeAim, Confidence
from windsock.simulation.world.scenario import Scenario, load_scenario
from windsock.simulation.world.world import World

SEEDS = (0, 1)
ENGINES = ("exact", "batch")
TO = "openai/gpt-4o"


def failing(deployments: int, share: float, **facts) -> Scenario:
    """Steady prices for two hours, the same share of failed calls everywhere."""
    scenario = load_scenario(room("simulations") / "price-cut")
    places = {
        name: place.model_copy(update={"failure_share": share})
        for name, place in list(scenario.deployments.items())[:deployments]
    }
    steady = {"hours": 2, "requests_per_hour": 600, "shocks": (), "window_s": 600}
    return scenario.model_copy(update={**steady, "deployments": places, **facts})


def measures(scenario: Scenario, policy: str) -> tuple[float, float, float]:
    """Share answered, calls a request and success: means of the seeds."""
    found = []
    for seed in SEEDS:
        world = World(scenario, seed)
        run = runner.run(world, policy, chosen(world, [policy])[policy], seed)
        summary = summarize(run, world)
        answered = sum(summary.share_by_deployment.values())
        found.append((answered, summary.attempts_per_request, summary.success))
    return tuple(np.mean(found, axis=0))


@pytest.mark.parametrize(
    ("deployments", "share", "rate", "close"),
    [
        (1, 0.05, 600, 0.025),
        (2, 0.05, 600, 0.025),
        (2, 0.3, 600, 0.05),
        (4, 0.6, 600, 0.08),
        (4, 0.8, 600, 0.08),
        (2, 0.6, 1000, 0.03),
    ],
)
def test_both_engines_answer_as_often_with_as_many_calls(
    deployments: int, share: float, rate: float, close: float
) -> None:
    """Shares within `close`, calls a request within twice that.

    2,400 requests leave a standard error of 0.5 to 1 point in each engine, 1.5 where ejections
    make neighbouring requests alike.
    """
    scenario = failing(deployments, share, requests_per_hour=rate)
    exact, batch = (
        measures(scenario.model_copy(update={"engine": engine}), "round_robin")
        for engine in ENGINES
    )
    assert batch[0] == pytest.approx(exact[0], abs=close)
    assert batch[1] == pytest.approx(exact[1], abs=2 * close)
    assert batch[2] == pytest.approx(exact[2], abs=close)


@pytest.mark.parametrize("share", [0.08, 0.3])
def test_both_engines_ask_again_alike_where_calls_fail(share: float) -> None:
    """A cascade beside failures: success within 3 points, calls a request within 0.06."""
    route = failing(4, share).route.model_copy(
        update={"cascade": CascadeAim(to=(TO,)), "quality_floor": 0.93}
    )
    confidence = Confidence(right=(20.0, 1.0), wrong=(1.0, 4.0))
    exact, batch = (
        measures(failing(4, share, route=route, confidence=confidence, engine=engine), "windsock")
        for engine in ENGINES
    )
    assert batch[1] == pytest.approx(exact[1], abs=0.06)
    assert batch[2] == pytest.approx(exact[2], abs=0.03)


def decided(weights: list[float], fails: list[float], count: int) -> GroupDecision:
    """Of one group in a world of as many deployments."""
    world = World(failing(len(weights), 0.0), 0)
    router = router_of(world, chosen(world, ["round_robin"])["round_robin"], 0)
    group = RequestGroup(router.routes["auto"], "sql", 100, count)
    table = router.table("default", "auto", "sql", world.starts_at)
    return GroupDecision(
        group=group, table=table, weights=np.array(weights), weight_by_name={},
        fails=np.array(fails), usage=None, begin=0.0, end=1.0,
    )  # fmt: skip


def drawn(weights: list[float], fails: list[float], asked: list[int], allowed: int) -> Answers:
    decision = decided(weights, fails, sum(asked))
    return answers(np.random.default_rng(0), decision, np.array(asked), attempts_allowed=allowed)


def test_a_failed_call_goes_to_one_that_was_not_tried_though_its_weight_is_small() -> None:
    found = drawn([0.99, 0.01], [1.0, 0.0], [1000, 0], 3)
    assert found.served.tolist() == [[0, 0, 0], [0, 1000, 0]]
    assert found.attempts.tolist() == [0, 2000]
    assert not found.lost.any()


def test_a_route_of_two_calls_makes_no_third_and_the_rest_is_lost() -> None:
    found = drawn([0.4, 0.3, 0.3], [1.0, 1.0, 0.0], [1000, 0, 0], 2)
    assert found.served[2, 1] + found.lost[1] == 1000
    assert 400 < found.lost[1] < 600
    assert found.lost_attempts == 2 * found.lost[1]
    assert found.lost_calls.tolist() == [found.lost[1], found.lost[1], 0]


def test_where_there_is_no_other_the_same_one_is_asked_until_no_call_is_left() -> None:
    found = drawn([1.0], [1.0], [10], 3)
    assert found.lost.tolist() == [0, 0, 10]
    assert found.lost_calls.tolist() == [30]


def test_once_the_same_one_is_asked_again_where_the_other_is_dearer() -> None:
    decision = decided([0.5, 0.5], [0.5, 0.0], 2000)
    names = ("a/cheap", "b/dear")
    cheap, dear = (
        ArmFacts(deployment=name, weight=0.5, success_mean=1.0, success_low=1.0, success_high=1.0,
                 effective_samples=1.0, expected_usd=usd)
        for name, usd in zip(names, (1.0, 2.0), strict=True)
    )  # fmt: skip
    table = replace(decision.table, deployments=names, weights=(0.5, 0.5), arms=(cheap, dear))
    luck, asked = np.random.default_rng(0), np.array([2000, 0])
    found = answers(luck, replace(decision, table=table), asked, attempts_allowed=3)
    assert found.served[0, 0] == pytest.approx(1000, abs=100)
    assert found.served[0, 1] == pytest.approx(500, abs=100), "of a fate of its own"
    assert found.served[1].tolist() == [0, 0, 2000 - found.served[0].sum()]
    found = answers(luck, replace(decision, table=table), asked, attempts_allowed=2)
    assert found.served[0, 1] == 0, "the last call is for the other"
    assert found.served[1, 1] == 2000 - found.served[0, 0]


def test_where_no_weight_is_left_the_last_one_is_asked_as_the_exchange_does() -> None:
    found = drawn([1.0, 0.0, 0.0], [1.0, 0.0, 0.0], [10, 0, 0], 3)
    assert found.served[:, 1].tolist() == [0, 0, 10]


@pytest.mark.parametrize(
    ("targets", "allowed", "served", "lost"),
    [([1], 3, [0, 0, 0], 10), ([1, 2], 3, [0, 0, 10], 0), ([1, 2], 2, [0, 0, 0], 10)],
)
def test_a_doubted_answer_is_asked_again_of_strong_ones_only(targets, allowed, served, lost):
    """The first of them fails always; who stays with the first answer has made its calls."""
    found = stronger_answers(
        np.random.default_rng(0), decided([0.8, 0.1, 0.1], [0.0, 1.0, 0.0], 10), targets, 10,
        made=1, attempts_allowed=allowed,
    )  # fmt: skip
    assert found.served.sum(axis=1).tolist() == served
    assert found.lost.tolist() == [0, lost, 0][:allowed]
    assert found.bad.tolist() == [0, 10, 0]


def test_requests_without_an_answer_teach_that_a_deployment_fails() -> None:
    beliefs = {}
    for share in (0.0, 0.8):
        world = World(failing(1, share, engine="batch", feedback_share=0.0), 0)
        engine = runner.BatchEngine(world, "r", chosen(world, ["round_robin"])["round_robin"], 0)
        engine.run()
        cell = engine.router.table("default", "auto", "sql", world.ends_at).cell
        a, b = engine.router.beliefs.posterior(cell, world.names[0])
        beliefs[share] = a / (a + b)
    assert beliefs[0.8] < beliefs[0.0] - 0.2
