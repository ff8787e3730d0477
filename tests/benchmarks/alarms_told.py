"""Alarms in scenarios whose truth is known: how many tell of nothing, how many troubles are told.

Every event of a run of the exact engine is counted, by scenario, and of those that begin an alarm
how many have no cause in the scenario: `calm` has none at all.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from typing import Any

from windsock.core.model.events import Event, EventKind
from windsock.observability.alarms import LASTING
from windsock.resources import folder
from windsock.simulation.engines.contenders import chosen
from windsock.simulation.engines.exact import ExactEngine
from windsock.simulation.world.scenario import load_scenario
from windsock.simulation.world.world import World

SCENARIOS = ("calm", "price-cut", "peak-hours", "outage", "quality-drift", "lying-feed")
BEGINS = {each.begins for each in LASTING} | {EventKind.PRICE_DISPUTED, EventKind.PRICE_HELD}
SEEDS = 8


def heard(act: Callable[..., list[Event]], told: list[Event]) -> Callable[..., list[Event]]:
    """The same, and what it tells is kept."""

    def acted(*what: Any) -> list[Event]:
        found = act(*what)
        told.extend(found)
        return found

    return acted


def events_of(name: str, seed: int) -> list[Event]:
    scenario = load_scenario(folder("simulations", "scenario.toml", name))
    world, told = World(scenario, seed=seed), []
    engine = ExactEngine(world, "windsock", chosen(world, ["windsock"])["windsock"], seed)
    router: Any = engine.router
    for door in ("absorb", "record", "settle"):
        setattr(router, door, heard(getattr(router, door), told))
    engine.run()
    return told + router.drain_shifts()


def main(names: list[str]) -> None:
    for name in names or SCENARIOS:
        counts: Counter[str] = Counter()
        for seed in range(SEEDS):
            counts.update(event.kind.value for event in events_of(name, seed))
        begun = {kind: n for kind, n in counts.items() if EventKind(kind) in BEGINS}
        others = sum(counts.values()) - sum(begun.values())
        print(f"{name:<14} {SEEDS} runs: alarms {begun or 'none'}, other events {others}")


if __name__ == "__main__":
    main(sys.argv[1:])
