"""Gauss-Legendre quadrature on panels between the ends and kinks of densities on 0..1."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy import special

from windsock.core.model.arrays import FloatArray, Indices

NODES = 16
"""Nodes of a panel on which every density is smooth."""

GRADE = 6
"""Beta parameter of the distribution through which graded panels are integrated."""

GRADED_NODES = 24
"""Nodes of a panel next to the end of a support."""

EVEN_PANELS = 24
"""Panels up to which they are all of one width."""

NEAR = 0.3
"""An edge gives way to the end of a support that is closer than this part of a panel."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Gauss-Legendre on a panel of length 1.

    nodes, measure  (nodes,)
    sums            (nodes, nodes): masses at the nodes to their integral up to each node
    """

    nodes: FloatArray
    measure: FloatArray
    sums: FloatArray


@dataclass(frozen=True, slots=True)
class Batch:
    """Panels of one rule: nodes and measure (panels, nodes), and their places in order."""

    rule: Rule
    nodes: FloatArray
    measure: FloatArray
    place: Indices


@dataclass(frozen=True, slots=True)
class Panels:
    """`count` panels from `start` on, in batches of one rule."""

    start: float
    count: int
    batches: tuple[Batch, ...]


def panel_edges(
    low: float, high: float, left: FloatArray, right: FloatArray, panel: FloatArray
) -> FloatArray:
    """Panel borders from low to high; even ones, unless one arm is far narrower than the span."""
    count = (high - low) / float(panel.min())
    if count <= EVEN_PANELS:
        return np.linspace(low, high, max(2, int(np.ceil(count))) + 1)
    edges = [low]
    while edges[-1] < high:
        edges.append(min(high, _next_edge(edges[-1], left, right, panel)))
    return np.array(edges)


def _next_edge(z: float, left: FloatArray, right: FloatArray, panel: FloatArray) -> float:
    """The farthest border that keeps to the panel of every arm that varies before it."""
    reach = np.where(right <= z, np.inf, np.maximum(z, left) + panel)
    starts = left[(left > z) & (panel < 0.5 * float((reach - z).min()))]
    nearest = float(reach.min())
    return min(nearest, float(starts.min())) if len(starts) else nearest


def panels_of(edges: FloatArray, ends: FloatArray) -> Panels:
    """Panels between the edges; those that touch one of `ends` are graded towards both sides."""
    if not len(ends):
        every = np.arange(len(edges) - 1)
        return Panels(float(edges[0]), len(every), (_batch(edges, every, plain_rule()),))
    step, inner = edges[1:] - edges[:-1], edges[1:-1]
    kept = inner[_distance_to_end(inner, ends) > NEAR * np.minimum(step[:-1], step[1:])]
    edges = np.unique(np.concatenate([edges[:1], kept, edges[-1:], ends]))
    is_end = np.zeros(len(edges), dtype=bool)
    is_end[np.searchsorted(edges, ends)] = True
    rough = is_end[:-1] | is_end[1:]
    plain, graded = np.flatnonzero(~rough), np.flatnonzero(rough)
    batches = (_batch(edges, plain, plain_rule()), _batch(edges, graded, graded_rule()))
    used = tuple(batch for batch in batches if len(batch.place))
    return Panels(float(edges[0]), len(rough), used)


def _distance_to_end(edges: FloatArray, ends: FloatArray) -> FloatArray:
    """(edges,): distance to the nearest end."""
    ends = np.sort(ends)
    after = np.searchsorted(ends, edges)
    left, right = ends[np.maximum(after - 1, 0)], ends[np.minimum(after, len(ends) - 1)]
    gap: FloatArray = np.minimum(np.abs(edges - left), np.abs(right - edges))
    return gap


def _batch(edges: FloatArray, place: Indices, rule: Rule) -> Batch:
    left, length = edges[place, None], (edges[place + 1] - edges[place])[:, None]
    return Batch(rule, left + length * rule.nodes, length * rule.measure, place)


@cache
def plain_rule() -> Rule:
    """Gauss-Legendre with NODES nodes."""
    t, share, sums = _gauss(NODES)
    return Rule(t, share, sums)


@cache
def graded_rule() -> Rule:
    """Gauss-Legendre through the distribution of Beta(GRADE, GRADE), flat at both ends.

    x^(a - 1) near an end becomes t^(GRADE a - 1), smooth enough for a >= 1/2.
    """
    t, share, sums = _gauss(GRADED_NODES)
    slope = np.exp((GRADE - 1) * (np.log(t) + np.log1p(-t)) - special.betaln(GRADE, GRADE))
    return Rule(special.betainc(GRADE, GRADE, t), share * slope, sums)


def _gauss(count: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Nodes and weights on [0, 1], and the weighted values to their integrals up to the nodes.

    The polynomial through the values is sum_k (2k + 1) <P_k, values> P_k in Legendre's P_k(2t - 1),
    and the integral of P_k is (P_k+1 - P_k-1) / (2 (2k + 1)).
    """
    x, share = np.polynomial.legendre.leggauss(count)
    values = np.polynomial.legendre.legvander(x, count)
    integrals = np.empty((count, count))
    integrals[:, 0] = (x + 1) / 2
    integrals[:, 1:] = (values[:, 2:] - values[:, :-2]) / 2
    sums = values[:, :count] @ integrals.T
    return (x + 1) / 2, share / 2, sums
