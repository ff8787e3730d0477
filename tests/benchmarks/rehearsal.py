"""What a rehearsal from the log foretells, and what then happens in the running service.

    python -m tests.benchmarks.rehearsal [REQUESTS] [SEEDS]

A service on loopback with three priced models, each tried before on 150 prompts a task, serves
REQUESTS over HTTP, four of five answers judged. From its log `windsock simulate --from-log`
rehearses as many more under a shock; then the service is started with that shock in its
windsock.toml and serves them. Bars: shares within 3 points, spend within 3 %.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console

from tests.benchmarks.tables import markdown
from tests.running import Running, running
from tests.upstream import Answer, completion, upstream
from windsock.cli.foresight.rehearse import rehearse_log
from windsock.clock import ManualClock
from windsock.observability import log
from windsock.rehearsal.rehearse import CHANGED, Interval, Rehearsal

REQUESTS, SEEDS, TRIED = 2000, 12, 150
STARTS_AT = 1_790_000_000.0
EVERY_S = 2.0
SHARE_BAR, SPEND_BAR = 0.03, 0.03

PRICES = {"small/s": (0.2, 0.8), "mid/m": (1.0, 4.0), "large/l": (5.0, 20.0)}
TRUTH = {
    "sql": {"small/s": 0.55, "mid/m": 0.88, "large/l": 0.93},
    "chat": {"small/s": 0.90, "mid/m": 0.95, "large/l": 0.96},
}
LENGTH = {"s": 90, "m": 120, "l": 120}
"""Tokens of an answer. What of a model that was hardly asked nobody can foretell: as usual."""


@dataclass(frozen=True)
class Shock:
    """prices: in dollars per million tokens, of those that change."""

    name: str
    prices: dict[str, tuple[float, float]]


SHOCKS = (
    Shock("the favourite six times dearer", {"mid/m": (6.0, 24.0)}),
    Shock("the flagship at a tenth", {"large/l": (0.5, 2.0)}),
    Shock("the cheapest twelve times dearer", {"small/s": (2.4, 9.6)}),
)


@dataclass
class Served:
    """What the running service did."""

    shares: dict[str, float]
    usd: float


def config_of(url: str, prices: dict[str, tuple[float, float]]) -> str:
    parts = [
        f'[providers.{name.partition("/")[0]}]\nbase_url = "{url}"\napi_key = "sk-x"\n'
        f"price = {{ input = {usd[0]}, output = {usd[1]} }}\n"
        for name, usd in prices.items()
    ]
    names = ", ".join(f'"{name}"' for name in prices)
    goal = 'objective = "value"\nusd_per_success = 0.02\n'
    return "".join(parts) + f"[routes.auto]\ncandidates = [{names}]\n{goal}"


async def serve(it: Running, clock: ManualClock, count: int, rng: np.random.Generator) -> Served:
    """So many requests, one after another, and the judgement of four of five."""
    counts: dict[str, int] = {}
    usd = 0.0
    for _ in range(count):
        clock.advance_to(clock.now() + EVERY_S)
        task = "sql" if rng.random() < 0.5 else "chat"
        words = f"{rng.random()} " + "word " * int(rng.integers(150, 450))
        body = {"model": "auto", "metadata": {"task": task},
                "messages": [{"role": "user", "content": words}]}  # fmt: skip
        answer = await it.http.post("/v1/chat/completions", json=body)
        answer.raise_for_status()
        name = answer.headers["x-windsock-deployment"]
        counts[name] = counts.get(name, 0) + 1
        usd += float(answer.headers["x-windsock-cost-usd"])
        is_right = rng.random() < TRUTH[task][name]
        if rng.random() < 0.8:
            said = {"decision_id": answer.headers["x-windsock-decision-id"], "value": is_right}
            (await it.http.post("/v1/feedback", json=said)).raise_for_status()
    return Served({name: n / count for name, n in counts.items()}, usd)


async def teach(it: Running, rng: np.random.Generator) -> None:
    """Every model was tried before."""
    results = [
        {"task": task, "deployment": name, "count": TRIED,
         "success": float(rng.binomial(TRIED, truth)) / TRIED}
        for task, of in TRUTH.items() for name, truth in of.items()
    ]  # fmt: skip
    lesson = {"route": "auto", "results": results, "strength": float(TRIED)}
    (await it.http.post("/v1/learn", json=lesson)).raise_for_status()


async def compared(shock: Shock, count: int, seeds: int, seed: int) -> tuple[Rehearsal, Served]:
    """A shock, foretold and then met."""
    rng = np.random.default_rng(seed)

    def reply(request: dict[str, object]) -> Answer:
        name = str(request["model"])
        sent = len(str(request["messages"])) // 5
        usage = {"prompt_tokens": sent, "completion_tokens": LENGTH[name],
                 "total_tokens": sent + LENGTH[name]}  # fmt: skip
        return Answer(completion(model=name, usage=usage))

    with tempfile.TemporaryDirectory() as folder:
        place, clock = Path(folder), ManualClock(STARTS_AT)
        async with upstream(reply) as model:
            before = config_of(model.url, PRICES)
            async with running(before, place, clock=clock) as it:
                await teach(it, rng)
                await serve(it, clock, count, rng)
            file = place / "windsock.toml"
            file.write_text(f'{before}\n[store]\nurl = "sqlite:///{place}/windsock.db"\n')
            found = await asyncio.to_thread(
                rehearse_log, file, os.environ, lasts=f"{int(count * EVERY_S)}s", as_json=False,
                prices=[f"{name}={usd[0]}/{usd[1]}" for name, usd in shock.prices.items()],
                seeds=seeds, clock=clock,
            )  # fmt: skip
            after = config_of(model.url, PRICES | shock.prices)
            async with running(after, place, clock=clock) as it:
                met = await serve(it, clock, count, rng)
    return found, met


def _shown(share: Interval) -> str:
    return f"{share.mean:.1%} ({share.low:.1%} to {share.high:.1%})"


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else REQUESTS
    seeds = int(sys.argv[2]) if len(sys.argv) > 2 else SEEDS
    rows = []
    for number, shock in enumerate(SHOCKS):
        found, met = asyncio.run(compared(shock, count, seeds, number))
        (told,) = (each for each in found.runs if each.name == CHANGED)
        gaps = {name: met.shares.get(name, 0.0) - share.mean for name, share in told.shares.items()}
        worst = max(gaps, key=lambda name: abs(gaps[name]))
        spend = met.usd / told.spend_usd.mean - 1
        rows.append(
            [
                shock.name,
                f"{worst} {_shown(told.shares[worst])}, {met.shares.get(worst, 0.0):.1%} came",
                f"${told.spend_usd.mean:.4f}, ${met.usd:.4f} came: {spend:+.1%}",
                "yes" if abs(gaps[worst]) <= SHARE_BAR and abs(spend) <= SPEND_BAR else "**no**",
            ]
        )
        print(rows[-1], flush=True)
    head = ["shock", "share that was foretold worst", "spend", "within 3 points and 3 %"]
    Console().print(markdown(head, rows), markup=False)


if __name__ == "__main__":
    log.configure(level="error")
    main()
