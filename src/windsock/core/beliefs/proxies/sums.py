"""What a proxy has said of a deployment's answers at a task, beside what people said: plain sums.

A proxy (a judge, a check, agreement, what users do) scores answers without knowing whether they
are right; a label knows. Sums add in any order, and over replicas.
"""

from __future__ import annotations

from typing import NamedTuple


class ProxySums(NamedTuple):
    """Answers that a proxy scored J in 0..1, and those of them with a label s in 0..1 as well.

    judged, total, squares  answers scored: their number N, the sums of J and J²
    both                    answers known both ways, n
    labels, label_squares   of those: sums of s and s²
    scores, score_squares, products     sums of J, J² and sJ
    """

    judged: float = 0.0
    total: float = 0.0
    squares: float = 0.0
    both: float = 0.0
    labels: float = 0.0
    label_squares: float = 0.0
    scores: float = 0.0
    score_squares: float = 0.0
    products: float = 0.0

    def plus(self, other: ProxySums, factor: float = 1.0) -> ProxySums:
        """These, and `factor` times others; below 0 they are taken back."""
        return ProxySums(*[mine + factor * its for mine, its in zip(self, other, strict=True)])

    def times(self, factor: float) -> ProxySums:
        """Each sum `factor` as much."""
        return ProxySums(*[factor * part for part in self])


NO_SUMS = ProxySums()


def scored(score: float) -> ProxySums:
    """One answer that a proxy scored."""
    return ProxySums(judged=1.0, total=score, squares=score * score)


def known_both_ways(score: float, label: float) -> ProxySums:
    """What a label adds to an answer that a proxy scored."""
    return ProxySums(
        both=1.0,
        labels=label,
        label_squares=label * label,
        scores=score,
        score_squares=score * score,
        products=score * label,
    )
