"""Answers that nobody has labelled, as lines, in the order in which they are wanted."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import orjson

from windsock.core.model.calls import Outcome
from windsock.core.model.decisions import Decision
from windsock.core.model.requests import Cell
from windsock.core.model.rewards import Feedback
from windsock.core.routing.outlook.label_worth import LabelWorth, wanted
from windsock.core.routing.router import Router
from windsock.service.control.schemas.decisions import decision_facts

MOST_LOOKED_AT = 10_000
"""Requests of a span, the newest, among which those are sought whose labels tell most."""

Sought = Callable[..., Iterator[tuple[float, Outcome | Decision | None]]]
"""By since, until, namespace and fits, newest first; it blocks."""


def answered(
    sought: Sought, *, since: float, until: float, namespace: str, most: int = MOST_LOOKED_AT
) -> list[Outcome]:
    """The last `most` requests of the span that got an answer, oldest first."""
    rows = sought(since=since, until=until, namespace=namespace, fits=_got_one)
    found = (each for _, each in rows if isinstance(each, Outcome) and _is_answered(each))
    return list(islice(found, most))[::-1]


def _is_answered(outcome: Outcome) -> bool:
    return outcome.served is not None and not outcome.decision.cell.is_own


def _got_one(record: Mapping[str, Any]) -> bool:
    """The same of a request as JSON, of which only names are known."""
    if record.get("served") is None:
        return False
    return not Cell(*record["decision"]["cell"]).is_own


def unlabelled(
    said_of: Callable[[str], Iterable[Feedback]], is_label: Callable[[Cell, str], bool]
) -> Callable[[Outcome], bool]:
    """Whether nobody who knows has judged an answer."""

    def is_open(found: Outcome) -> bool:
        cell, said = found.decision.cell, said_of(found.decision.id)
        return not any(is_label(cell, each.reward.source) for each in said)

    return is_open


async def ranked(
    router: Router, found: Sequence[Outcome], is_open: Callable[[Outcome], bool], now: float
) -> Iterator[tuple[float, Outcome]]:
    """Those whose label tells most first: see `wanted`. Of tasks by the hundred tables are looked
    up between requests; the rest may be asked for in a thread."""
    worth = LabelWorth(router, now)
    for cell in dict.fromkeys(each.decision.cell for each in found):
        worth.at(cell)
        await asyncio.sleep(0)
    return wanted(found, worth, is_open)


def lines_of(ranked: Iterable[tuple[float, Outcome]]) -> Iterator[bytes]:
    """They, with what a label would tell."""
    for worth, found in ranked:
        yield orjson.dumps({**decision_facts(found), "label_worth": worth}) + b"\n"
