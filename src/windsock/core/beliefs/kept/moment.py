"""Beliefs as they were at one moment, which are shaped for the store after it.

Taking a moment copies numbers. Shaping it takes ten times as long, and may be done in another
thread while more is learnt.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from windsock.core.beliefs.drift.common_drift import RecentRewards
from windsock.core.beliefs.empirical_bayes import Fit
from windsock.core.beliefs.statistics import NEVER, told


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """All beliefs of one (namespace, route), none of it shared with what goes on.

    names, rows         (task, deployment) of every row, and its `RewardStatistics.sums`
    watches, recents    by deployment, watches as `ChangeDetector.to_state` says them
    judging, judged     the fit that rewards are judged by, and how many were
    """

    as_of: float
    names: Sequence[tuple[str, str]]
    rows: Sequence[tuple[Any, ...]]
    watches: Mapping[str, list[Any]]
    recents: Mapping[str, RecentRewards]
    judging: Fit | None
    judged: int

    def to_state(self) -> dict[str, Any]:
        """JSON-able and exact."""
        rows = dict(zip(self.names, self.rows, strict=True))
        return {
            "as_of": self.as_of if self.as_of > NEVER else None,
            "rows": [[*name, *told(rows[name])] for name in sorted(rows)],
            "watches": dict(sorted(self.watches.items())),
            "recents": {name: last.to_state() for name, last in sorted(self.recents.items())},
            "judging": self.judging.to_state() if self.judging else None,
            "judged": self.judged,
        }


def state_of(
    settings: Mapping[str, Any], groups: Mapping[tuple[str, str], Moment]
) -> dict[str, Any]:
    """What `Beliefs.to_state` says, of what was believed by (namespace, route)."""
    return {
        "settings": settings,
        "groups": [
            {"namespace": key[0], "route": key[1], **group.to_state()}
            for key, group in sorted(groups.items())
        ],
    }
