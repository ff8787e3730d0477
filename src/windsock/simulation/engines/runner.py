"""Two engines, one core: the exact one steps every request, the batch one window by window."""

from __future__ import annotations

from windsock.simulation.engines.batch import BatchEngine
from windsock.simulation.engines.contenders import Contender
from windsock.simulation.engines.exact import ExactEngine
from windsock.simulation.engines.windows import windows
from windsock.simulation.results.run import Progress, Run
from windsock.simulation.world.world import World

UNIT = {"exact": "requests", "batch": "windows"}
"""What `steps` counts and `progress` is told of, by engine."""


def run(
    world: World, name: str, contender: Contender, seed: int, progress: Progress | None = None
) -> Run:
    """One policy on this world, by the engine that its scenario asks for.

    name        of the policy, for the report
    progress    is given how many of `steps` were done since the last call
    returns     the run; `is_whole` is False if Ctrl-C ended it
    """
    if world.scenario.engine == "batch":
        return BatchEngine(world, name, contender, seed).run(progress)
    return ExactEngine(world, name, contender, seed).run(progress)


def steps(world: World) -> int:
    """How many steps a run will take, in UNIT of its engine."""
    return len(windows(world)) if world.scenario.engine == "batch" else len(world.asks)
