"""What a rehearsal does not know, in sentences."""

from __future__ import annotations

from windsock.config.settings import Settings
from windsock.core.model.requests import Cell
from windsock.rehearsal.logged_traffic import OTHERS, LoggedTraffic
from windsock.rehearsal.origin import Origin

FEW = 20
"""Judged answers below which it is said that a success is hardly known."""


def unknowns_of(traffic: LoggedTraffic, origin: Origin, changed: Settings, every: int) -> list[str]:
    """What figures rest on that nobody has seen.

    origin  under the configuration with the changes in it, which `changed` is
    every   one request of so many was stepped
    """
    told = []
    router = origin.router(0)
    for name in origin.candidates:
        if name not in traffic.calls:
            told.append(f"{name} was never called here: its latency and its failures are guesses")
        elif traffic.calls[name].answers < FEW:
            told.append(
                f"{name} answered {traffic.calls[name].answers} times: how long its answers are, "
                "and so what they cost, is all but a guess"
            )
        for task in traffic.tasks:
            count = traffic.judged.get((task, name), 0)
            if count < FEW:
                cell = Cell(traffic.namespace, origin.route, task)
                belief = router.beliefs.summary(cell, name)
                told.append(
                    f"{name} at {task}: {count} judged answers in this log; its success is drawn "
                    f"from {belief.low:.0%} to {belief.high:.0%}"
                )
    if traffic.pooled:
        others = sum(each.task == OTHERS for each in traffic.asked) / len(traffic.asked)
        told.append(
            f"{traffic.pooled:,} tasks with the fewest requests, {others:.0%} of all, are taken "
            "for one of which nothing is known yet"
        )
    if every > 1:
        told.append(f"of every {every} requests one was stepped, so it learns slower than it would")
    if traffic.left_out:
        told.append(f"{traffic.left_out} requests of other namespaces are not in it")
    if changed.caps:
        named = ", ".join(changed.caps)
        told.append(f"caps ({named}) are not reckoned: what they would refuse is asked and paid")
    told.append(
        "quality that changes silently, new kinds of request, other routes' spend and what the "
        "budgets of keys refuse"
    )
    return told
