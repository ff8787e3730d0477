"""Posterior and prices to the exact chance that each arm is best.

Arm k has success theta_k ~ Beta(a_k, b_k) and costs c_k dollars a request. At a value of V
dollars per success it wins when its theta_k - c_k / V is the largest, so

    w_k(V) = integral f_k(z + c_k/V) * prod over j != k of F_j(z + c_j/V) dz

All arms share the variable z, so each distribution is evaluated once per node. The nodes are
Gauss-Legendre on panels as narrow as the narrowest arm that varies there, graded towards the
ends of a panel where a density may be infinite or kinked. The weights must sum to 1, which
checks every integral; panels are halved until they do.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy import special

FloatArray = NDArray[np.float64]
Indices = NDArray[np.intp]

NODES = 12
TAIL = 1e-10
SUM_ERROR = 1e-8
PANEL_SD = 3.5
GRADE = 6
GRADED_NODES = 24
EVEN_PANELS = 24
HALVINGS = 5
CROWD = 12
CROWD_GRID = 64
"""With more arms than CROWD, the range of the best one is looked for on a grid first."""

SMOOTH = 4.0
"""Beta parameter from which a density is smooth enough at the end of its support."""


def best_weights(a: FloatArray, b: FloatArray, usd: FloatArray, value_usd: float) -> FloatArray:
    """Exact probability that each arm has the greatest V * theta - cost.

    a, b       (arms,) Beta parameters, at least 0.5
    usd        (arms,) expected dollars of one request
    value_usd  V, dollars per success; 0 asks for the cheapest, inf for the best
    returns    (arms,), sums to 1; ties of the cheapest at V = 0 go to the better
    """
    return Contest(a, b, usd).weights(value_usd)


class Contest:
    """Arms prepared once, to be weighed at several values of V."""

    __slots__ = ("_a", "_b", "_high", "_log_beta", "_low", "_sd", "usd")

    def __init__(self, a: FloatArray, b: FloatArray, usd: FloatArray) -> None:
        self.usd = usd
        self._a, self._b = a, b
        self._low = special.betaincinv(a, b, TAIL)
        self._high = special.betainccinv(a, b, TAIL)
        total = a + b
        self._sd = np.sqrt(a * b / (total + 1)) / total
        self._log_beta = special.betaln(a, b)

    def weights(self, value_usd: float) -> FloatArray:
        """(arms,), sums to 1; see `best_weights`."""
        arms = np.arange(len(self.usd))
        if value_usd == 0.0:
            return self._share(np.flatnonzero(self.usd == self.usd.min()), np.zeros(len(arms)))
        if not np.isfinite(value_usd):
            return self._share(arms, np.zeros(len(arms)))
        return self._share(arms, (self.usd - self.usd.min()) / value_usd)

    def _share(self, among: Indices, shift: FloatArray) -> FloatArray:
        """P(best) `among` some arms whose success is lowered by `shift`."""
        weights = np.zeros(len(shift))
        low, high = self._low[among] - shift[among], self._high[among] - shift[among]
        alive = among[high > low.max()]
        if len(alive) <= 1:
            weights[alive if len(alive) else among[high.argmax()]] = 1.0
            return weights
        least = float((self._low[alive] - shift[alive]).max())
        if len(alive) > CROWD:
            least = self._floor_of_best(alive, shift[alive], least)
            alive = alive[self._high[alive] - shift[alive] > least]
        weights[alive] = self._integrate(alive, shift[alive], least)
        return weights

    def _floor_of_best(self, arms: Indices, shift: FloatArray, low: float) -> float:
        """A utility that the best of many arms surely exceeds; far above each arm's own."""
        grid = np.linspace(low, float((self._high[arms] - shift).max()), CROWD_GRID)
        theta = np.clip(grid + shift[:, None], 0.0, 1.0)
        all_below = special.betainc(self._a[arms, None], self._b[arms, None], theta).prod(axis=0)
        return float(grid[max(0, int(np.searchsorted(all_below, TAIL)) - 1)])

    def _integrate(self, arms: Indices, shift: FloatArray, low: float) -> FloatArray:
        left, right, sd = self._low[arms] - shift, self._high[arms] - shift, self._sd[arms]
        high = float(right.max())
        panel = PANEL_SD * sd
        slack = float(panel.min())
        ends = self._rough_ends(arms, shift, low - slack, high + slack)
        low, high = min([low, *ends]), max([high, *ends])
        for _ in range(HALVINGS):
            nodes, measure = _nodes(_edges(low, high, left, right, panel), ends)
            weights = self._densities(arms, shift, nodes) @ measure
            total = float(weights.sum())
            if abs(total - 1.0) < SUM_ERROR:
                break
            panel = panel / 2
        return weights / total

    def _rough_ends(self, arms: Indices, shift: FloatArray, low: float, high: float) -> FloatArray:
        """Ends of supports in low..high at which a density is not smooth."""
        ends = np.concatenate([-shift[self._a[arms] < SMOOTH], 1 - shift[self._b[arms] < SMOOTH]])
        return ends[(ends >= low) & (ends <= high)]

    def _densities(self, arms: Indices, shift: FloatArray, z: FloatArray) -> FloatArray:
        """(arms, nodes): density of the greatest utility at z being this arm's."""
        theta = np.clip(z + shift[:, None], 1e-300, 1.0 - 2**-53)
        a, b = self._a[arms, None], self._b[arms, None]
        log_below = np.log(np.maximum(special.betainc(a, b, theta), 1e-200))
        log_f = (a - 1) * np.log(theta) + (b - 1) * np.log1p(-theta) - self._log_beta[arms, None]
        log_f += log_below.sum(axis=0) - log_below
        log_f[(z + shift[:, None] <= 0) | (z + shift[:, None] >= 1)] = -np.inf
        density: FloatArray = np.exp(log_f)
        return density


def _edges(
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


def _nodes(edges: FloatArray, ends: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Nodes and their measures; panels that touch one of `ends` are graded towards both sides."""
    if not len(ends):
        return _spread(edges[:-1], np.diff(edges), _plain_nodes())
    edges = np.unique(np.concatenate([edges, ends]))
    left, length = edges[:-1], np.diff(edges)
    rough = np.isin(left, ends) | np.isin(edges[1:], ends)
    plain = _spread(left[~rough], length[~rough], _plain_nodes())
    graded = _spread(left[rough], length[rough], _graded_nodes())
    return np.concatenate([plain[0], graded[0]]), np.concatenate([plain[1], graded[1]])


def _spread(
    left: FloatArray, length: FloatArray, rule: tuple[FloatArray, FloatArray]
) -> tuple[FloatArray, FloatArray]:
    nodes, measure = rule
    return (left[:, None] + length[:, None] * nodes).ravel(), (length[:, None] * measure).ravel()


@cache
def _plain_nodes() -> tuple[FloatArray, FloatArray]:
    """Gauss-Legendre on [0, 1]."""
    t, share = np.polynomial.legendre.leggauss(NODES)
    return (t + 1) / 2, share / 2


@cache
def _graded_nodes() -> tuple[FloatArray, FloatArray]:
    """Gauss-Legendre through the distribution of Beta(GRADE, GRADE), flat at both ends.

    x^(a - 1) near an end becomes t^(GRADE a - 1), smooth enough for a >= 1/2.
    """
    t, share = np.polynomial.legendre.leggauss(GRADED_NODES)
    t, share = (t + 1) / 2, share / 2
    slope = np.exp((GRADE - 1) * (np.log(t) + np.log1p(-t)) - special.betaln(GRADE, GRADE))
    return special.betainc(GRADE, GRADE, t), share * slope
