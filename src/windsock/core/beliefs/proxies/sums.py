"""What a proxy has said of a deployment's answers at a task, beside what people said: plain sums.

A proxy (a judge, a check, agreement, what users do) scores answers without knowing whether they
are right; a label knows. Sums add in any order, and over replicas.
"""

from __future__ import annotations

from typing import NamedTuple


class ProxySums(NamedTuple):
    """Answers that a proxy scored J in 0..1, those with a label s in 0..1 apart.

    judged, total, squares  answers scored that have no label: their number N, sums of J and J²
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

    def at_most(self, alone: float, beside: float) -> ProxySums:
        """With so many answers without and with a label, their means as they are; none below 0."""
        parts = [max(0.0, part) for part in self]
        shares = alone / max(alone, parts[0]), beside / max(beside, parts[3])
        return ProxySums(*[part * shares[at >= 3] for at, part in enumerate(parts)])

    def scored(self) -> tuple[float, float, float]:
        """All answers scored: their number, the sums of J and J²."""
        return (
            self.judged + self.both,
            self.total + self.scores,
            self.squares + self.score_squares,
        )


NO_SUMS = ProxySums()


def scored(score: float) -> ProxySums:
    """One answer that a proxy scored, without a label."""
    return ProxySums(judged=1.0, total=score, squares=score * score)


def known_both_ways(score: float, label: float) -> ProxySums:
    """One answer that a proxy scored and a label judged."""
    return ProxySums(
        both=1.0,
        labels=label,
        label_squares=label * label,
        scores=score,
        score_squares=score * score,
        products=score * label,
    )
