"""Two cheap answers that agree: what that is worth as confidence, measured per task.

A request of such a cascade asks two deployments side by side. Where their answers agree the first
is given, else a stronger deployment is asked. What is given is judged like any other answer, and
compared with what plain deployments reach for the same money by other requests' rewards: the two
sides of the difference rest on different requests.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import sqrt
from typing import Any

from windsock.core.beliefs.statistics import BeliefSettings, RewardStatistics, dispersion
from windsock.core.cascades.calibration import Check
from windsock.core.cascades.cascade_arm import Beta, CascadeArm, CheckRates, PairFacts, lifted

MOST_PAIRS = 2000.0
"""Pairs of answers that the share of agreement rests on."""

TRIED = 200.0
"""Pairs from which on trials become rarer."""

LOST, SELDOM = 2.0, 0.1
"""Standard errors below no gain from which on it is tried so many times as often."""

TRUSTED = 4.0
"""Rewards that the two's usual success is worth against what was measured; agreement is taken to
tell nothing until then."""

LEAST_JUDGED = 25.0
"""Judged requests of a cascade from which on its gain counts as measured."""

Offer = tuple[str, float, Beta]
"""(deployment, dollars a request, Beta parameters of its success)."""


@dataclass(slots=True)
class PairTally:
    """Requests that two deployments were asked side by side.

    second              who was asked beside the first
    agreed, differed    pairs of answers; one that cannot be read in the canonical form is `unread`
    kept, asked         judged answers: those that both gave, and the strong one's where they differ
    """

    second: str
    agreed: float = 0.0
    differed: float = 0.0
    unread: float = 0.0
    kept: RewardStatistics = field(default_factory=RewardStatistics)
    asked: RewardStatistics = field(default_factory=RewardStatistics)

    @property
    def pairs(self) -> float:
        """How many there were."""
        return self.agreed + self.differed + self.unread

    @property
    def judged(self) -> float:
        """Judged requests."""
        return self.kept.count + self.asked.count

    def observe(self, agreed: float, differed: float, unread: float) -> None:
        """Count pairs of answers."""
        self.agreed, self.differed = self.agreed + agreed, self.differed + differed
        self.unread += unread
        if self.pairs > MOST_PAIRS:
            spare = MOST_PAIRS / self.pairs
            self.agreed, self.differed = self.agreed * spare, self.differed * spare
            self.unread *= spare

    def judge(
        self,
        rewards: tuple[float, float, float],
        at: float,
        settings: BeliefSettings,
        *,
        is_kept: bool,
    ) -> None:
        """Rewards by their number, sum and sum of squares; less than none takes back."""
        (self.kept if is_kept else self.asked).observe_sums(*rewards, at, settings)

    def to_state(self) -> list[Any]:
        """JSON-able and exact."""
        sums = self.kept.to_state(), self.asked.to_state()
        return [self.second, self.agreed, self.differed, self.unread, *sums]

    @classmethod
    def from_state(cls, state: Sequence[Any]) -> PairTally:
        """A tally of `to_state`."""
        second, agreed, differed, unread, *sums = state
        return cls(second, agreed, differed, unread, *map(RewardStatistics.from_state, sums))


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean, 0..1, and its variance."""

    mean: float
    variance: float


def pair_arm(
    first: Offer,
    second: Offer,
    strong: Offer,
    tally: PairTally | None,
    plain: Sequence[Offer],
    trial: float,
) -> CascadeArm:
    """The cascade of a first, a second opinion and a strong deployment.

    plain   deployments whose mixtures it must beat
    trial   most of the cell's requests that may measure it, 0..1
    """
    tally, usual = tally or PairTally(second[0]), _of(first[2]).mean
    kept = _share(tally.agreed, tally.pairs)
    right = _measured(tally.kept, usual)
    made = _stratified(kept, right, _measured(tally.asked, _of(strong[2]).mean))
    usd = first[1] + second[1] + (1.0 - kept.mean) * strong[1]
    best = best_mixture([*plain, strong], usd)
    gain, error = made.mean - best.mean, sqrt(made.variance + best.variance)
    is_measured = tally.judged >= LEAST_JUDGED
    loses = is_measured and gain < -LOST * error
    a, b = _beta(made)
    return CascadeArm(
        deployment=first[0],
        to=strong[0],
        a=a,
        b=b,
        usd=usd,
        gain=gain,
        sieve=_rates(kept.mean, right.mean, usual, tally),
        pair=PairFacts(
            second=second[0],
            error=error,
            is_measured=is_measured,
            trial=trial * TRIED / max(TRIED, tally.pairs) * (SELDOM if loses else 1.0),
        ),
    )


def best_mixture(plain: Sequence[Offer], usd: float) -> Estimate:
    """The most success that one or two deployments reach for so many dollars a request."""
    found = [_of(beta) for _, cost, beta in plain if cost <= usd]
    for _, low, cheap in plain:
        for _, high, dear in plain:
            if low <= usd < high:
                found.append(_mixed(_of(cheap), _of(dear), (usd - low) / (high - low)))
    return max(found, key=lambda each: each.mean)


def _mixed(one: Estimate, other: Estimate, share: float) -> Estimate:
    return Estimate(
        (1.0 - share) * one.mean + share * other.mean,
        (1.0 - share) ** 2 * one.variance + share**2 * other.variance,
    )


def _stratified(kept: Estimate, right: Estimate, after: Estimate) -> Estimate:
    """Success where the two agree, and where they differ, each as often as it happens."""
    share = kept.mean
    mixed = _mixed(after, right, share)
    spread = (right.mean - after.mean) ** 2 * kept.variance
    return Estimate(mixed.mean, mixed.variance + spread)


def _of(beta: Beta) -> Estimate:
    total = sum(beta)
    return Estimate(beta[0] / total, beta[0] * beta[1] / total**2 / (total + 1.0))


def _share(count: float, total: float) -> Estimate:
    mean = (count + 1.0) / (total + 2.0)
    return Estimate(mean, mean * (1 - mean) / (total + 3))


def _measured(rewards: RewardStatistics, usual: float) -> Estimate:
    """Judged success, leaning on what is usual while little of it is known."""
    phi = dispersion(rewards.count, rewards.total, rewards.squares) if rewards.count else 1.0
    count, total = rewards.count / phi, rewards.total / phi
    mean = (total + TRUSTED * usual) / (count + TRUSTED)
    return Estimate(mean, mean * (1 - mean) / (count + TRUSTED + 1))


def _beta(made: Estimate) -> Beta:
    rewards = max(1.0, made.mean * (1 - made.mean) / max(made.variance, 1e-12) - 1.0)
    return lifted(made.mean * rewards, (1.0 - made.mean) * rewards)


def _rates(kept: float, right: float, usual: float, tally: PairTally) -> CheckRates:
    """What agreement does with the first one's answers, by its usual success."""
    wrong, wrong_kept = max(1e-9, 1.0 - usual), kept * (1.0 - right)
    return CheckRates(
        kept=kept,
        kept_success=right,
        kept_rewards=tally.kept.count,
        unsure=tally.unread / tally.pairs if tally.pairs else 0.0,
        judged=tally.judged,
        check=Check(
            wrong_found=max(0.0, 1.0 - wrong_kept / wrong),
            right_passed=min(1.0, kept * right / max(1e-9, usual)),
        ),
    )
