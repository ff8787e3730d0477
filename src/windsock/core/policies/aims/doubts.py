"""What little belief in a deployment does to its weight: it is probed, held down, and named."""

from __future__ import annotations

import math

import numpy as np

from windsock.core.beliefs.beliefs import Beliefs
from windsock.core.beliefs.drift.change_detection import Mode
from windsock.core.model.arrays import FloatArray
from windsock.core.model.requests import Cell
from windsock.core.policies.views import CellView

YOUNG_SHARE = 0.3
"""Most of a task's requests that go to a deployment of which little is known."""


def probe_shares(beliefs: Beliefs, view: CellView) -> FloatArray | None:
    """(arms,) least weight that doubt asks for; None where nobody is in doubt."""
    probes = [beliefs.quality.probe(view.cell, name) for name in view.deployments]
    return np.array(probes) if any(probes) else None


def most_shares(beliefs: Beliefs, view: CellView, floor: float | None) -> FloatArray | None:
    """(arms,) most weight of young deployments and of provisional prices; None without a limit."""
    young = [is_unproven(beliefs, view.cell, name, floor) for name in view.deployments]
    most = np.where(young, YOUNG_SHARE, 1.0) if not all(young) else np.ones(len(young))
    if view.most_share:
        most = np.minimum(most, view.most_share)
    return most if most.min() < 1.0 else None


def is_unproven(beliefs: Beliefs, cell: Cell, name: str, floor: float | None) -> bool:
    """True of the young, but for those that reach the floor here by one standard error.

    All evidence counts: rewards, public figures, a family's, and those of its other tasks.
    """
    if not beliefs.is_young(cell, name):
        return False
    a, b = beliefs.posterior(cell, name)
    mean = a / (a + b)
    return floor is None or mean - math.sqrt(mean * (1 - mean) / (a + b + 1)) < floor


def doubts_of(beliefs: Beliefs, view: CellView, name: str, floor: float | None) -> tuple[str, ...]:
    """Why little is believed of a deployment: young, or its quality in doubt or lost."""
    mode = beliefs.quality.mode(view.cell, name)
    changed = () if mode is Mode.STEADY else (mode.value,)
    return ("young", *changed) if is_unproven(beliefs, view.cell, name, floor) else changed
