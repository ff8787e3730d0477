"""What nobody knows, drawn for each seed: how good models truly are, how long their answers.

Over the seeds of a rehearsal each is a Latin hypercube (McKay, Beckman, Conover 1979): one draw
from every slice of equal chance, in an order of its own, so that a few seeds show the whole range
and their middle is the middle of what is known. Seeds beyond those draw nothing: there all is as
believed.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any
from zlib import crc32

import numpy as np
from scipy import special

from windsock.core.model.requests import Cell
from windsock.core.routing.router import Router
from windsock.rehearsal.changes import Changes
from windsock.rehearsal.logged_traffic import USUAL_RATIO, LoggedTraffic

Qualities = dict[str, dict[str, float]]
"""True success by deployment and task."""

Lengths = Mapping[tuple[str, str], float]
"""Of answers, by (task, deployment); 1.0 is the mean of the task."""


def drawn_qualities(
    router: Router,
    traffic: LoggedTraffic,
    names: Iterable[str],
    changes: Changes,
    route: str,
    *,
    seed: int,
    seeds: int,
) -> Qualities:
    """What success may truly be, drawn from what is believed of it; the same for a seed."""
    stated = {each.name: each.success for each in changes.newcomers}

    def drawn(task: str, name: str) -> float:
        a, b = router.beliefs.posterior(Cell(traffic.namespace, route, task), name)
        return float(special.betaincinv(a, b, _level(f"{task}/{name}", seed, seeds)))

    found: Qualities = {}
    for name in names:
        expected = stated.get(name)
        found[name] = {
            task: drawn(task, name) if expected is None else expected for task in traffic.tasks
        }
    return found


def drawn_lengths(
    traffic: LoggedTraffic, names: Iterable[str], *, seed: int, seeds: int
) -> Lengths:
    """How long answers may truly be: about as in the log, the less seen the less surely."""
    found = {}
    for task in traffic.tasks:
        for name in names:
            place = task, name
            error = 1 / math.sqrt(USUAL_RATIO + traffic.answers.get(place, 0))
            deviation = error * float(special.ndtri(_level(f"length {task}/{name}", seed, seeds)))
            found[place] = traffic.lengths.get(place, 1.0) * math.exp(deviation)
    return found


def _level(what: str, seed: int, seeds: int) -> float:
    """In (0, 1): the middle of this seed's slice; of all, from the last seed on."""
    if seed >= seeds:
        return 0.5
    rng: Any = np.random.default_rng([11, crc32(what.encode())])
    return (float(rng.permutation(seeds)[seed]) + 0.5) / seeds
