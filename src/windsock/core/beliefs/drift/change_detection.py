"""Silent changes of quality: found by CUSUM, verified by calls, undone by recovery.

Two CUSUMs per deployment sum the log-likelihood ratio of "success has moved by 0.12" (Page 1954),
on all its tasks together, each reward judged against the belief of its own task. Graded rewards
count by quasi-likelihood: the ratio is divided by their dispersion. One reward counts 3 at most,
so a burst from one outage does not raise an alarm alone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from windsock.core.beliefs.drift.cusum import Cusum
from windsock.core.beliefs.statistics import BeliefSettings, RewardStatistics

SHIFT = 0.12
"""Change of success that both sums look for."""

STEP_CAP = 3.0
"""Most that one reward counts, in log-likelihood."""

ALARM = 12.0
"""Statistic at which a change is taken as found."""

RECOVERY = 3.0
"""The same for the return of a lost deployment, at least."""

PROBES_PER_MISTAKE = 1000.0
"""Least alarm for a recovery, and rewards of a deployment that stays bad until one is seen in
error: a CUSUM errs about once in exp(h) / D steps, D being what one step says (Lorden 1971)."""

TRUST = 10.0
"""Rewards at which a belief is half good enough to judge a reward by."""

SHIFT_SHRINK = 8.0
"""Rewards by which a measured change is shrunk to none."""

KEEP_DOWN = 12.0
KEEP_UP = 30.0
KEEP_RESTORED = 200.0
"""Evidence kept after an alarm of either kind, and after a recovery."""

VERIFY_CALLS = 25.0
"""Calls after an alarm from which on it is confirmed or dismissed."""

DOUBT_PROBE = 0.08
LOST_PROBE = (0.06, 0.15)
"""Least share of a deployment whose quality is in doubt or lost, bounded by cost. A lost one is
looked at more the more its last answers speak for a recovery."""


class Mode(StrEnum):
    """steady -> doubt (an alarm, being verified) -> lost (confirmed) -> steady (recovered)."""

    STEADY = "steady"
    DOUBT = "doubt"
    LOST = "lost"


class Finding(StrEnum):
    """What a reward, held against the belief, shows of a deployment's quality."""

    WORSE = "worse"
    BETTER = "better"
    CONFIRMED = "confirmed"
    DISMISSED = "dismissed"
    RECOVERED = "recovered"


@dataclass(slots=True)
class ChangeDetector:
    """What is watched of one deployment of one route.

    saved       rows by task from before the loss, for undoing and recovery
    verified, verified_excess   calls since the alarm, and their success over the saved belief
    recovery    what the up-CUSUM must reach for a lost deployment to be trusted again
    """

    mode: Mode = Mode.STEADY
    down: Cusum = field(default_factory=Cusum)
    up: Cusum = field(default_factory=Cusum)
    verified: float = 0.0
    verified_excess: float = 0.0
    verified_spread: float = 0.0
    saved: dict[str, list[Any]] = field(default_factory=dict)
    recovery: float = RECOVERY

    def observe(
        self, value: float, mean: float, phi: float, evidence: float, weight: float, before: float
    ) -> Finding | None:
        """Judge one reward.

        mean, phi, evidence     of the belief before this reward
        before                  mean of the saved belief, `mean` if none is saved
        """
        trust = weight * evidence / (evidence + TRUST)
        excess = value - mean
        self.down.add(log_ratio(value, mean, mean - SHIFT, phi), excess, trust)
        target = before if self.mode is not Mode.STEADY else mean + SHIFT
        up_trust = trust if self.mode is Mode.STEADY else weight
        target = max(target, mean + 0.02)
        self.up.add(log_ratio(value, mean, target, phi), excess, up_trust)
        if self.mode is not Mode.STEADY:
            self.recovery = recovery_alarm(mean, target, phi)
            self.verified += weight
            self.verified_excess += weight * (value - before)
            self.verified_spread += weight * phi * before * (1 - before)
        return self._finding()

    def _finding(self) -> Finding | None:
        if self.down.statistic > ALARM:
            return Finding.WORSE
        if self.mode is Mode.STEADY:
            return Finding.BETTER if self.up.statistic > ALARM else None
        if self.mode is Mode.DOUBT and self.verified >= VERIFY_CALLS:
            return self._verdict()
        if self.mode is Mode.LOST and self.up.statistic > self.recovery:
            return Finding.RECOVERED
        return None

    def _verdict(self) -> Finding:
        """Was the alarm true? Success must still be lower by a margin and by two errors."""
        drop = -self.verified_excess / self.verified
        error = math.sqrt(max(self.verified_spread, 1e-9)) / self.verified
        is_true = drop > max(0.02, 2 * error)
        return Finding.CONFIRMED if is_true else Finding.DISMISSED

    @property
    def probe(self) -> float:
        """Least share of requests for another look, before cost bounds it."""
        if self.mode is Mode.LOST:
            low, high = LOST_PROBE
            return low + (high - low) * min(1.0, self.up.statistic / self.recovery)
        return DOUBT_PROBE if self.mode is Mode.DOUBT else 0.0

    def begin_doubt(self) -> None:
        """An alarm was raised: the next calls verify it."""
        self.mode = Mode.DOUBT
        self.down.clear()
        self.up.clear()
        self.verified = self.verified_excess = self.verified_spread = 0.0

    def settle(self, mode: Mode) -> None:
        """Start both sums anew; what was saved is dropped where all is steady."""
        self.mode = mode
        self.down.clear()
        self.up.clear()
        if mode is Mode.STEADY:
            self.saved = {}

    def merge_task(self, task: str, other: str, settings: BeliefSettings) -> None:
        """What was saved of another task is of this one."""
        if other in self.saved:
            saved = RewardStatistics.from_state(self.saved.pop(other))
            if task in self.saved:
                saved.merge(RewardStatistics.from_state(self.saved[task]), settings)
            self.saved[task] = saved.to_state()

    def to_state(self) -> list[Any]:
        """JSON-able and exact."""
        sides = [self.down.to_state(), self.up.to_state()]
        tally = [self.verified, self.verified_excess, self.verified_spread, self.recovery]
        return [self.mode.value, *sides, tally, dict(self.saved)]

    @classmethod
    def from_state(cls, state: list[Any]) -> ChangeDetector:
        """The detector of a `to_state`."""
        mode, down, up, tally, saved = state
        watch = cls(mode=Mode(mode), down=Cusum(*down), up=Cusum(*up), saved=dict(saved))
        watch.verified, watch.verified_excess, watch.verified_spread, watch.recovery = tally
        return watch


def recovery_alarm(mean: float, target: float, phi: float) -> float:
    """The alarm that errs once in PROBES_PER_MISTAKE rewards of mean success `mean`."""
    per_reward = -(
        mean * log_ratio(1.0, mean, target, phi) + (1 - mean) * log_ratio(0.0, mean, target, phi)
    )
    return max(RECOVERY, math.log(max(1.0, PROBES_PER_MISTAKE * per_reward)))


def log_ratio(value: float, mean: float, moved: float, phi: float) -> float:
    """Quasi log-likelihood ratio of `moved` over `mean` for one reward, capped."""
    mean = min(0.995, max(0.005, mean))
    moved = min(0.995, max(0.005, moved))
    raw = value * math.log(moved / mean) + (1 - value) * math.log((1 - moved) / (1 - mean))
    return min(STEP_CAP, max(-STEP_CAP, raw / phi))
