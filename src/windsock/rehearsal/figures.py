"""What runs came to, over all seeds: means and intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from windsock.simulation.results.measures import RunSummary

LOW, HIGH = 5.0, 95.0
"""Percentiles of the interval that is shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """Over seeds: the mean, and the LOW and HIGH percentiles.

    as_believed     if success and lengths are truly what is believed: the mean of runs apart
    """

    mean: float
    as_believed: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """One of those that ran. shares: of the requests, by deployment."""

    name: str
    spend_usd: Interval
    success: Interval
    p95_latency_s: Interval
    shares: Mapping[str, Interval]


Row = tuple[float, float, float, dict[str, float]]
"""(spend, success, p95 latency, shares) of one seed."""


def rows_of(runs: Sequence[RunSummary]) -> list[Row]:
    """Of each run."""
    return [(r.spend_usd, r.success, r.p95_latency_s, r.share_by_deployment) for r in runs]


def differences_of(changed: Sequence[RunSummary], before: Sequence[RunSummary]) -> list[Row]:
    """Of each run to the one of the same seed before."""
    found = []
    for (usd, success, p95, shares), (usd0, success0, p95_0, shares0) in zip(
        rows_of(changed), rows_of(before), strict=True
    ):
        names = {**shares0, **shares}
        moved = {name: shares.get(name, 0.0) - shares0.get(name, 0.0) for name in names}
        found.append((usd - usd0, success - success0, p95 - p95_0, moved))
    return found


def figures_of(name: str, rows: Sequence[Row], *, seeds: int, every: int) -> Figures:
    """Over rows of the seeds, and after them of the runs in which all is as believed.

    every   one request of so many was stepped
    """
    names = dict.fromkeys(key for *_, shares in rows for key in shares)
    return Figures(
        name=name,
        spend_usd=_interval([every * row[0] for row in rows], seeds),
        success=_interval([row[1] for row in rows], seeds),
        p95_latency_s=_interval([row[2] for row in rows], seeds),
        shares={key: _interval([row[3].get(key, 0.0) for row in rows], seeds) for key in names},
    )


def _interval(values: Sequence[float], seeds: int) -> Interval:
    """Of values of the seeds, and after them of the runs in which all is as believed."""
    drawn, believed = values[:seeds], values[seeds:]
    low, high = np.percentile(drawn, [LOW, HIGH])
    return Interval(
        mean=float(np.mean(drawn)),
        as_believed=float(np.mean(believed)),
        low=float(low),
        high=float(high),
    )
