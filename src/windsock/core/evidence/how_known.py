"""What success of a deployment at a task is known by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from windsock.core.beliefs.proxies.hearing import Word
from windsock.core.beliefs.proxies.sums import ProxySums
from windsock.core.evidence.checks.worth import CheckWorth
from windsock.core.evidence.sources import Heard


@dataclass(frozen=True, slots=True, kw_only=True)
class HowKnown:
    """What success of a deployment at a task is known by.

    answers     recent ones, of which `rewards` were judged; both fade
    answer_counts   rewards that a mere answer counts for: 0 once somebody judges the task
    sources     by name: recent rewards, and what one of them counts for
    labels      names of the sources that know what was right
    keys        that have judged it
    counted     rewards of labels that stand in the belief, as of what was last learnt there
    taught      rewards that lessons had given, as of then
    worth       of its declared checks
    proxies     what each proxy has said, and the labels beside; discounted to the last of it
    words       what that comes to, by the last fit of priors
    """

    answers: float = 0.0
    answer_counts: float = 0.0
    rewards: float = 0.0
    sources: Mapping[str, tuple[Heard, float]] = field(default_factory=dict)
    labels: frozenset[str] = frozenset()
    keys: int = 0
    counted: float = 0.0
    taught: float = 0.0
    worth: CheckWorth = field(default_factory=CheckWorth)
    proxies: Mapping[str, ProxySums] = field(default_factory=dict)
    words: Mapping[str, Word] = field(default_factory=dict)
