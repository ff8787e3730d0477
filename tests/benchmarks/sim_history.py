"""Every price change of the archive against a rival of equal quality: how soon traffic moves.

    python -m tests.benchmarks.sim_history [SEEDS]

The rival costs the geometric mean of the price before and after, so each change asks the traffic
to turn. Writes its table into docs/simulate.md. Five seeds unless told otherwise.
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tests.benchmarks.tables import DOCS, markdown, write_between
from windsock.simulation.engines import runner
from windsock.simulation.engines.contenders import chosen
from windsock.simulation.results.measures import ShockMeasure, summarize
from windsock.simulation.world.archive import Move, moves
from windsock.simulation.world.scenario import Scenario
from windsock.simulation.world.world import World

PROMPT, ANSWER = 1000, 300
POLL_S = 300.0
HALF_H = 3.0
QUALITY = 0.92
LEAST_RATIO = 1.02
"""Smaller changes of the bill ask for no move between equals."""

SETUPS: dict[str, dict[str, Any]] = {
    "two live feeds": {"feeds": {"openrouter": 60.0, "models-dev": 60.0}},
    "one live feed, lists restating the old price": {
        "feeds": {"openrouter": 60.0, "models-dev": 86_400.0, "litellm": 259_200.0}
    },
    "the same, and providers that state the bill": {
        "feeds": {"openrouter": 60.0, "models-dev": 86_400.0, "litellm": 259_200.0},
        "bills": True,
    },
}


@dataclass(frozen=True, slots=True)
class Found:
    move: Move
    seed: int
    shock: ShockMeasure


def main(seeds: int = 5) -> None:
    asked = [move for move in moves() if is_asked(move)]
    print(f"{len(asked)} of {len(moves())} changes", file=sys.stderr)
    rows = [row(setup, asked, seeds) for setup in SETUPS]
    head = ["feeds", "changes x seeds that ask for a move", "90 % within one poll",
            "longest, polls", "slower than one poll"]  # fmt: skip
    text = markdown(head, rows)
    print(text)
    write_between(DOCS / "simulate.md", "history", text)


def row(setup: str, asked: list[Move], seeds: int) -> list[str]:
    found = [each for move in asked for each in replayed(move, setup, seeds)]
    turned = [each for each in found if each.shock.is_asked]
    slow = [each for each in turned if took_s(each) > POLL_S]
    longest = max((took_s(each) for each in turned), default=0.0)
    names = sorted({f"{each.move.deployment} {day(each.move)}" for each in slow})
    return [
        setup,
        str(len(turned)),
        f"{len(turned) - len(slow)} ({1 - len(slow) / len(turned):.1%})",
        f"{longest / POLL_S:.0f}",
        f"{len(names)} changes: {', '.join(names)}" if names else "none",
    ]


def took_s(found: Found) -> float:
    took = found.shock.switch_s
    return math.inf if took is None else took


def replayed(move: Move, setup: str, seeds: int) -> list[Found]:
    scenario = scenario_of(move, setup)
    found = []
    for seed in range(seeds):
        world = World(scenario, seed)
        run = runner.run(world, "windsock", chosen(world, ["windsock"])["windsock"], seed)
        found += [Found(move, seed, shock) for shock in summarize(run, world).shocks]
    return found


def scenario_of(move: Move, setup: str) -> Scenario:
    """The price before, the change after three hours, a rival between the two, a dear flagship."""
    ratio = math.sqrt(bill(move.after) / bill(move.before))
    rival = [usd * ratio for usd in move.before]
    dear = [8 * max(a, b) for a, b in zip(move.before, move.after, strict=True)]
    begins = datetime.fromtimestamp(move.at - HALF_H * 3600, UTC)
    after = {"input": move.after[0], "output": move.after[1]}
    return Scenario.model_validate(
        {
            "title": move.deployment,
            "engine": "batch",
            "window_s": 1800,
            "hours": 2 * HALF_H,
            "requests_per_hour": 5000,
            "evaluated": 200,
            "starts_at": begins.isoformat(),
            "poll_s": POLL_S,
            "route": {"quality_floor": 0.8},
            "rivals": {"flagship": "the/flagship", "otherwise": "the/rival"},
            "tasks": {"task": {"share": 1, "prompt_tokens": PROMPT, "output_tokens": ANSWER}},
            "deployments": {
                move.deployment: priced(move.before),
                "the/rival": priced(rival),
                "the/flagship": priced(dear),
            },
            "shocks": [{"at_hour": HALF_H, "deployment": move.deployment,
                        "peaks": [peak.model_dump() for peak in move.peaks], **after}],
            **SETUPS[setup],
        }
    )  # fmt: skip


def priced(price: Any) -> dict[str, Any]:
    return {"input": price[0], "output": price[1], "quality": {"task": QUALITY}}


def bill(price: tuple[float, float]) -> float:
    """Dollars of a million requests."""
    return PROMPT * price[0] + ANSWER * price[1]


def is_asked(move: Move) -> bool:
    ratio = bill(move.after) / bill(move.before)
    return max(ratio, 1 / ratio) >= LEAST_RATIO


def day(move: Move) -> str:
    return datetime.fromtimestamp(move.at, UTC).date().isoformat()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
