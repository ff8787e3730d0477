"""How many rewards a task may be expected to get, by those that it and its route got."""

from __future__ import annotations

LIKELY_REQUESTS = 400.0
"""Requests that a task is taken to bring, however few have come."""

GROWTH = 4.0
"""How many times the rewards that a task got it may still be expected to get."""

JUDGED_AT_FIRST = 10.0
"""Requests at first that are taken to be judged."""


def labels_to_come(rewards: float, mine: float, requests: float) -> float:
    """Rewards that a task may be expected to get: GROWTH times what it got.

    At least those of LIKELY_REQUESTS. With fewer, a good deployment that was unlucky at first is
    looked at too seldom to be found.

    rewards, requests   of the whole route: from it is taken how many answers are judged
    mine                rewards of the task
    """
    known = requests + JUDGED_AT_FIRST
    rate = min(1.0, (rewards + JUDGED_AT_FIRST) / known) if requests else 1.0
    return max(LIKELY_REQUESTS * rate, GROWTH * mine)
