"""How the success in a report is known, and by whom."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product
from typing import Any

from windsock.core.model.requests import Cell
from windsock.core.routing.router import Router
from windsock.service.control.reporting.evidence import EvidenceView, most_known
from windsock.service.control.reporting.knowing import Costs

MOST_KNOWN = 200
"""Beliefs that a report tells of, those with the most evidence."""

PLACE = ("route", "task", "deployment")
TOLD = ("route", "task", "deployment", "basis", "success_mean", "success_interval",
        "effective_samples", "answers", "judged", "knowing")  # fmt: skip
SAID = ("source", "kind", "rewards", "mean", "says", "labelled", "bias", "slope", "off_by",
        "corrected_mean", "interval")  # fmt: skip


async def known_lines(
    router: Router,
    namespace: str,
    among: Iterable[dict[str, Any]],
    knowing: Costs,
) -> list[dict[str, Any]]:
    """What is known of the deployments at the tasks of these lines, as `/v1/evidence` has it.

    A line that names no route, task or deployment stands for all of them. Windsock's own requests
    are judged by nobody, and left out. knowing: of the report's span.
    """
    named = {tuple(line.get(name) for name in PLACE) for line in among}

    def is_told(cell: Cell, deployment: str) -> bool:
        ways = product((cell.route, None), (cell.name, None), (deployment, None))
        is_named = not cell.is_own and any(each in named for each in ways)
        return is_named and router.feedback_rate(cell, deployment) is not None

    views, _ = await most_known(router, namespace, is_told, MOST_KNOWN, knowing)
    return [_line(view) for view in views]


def _line(view: EvidenceView) -> dict[str, Any]:
    facts = view.model_dump()
    sources = [{name: each[name] for name in SAID} for each in facts["sources"]]
    return {**{name: facts[name] for name in TOLD}, "sources": sources}
