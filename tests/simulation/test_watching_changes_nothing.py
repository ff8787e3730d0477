"""What a run is asked for the sake of its report does not change the run."""

from typing import Any

import pytest

from windsock.resources import room
from windsock.simulation.engines.batch import BatchEngine
from windsock.simulation.engines.contenders import chosen
from windsock.simulation.engines.exact import ExactEngine
from windsock.simulation.world.scenario import load_scenario
from windsock.simulation.world.world import World

ENGINES = {"exact": ExactEngine, "batch": BatchEngine}


@pytest.mark.parametrize("policy", ["windsock", "round_robin", "paretobandit"])
@pytest.mark.parametrize("engine", ENGINES)
def test_a_shock_that_is_measured_moves_nothing_else(engine, policy) -> None:
    """What the new price will do to the weights is asked before it is absorbed."""
    scenario = load_scenario(room("simulations") / "price-cut")
    shocks = tuple(shock.model_copy(update={"at_hour": 0.5}) for shock in scenario.shocks)
    world = World(scenario.model_copy(update={"hours": 1, "shocks": shocks}), 1)
    runs: list[Any] = []
    for is_measured in (True, False):
        driver = ENGINES[engine](world, policy, chosen(world, [policy])[policy], 1)
        if not is_measured:
            driver._feeding._shock_by_quote.clear()
        runs.append(driver.run())
        assert bool(runs[-1].splits) is is_measured
    assert runs[0].steps == runs[1].steps
