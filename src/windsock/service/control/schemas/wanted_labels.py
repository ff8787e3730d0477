"""Answers that nobody has judged, as lines, in the order in which they are wanted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import orjson

from windsock.core.model.calls import Outcome
from windsock.core.model.decisions import Decision
from windsock.core.model.rewards import Feedback
from windsock.service.control.schemas.decisions import decision_facts

MOST_LOOKED_AT = 10_000
"""Requests of a span among which those are sought whose labels tell most."""


def answered(
    decisions: Callable[..., Iterator[Outcome | Decision]],
    *,
    since: float,
    until: float,
    namespace: str,
) -> list[Outcome]:
    """Requests of the span that got an answer, oldest first, the first MOST_LOOKED_AT of them."""
    found = decisions(since=since, until=until, limit=MOST_LOOKED_AT, namespace=namespace)
    return [each for each in found if isinstance(each, Outcome) and each.served is not None]


def unjudged(
    feedback_of: Callable[[str], list[Feedback]], ranked: Iterable[tuple[float, Outcome]]
) -> Iterator[bytes]:
    """Lines of those that nobody has judged, in their order, with what a label would tell."""
    for worth, found in ranked:
        if not feedback_of(found.decision.id):
            yield orjson.dumps({**decision_facts(found), "label_worth": worth}) + b"\n"
