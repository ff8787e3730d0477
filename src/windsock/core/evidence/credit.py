"""What was made of a reward."""

from __future__ import annotations

from dataclasses import dataclass

from windsock.core.beliefs.summaries import BeliefSummary
from windsock.core.model.requests import Cell


@dataclass(frozen=True, slots=True, kw_only=True)
class Credit:
    """Who a reward went to, what it counted for and as, and what is believed now.

    weight      rewards that its key's judgement of the decision counts for
    value       that judgement, 0..1
    said        rewards that the key has said by it, whether or not they are believed
    part        of the judgement, that this reward is: of several metrics each is one part
    """

    cell: Cell
    deployment: str
    belief: BeliefSummary
    weight: float
    value: float
    said: float = 0.0
    part: float = 1.0
