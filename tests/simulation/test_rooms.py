"""Every scenario in simulations/ keeps its expected.toml, which worse policies do not."""

from pathlib import Path

import pytest

from tests.simulation.bounds import broken, load_bounds
from windsock.resources import room
from windsock.simulation.engines import runner
from windsock.simulation.engines.contenders import chosen
from windsock.simulation.results.measures import summarize
from windsock.simulation.results.run import Run
from windsock.simulation.world.scenario import load_scenario
from windsock.simulation.world.world import World

SCENARIOS = sorted(path.parent for path in room("simulations").glob("*/scenario.toml"))


def runs_of(world: World, *names: str) -> dict[str, Run]:
    return {name: runner.run(world, name, make, 0) for name, make in chosen(world, names).items()}


@pytest.mark.parametrize("folder", SCENARIOS, ids=lambda folder: folder.name)
def test_a_scenario_keeps_its_bounds(folder: Path) -> None:
    world, bounds = World(load_scenario(folder), seed=0), load_bounds(folder)
    runs = runs_of(world, "windsock", *bounds.rivals, *bounds.broken_by)
    summaries = {name: summarize(run, world) for name, run in runs.items()}
    ours = summaries["windsock"]
    assert broken(bounds, world, runs["windsock"], ours, summaries) == []
    assert bounds.broken_by, "name a policy that breaks these bounds, or they may test nothing"
    for name in bounds.broken_by:
        assert broken(bounds, world, runs[name], summaries[name], summaries), f"{name} keeps them"
