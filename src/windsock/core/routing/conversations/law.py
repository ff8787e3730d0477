"""Where a conversation goes on: one rule for requests, previews and imagined prices.

It was drawn to its home by the weights of a policy, and stays there for as long as these give the
home as much as they did: so the conversations of a route are spread as the policy spreads requests,
with the fewest moves (a maximal coupling of the weights then and now). Where they give it less it
leaves as often as that asks for, to those that are worth the move. Beside that it moves where all
turns still to come are cheaper by more than what the move loses, and nothing is lost in success.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from windsock.core.model.decisions import WeightTable
from windsock.core.routing.conversations.costs import Outlook

SAME_SUCCESS = 0.02
"""Success rates no further apart than this are the same."""

LEAST_GAIN = 0.02
"""Of what its turns cost, so much a move must save: less lies within what is not known."""

LEAST_SAVED = 0.01
"""Of what its turns cost, so much a cache must save for anything to depend on it."""

TRIAL_SHARE = 0.01
"""Of what a conversation costs, so much may be spent on trying others."""

AS_BEFORE = 0.8
"""Weights fluctuate with the evidence; a home that keeps so much of its weight has lost none."""

STEPS = 8
"""Probabilities of staying are whole eighths, so that few tables serve all conversations."""

PASSING = frozenset({"floor", "stale price"})
"""Limits of an arm that keep no conversation away."""

Weights = tuple[float, ...]


@dataclass(slots=True, kw_only=True)
class Choice:
    """
    table       the policy's own weights
    outlooks    of each of its deployments, in that order; None: its costs are not known
    home        position of the deployment that answered last; None: there is none to stay at
    home_weight of the home when it was chosen
    is_shared   unrelated prompts may share the session, which then is no conversation
    turns       this one and those expected after it
    is_judged   success has been learnt from more than that answers came back
    leans       of each deployment: what published figures add to its success
    """

    table: WeightTable
    outlooks: tuple[Outlook | None, ...]
    is_judged: bool
    leans: tuple[float, ...]
    home: int | None
    home_weight: float
    is_shared: bool
    turns: float


def conversation_weights(it: Choice) -> Weights:
    """The weights of the next turn, in the order of the table; they sum to 1."""
    if it.home is None:
        return _begun(it) if _matters(it) else it.table.weights
    if it.is_shared:
        return _shared(it, it.home) if _matters(it) else it.table.weights
    return _gone_on(it, it.home)


def _begun(it: Choice) -> Weights:
    """As the policy says, but that those from whom nothing is to be learnt, or nothing else, give
    way to one as good that costs less."""
    weights = list(it.table.weights)
    for i, mine in enumerate(it.outlooks):
        to = _cheapest_as_good(it, i)
        theirs = it.outlooks[to]
        if to == i or mine is None or theirs is None or not _gives_way(it, i, to):
            continue
        kept = _floored(TRIAL_SHARE * theirs.total_usd / (mine.total_usd - theirs.total_usd))
        moved = max(0.0, it.table.weights[i] - kept)
        weights[i] -= moved
        weights[to] += moved
    return tuple(weights)


def _gives_way(it: Choice, i: int, to: int) -> bool:
    """True if nothing would be learnt at `i`, or if it is tried for the sake of learning alone."""
    if not it.is_judged or "floor" in it.table.arms[i].limits:
        return True
    return abs(_better(it, i, to)) <= SAME_SUCCESS


def _gone_on(it: Choice, home: int) -> Weights:
    """It stays, leaves as often as the policy's weights ask for, or moves where that pays."""
    weights = [0.0] * len(it.table.weights)
    leaves = 1.0 - stay_share(it.table.weights[home], it.home_weight)
    worth = [
        weight if i != home and _is_worth_it(it, home, i) else 0.0
        for i, weight in enumerate(it.table.weights)
    ]
    total = sum(worth)
    if leaves and total:
        weights = [leaves * weight / total for weight in worth]
    to = _cheapest_as_good(it, home) if _matters(it) else home
    weights[to] += 1.0 - sum(weights)
    return tuple(weights)


