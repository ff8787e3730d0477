"""What checks are worth, where somebody judges: how often one fails an answer that is right.

A check that fails right answers as often as wrong ones tells nothing, however plausible it is: a
strict JSON parser throws out a model that puts its JSON in a fence.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

RIGHT = 0.5
"""A judgement from which on an answer is right."""

TRUSTED_AS = 4.0
"""Answers whose check is taken to have told right from wrong before any was judged."""

MOST = 200.0
"""Judged answers that are remembered; older ones fade."""


@dataclass(slots=True)
class CheckWorth:
    """Judged answers of one deployment at one task, and those of them that the check failed."""

    right: float = 0.0
    right_failed: float = 0.0
    wrong: float = 0.0
    wrong_failed: float = 0.0

    def note(self, *, is_right: bool, is_failed: bool) -> None:
        """An answer was both checked and judged."""
        total = self.right + self.wrong
        if total >= MOST:
            self._scale((MOST - 1) / total)
        if is_right:
            self.right, self.right_failed = self.right + 1, self.right_failed + is_failed
        else:
            self.wrong, self.wrong_failed = self.wrong + 1, self.wrong_failed + is_failed

    @property
    def fails_right(self) -> float | None:
        """Share of right answers that it fails; None if none was judged."""
        return self.right_failed / self.right if self.right else None

    @property
    def fails_wrong(self) -> float | None:
        """Share of wrong answers that it fails; None if none was judged."""
        return self.wrong_failed / self.wrong if self.wrong else None

    @property
    def say(self) -> float:
        """0..1, how well it tells right from wrong (Youden's J), trusted until it is known."""
        caught = (self.wrong_failed + TRUSTED_AS) / (self.wrong + TRUSTED_AS)
        lost = self.right_failed / (self.right + TRUSTED_AS)
        return max(0.0, caught - lost)

    def to_state(self) -> list[float]:
        """JSON-able and exact."""
        return [self.right, self.right_failed, self.wrong, self.wrong_failed]

    def _scale(self, factor: float) -> None:
        self.right *= factor
        self.right_failed *= factor
        self.wrong *= factor
        self.wrong_failed *= factor


def worth_of_state(state: Iterable[Any]) -> CheckWorth:
    """The worth of a `to_state`."""
    return CheckWorth(*state)
