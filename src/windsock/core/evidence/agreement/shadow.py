"""What is learnt of a deployment that was asked beside the one that served."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from windsock.core.cascades.cascade_arm import Beta
from windsock.core.evidence.sources import SHADOW
from windsock.core.model.decisions import Decision
from windsock.core.model.requests import Cell, background_of

COINCIDE = 0.3
"""Chance that two wrong answers are the same: .12 to .59 on the tasks of `benchmarks/agreement`."""

LEAST, MOST = 0.02, 0.98
"""Success that is believed of anybody."""


def value_of(agrees: bool, served: float, shadow: float) -> float:
    """Chance that a shadow's answer is right, told only whether it says what was served.

    served, shadow  success believed of both, 0..1; they are taken to be right apart. Where the
    belief of the one that served is true, such values lead that of the shadow to the truth.
    """
    served, shadow = (min(MOST, max(LEAST, each)) for each in (served, shadow))
    both = served * shadow
    same = both + COINCIDE * (1.0 - served) * (1.0 - shadow)
    return both / same if agrees else (shadow - both) / (1.0 - same)


def shadow_of(decision_id: str) -> str:
    """The name by which the answer is found that was compared with that of this decision."""
    return f"shadow-of:{decision_id}"


def credited(decision: Decision) -> Decision:
    """Whose success is told by what is said of an answer: that of a shadow is one of the task and
    the deployment that it was about, as if it had answered there; others are of their own."""
    own = background_of(decision.key_id)
    if own is None or own.purpose != SHADOW or own.about is None:
        return decision
    cell = Cell.read(decision.cell.namespace, own.route, own.about.task)
    return replace(decision, cell=cell, deployment=own.about.deployment, escalates_to=None)


def least_known(believed: Iterable[tuple[str, Beta]]) -> str | None:
    """Whose success is least known: the name with the widest belief; None of nobody."""
    return max(believed, key=lambda each: _variance(each[1]), default=("", None))[0] or None


def _variance(beta: Beta) -> float:
    a, b = beta
    return a * b / ((a + b) ** 2 * (a + b + 1.0))


@dataclass(slots=True)
class ShadowTally:
    """Of one shadow of a route, since the start.

    compared    answers from which something was learnt; unread: that could not be compared
    held        of those compared, that agreed or passed
    total       of the rewards they were worth
    """

    compared: int = 0
    held: int = 0
    unread: int = 0
    total: float = 0.0

    def note(self, value: float | None, *, holds: bool) -> None:
        """One more answer; a value of None: it could not be compared."""
        if value is None:
            self.unread += 1
            return
        self.compared += 1
        self.held += holds
        self.total += value


@dataclass(slots=True)
class ShadowDesk:
    """What the shadows of one namespace and route have done; skipped: requests that may not be
    sent twice."""

    skipped: int = 0
    tallies: dict[str, ShadowTally] = field(default_factory=dict)

    def of(self, deployment: str) -> ShadowTally:
        """For counting."""
        return self.tallies.setdefault(deployment, ShadowTally())
