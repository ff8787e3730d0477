"""How far one key with a fifth of the traffic can move the weights of the others by lying.

    python -m tests.benchmarks.bandit_poison [SEEDS]

Five keys report in turn; one of them lies. Mean weights of the others' requests over the second
half, against runs with the same luck in which that key is honest. One pair of runs differs from
another by about 7 points, so the standard error of 120 pairs is below 1. Writes its table into
docs/routing_measured.md; about 40 minutes of CPU.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Callable
from multiprocessing.pool import Pool

import numpy as np

from tests.benchmarks.tables import DOCS, markdown, write_between
from tests.builders import CHEAP, FLAGSHIP, MID, START, answered, request, router
from windsock.core.model.rewards import Reward
from windsock.core.policies.objectives import Objective

NAMES = (CHEAP, MID, FLAGSHIP)
TRUTH = (0.80, 0.90, 0.95)
KEYS = 5
REQUESTS = 3000
BAR = 0.05
SEEDS = 120
WORKERS = 2

Lie = Callable[[int, float], float]
"""(deployment, honest reward) -> what the liar reports."""

LIES: dict[str, Lie] = {
    "the opposite of the truth": lambda _, honest: 1.0 - honest,
    "the cheapest is always right, others never": lambda arm, _: float(arm == 0),
    "the dearest is always right, others never": lambda arm, _: float(arm == 2),
    "everything is right": lambda *_: 1.0,
    "nothing is right": lambda *_: 0.0,
    "the mid one is never right": lambda arm, honest: 0.0 if arm == 1 else honest,
}
AIMS = {
    "floor 0.88": Objective(kind="cost_per_success", quality_floor=0.88),
    "value $0.02": Objective(kind="value", usd_per_success=0.02),
}


def main() -> None:
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else SEEDS
    rows = []
    with multiprocessing.get_context("spawn").Pool(WORKERS, os.nice, (15,)) as pool:
        for name in AIMS:
            honest = weights_of(pool, name, None, seeds)
            for words in LIES:
                rows.append(_row(name, words, weights_of(pool, name, words, seeds) - honest))
                print(rows[-1], flush=True)
    head = ["objective", "the liar says", "largest move of a weight", "below 5 points"]
    text = f"{markdown(head, rows)}\n\n{seeds} pairs of runs with the same luck."
    print(text)
    write_between(DOCS / "routing_measured.md", "poison", text)


def _row(name: str, words: str, moved: np.ndarray) -> list[str]:
    """The weight that moves most in the mean; `open` if the bar lies within two errors of it."""
    mean, error = moved.mean(axis=0), moved.std(axis=0, ddof=1) / len(moved) ** 0.5
    worst = int(np.abs(mean).argmax())
    size = abs(mean[worst])
    is_open = abs(size - BAR) < 2 * error[worst]
    verdict = ("yes" if size < BAR else "**no**") + ", but open" * bool(is_open)
    points = f"{100 * mean[worst]:+.1f} +- {100 * error[worst]:.1f} points ({NAMES[worst]})"
    return [name, words, points, verdict]


def weights_of(pool: Pool, name: str, words: str | None, seeds: int) -> np.ndarray:
    """(seeds, deployments) mean weights over the second half; the luck of a seed is the same."""
    asked = [(name, words, seed) for seed in range(seeds)]
    return np.array(pool.starmap(named_run, asked, chunksize=4))


def named_run(name: str, words: str | None, seed: int) -> np.ndarray:
    return one_run(AIMS[name], LIES[words] if words else lambda _, honest: honest, seed)


def one_run(aim: Objective, lie: Lie, seed: int) -> np.ndarray:
    it = router(objective=aim, seed=seed)
    rng = np.random.default_rng(seed)
    total = np.zeros(len(NAMES))
    for i in range(REQUESTS):
        now = START + i / 25.0
        exchange = it.open(request(key_id=f"key {i % KEYS}"), now)
        attempt = exchange.next_attempt(now)
        exchange.report(answered(attempt), now)
        exchange.outcome(now)
        arm = NAMES.index(attempt.deployment)
        value = float(rng.random() < TRUTH[arm])
        if i % KEYS == 0:
            value = lie(arm, value)
        reward = Reward(value=value, key_id=f"key {i % KEYS}")
        it.learn(exchange.decision, attempt.deployment, reward, now)
        if i >= REQUESTS / 2:
            total += exchange.table.weights
    return total / (REQUESTS / 2)


if __name__ == "__main__":
    main()
