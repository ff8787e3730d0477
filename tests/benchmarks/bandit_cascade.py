"""When a cascade pays: the same tasks under checks of every strength, with and without one.

    python -m tests.benchmarks.bandit_cascade

A cheap deployment that is right in 80 % and one 50 times as dear that is right in 97 %, a floor of
0.93. The check tells the truth about a share of the answers and is blind in the others. Writes its
table into docs/routing_measured.md.
"""

from __future__ import annotations

import numpy as np

from tests.benchmarks.tables import DOCS, markdown, write_between
from tests.builders import CHEAP, FLAGSHIP, START, answered, router
from tests.builders import request as asked
from windsock.core.model.rewards import Reward
from windsock.core.policies.objectives import Objective
from windsock.core.routing.router import Router
from windsock.core.routing.routes import Cascade

TELLS = (0.0, 0.5, 0.8, 0.9, 1.0)
REQUESTS, WARM_UP = 4000, 1000
SUCCESS = {CHEAP: 0.80, FLAGSHIP: 0.97}
FLOOR = 0.93


def main() -> None:
    head = ["the check tells", "gain over a mixture", "share of requests served so", "success"]
    head += ["$/success", "$/success without a cascade"]
    text = markdown(head, [_row(tells) for tells in TELLS])
    print(text)
    write_between(DOCS / "routing_measured.md", "cascades", text)


def _row(tells: float) -> list[str]:
    wind = _router(Cascade(escalate_below=0.85, to=(FLAGSHIP,)))
    success, usd = _play(wind, tells)
    plain, plain_usd = _play(_router(None), tells)
    facts = (wind.table("default", "auto", "default", START + REQUESTS).cascades or ())[0]
    return [
        f"{tells:.0%}",
        f"{facts.gain:+.3f}",
        f"{facts.weight:.0%}",
        f"{success:.3f}",
        f"{usd / success:.2e}",
        f"{plain_usd / plain:.2e} at {plain:.3f}",
    ]


def _router(cascade: Cascade | None) -> Router:
    aim = Objective(kind="quality_floor", quality_floor=FLOOR)
    return router(prices={CHEAP: 0.1, FLAGSHIP: 5.0}, objective=aim, cascade=cascade)


def _play(wind: Router, tells: float) -> tuple[float, float]:
    """Mean success and dollars of the requests after the warm-up."""
    rng = np.random.default_rng(0)
    right = spent = 0.0
    for i in range(REQUESTS):
        now = START + i / 10
        exchange, value = wind.open(asked(), now), 0.0
        while (attempt := exchange.next_attempt(now)) is not None:
            value = float(rng.random() < SUCCESS[attempt.deployment])
            is_told = rng.random() < tells
            claim = (0.95 if value else 0.2) if is_told else float(rng.choice([0.95, 0.2]))
            exchange.report(answered(attempt, confidence=claim), now)
        outcome = exchange.outcome(now)
        assert outcome.served is not None
        wind.learn(exchange.decision, outcome.served, Reward(value=value), now)
        if i >= WARM_UP:
            right, spent = right + value, spent + float(outcome.cost_usd)
    counted = REQUESTS - WARM_UP
    return right / counted, spent / counted


if __name__ == "__main__":
    main()
