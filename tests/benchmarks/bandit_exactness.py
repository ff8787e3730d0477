"""Weights by windsock's quadrature against scipy's, over the whole range that is promised.

    python -m tests.benchmarks.bandit_exactness [WORLDS]

2 to 30 arms, Beta parameters 0.5 to 5,000, prices over 1,000x. Writes its table into
docs/routing_measured.md.
"""

from __future__ import annotations

import sys
import time
from itertools import pairwise

import numpy as np
from scipy import integrate, special

from tests.benchmarks.tables import DOCS, markdown, write_between
from windsock.core.model.arrays import FloatArray
from windsock.core.policies.contest.best_arm import best_weights

QUANTILES = (1e-9, 1e-4, 0.03, 0.5, 0.97, 1 - 1e-4, 1 - 1e-9)
SIZES = ((2, 3, 120), (4, 8, 60), (9, 15, 16), (16, 30, 8))


def main() -> None:
    scale = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
    rng = np.random.default_rng(0)
    rows = []
    for low, high, worlds in SIZES:
        count = max(1, int(worlds * scale))
        errors, ours_s, theirs_s = zip(
            *(_one(rng, low, high, i) for i in range(count)), strict=True
        )
        rows.append(
            [
                f"{low} to {high}",
                str(count),
                f"{max(errors):.1e}",
                f"{np.median(ours_s) * 1e3:.2f}",
                f"{np.median(theirs_s) * 1e3:.0f}",
            ]
        )
        print(rows[-1], flush=True)
    head = ["arms", "worlds", "largest error", "median ms", "scipy's, ms"]
    write_between(DOCS / "routing_measured.md", "exactness", markdown(head, rows))


def _one(rng: np.random.Generator, low: int, high: int, number: int) -> tuple[float, float, float]:
    a, b, usd, value = world(rng, int(rng.integers(low, high + 1)), is_close=number % 3 == 0)
    begun = time.perf_counter()
    ours = best_weights(a, b, usd, value)
    between = time.perf_counter()
    theirs = reference(a, b, usd, value)
    ended = time.perf_counter()
    return float(np.abs(ours - theirs).max()), between - begun, ended - between


def world(
    rng: np.random.Generator, arms: int, *, is_close: bool
) -> tuple[FloatArray, FloatArray, FloatArray, float]:
    """Parameters log-uniform over the range, or arms of like means and any evidence."""
    if is_close:
        count = np.exp(rng.uniform(1, 8.5, arms))
        mean = np.clip(rng.uniform(0.5, 0.95) + 0.05 * rng.normal(size=arms), 0.05, 0.97)
        a, b = np.clip(count * mean, 0.5, 5000), np.clip(count * (1 - mean), 0.5, 5000)
    else:
        a, b = (np.exp(rng.uniform(np.log(0.5), np.log(5000), arms)) for _ in range(2))
    usd = 1e-5 * np.exp(rng.uniform(0, np.log(1000), arms))
    return a, b, usd, float(np.exp(rng.uniform(np.log(1e-5), np.log(3))))


def reference(a: FloatArray, b: FloatArray, usd: FloatArray, value: float) -> FloatArray:
    """P(best) of each arm by adaptive quadrature over its own quantile u = F_k(theta)."""
    shift = (usd - usd.min()) / value
    return np.array([_reference_arm(a, b, shift, k) for k in range(len(a))])


def _reference_arm(a: FloatArray, b: FloatArray, shift: FloatArray, k: int) -> float:
    def others(u: float) -> float:
        z = special.betaincinv(a[k], b[k], u) - shift[k]
        below = special.betainc(a, b, np.clip(z + shift, 0.0, 1.0))
        below[k] = 1.0
        return float(below.prod())

    points = {0.0, 1.0}
    for q in QUANTILES:
        z = special.betaincinv(a, b, q) - shift + shift[k]
        marks = special.betainc(a[k], b[k], np.clip(np.delete(z, k), 0.0, 1.0))
        points.update(marks[(marks > 1e-15) & (marks < 1 - 1e-15)].tolist())
    return sum(
        integrate.quad(others, x, y, epsabs=1e-11, epsrel=1e-8, limit=100)[0]
        for x, y in pairwise(sorted(points))
        if y - x > 1e-14
    )


if __name__ == "__main__":
    main()
