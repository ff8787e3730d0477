"""Posterior and prices to the exact chance that each arm is best.

Arm k has success theta_k ~ Beta(a_k, b_k) and costs c_k dollars a request. At a value of V
dollars per success it wins when its theta_k - c_k / V is the largest, so

    w_k(V) = integral f_k(z + c_k/V) * prod over j != k of F_j(z + c_j/V) dz

All arms share the variable z, so each density is evaluated once per node, and the distributions are
the integrals of the polynomials through the densities. The nodes are
Gauss-Legendre on panels as narrow as the narrowest arm that varies there, graded towards the
ends of a panel where a density may be infinite or kinked. The weights must sum to 1, which
checks every integral; panels are halved until they do.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy import special

from windsock.core.model.arrays import FloatArray, Indices

NODES = 16
TAIL = 1e-10
SUM_ERROR = 1e-8
ROUNDING = 2e-7
"""Where a density is infinite, nodes next to its end are rounded: halving does not help then."""
PANEL_SD = 1.4
GRADE = 6
GRADED_NODES = 24
EVEN_PANELS = 24
HALVINGS = 5
ROUGH_GRID = np.linspace(0.0, 1.0, 25)
CROWD = 12
CROWD_HALVINGS = 6
"""With more arms than CROWD, the range of the best one is looked for first, by bisection."""

LEAST_BELOW = 1e-150
"""A distribution is taken to be this at least: an arm that is surely better divides by it."""

NEAR = 0.3
"""An edge gives way to the end of a support that is closer than this part of a panel."""

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

    __slots__ = ("_a", "_b", "_high", "_log_beta", "_low", "_mean", "_sd", "usd")

    def __init__(self, a: FloatArray, b: FloatArray, usd: FloatArray) -> None:
        self.usd = usd
        self._a, self._b = a, b
        self._low = special.betaincinv(a, b, TAIL)
        self._high = special.betainccinv(a, b, TAIL)
        total = a + b
        self._mean = a / total
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

    def rough(self, values_usd: FloatArray) -> FloatArray:
        """(values, arms) weights to a few percent, for a tenth of the time: where to look.

        Success is taken to be normal, on an even grid.
        """
        with np.errstate(divide="ignore", invalid="ignore"):
            shift = (self.usd - self.usd.min()) / values_usd[:, None]
        shift = np.where(self.usd == self.usd.min(), 0.0, shift)
        mean = (self._mean - shift)[:, :, None]
        low, high = (self._low - shift).max(axis=1), (self._high - shift).max(axis=1)
        low = np.maximum(low, (mean[:, :, 0] - 2 * self._sd).max(axis=1))
        z = low[:, None] + (high - low)[:, None] * ROUGH_GRID
        with np.errstate(invalid="ignore"):
            below = np.maximum(special.ndtr((z[:, None, :] - mean) / self._sd[:, None]), 1e-12)
        middle = (below[:, :, 1:] + below[:, :, :-1]) / 2
        won = (np.diff(below, axis=2) / middle * middle.prod(axis=1)[:, None]).sum(axis=2)
        won += 1e-12
        weights: FloatArray = won / won.sum(axis=1, keepdims=True)
        return weights

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
        a, b, high = self._a[arms], self._b[arms], float((self._high[arms] - shift).max())
        for _ in range(CROWD_HALVINGS):
            middle = (low + high) / 2
            theta = np.minimum(middle + shift, 1.0)
            is_below_sure = float(special.betainc(a, b, theta).prod()) < TAIL
            low, high = (middle, high) if is_below_sure else (low, middle)
        return low

    def _integrate(self, arms: Indices, shift: FloatArray, low: float) -> FloatArray:
        left, right, sd = self._low[arms] - shift, self._high[arms] - shift, self._sd[arms]
        high = float(right.max())
        panel = PANEL_SD * sd
        slack = float(panel.min())
        ends = self._rough_ends(arms, shift, low - slack, high + slack)
        low, high = min([low, *ends]), max([high, *ends])
        weights: FloatArray = np.empty(0)
        error = np.inf
        for _ in range(HALVINGS):
            panels = _panels(_edges(low, high, left, right, panel), ends)
            found = self._win(arms, shift, panels)
            off = abs(float(found.sum()) - 1.0)
            if off < error:
                weights, error = found, off
            if error < SUM_ERROR or error < min(off, ROUNDING):
                break
            panel = panel / 2
        weights /= weights.sum()
        return weights

    def _rough_ends(self, arms: Indices, shift: FloatArray, low: float, high: float) -> FloatArray:
        """Ends of supports in low..high at which a density is not smooth."""
        ends = np.concatenate([-shift[self._a[arms] < SMOOTH], 1 - shift[self._b[arms] < SMOOTH]])
        return ends[(ends >= low) & (ends <= high)]

    def _win(self, arms: Indices, shift: FloatArray, panels: _Panels) -> FloatArray:
        """(arms,): chance of each to have the greatest utility, summed over the panels.

        Distributions come from the densities at the same nodes, since a distribution costs
        several times what a density does: the integral of the polynomial through them.
        """
        batches = [(batch, self._mass(arms, shift, batch)) for batch in panels.batches]
        whole = np.empty((len(arms), panels.count))
        for batch, mass in batches:
            whole[:, batch.place] = mass.sum(axis=2)
        start = np.clip(panels.start + shift, 0.0, 1.0)
        below = special.betainc(self._a[arms], self._b[arms], start)[:, None]
        below = below + np.cumsum(whole, axis=1) - whole
        weights = np.zeros(len(arms))
        for batch, mass in batches:
            inside = below[:, batch.place, None] + mass @ batch.rule.sums
            np.maximum(inside, LEAST_BELOW, out=inside)
            weights += np.einsum("kpn,kpn->k", mass, inside.prod(axis=0) / inside)
        return weights

    def _mass(self, arms: Indices, shift: FloatArray, batch: _Batch) -> FloatArray:
        """(arms, panels, nodes): density of each arm's utility times the measure of the node."""
        theta = batch.nodes + shift[:, None, None]
        outside = (theta <= 0.0) | (theta >= 1.0)
        np.clip(theta, 1e-300, 1.0 - 2**-53, out=theta)
        log_f = 1.0 - theta
        np.log(log_f, out=log_f)
        log_f *= (self._b[arms] - 1)[:, None, None]
        np.log(theta, out=theta)
        theta *= (self._a[arms] - 1)[:, None, None]
        log_f += theta
        log_f -= self._log_beta[arms][:, None, None]
        np.exp(log_f, out=log_f)
        log_f *= batch.measure
        log_f[outside] = 0.0
        return log_f


