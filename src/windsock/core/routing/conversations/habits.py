"""How conversations of a route go on: how many turns are to come, and after which pauses.

Turns: the share of conversations that end after their n-th answer, counted with a prior of 1 in
n + 4: the more turns there have been, the more are still to come, a dozen at the beginning.
Pauses: the mean and spread of their logarithms; those of a conversation count beside its route's.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from windsock.core.routing.conversations.memory import Conversation

MAX_TURNS = 64
"""Later turns are counted as this one."""

OVER_S = 1800.0
"""After so long a silence a conversation counts as ended, until it goes on all the same."""

PRIOR_TURNS, MAX_COUNTED = 3.0, 300.0
"""Conversations that the prior stands for at every turn, and after how many old ones fade."""

USUAL_GAP_S, USUAL_SPREAD, LEAST_SPREAD = 60.0, 1.5, 0.15
"""Of pauses before any is known: the middle one, the spread of their logarithms, and its least."""

USUAL_LOG_GAP = math.log(USUAL_GAP_S)

PRIOR_GAPS = 20.0
"""Pauses that the usual spread stands for: long ones come to be known last."""

MAX_ROUTES = 1024
MAX_OPEN = 100_000
"""Conversations that may go on, each held once, however many turns it has."""


@dataclass(slots=True)
class RouteHabits:
    """Counts of one route.

    went_on, ended  by turn
    gaps, mean, squares     of pauses: their number, the mean and spread of their logs
    left            turns expected after each, as known from the turn `left_from` on: what is
                    counted at one turn changes nothing of later ones
    """

    went_on: list[float] = field(default_factory=lambda: [0.0] * (MAX_TURNS + 1))
    ended: list[float] = field(default_factory=lambda: [0.0] * (MAX_TURNS + 1))
    gaps: float = 0.0
    mean: float = 0.0
    squares: float = 0.0
    left: list[float] = field(default_factory=lambda: [float(MAX_TURNS)] * (MAX_TURNS + 1))
    left_from: int = MAX_TURNS

    def count(self, turns: int, went_on: float, ended: float) -> None:
        """So many conversations of so many turns went on, or ended."""
        at = min(turns, MAX_TURNS)
        self.went_on[at] = max(0.0, self.went_on[at] + went_on)
        self.ended[at] = max(0.0, self.ended[at] + ended)
        if self.went_on[at] + self.ended[at] > MAX_COUNTED:
            self.went_on[at] *= 0.5
            self.ended[at] *= 0.5
        if at < MAX_TURNS:
            self.left_from = max(self.left_from, at + 1)

    def pause(self, gap_s: float) -> None:
        """A conversation went on after so long."""
        value = math.log(max(1.0, gap_s))
        self.gaps = min(MAX_COUNTED, self.gaps + 1.0)
        off = value - self.mean
        self.mean += off / self.gaps
        self.squares += (off * (value - self.mean) - self.squares) / self.gaps

    def turns_left(self, turn: int) -> float:
        """Turns expected after this one, which counts from 1."""
        at = min(turn, MAX_TURNS)
        for n in range(self.left_from - 1, at - 1, -1):
            ended = PRIOR_TURNS / (n + 4) + self.ended[n]
            stays = 1.0 - ended / (PRIOR_TURNS + self.ended[n] + self.went_on[n])
            self.left[n] = stays * (1.0 + self.left[n + 1])
        self.left_from = min(self.left_from, at)
        return self.left[at]

    def within(self, ttl_s: float, conversation: Conversation | None) -> float:
        """Chance that the next turn comes before a cache has dropped this one, 0..1."""
        own = min(conversation.turns - 1.0, 4.0) if conversation and conversation.gap_s else 0.0
        own_mean = math.log(max(1.0, conversation.gap_s)) if conversation and own else 0.0
        routes = min(self.gaps, 10.0)
        mean = (USUAL_LOG_GAP + routes * self.mean + own * own_mean) / (1.0 + routes + own)
        known = self.gaps / (self.gaps + PRIOR_GAPS)
        spread = math.sqrt(known * self.squares + (1 - known) * USUAL_SPREAD**2)
        z = (math.log(max(1.0, ttl_s)) - mean) / max(LEAST_SPREAD, spread)
        return 0.5 * math.erfc(-z / math.sqrt(2.0))

    def chances(self, conversation: Conversation | None) -> Callable[[float], float]:
        """`within` for one conversation, reckoned once for each time."""
        known: dict[float, float] = {}

        def within(ttl_s: float) -> float:
            found = known.get(ttl_s)
            if found is None:
                found = known[ttl_s] = self.within(ttl_s, conversation)
            return found

        return within


class Habits:
    """The habits of every route, and which conversations have not ended yet."""

    def __init__(self) -> None:
        self._routes: OrderedDict[tuple[str, str], RouteHabits] = OrderedDict()
        self._open: OrderedDict[int, tuple[tuple[str, str], Conversation]] = OrderedDict()

    def of(self, route: tuple[str, str]) -> RouteHabits:
        """Of a route of a namespace. Looking changes nothing."""
        return self._routes.get(route) or RouteHabits()

    def observe(self, route: tuple[str, str], conversation: Conversation, gap_s: float) -> None:
        """A turn was answered, so long after the one before it; 0 if it was the first."""
        known = self._routes.get(route)
        if known is None:
            known = self._routes[route] = RouteHabits()
            if len(self._routes) > MAX_ROUTES:
                self._routes.popitem(last=False)
        before = conversation.turns - 1
        if before:
            known.count(before, 1.0, -1.0 if conversation.is_over else 0.0)
            known.pause(gap_s)
        conversation.is_over = False
        self._open[id(conversation)] = route, conversation
        self._open.move_to_end(id(conversation))
        if len(self._open) > MAX_OPEN:
            self._open.popitem(last=False)
        self._close(conversation.at)

    def _close(self, now: float) -> None:
        """Conversations that nobody went on with have ended."""
        while self._open:
            key, (route, conversation) = next(iter(self._open.items()))
            if now - conversation.at <= OVER_S:
                return
            del self._open[key]
            if not conversation.is_over:
                conversation.is_over = True
                if route in self._routes:
                    self._routes[route].count(conversation.turns, 0.0, 1.0)

    def to_state(self) -> list[Any]:
        """JSON-able, exact."""
        return [
            [*route, [*each.went_on], [*each.ended], each.gaps, each.mean, each.squares]
            for route, each in self._routes.items()
        ]

    def from_state(self, state: list[Any]) -> None:
        """Take over a state of `to_state`."""
        self._open.clear()
        self._routes.clear()
        for namespace, route, *told in state:
            self._routes[namespace, route] = RouteHabits(*told)
