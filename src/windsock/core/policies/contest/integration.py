"""The integrals of many contests at once.

All arms of a contest share the variable z, so each density is evaluated once per node, and the
distributions are the integrals of the polynomials through the densities. The nodes are
Gauss-Legendre on panels as narrow as the narrowest arm that varies there, graded towards the
ends of a panel where a density may be infinite or kinked. The weights must sum to 1, which
checks every integral; panels are halved until they do.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

import numpy as np
from scipy import special

from windsock.core.model.arrays import FloatArray
from windsock.core.policies.contest.panels import Panels, Place, Span, panels_of
from windsock.core.policies.contest.quadrature import Rule

SUM_ERROR = 1e-8
"""Weights may sum to 1 within this; else panels are halved."""

ROUNDING = 2e-7
"""Where a density is infinite, nodes next to its end are rounded: halving does not help then."""

LEAST_BELOW = 1e-150
"""A distribution is taken to be this at least: an arm that is surely better divides by it."""

NOBODY = np.array([inf, 1.0, 1.0, 0.0, inf, -inf, -inf]).reshape(7, 1, 1)
"""Facts of an arm that is out: whatever it is compared with, it is surely below."""


def integrate(facts: FloatArray, low: Sequence[float]) -> FloatArray:
    """(contests, arms) chance of each arm to have the greatest utility.

    facts   (7, contests, arms) by how much success is lowered to be the utility, a, b, log B(a, b),
            standard deviation, ends of its range; `NOBODY` is out
    low     (contests,) utility that the best surely exceeds
    """
    spans = [Span.of(*each) for each in zip(low, *facts.tolist(), strict=True)]
    weights, errors = np.full(facts.shape[1:], np.nan), [inf] * len(spans)
    rows, part = list(range(len(spans))), facts
    while True:
        found = _won(part, panels_of([spans[row] for row in rows]))
        still = []
        for row, won, total in zip(rows, found, found.sum(axis=1).tolist(), strict=True):
            off = abs(total - 1.0)
            if off < errors[row]:
                weights[row], errors[row] = won / total, off
            if errors[row] >= max(SUM_ERROR, min(off, ROUNDING)) and spans[row].halve():
                still.append(row)
        if not still:
            return weights
        rows, part = still, facts[:, still]


def _won(facts: FloatArray, panels: Panels) -> FloatArray:
    """(contests, arms): chance of each to have the greatest utility, summed over the panels.

    Distributions come from the densities at the same nodes, since a distribution costs
    several times what a density does: the integral of the polynomial through them.
    """
    whole = np.empty((facts.shape[2], len(panels.owner)))
    masses = []
    for rule, place in panels.batches:
        mass = _mass(facts, panels, rule, place)
        whole[:, place] = mass.sum(axis=2)
        masses.append(mass)
    below = whole.cumsum(axis=1)
    below -= whole
    below += (_at_start(facts, panels) - below[:, panels.first].T)[panels.owner].T
    for (rule, place), mass in zip(panels.batches, masses, strict=True):
        inside = mass @ rule.sums
        inside += below[:, place, None]
        np.maximum(inside, LEAST_BELOW, out=inside)
        whole[:, place] = np.einsum("kpn,kpn->kp", mass, inside.prod(axis=0) / inside)
    won: FloatArray = np.add.reduceat(whole, panels.first, axis=1).T
    return won


def _at_start(facts: FloatArray, panels: Panels) -> FloatArray:
    """(contests, arms): chance of each arm to be below its contest's first panel."""
    shift, a, b = facts[:3]
    start = np.minimum(np.maximum(panels.left[panels.first, None] + shift, 0.0), 1.0)
    below: FloatArray = special.betainc(a, b, start)
    return below


def _mass(facts: FloatArray, panels: Panels, rule: Rule, place: Place) -> FloatArray:
    """(arms, panels, nodes): density of each arm's utility times the measure of the node."""
    by_panel = facts[:4, panels.owner[place]].transpose(0, 2, 1)
    shift, a, b, log_beta = by_panel[..., None]
    length = panels.length[place, None]
    theta = panels.left[place, None] + length * rule.nodes + shift
    inside = np.clip(theta, 1e-300, 1.0 - 2**-53)
    outside = inside != theta
    np.subtract(1.0, inside, out=theta)
    np.log(theta, out=theta)
    theta *= b - 1
    np.log(inside, out=inside)
    inside *= a - 1
    theta += inside
    theta -= log_beta
    np.exp(theta, out=theta)
    theta *= length * rule.measure
    theta[outside] = 0.0
    mass: FloatArray = theta
    return mass
