"""The sources of evidence, and how much one reward of each says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Who or what judges answers.

    name        as rewards and `source_weights` of a route name it
    weight      0..1, how much one of its rewards counts as evidence of success
    calibrates  False for what only repeats what an answer's confidence was made of: it cannot
                tell what that confidence is worth
    """

    name: str
    weight: float
    calibrates: bool = True


SOURCES = (
    Source(name="explicit", weight=1.0),
    Source(name="check", weight=0.5, calibrates=False),
    Source(name="confidence", weight=0.25, calibrates=False),
    Source(name="transport", weight=0.02),
)
"""The router's own; an operator may weigh others by name, which calibrate."""

SOURCE_WEIGHTS: Mapping[str, float] = {source.name: source.weight for source in SOURCES}
"""How much one reward of a source counts, where a route says nothing else."""

UNCALIBRATING = frozenset(source.name for source in SOURCES if not source.calibrates)
"""Names of sources that cannot tell what a confidence is worth."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceRules:
    """What a route says of evidence.

    source_weights  how much one reward of a source counts
    has_cascade     what answers claim of themselves is remembered, and measured by rewards
    """

    source_weights: Mapping[str, float]
    has_cascade: bool = False

    @property
    def transport_weight(self) -> float:
        """How much the mere coming of an answer counts, or its failing to come."""
        return self.source_weights.get("transport", 0.0)


DEFAULT_EVIDENCE = EvidenceRules(source_weights=SOURCE_WEIGHTS)
"""Of routes that are gone."""
