"""What checks are worth, where somebody judges: how often one fails an answer that is right.

A check that fails right answers as often as wrong ones tells nothing, however plausible it is: a
strict JSON parser throws out a model that puts its JSON in a fence.
"""

from __future__ import annotations

from dataclasses import dataclass

from windsock.core.beliefs.proxies.sums import ProxySums


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckWorth:
    """Judged answers of one deployment at one task, and those of them that the check failed."""

    right: float = 0.0
    right_failed: float = 0.0
    wrong: float = 0.0
    wrong_failed: float = 0.0

    @property
    def fails_right(self) -> float | None:
        """Share of right answers that it fails; None if none was judged."""
        return self.right_failed / self.right if self.right else None

    @property
    def fails_wrong(self) -> float | None:
        """Share of wrong answers that it fails; None if none was judged."""
        return self.wrong_failed / self.wrong if self.wrong else None


def worth_by(sums: ProxySums) -> CheckWorth:
    """What answers that were both checked and labelled tell of a check; graded labels count so."""
    right, passed = sums.labels, sums.products
    return CheckWorth(
        right=right,
        right_failed=right - passed,
        wrong=sums.both - right,
        wrong_failed=sums.both - right - (sums.scores - passed),
    )
