"""The batch engine agrees with the exact one, and its cost does not grow with traffic."""

import numpy as np
import pytest

from tests.simulation.bounds import mean_share
from windsock.resources import room
from windsock.simulation.engines import runner
from windsock.simulation.engines.contenders import chosen
from windsock.simulation.engines.windows import windows
from windsock.simulation.results.measures import RunSummary, summarize
from windsock.simulation.world.conditions import CascadeAim, Confidence
from windsock.simulation.world.scenario import Scenario, load_scenario
from windsock.simulation.world.world import World

SEEDS = range(2)
MISTRAL = "mistral/mistral-large-latest"


def cut(**facts) -> Scenario:
    """The price cut in the middle, with steady traffic and few solves."""
    scenario = load_scenario(room("simulations") / "price-cut")
    shocks = tuple(shock.model_copy(update={"at_hour": 1.5}) for shock in scenario.shocks)
    small = {"hours": 3, "requests_per_hour": 600, "shocks": shocks, "window_s": 600}
    return scenario.model_copy(update={**small, **facts})


def summaries(policy: str, seeds: range = SEEDS, **facts) -> list[RunSummary]:
    found = []
    for seed in seeds:
        world = World(cut(**facts), seed)
        run = runner.run(world, policy, chosen(world, [policy])[policy], seed)
        found.append(summarize(run, world))
    return found


def test_both_engines_agree_on_cost_success_and_splits() -> None:
    """Cost within 6 %, success within 2 points, splits within 0.15: means of two seeds.

    3,600 requests leave a standard error of 0.5 points of success in each engine.
    """
    exact, batch = (summaries("windsock", engine=engine) for engine in ("exact", "batch"))
    for name, close in (("success", 0.02), ("attempts_per_request", 0.01)):
        means = [np.mean([getattr(each, name) for each in runs]) for runs in (exact, batch)]
        assert means[0] == pytest.approx(means[1], abs=close), name
    usd = [np.mean([each.cost_per_success_usd for each in runs]) for runs in (exact, batch)]
    assert usd[0] == pytest.approx(usd[1], rel=0.06)
    for name in exact[0].share_by_deployment:
        shares = [np.mean([each.share_by_deployment[name] for each in runs])
                  for runs in (exact, batch)]  # fmt: skip
        assert shares[0] == pytest.approx(shares[1], abs=0.05), name
    for one, other in zip(exact, batch, strict=True):
        assert one.shocks[0].share_then == pytest.approx(other.shocks[0].share_then, abs=0.15)
        assert (one.shocks[0].switch_requests, other.shocks[0].switch_requests) == (0, 0)


def test_both_engines_ask_again_alike_where_a_cascade_pays() -> None:
    """Cost within 20 %, success within 1.5 points, calls a request within 0.02: means of 2 seeds.

    A check that tells right from wrong makes "cheap, then the flagship" the way to hold the floor:
    it halves the cost, by asking one request in fifty again.
    """
    route = cut().route.model_copy(
        update={"cascade": CascadeAim(to=("openai/gpt-4o",)), "quality_floor": 0.93}
    )
    facts = {"route": route, "confidence": Confidence(right=(20.0, 1.0), wrong=(1.0, 4.0))}
    exact, batch = (summaries("windsock", engine=engine, **facts) for engine in ("exact", "batch"))
    plain = summaries("windsock", engine="exact", route=route.model_copy(update={"cascade": None}))

    def mean(runs: list[RunSummary], name: str) -> float:
        return float(np.mean([getattr(each, name) for each in runs]))

    calls = "attempts_per_request"
    assert mean(exact, calls) > mean(plain, calls) + 0.01
    assert mean(exact, calls) == pytest.approx(mean(batch, calls), abs=0.02)
    assert mean(exact, "success") == pytest.approx(mean(batch, "success"), abs=0.015)
    usd = "cost_per_success_usd"
    assert mean(exact, usd) < 0.7 * mean(plain, usd)
    assert mean(exact, usd) == pytest.approx(mean(batch, usd), rel=0.2)


def test_both_engines_weigh_prompts_by_their_size() -> None:
    """Cost within 10 %, success within 3 points, where the logarithm of sizes spreads by 0.8."""
    tasks = cut().tasks.items()
    spread = {name: task.model_copy(update={"prompt_spread": 0.8}) for name, task in tasks}
    facts = {"tasks": spread, "hours": 1, "requests_per_hour": 1200, "refresh_s": 120.0}
    exact, batch = (
        summaries("windsock", range(2), engine=engine, **facts) for engine in ("exact", "batch")
    )
    for name, close in (("success", {"abs": 0.03}), ("cost_per_success_usd", {"rel": 0.1})):
        means = [np.mean([getattr(each, name) for each in runs]) for runs in (exact, batch)]
        assert means[0] == pytest.approx(means[1], **close), name


def test_both_engines_spend_the_same_where_nothing_is_chosen() -> None:
    """One deployment only: cost of a request within 2 %, success within 1.5 points."""
    exact, batch = (summaries("flagship", engine=engine) for engine in ("exact", "batch"))
    usd = [np.mean([each.spend_usd / each.requests for each in runs]) for runs in (exact, batch)]
    success = [np.mean([each.success for each in runs]) for runs in (exact, batch)]
    assert usd[0] == pytest.approx(usd[1], rel=0.02)
    assert success[0] == pytest.approx(success[1], abs=0.015)


def test_windows_end_where_prices_change_and_not_with_traffic() -> None:
    few, many = (World(cut(requests_per_hour=rate), 0) for rate in (100, 1e6))
    assert windows(few) == windows(many)
    edges = [begin for begin, _ in windows(few)]
    assert few.shown_at(few.shocks[0]) in edges
    assert few.starts_at + 1.5 * 3600 in edges


def test_a_thousand_times_the_traffic_takes_the_same_steps() -> None:
    steps = []
    for rate in (6_000, 6_000_000):
        world = World(cut(engine="batch", requests_per_hour=rate), 0)
        run = runner.run(world, "cheapest", chosen(world, ["cheapest"])["cheapest"], 0)
        steps.append((runner.steps(world), len(run.steps), sum(s.count for s in run.steps)))
    assert steps[0][:2] == steps[1][:2]
    assert steps[1][2] == pytest.approx(1000 * steps[0][2], rel=0.1)


def test_the_share_of_a_span_counts_the_part_of_a_window_inside_it() -> None:
    world = World(cut(engine="batch", window_s=5400), 0)
    run = runner.run(world, "windsock", chosen(world, ["windsock"])["windsock"], 0)
    before, after = (mean_share(run, world, at, MISTRAL, 0.5, "sql") for at in (0.6, 2.0))
    assert before < 0.1 < 0.5 < after
