"""Every scenario in simulations/ keeps what its expected.toml promises."""

from pathlib import Path

import pytest

from windsock.replay import engines
from windsock.replay.contenders import chosen
from windsock.replay.measures import Summary, summarize
from windsock.replay.scenario import load_bounds, load_scenario
from windsock.replay.world import World
from windsock.rooms import room

SCENARIOS = sorted(path.parent for path in room("simulations").glob("*/scenario.toml"))


def outcome(folder: Path, *names: str) -> dict[str, Summary]:
    world = World(load_scenario(folder), seed=0)
    return {
        name: summarize(engines.run(world, name, make, 0), world)
        for name, make in chosen(world, names).items()
    }


@pytest.mark.parametrize("folder", SCENARIOS, ids=lambda folder: folder.name)
def test_a_scenario_keeps_its_bounds(folder: Path) -> None:
    bounds = load_bounds(folder)
    runs = outcome(folder, "windsock", "flagship", "oracle")
    ours, flagship, oracle = runs["windsock"], runs["flagship"], runs["oracle"]
    assert bounds.model_fields_set, "expected.toml promises nothing"
    if bounds.least_success is not None:
        assert ours.success >= bounds.least_success
    if bounds.most_spend_vs_flagship is not None:
        assert ours.spend_usd <= bounds.most_spend_vs_flagship * flagship.spend_usd
    if bounds.most_cost_vs_oracle is not None:
        bound = bounds.most_cost_vs_oracle * oracle.cost_per_success_usd
        assert ours.cost_per_success_usd <= bound
    for bound, share in (
        (bounds.share_before, ours.shocks and ours.shocks[0].share_before),
        (bounds.share_after, ours.shocks and ours.shocks[0].share_then),
    ):
        assert bound is None or bound[0] <= share <= bound[1]
    if bounds.most_switch_requests is not None:
        switches = [shock.switch_requests for shock in ours.shocks]
        assert all(n is not None and n <= bounds.most_switch_requests for n in switches)
