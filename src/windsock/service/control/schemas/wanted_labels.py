"""Answers that nobody has labelled, as lines, in the order in which they are wanted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import orjson

from windsock.core.model.calls import Outcome
from windsock.core.model.requests import Cell
from windsock.core.model.rewards import Feedback
from windsock.service.control.schemas.decisions import decision_facts
from windsock.store.upkeep.newest import Decisions, newest

MOST_LOOKED_AT = 10_000
"""Requests of a span, the newest, among which those are sought whose labels tell most."""


def answered(decisions: Decisions, *, since: float, until: float, namespace: str) -> list[Outcome]:
    """The last MOST_LOOKED_AT requests of the span that got an answer, oldest first."""
    return newest(
        decisions,
        lambda each: each.served is not None and not each.decision.cell.is_own,
        since=since,
        until=until,
        namespace=namespace,
        limit=MOST_LOOKED_AT,
    )


def unlabelled(
    said_of: Callable[[str], Iterable[Feedback]],
    is_label: Callable[[Cell, str], bool],
    ranked: Iterable[tuple[float, Outcome]],
) -> Iterator[tuple[float, Outcome]]:
    """Those that nobody who knows has judged, in their order."""
    for worth, found in ranked:
        cell, said = found.decision.cell, said_of(found.decision.id)
        if not any(is_label(cell, each.reward.source) for each in said):
            yield worth, found


def lines_of(ranked: Iterable[tuple[float, Outcome]]) -> Iterator[bytes]:
    """They, with what a label would tell."""
    for worth, found in ranked:
        yield orjson.dumps({**decision_facts(found), "label_worth": worth}) + b"\n"
