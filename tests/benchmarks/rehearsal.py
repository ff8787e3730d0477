"""What a rehearsal from the log foretells, and what then happens in the running service.

    python -m tests.benchmarks.rehearsal [REQUESTS] [SEEDS] [TIMES]

A service on loopback with three priced models, each tried before on 150 prompts a task, serves
REQUESTS over HTTP, four of five answers judged. From its log `windsock simulate --from-log`
rehearses as many more under a shock, under SEEDS seeds; then, from the same store TIMES over, the
service is started with that shock in its windsock.toml and serves them, under other seeds. Bars, of
what is foretold if all is as believed, and the median of the times: shares within 3 points, spend
within 3 %. Said beside them: how much of what came lies between the 5th and the 95th percentile.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np
from rich.console import Console

from tests.benchmarks.tables import markdown
from tests.running import Running, running
from tests.upstream import Answer, completion, upstream
from windsock.cli.foresight.rehearse import rehearse_log
from windsock.clock import ManualClock
from windsock.observability import log
from windsock.rehearsal.figures import Figures, Interval
from windsock.rehearsal.rehearse import CHANGED, Rehearsal
from windsock.store.recovery.backup import back_up

REQUESTS, SEEDS, TIMES, TRIED = 2000, 12, 3, 150
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


def tasks(count: int, rng: np.random.Generator) -> list[str]:
    """Of every ten as many of each: what is compared is what is decided, not who came to ask."""
    tens = [rng.permutation(["sql", "chat"] * 5) for _ in range(-(-count // 10))]
    return [str(task) for ten in tens for task in ten][:count]


async def serve(it: Running, clock: ManualClock, count: int, rng: np.random.Generator) -> Served:
    """So many requests, one after another, and the judgement of four of five."""
    counts: dict[str, int] = {}
    usd = 0.0
    for task in tasks(count, rng):
        clock.advance_to(clock.now() + EVERY_S)
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


async def compared(
    shock: Shock, count: int, seeds: int, times: int, seed: int
) -> tuple[Rehearsal, list[Served]]:
    """A shock, foretold and then met so many times."""
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
            after, met = config_of(model.url, PRICES | shock.prices), []
            for number in range(times):
                copy = place / f"{number}"
                copy.mkdir()
                back_up(f"sqlite:///{place}/windsock.db", copy / "windsock.db")
                now = ManualClock(clock.now())
                async with running(after, copy, clock=now) as it:
                    met.append(await serve(it, now, count, np.random.default_rng([seed, number])))
    return found, met


def row_of(shock: Shock, told: Figures, met: list[Served]) -> list[str]:
    """What was foretold worst, and how much of what came lies in the intervals."""
    came = {name: [each.shares.get(name, 0.0) for each in met] for name in told.shares}
    gaps = {name: median(came[name]) - share.as_believed for name, share in told.shares.items()}
    worst = max(gaps, key=lambda name: abs(gaps[name]))
    usd = [each.usd for each in met]
    spend = median(usd) / told.spend_usd.as_believed - 1
    pairs = [(value, told.shares[name]) for name, values in came.items() for value in values]
    pairs += [(value, told.spend_usd) for value in usd]
    inside = sum(held.low <= value <= held.high for value, held in pairs)
    return [
        shock.name,
        f"{worst} {_shown(told.shares[worst])}, {median(came[worst]):.1%} came",
        f"${told.spend_usd.as_believed:.4f}, ${median(usd):.4f} came: {spend:+.1%}",
        f"{inside} of {len(pairs)}",
        "yes" if abs(gaps[worst]) <= SHARE_BAR and abs(spend) <= SPEND_BAR else "**no**",
    ]


def _shown(share: Interval) -> str:
    return f"{share.as_believed:.1%} ({share.low:.1%} to {share.high:.1%})"


def main() -> None:
    given = [int(each) for each in sys.argv[1:]]
    count, seeds, times = [*given, *(REQUESTS, SEEDS, TIMES)[len(given) :]]
    rows = []
    for number, shock in enumerate(SHOCKS):
        found, met = asyncio.run(compared(shock, count, seeds, times, number))
        (told,) = (each for each in found.runs if each.name == CHANGED)
        rows.append(row_of(shock, told, met))
        print(rows[-1], flush=True)
    head = ["shock", "share that was foretold worst", "spend", "in the interval",
            "within 3 points and 3 %"]  # fmt: skip
    Console().print(markdown(head, rows), markup=False)


if __name__ == "__main__":
    log.configure(level="error")
    main()
