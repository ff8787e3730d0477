"""How far one key with a fifth of the traffic can move the weights of the others by lying.

    python -m tests.benchmarks.bandit_poison [SEEDS]

Five keys report in turn; one of them lies. Mean weights of the others' requests over the second
half, against runs in which that key is honest. Writes its table into docs/routing.md.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import numpy as np

from tests.benchmarks.tables import DOCS, markdown, write_between
from tests.builders import CHEAP, FLAGSHIP, MID, START, answered, request, router
from windsock.core.objective import Objective
from windsock.core.records import Reward

NAMES = (CHEAP, MID, FLAGSHIP)
TRUTH = (0.80, 0.90, 0.95)
KEYS = 5
REQUESTS = 3000
BAR = 0.05

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
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    rows = []
    for name, aim in AIMS.items():
        honest = weights_of(aim, lambda _, honest: honest, seeds)
        for words, lie in LIES.items():
            rows.append(_row(name, words, weights_of(aim, lie, seeds) - honest))
    head = ["objective", "the liar says", "largest move of a weight", "below 5 points"]
    text = markdown(head, rows)
    print(text)
    write_between(DOCS / "routing.md", "poison", text)


def _row(name: str, words: str, moved: np.ndarray) -> list[str]:
    mean = moved.mean(axis=0)
    worst = int(np.abs(mean).argmax())
    error = moved[:, worst].std(ddof=1) / len(moved) ** 0.5
    verdict = "yes" if abs(mean[worst]) < BAR else "**no**"
    points = f"{100 * mean[worst]:+.1f} +- {100 * error:.1f} points ({NAMES[worst]})"
    return [name, words, points, verdict]


def weights_of(aim: Objective, lie: Lie, seeds: int) -> np.ndarray:
    """(seeds, deployments) mean weights over the second half."""
    return np.array([one_run(aim, lie, seed) for seed in range(seeds)])


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
