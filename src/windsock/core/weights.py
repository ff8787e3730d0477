"""Posterior and prices to the exact chance that each arm is best.

Arm k has success theta_k ~ Beta(a_k, b_k) and costs c_k dollars a request. At a value of V
dollars per success it wins when its theta_k - c_k / V is the largest, so

    w_k(V) = integral f_k(z + c_k/V) * prod over j != k of F_j(z + c_j/V) dz

All arms share the variable z, so each distribution is evaluated once per node. The nodes are
Gauss-Legendre on panels as narrow as the narrowest arm that matters, graded towards both ends
of a panel because a Beta density may be infinite at the ends of its support. The weights must
sum to 1, which checks every integral; panels are halved until they do.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy import special

FloatArray = NDArray[np.float64]

NODES = 12
TAIL = 1e-10
LEAST_PARAMETER = 0.05
SUM_ERROR = 1e-9
MAX_PANELS = 16_384


def best_weights(a: FloatArray, b: FloatArray, usd: FloatArray, value_usd: float) -> FloatArray:
    """Exact probability that each arm has the greatest V * theta - cost.

    a, b       (arms,) Beta parameters, at least 0.05
    usd        (arms,) expected dollars of one request
    value_usd  V, dollars per success; 0 asks for the cheapest, inf for the best
    returns    (arms,), sums to 1; ties of the cheapest at V = 0 go to the better
    """
    if len(a) == 1:
        return np.ones(1)
    if value_usd == 0.0:
        return _cheapest(a, b, usd)
    shift = (usd - usd.min()) / value_usd if np.isfinite(value_usd) else np.zeros_like(usd)
    alive = _contenders(a, b, shift)
    weights = np.zeros(len(a))
    if len(alive) == 1:
        weights[alive] = 1.0
        return weights
    weights[alive] = _integrate(a[alive], b[alive], shift[alive])
    return weights


def _cheapest(a: FloatArray, b: FloatArray, usd: FloatArray) -> FloatArray:
    tied = np.flatnonzero(usd == usd.min())
    weights = np.zeros(len(usd))
    weights[tied] = best_weights(a[tied], b[tied], np.zeros(len(tied)), np.inf)
    return weights


def _contenders(a: FloatArray, b: FloatArray, shift: FloatArray) -> NDArray[np.intp]:
    """Arms whose best plausible utility reaches the worst plausible one of every other."""
    low = special.betaincinv(a, b, TAIL) - shift
    high = special.betainccinv(a, b, TAIL) - shift
    return np.flatnonzero(high > low.max())


def _integrate(a: FloatArray, b: FloatArray, shift: FloatArray) -> FloatArray:
    low = float((special.betaincinv(a, b, TAIL) - shift).max())
    high = float((special.betainccinv(a, b, TAIL) - shift).max())
    width = float(np.sqrt(a * b / (a + b + 1)).__truediv__(a + b).min())
    panels = int(np.clip(np.ceil((high - low) / (4 * width)), 2, MAX_PANELS))
    while True:
        weights = _on_panels(a, b, shift, _edges(low, high, panels, shift))
        total = float(weights.sum())
        if abs(total - 1.0) < SUM_ERROR or panels >= MAX_PANELS:
            return weights / total
        panels *= 2


def _edges(low: float, high: float, panels: int, shift: FloatArray) -> FloatArray:
    ends = np.concatenate([-shift, 1.0 - shift])
    inner = ends[(ends > low) & (ends < high)]
    return np.sort(np.concatenate([np.linspace(low, high, panels + 1), inner]))


def _on_panels(a: FloatArray, b: FloatArray, shift: FloatArray, edges: FloatArray) -> FloatArray:
    unit, share = _graded_nodes()
    length = np.diff(edges)[:, None]
    z = (edges[:-1, None] + length * unit).ravel()
    measure = (length * share).ravel()
    theta = np.clip(z + shift[:, None], 0.0, 1.0)
    below = special.betainc(a[:, None], b[:, None], theta)
    density = _density(a[:, None], b[:, None], theta)
    with np.errstate(divide="ignore"):
        log_all = np.log(below).sum(axis=0)
    others = np.exp(np.where(np.isfinite(log_all), log_all, -np.inf)) / np.maximum(below, 1e-300)
    return (density * others) @ measure


def _density(a: FloatArray, b: FloatArray, theta: FloatArray) -> FloatArray:
    inside = (theta > 0.0) & (theta < 1.0)
    x = np.where(inside, theta, 0.5)
    log_f = special.xlogy(a - 1, x) + special.xlog1py(b - 1, -x) - special.betaln(a, b)
    return np.where(inside, np.exp(log_f), 0.0)


@cache
def _graded_nodes() -> tuple[FloatArray, FloatArray]:
    """Gauss-Legendre on [0, 1] through t^3 (10 - 15 t + 6 t^2), which is flat at both ends."""
    t, share = np.polynomial.legendre.leggauss(NODES)
    t, share = (t + 1) / 2, share / 2
    return t**3 * (10 - 15 * t + 6 * t * t), share * 30 * (t * (1 - t)) ** 2