def _shared(it: Choice, home: int) -> Weights:
    """As the policy says, but others are tried only as far as that costs next to nothing."""
    mine = it.outlooks[home]
    weights = list(it.table.weights)
    to = _cheapest_as_good(it, home)
    for i, other in enumerate(it.outlooks):
        if i == home or mine is None or other is None or _is_worth_it(it, home, i):
            continue
        dearer_usd = max(other.total_usd - mine.total_usd, 1e-12)
        kept = weights[i] * min(1.0, _floored(TRIAL_SHARE * mine.total_usd / dearer_usd))
        weights[home] += weights[i] - kept
        weights[i] = kept
    if to != home:
        weights[to] += weights[home]
        weights[home] = 0.0
    return tuple(weights)


def stay_share(weight: float, before: float) -> float:
    """Chance of staying at a home whose weight was `before` when it was chosen, 0..1."""
    share = weight / before if before > 0.0 else 1.0
    return 1.0 if share >= AS_BEFORE else math.floor(share * STEPS) / STEPS


def _cheapest_as_good(it: Choice, i: int) -> int:
    """Whom all turns of a conversation at `i` should go to instead; `i` if to nobody."""
    mine = it.outlooks[i]
    if mine is None:
        return i
    best, best_usd = i, (1.0 - LEAST_GAIN) * mine.total_usd
    for j, other in enumerate(it.outlooks):
        if other is None or other.total_usd > best_usd or j == i:
            continue
        if _is_worth_it(it, i, j) and _is_as_good(it, i, j):
            best, best_usd = j, other.total_usd
    return best


def _is_as_good(it: Choice, i: int, j: int) -> bool:
    """True if `j` is no worse, and nothing holds its weight down that does not hold that of `i`."""
    arms = it.table.arms
    held = set(arms[j].limits) - set(arms[i].limits) - PASSING
    return not held and _better(it, i, j) >= -SAME_SUCCESS


def _better(it: Choice, i: int, j: int) -> float:
    """By how much success at `j` exceeds that at `i`.

    Where nobody judges answers, beliefs differ by how many came back; what is published tells more.
    """
    if not it.is_judged:
        return it.leans[j] - it.leans[i]
    return it.table.arms[j].success_mean - it.table.arms[i].success_mean


def _is_worth_it(it: Choice, i: int, j: int) -> bool:
    """True if all turns still to come are better at `j` by more than what is not known."""
    mine = it.outlooks[i]
    return mine is not None and _gain_usd(it, i, j) > LEAST_GAIN * mine.total_usd


def _gain_usd(it: Choice, i: int, j: int) -> float:
    """Net dollars by which all turns still to come are better at `j` than at `i`.

    A success is worth more to requests that cost more than those the table was solved for: scaling
    all costs scales the value at which a floor is held.
    """
    mine, other = it.outlooks[i], it.outlooks[j]
    if mine is None or other is None:
        return 0.0
    arms, better = it.table.arms, _better(it, i, j)
    if abs(better) <= SAME_SUCCESS:
        return mine.total_usd - other.total_usd
    value_usd = it.table.value_usd
    if value_usd is None:
        return math.copysign(math.inf, better)
    scale = other.plain_usd / arms[j].expected_usd if arms[j].expected_usd > 0.0 else 1.0
    return scale * value_usd * it.turns * better + mine.total_usd - other.total_usd


def _matters(it: Choice) -> bool:
    """True if caches save so much of what the conversation costs that they should be heeded."""
    looked_at = filter(None, it.outlooks)
    return any(each.saved_usd > LEAST_SAVED * each.total_usd for each in looked_at)


def _floored(share: float) -> float:
    """The power of two below, at most 1: few tables then serve all conversations."""
    return 1.0 if share >= 1.0 else 2.0 ** math.floor(math.log2(share)) if share > 0.0 else 0.0