@dataclass(frozen=True, slots=True)
class _Rule:
    """Gauss-Legendre on a panel of length 1.

    nodes, measure  (nodes,)
    sums            (nodes, nodes): masses at the nodes to their integral up to each node
    """

    nodes: FloatArray
    measure: FloatArray
    sums: FloatArray


@dataclass(frozen=True, slots=True)
class _Batch:
    """Panels of one rule: nodes and measure (panels, nodes), and their places in order."""

    rule: _Rule
    nodes: FloatArray
    measure: FloatArray
    place: Indices


@dataclass(frozen=True, slots=True)
class _Panels:
    start: float
    count: int
    batches: tuple[_Batch, ...]


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


def _panels(edges: FloatArray, ends: FloatArray) -> _Panels:
    """Panels between the edges; those that touch one of `ends` are graded towards both sides."""
    if not len(ends):
        every = np.arange(len(edges) - 1)
        return _Panels(float(edges[0]), len(every), (_batch(edges, every, _plain_rule()),))
    step, inner = edges[1:] - edges[:-1], edges[1:-1]
    kept = inner[_gap(inner, ends) > NEAR * np.minimum(step[:-1], step[1:])]
    edges = np.unique(np.concatenate([edges[:1], kept, edges[-1:], ends]))
    is_end = np.zeros(len(edges), dtype=bool)
    is_end[np.searchsorted(edges, ends)] = True
    rough = is_end[:-1] | is_end[1:]
    plain, graded = np.flatnonzero(~rough), np.flatnonzero(rough)
    batches = (_batch(edges, plain, _plain_rule()), _batch(edges, graded, _graded_rule()))
    used = tuple(batch for batch in batches if len(batch.place))
    return _Panels(float(edges[0]), len(rough), used)


def _gap(edges: FloatArray, ends: FloatArray) -> FloatArray:
    """(edges,): distance to the nearest end."""
    ends = np.sort(ends)
    after = np.searchsorted(ends, edges)
    left, right = ends[np.maximum(after - 1, 0)], ends[np.minimum(after, len(ends) - 1)]
    gap: FloatArray = np.minimum(np.abs(edges - left), np.abs(right - edges))
    return gap


def _batch(edges: FloatArray, place: Indices, rule: _Rule) -> _Batch:
    left, length = edges[place, None], (edges[place + 1] - edges[place])[:, None]
    return _Batch(rule, left + length * rule.nodes, length * rule.measure, place)


@cache
def _plain_rule() -> _Rule:
    t, share, sums = _gauss(NODES)
    return _Rule(t, share, sums)


@cache
def _graded_rule() -> _Rule:
    """Gauss-Legendre through the distribution of Beta(GRADE, GRADE), flat at both ends.

    x^(a - 1) near an end becomes t^(GRADE a - 1), smooth enough for a >= 1/2.
    """
    t, share, sums = _gauss(GRADED_NODES)
    slope = np.exp((GRADE - 1) * (np.log(t) + np.log1p(-t)) - special.betaln(GRADE, GRADE))
    return _Rule(special.betainc(GRADE, GRADE, t), share * slope, sums)


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
