"""What all that was said of one decision comes to: one judgement at most, however it is named.

Of one key the heaviest source speaks, its metrics averaged; and of several keys those of the
heaviest source first, until the weight of one judgement is given out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from itertools import groupby

from windsock.core.beliefs.summaries import BeliefSummary
from windsock.core.model.requests import Cell
from windsock.core.model.rewards import MAX_MATTERS_OF_A_DECISION, Feedback, Reward, matter_of

WHOLE = 1.0
"""Rewards that one decision may count for, where its owner weighs no source heavier."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What one key has said of one decision.

    reward      its value is the mean of the metrics of its heaviest source
    weight      rewards that it counts for
    at          unix s, when the last of it was said
    parts       metrics that are averaged
    """

    reward: Reward
    weight: float
    at: float
    parts: int = 1


def with_new(said: Iterable[Feedback], new: Feedback) -> list[Feedback]:
    """All that is said now, as it is remembered: of equal matters the later stands."""
    matter = matter_of(new.reward)
    others = [each for each in said if matter_of(each.reward) != matter]
    return [*others, new][-MAX_MATTERS_OF_A_DECISION:]


def judgements(
    said: Iterable[Feedback], weight_of: Callable[[str], float]
) -> dict[str | None, Judgement]:
    """What each key's words on one decision come to, by key.

    weight_of   rewards that one of a source counts for
    """
    by_key: dict[str | None, list[Feedback]] = {}
    for each in said:
        by_key.setdefault(each.reward.key_id, []).append(each)
    own = {key: _own(words, weight_of) for key, words in by_key.items()}
    return _shared_out(own, weight_of)


def _own(words: list[Feedback], weight_of: Callable[[str], float]) -> Judgement:
    most = max(weight_of(each.reward.source) for each in words)
    heard = [each for each in words if weight_of(each.reward.source) == most]
    last = heard[-1]
    value = sum(each.reward.value for each in heard) / len(heard)
    reward = last.reward if len(heard) == 1 else replace(last.reward, value=value)
    return Judgement(reward=reward, weight=min(most, last.weight), at=last.at, parts=len(heard))


def _shared_out(
    own: dict[str | None, Judgement], weight_of: Callable[[str], float]
) -> dict[str | None, Judgement]:
    """No more than WHOLE in all, the heaviest source first, and equal parts to its keys."""
    if len(own) < 2:
        return own
    left = max(WHOLE, *(each.weight for each in own.values()))
    shared = dict(own)
    ranked = sorted(own, key=lambda key: -weight_of(own[key].reward.source))
    for _, keys in groupby(ranked, key=lambda key: weight_of(own[key].reward.source)):
        equals = list(keys)
        for key in equals:
            weight = min(own[key].weight, left / len(equals))
            shared[key] = replace(own[key], weight=weight)
        left = max(0.0, left - sum(shared[key].weight for key in equals))
    return shared
