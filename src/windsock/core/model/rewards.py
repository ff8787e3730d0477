"""The value of an answer, as somebody or something judged it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from windsock.core.model.decisions import Decision

MAX_MATTERS_OF_A_DECISION = 64
MAX_KEYS_OF_A_DECISION = 64
"""What is remembered of one decision so that it is corrected, or counted once; the oldest go."""

Matter = tuple[str, str, str | None]
"""(metric, source, key id): of equal ones the later replaces the earlier."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reward:
    """The value of an answer, 0..1, and who says so.

    source      explicit, check, confidence or transport, or a name the operator weighs
    metric      what was judged, if several things are
    key_id      who reported it
    """

    value: float
    source: str = "explicit"
    metric: str = ""
    key_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback:
    """A reward as it was reported, and what it counted for.

    inclusion   0..1, with which the answer was drawn to be judged; None: chance had no part in it
    """

    decision_id: str
    reward: Reward
    at: float
    weight: float = 1.0
    idempotency_key: str | None = None
    inclusion: float | None = None


@dataclass(slots=True)
class OpenDecision:
    """A decision that may still be judged: who served it, and what was said of it.

    Of most nothing is ever said: what is empty is shared.

    said    the last word on each matter, oldest first, at most MAX_MATTERS_OF_A_DECISION
    keys    idempotency keys, oldest first, at most MAX_KEYS_OF_A_DECISION
    """

    decision: Decision
    deployment: str
    said: Mapping[Matter, Feedback] = field(default_factory=lambda: NOTHING_SAID)
    keys: tuple[str, ...] = ()

    def hear(self, feedback: Feedback) -> None:
        """Note what was said, in place of what the same source had said of the same."""
        matter, key = matter_of(feedback.reward), feedback.idempotency_key
        others = [each for each in self.said.items() if each[0] != matter]
        self.said = dict([*others, (matter, feedback)][-MAX_MATTERS_OF_A_DECISION:])
        if key is not None:
            self.keys = (*self.keys, key)[-MAX_KEYS_OF_A_DECISION:]


NOTHING_SAID: Mapping[Matter, Feedback] = MappingProxyType({})
"""Shared by all decisions that nobody has judged."""


def matter_of(reward: Reward) -> Matter:
    """What was judged, and by whom."""
    return reward.metric, reward.source, reward.key_id
