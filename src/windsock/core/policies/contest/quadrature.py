"""Gauss-Legendre quadrature on a panel, plain or graded towards both of its sides."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy import special

from windsock.core.model.arrays import FloatArray

NODES = 16
"""Nodes of a panel on which every density is smooth."""

GRADE = 6
"""Beta parameter of the distribution through which graded panels are integrated."""

GRADED_NODES = 24
"""Nodes of a panel next to the end of a support."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Gauss-Legendre on a panel of length 1.

    nodes, measure  (nodes,)
    sums            (nodes, nodes): masses at the nodes to their integral up to each node
    """

    nodes: FloatArray
    measure: FloatArray
    sums: FloatArray


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
