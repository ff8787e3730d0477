"""How fast the two engines replay, and that the batch engine's cost goes with windows.

    python -m tests.benchmarks.sim_batch_speed

CPU seconds of one core; writes its table into docs/simulate.md.
"""

from __future__ import annotations

import time
from typing import Any

from tests.benchmarks.tables import DOCS, markdown, write_between
from windsock.resources import room
from windsock.simulation.engines import runner
from windsock.simulation.engines.contenders import chosen
from windsock.simulation.world.scenario import load_scenario
from windsock.simulation.world.world import World

MONTH = "batch engine, 30 days, 8 deployments x 3 tasks"


def main() -> None:
    hourly = [row(MONTH, "60 s", "dataforge", window_s=3600.0)]
    hourly += [
        row(f"the same, {what}", "", "dataforge", window_s=3600.0, **facts)
        for what, facts in (
            ("a hundredth of the requests", {"requests_per_hour": 833.3333}),
            ("a hundred times the requests", {"requests_per_hour": 8_333_333.0}),
        )
    ]
    hourly.append(row("the same, windows twice as long", "", "dataforge", window_s=7200.0))
    for policy in ("windsock", "flagship"):
        facts = {"requests_per_hour": 5000.0, "hours": 4.0}
        name = f"exact engine, {policy}"
        hourly.append(row(name, "50,000 requests/s", "calm", policy=policy, **facts))
    text = markdown(["what", "bar", "requests", "steps", "CPU s", "requests/s"], hourly)
    print(text)
    write_between(DOCS / "simulate.md", "speed", text)


def row(what: str, bar: str, room_name: str, policy: str = "windsock", **facts: Any) -> list[str]:
    scenario = load_scenario(room("simulations") / room_name).model_copy(update=facts)
    world = World(scenario, 0)
    steps = runner.steps(world)
    contender = chosen(world, [policy])[policy]
    begun = time.process_time()
    run = runner.run(world, policy, contender, 0)
    took_s = time.process_time() - begun
    requests = sum(step.count for step in run.steps)
    return [what, bar, f"{requests:,}", f"{steps:,} {runner.UNIT[scenario.engine]}",
            f"{took_s:.1f}", f"{requests / took_s:,.0f}"]  # fmt: skip


if __name__ == "__main__":
    main()
