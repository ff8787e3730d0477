"""The case study: 30 days at two million queries a day, every rival on the same weather.

    python -m tests.benchmarks.sim_dataforge [SEEDS]

Writes its tables into docs/simulate.md. Five seeds unless told otherwise.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from statistics import mean

from tests.benchmarks.tables import DOCS, markdown, write_between
from windsock.resources import room
from windsock.simulation.engines import runner
from windsock.simulation.engines.contenders import EVERY, chosen
from windsock.simulation.results.measures import RunSummary, summarize
from windsock.simulation.world.scenario import load_scenario
from windsock.simulation.world.world import World

Runs = dict[str, list[RunSummary]]


def main(seeds: int = 5) -> None:
    runs = measured(seeds)
    text = "\n\n".join([table(runs), bars(runs)])
    print(text)
    write_between(DOCS / "simulate.md", "dataforge", text)


def measured(seeds: int) -> Runs:
    """By policy, a summary a seed."""
    scenario = load_scenario(room("simulations") / "dataforge")
    runs: Runs = {}
    for seed in range(seeds):
        world = World(scenario, seed)
        for name, contender in chosen(world, [EVERY]).items():
            print(f"seed {seed}: {name}", file=sys.stderr)
            run = runner.run(world, name, contender, seed)
            runs.setdefault(name, []).append(summarize(run, world))
    return runs


def table(runs: Runs) -> str:
    rows = [
        [
            name,
            spread([each.spend_usd for each in own], "{:,.0f}"),
            spread([100 * each.success for each in own], "{:.2f}"),
            spread([1000 * each.cost_per_success_usd for each in own], "{:.4f}"),
            spread(against(own, runs["flagship"], spent), "{:+.1f} %"),
            spread(against(own, runs["rules"], per_success), "{:+.1f} %"),
            spread(against(own, runs["oracle"], per_success), "{:+.1f} %"),
            f"{100 * mean(each.realtime_kept or 0.0 for each in own):.1f}",
        ]
        for name, own in runs.items()
    ]
    head = ["policy", "$ a month", "success, %", "$ per 1,000 right", "spend against flagship",
            "cost per success against rules", "against oracle",
            "real-time first token in 200 ms, %"]  # fmt: skip
    return markdown(head, rows)


def bars(runs: Runs) -> str:
    ours = runs["windsock"]
    gains = [100 * (one.success - other.success)
             for one, other in zip(ours, runs["flagship"], strict=True)]  # fmt: skip
    least = [100 * (one.success - other.success)
             for one, other in zip(runs["oracle"], runs["flagship"], strict=True)]  # fmt: skip
    rows = [
        ["cheaper than the flagship by at least 62 %",
         spread([-x for x in against(ours, runs["flagship"], spent)], "{:.1f} %"),
         spread([-x for x in against(runs["oracle"], runs["flagship"], spent)], "{:.1f} %")],
        ["success at least 1.4 points above the flagship's",
         spread(gains, "{:+.2f}"), spread(least, "{:+.2f}")],
        ["cost per success at least 15 % below the rules'",
         spread([-x for x in against(ours, runs["rules"], per_success)], "{:.1f} %"),
         spread([-x for x in against(runs["oracle"], runs["rules"], per_success)], "{:.1f} %")],
        ["cost per success within 5 % of the oracle's",
         spread(against(ours, runs["oracle"], per_success), "{:+.2f} %"), ""],
    ]  # fmt: skip
    return markdown([f"bar, {len(ours)} seeds: mean (least to most)", "windsock", "oracle"], rows)


def spent(one: RunSummary) -> float:
    return one.spend_usd


def per_success(one: RunSummary) -> float:
    return one.cost_per_success_usd


def against(
    own: Sequence[RunSummary], others: Sequence[RunSummary], what: Callable[[RunSummary], float]
) -> list[float]:
    """Per cent above the other, seed by seed."""
    return [100 * (what(a) / what(b) - 1) for a, b in zip(own, others, strict=True)]


def spread(values: Sequence[float], form: str) -> str:
    low, high = form.format(min(values)), form.format(max(values))
    middle = form.format(mean(values))
    return middle if low == high else f"{middle} ({low} to {high})"


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
