"""How the success in a report is known, and by whom."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

from windsock.core.routing.router import Router
from windsock.service.control.reporting.evidence import EvidenceView, cells_of, evidence_of
from windsock.service.control.reporting.knowing import Costs

MOST_KNOWN = 200
"""Beliefs that a report tells of, those with the most evidence."""

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
    lines = list(among)
    tasks = {line.get("task") for line in lines}
    found: list[EvidenceView] = []
    for cell in cells_of(router, namespace):
        if not cell.is_own and (None in tasks or cell.name in tasks):
            found += [
                view
                for view in evidence_of(router, cell, None, knowing)
                if view.answers and any(_speaks_of(line, view) for line in lines)
            ]
            await asyncio.sleep(0)  # cells by the hundred: requests go between
    found.sort(key=lambda view: -view.effective_samples)
    return [_line(view) for view in found[:MOST_KNOWN]]


def _speaks_of(line: dict[str, Any], view: EvidenceView) -> bool:
    return all(
        line.get(name) in (None, getattr(view, name)) for name in ("route", "task", "deployment")
    )


def _line(view: EvidenceView) -> dict[str, Any]:
    facts = view.model_dump()
    sources = [{name: each[name] for name in SAID} for each in facts["sources"]]
    return {**{name: facts[name] for name in TOLD}, "sources": sources}
