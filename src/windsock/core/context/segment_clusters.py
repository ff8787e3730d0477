"""Where the segments of a route lie, and whether what divides them is more than chance.

Two tests by the covariances of the regressions. Features must tell deployments apart at all, or
nothing is divided: the slopes are compared by Wald's chi-square, which looks at every direction
that clusters could be found in. Then clusters between which no deployment's gain per size differs
are one segment: the same deployments win in them at the same values of a success.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special

from windsock.core.context.features import EXTREMES
from windsock.core.context.ridge import Ridge
from windsock.core.model.arrays import FloatArray, Indices

LEAST_SIZE = 0.2
"""Of the mean request; a request predicted to be smaller is taken to have this size."""

CHANCE = 0.001
"""How often requests are divided although no feature tells deployments apart."""

ALIKE = 0.05
"""Neighbouring clusters are one segment if chance alone divides them further this often."""

TELLING = 0.5
"""Standard deviations from the mean request at which a feature is said of a segment."""

MOST_SAID = 3
"""Features said of a segment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentClusters:
    """
    version         grows with every change of borders
    deployments     in the order of the columns
    gain            (features + 1, deployments) predicted success
    size            (features + 1,) predicted size, 1 is the mean request
    centres         (clusters, deployments)
    segments        (clusters,) the segment that a cluster is part of, counted from 0
    success         (segments, deployments) mean predicted success
    sizes           (segments,) mean predicted size
    holds           (segments,) what its requests are like, in words
    """

    version: int
    deployments: tuple[str, ...]
    gain: FloatArray
    size: FloatArray
    centres: FloatArray
    segments: tuple[int, ...]
    success: FloatArray
    sizes: FloatArray
    holds: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.sizes)

    def marks(self) -> list[str]:
        """The segments as `version.index`, as cells have them."""
        return [f"{self.version}.{index}" for index in range(len(self))]

    def segment(self, x: FloatArray) -> int:
        """Index of the segment that (1, features) belongs to."""
        gap = self.centres - gain_per_size(x @ self.gain, float(x @ self.size))
        return self.segments[int((gap * gap).sum(axis=1).argmin())]

    def words(self, index: int) -> str:
        """What a segment holds, for people."""
        success = dict(zip(self.deployments, self.success[index].tolist(), strict=True))
        best = max(success, key=lambda name: success[name])
        worst = min(success, key=lambda name: success[name])
        size = (
            "short" if self.sizes[index] < 0.75 else "long" if self.sizes[index] > 1.3 else "usual"
        )
        parts = (
            self.holds[index],
            f"{size} answers",
            f"{best} succeeds at {success[best]:.0%}, "
            f"{worst} loses {success[best] - success[worst]:.0%}",
        )
        return "; ".join(filter(None, parts))

    def to_state(self) -> dict[str, Any]:
        """JSON-able, exact."""
        return {
            "version": self.version,
            "deployments": list(self.deployments),
            "segments": list(self.segments),
            "holds": list(self.holds),
            **{name: getattr(self, name).tolist() for name in ARRAYS},
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> SegmentClusters:
        """The borders that `to_state` was given."""
        return cls(
            version=int(state["version"]),
            deployments=tuple(state["deployments"]),
            segments=tuple(state["segments"]),
            holds=tuple(state["holds"]),
            **{name: np.array(state[name]) for name in ARRAYS},
        )


ARRAYS = ("gain", "size", "centres", "success", "sizes")
"""Fields that are arrays, in a state."""


def find_clusters(
    ridges: Mapping[str, Ridge], size: FloatArray, x: FloatArray, *, count: int, ridge: float
) -> SegmentClusters | None:
    """Borders through the requests `x`, of version 0; None if nothing worth a border is found.

    x       (requests, features + 1)
    count   clusters to look for
    """
    if not are_told_apart(list(ridges.values())):
        return None
    gain = np.stack([each.coefficients(ridge) for each in ridges.values()], axis=1)
    success, sizes = x @ gain, np.maximum(x @ size, LEAST_SIZE)
    centres, of = cluster(gain_per_size(success, sizes), count)
    live, of = np.unique(of, return_inverse=True)
    points = np.array([_per_size(x, sizes, of == g) for g in range(len(live))])
    joined = alike(list(ridges.values()), points)
    of = np.array(joined)[of]
    if not of.any():
        return None
    parts = [of == g for g in range(of.max() + 1)]
    return SegmentClusters(
        version=0,
        deployments=tuple(ridges),
        gain=gain,
        size=size,
        centres=centres[live],
        segments=tuple(joined),
        success=np.array([success[part].mean(axis=0) for part in parts]).clip(0.03, 0.97),
        sizes=np.array([sizes[part].mean() for part in parts]),
        holds=tuple(held(x[part], x) for part in parts),
    )


def are_told_apart(ridges: Sequence[Ridge]) -> bool:
    """True if features change the success of deployments differently, by more than chance."""
    slopes = [each.coefficients(1.0) for each in ridges]
    certain = [
        each.penalised(1.0) / each.variance(slope)
        for each, slope in zip(ridges, slopes, strict=True)
    ]
    inner = [_without_constant(matrix) for matrix in certain]
    tails = [slope[1:] for slope in slopes]
    usual = np.linalg.solve(sum(inner), sum(m @ t for m, t in zip(inner, tails, strict=True)))
    wald = sum(
        float((tail - usual) @ matrix @ (tail - usual))
        for matrix, tail in zip(inner, tails, strict=True)
    )
    return bool(wald > special.chdtri(len(usual) * (len(ridges) - 1), CHANCE))


def alike(ridges: Sequence[Ridge], points: FloatArray) -> list[int]:
    """The segment of each cluster: the nearest two are joined as long as chance divides them.

    points  (clusters, features + 1) mean request per size, weighed by its requests
    """
    slopes = [each.coefficients(1.0) for each in ridges]
    spread = [
        np.linalg.inv(each.penalised(1.0)).astype(np.float64) * each.variance(slope)
        for each, slope in zip(ridges, slopes, strict=True)
    ]
    segments = list(range(len(points)))
    centres = {index: (point, 1.0) for index, point in enumerate(points)}
    limit = special.chdtri(len(ridges) - 1, ALIKE)
    while len(centres) > 1:
        gaps = {
            (i, j): _distance(slopes, spread, centres[i][0] - centres[j][0])
            for i in centres
            for j in centres
            if i < j
        }
        (i, j), least = min(gaps.items(), key=lambda item: item[1])
        if least > limit:
            break
        centres[i] = _joined(centres[i], centres.pop(j))
        segments = [i if segment == j else segment for segment in segments]
    order = sorted(set(segments))
    return [order.index(segment) for segment in segments]


def gain_per_size(success: FloatArray, size: FloatArray | float) -> FloatArray:
    """What each deployment gains over the mean of all, per relative size; (..., deployments)."""
    contrast = success - success.mean(axis=-1, keepdims=True)
    divided: FloatArray = contrast / np.maximum(np.asarray(size), LEAST_SIZE)[..., None]
    return divided


def cluster(points: FloatArray, count: int, rounds: int = 30) -> tuple[FloatArray, Indices]:
    """k-means from a deterministic start: centres (count, d) and the centre of each point."""
    axis = np.linalg.svd(points - points.mean(axis=0), full_matrices=False)[2][0]
    rank = np.argsort(np.argsort(points @ axis, kind="stable"), kind="stable")
    of: Indices = rank * count // len(points)
    centres = np.array([points[of == g].mean(axis=0) for g in range(count)])
    for _ in range(rounds):
        gaps = ((points[:, None, :] - centres) ** 2).sum(axis=2)
        moved = gaps.argmin(axis=1)
        if (moved == of).all():
            break
        of = moved
        for g in range(count):
            if (of == g).any():
                centres[g] = points[of == g].mean(axis=0)
    return centres, of


def held(x: FloatArray, everything: FloatArray) -> str:
    """What requests are like beside all requests: up to MOST_SAID features that tell most.

    Features that are not those of `context.features` have no names and are not spoken of.
    """
    spread = everything.std(axis=0)[1:]
    apart = (x.mean(axis=0) - everything.mean(axis=0))[1:] / np.where(spread > 0, spread, np.inf)
    if len(apart) < len(EXTREMES):
        return ""
    told = sorted(zip(apart.tolist(), EXTREMES, strict=False), key=lambda pair: -abs(pair[0]))
    said = [less if gap < 0 else more for gap, (less, more) in told if abs(gap) >= TELLING]
    return ", ".join(said[:MOST_SAID])


def _per_size(x: FloatArray, sizes: FloatArray, part: FloatArray) -> FloatArray:
    point: FloatArray = (x[part] / sizes[part, None]).mean(axis=0)
    return point


def _joined(
    one: tuple[FloatArray, float], other: tuple[FloatArray, float]
) -> tuple[FloatArray, float]:
    total = one[1] + other[1]
    return (one[0] * one[1] + other[0] * other[1]) / total, total


def _distance(slopes: Sequence[FloatArray], spread: Sequence[FloatArray], gap: FloatArray) -> float:
    """Chi-square of the deployments' gains moving alike from one cluster to another."""
    moves = np.array([gap @ slope for slope in slopes])
    certain = 1.0 / np.array([gap @ matrix @ gap for matrix in spread])
    usual = (certain @ moves) / certain.sum()
    return float(certain @ (moves - usual) ** 2)


def _without_constant(certain: FloatArray) -> FloatArray:
    """Information on the slopes where the constant is not known (its Schur complement)."""
    inner: FloatArray = certain[1:, 1:] - np.outer(certain[1:, 0], certain[0, 1:]) / certain[0, 0]
    return inner
