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

import numpy as np
from scipy import special

from windsock.core.model.arrays import FloatArray, Indices
from windsock.core.policies.quadrature import Batch, Panels, panel_edges, panels_of

TAIL = 1e-10
"""Chance outside the range that an arm is integrated over, on each side."""

SUM_ERROR = 1e-8
"""Weights may sum to 1 within this; else panels are halved."""

ROUNDING = 2e-7
"""Where a density is infinite, nodes next to its end are rounded: halving does not help then."""
PANEL_SD = 1.4
"""Width of a panel in standard deviations of the narrowest arm that varies there."""

HALVINGS = 5
"""Times that panels are halved at most."""

ROUGH_GRID = np.linspace(0.0, 1.0, 25)
"""Nodes of the rough weights, in parts of the range."""

CROWD = 12
CROWD_HALVINGS = 6
"""With more arms than CROWD, the range of the best one is looked for first, by bisection."""

LEAST_BELOW = 1e-150
"""A distribution is taken to be this at least: an arm that is surely better divides by it."""

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
            panels = panels_of(panel_edges(low, high, left, right, panel), ends)
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

    def _win(self, arms: Indices, shift: FloatArray, panels: Panels) -> FloatArray:
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

    def _mass(self, arms: Indices, shift: FloatArray, batch: Batch) -> FloatArray:
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
