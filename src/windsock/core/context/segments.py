"""Segments inside a task, learnt: requests alike in what each deployment would gain per token.

Not clusters of text. One ridge regression per deployment predicts the reward of a request from
its features, and one predicts its size; what decides where a request goes at a price of success V
is the gain of an upgrade over its extra tokens, so that is what is clustered. Prices are not
looked at: a price move changes no border. Each cluster is an ordinary cell with weights of its own.
Clusters that want the same are one segment, and where none differs there is the task alone.
Borders are drawn only where routing by them pays, cross-fitted (`routing_value`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from windsock.core.context.ridge import Ridge, with_constant
from windsock.core.context.routing_value import JudgedRequest, Stakes, routing_gain
from windsock.core.context.segment_clusters import SegmentClusters, find_clusters


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentSettings:
    """
    most                segments at most
    rewards_each        rewards per deployment that a segment must rest on
    ridge               rewards that "features say nothing" is worth
    remembered          requests whose features are kept to draw borders from
    judged              rewards that are kept to tell whether borders pay
    growth              borders are drawn anew when rewards have grown by this factor
    memory              rewards per deployment that regressions remember, to twice as many
    """

    most: int = 12
    rewards_each: float = 50.0
    ridge: float = 50.0
    remembered: int = 2000
    judged: int = 4000
    growth: float = 2.0
    memory: float = 1000.0


class Segmenter:
    """The segments of one route. Without borders everything is one segment."""

    def __init__(self, settings: SegmentSettings = SegmentSettings()) -> None:
        self.settings = settings
        self.borders: SegmentClusters | None = None
        self._gains: dict[str, Ridge] = {}
        self._size: Ridge | None = None
        self._tokens: dict[str, list[float]] = {}
        self._seen: deque[tuple[float, ...]] = deque(maxlen=settings.remembered)
        self._judged: deque[JudgedRequest] = deque(maxlen=settings.judged)
        self._version = 0
        self._drawn_at = 0.0
        self._fresh = 0.0

    def segment(self, features: Sequence[float]) -> str:
        """`version.index` of the segment of a request; empty where there is none."""
        borders = self.borders
        if borders is None or len(features) + 1 != len(borders.size):
            return ""
        return f"{borders.version}.{borders.segment(with_constant(features))}"

    def words(self, segment: str) -> str:
        """What a segment holds, for people; empty if it is not a live one."""
        marks = self.borders.marks() if self.borders else []
        return self.borders.words(marks.index(segment)) if self.borders and segment in marks else ""

    def learn(
        self,
        features: Sequence[float],
        deployment: str,
        reward: float,
        weight: float = 1.0,
        *,
        propensity: float | None = None,
    ) -> None:
        """A request with these features got this reward, 0..1.

        propensity  chance that this deployment was drawn with; None: another had been drawn
        """
        x = with_constant(features)
        ridge = self._gains.get(deployment)
        if ridge is None or len(ridge.moment) != len(x):
            ridge = self._gains[deployment] = Ridge.of(len(x))
        ridge.observe(x, reward, weight)
        ridge.remember(self.settings.memory)
        self._fresh += weight
        if propensity:
            self._judged.append(JudgedRequest(tuple(features), deployment, reward, propensity))

    def learn_size(self, features: Sequence[float], deployment: str, tokens: float) -> None:
        """A request with these features took this many tokens, weighed as the owner likes."""
        x = with_constant(features)
        if self._size is None or len(self._size.moment) != len(x):
            self._size = Ridge.of(len(x))
            self._seen.clear()
        tally = self._tokens.setdefault(deployment, [0.0, 0.0])
        tally[0] += 1.0
        tally[1] += tokens
        usual = tally[1] / tally[0]
        self._size.observe(x, min(5.0, tokens / usual) if usual > 0 else 1.0)
        self._seen.append(tuple(features))

    def rewards(self, deployment: str) -> float:
        """Rewards that a deployment's regression rests on."""
        ridge = self._gains.get(deployment)
        return ridge.count if ridge else 0.0

    def is_due(self) -> bool:
        """True if enough was learnt since borders were last looked for to look again."""
        least = 2 * self.settings.rewards_each * max(1, len(self._gains))
        return self._fresh >= max(least, (self.settings.growth - 1.0) * self._drawn_at)

    def draw_borders(self, stakes: Stakes | None = None) -> SegmentClusters | None:
        """Look for borders through the remembered requests; None if there are none (any more).

        stakes  borders must pay at these, by more than a standard error; None: whether they pay
                is not asked
        """
        names = tuple(sorted(self._gains))
        rewards = sum(self._gains[name].count for name in names)
        each = self.settings.rewards_each * max(1, len(names))
        count = int(min(self.settings.most, rewards / each))
        self._drawn_at, self._fresh = rewards, 0.0
        is_enough = self._seen and count >= 2 and len(names) >= 2
        is_paid = is_enough and (stakes is None or self._pays(stakes))
        found = self._found(names, count) if is_paid else None
        if found is not None:
            self._version += 1
            found = replace(found, version=self._version)
        self.borders = found
        return found

    def _found(self, names: Sequence[str], count: int) -> SegmentClusters | None:
        ridge, x = self.settings.ridge, np.array([with_constant(each) for each in self._seen])
        gains = {name: self._gains[name] for name in names}
        if self._size is None or any(len(each.moment) != len(x[0]) for each in gains.values()):
            return None
        return find_clusters(gains, self._size.coefficients(ridge), x, count=count, ridge=ridge)

    def _pays(self, stakes: Stakes) -> bool:
        assert self._size is not None
        size = self._size.coefficients(self.settings.ridge)
        judged = [each for each in self._judged if len(each.features) + 1 == len(size)]
        return routing_gain(judged, stakes, size).is_credible

    def to_state(self) -> dict[str, Any]:
        """JSON-able, exact."""
        return {
            "gains": {name: ridge.to_state() for name, ridge in self._gains.items()},
            "size": self._size.to_state() if self._size else None,
            "tokens": self._tokens,
            "seen": [list(features) for features in self._seen],
            "judged": [
                [list(each.features), each.deployment, each.reward, each.propensity]
                for each in self._judged
            ],
            "drawn_at": self._drawn_at,
            "fresh": self._fresh,
            "version": self._version,
            "borders": self.borders.to_state() if self.borders else None,
        }

    def from_state(self, state: Mapping[str, Any]) -> None:
        """Take over a state of `to_state`."""
        self._gains = {name: Ridge.from_state(sums) for name, sums in state["gains"].items()}
        self._size = Ridge.from_state(state["size"]) if state["size"] else None
        self._tokens = {name: list(tally) for name, tally in state["tokens"].items()}
        self._seen = deque(map(tuple, state["seen"]), maxlen=self.settings.remembered)
        judged = (JudgedRequest(tuple(x), *rest) for x, *rest in state.get("judged", ()))
        self._judged = deque(judged, maxlen=self.settings.judged)
        self._drawn_at = float(state["drawn_at"])
        self._fresh = float(state["fresh"])
        self.borders = SegmentClusters.from_state(state["borders"]) if state["borders"] else None
        self._version = int(state["version"])
