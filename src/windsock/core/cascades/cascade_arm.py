"""Cascades as arms: "cheap, then maybe strong", with its own expected dollars and success."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from windsock.core.beliefs.proxies.hearing import Word
from windsock.core.beliefs.statistics import RewardStatistics, dispersion
from windsock.core.cascades.calibration import Check, CostAndSuccess, gain_over_mixture
from windsock.core.model.decisions import CascadeFacts, Decision

MAX_COMPOSED_REWARDS = 30.0
"""Most rewards that the composed success is worth against rewards of the cascade itself: that the
strong deployment succeeds as often on what the cheap one fails is an assumption."""

LEAST_CLAIMS = 10.0
"""Answers, with a confidence or without, from which on a cascade is considered."""

LEAST_PARAMETER = 0.5
"""A Beta parameter below is raised, and the other with it."""

Beta = tuple[float, float]
"""Parameters of a belief about success."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRates:
    """What a check does with the answers of one deployment at one task.

    kept            share of answers that pass
    kept_success    success of those
    kept_rewards    judged answers that this rests on
    unsure          share of answers without a confidence; they are asked again
    judged          judged answers that the calibration rests on
    """

    kept: float
    kept_success: float
    kept_rewards: float
    unsure: float
    judged: float
    check: Check


@dataclass(frozen=True, slots=True, kw_only=True)
class PairFacts:
    """What is beside in a cascade that goes by the agreement of two answers.

    second      who is asked beside the first
    error       standard error of its gain
    is_measured whether enough of its answers were judged to tell
    trial       most of the cell's requests, and of its dollars, that go to measuring it
    """

    second: str
    error: float
    is_measured: bool
    trial: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CascadeArm:
    """One cascade of a cell.

    deployment, to  who is asked first, and who is asked again
    a, b            Beta parameters of its success
    usd             expected dollars of a request
    gain            its success over that of a mixture of its two at the same cost; of any two of
                    the cell where it goes by agreement
    sieve           what the check in between does
    pair            of a cascade that goes by agreement
    """

    deployment: str
    to: str
    a: float
    b: float
    usd: float
    gain: float
    sieve: CheckRates
    pair: PairFacts | None = None

    @property
    def arm(self) -> str:
        """Its name among arms."""
        return arm_name(self.deployment, self.to)

    @property
    def pays(self) -> bool:
        """True if it succeeds more often than deployments mixed at the same cost; where it goes by
        agreement, by more than one standard error."""
        pair = self.pair
        return self.gain > 0.0 if pair is None else pair.is_measured and self.gain > pair.error

    @property
    def trial(self) -> float:
        """Most of the cell's requests, and of its dollars, that go to measuring it, 0..1."""
        return 0.0 if self.pair is None or self.pays else self.pair.trial

    def facts(self, weight: float) -> CascadeFacts:
        """What a weight table shows of it; `weight` is its chance."""
        return CascadeFacts(
            deployment=self.deployment,
            to=self.to,
            weight=weight,
            success_mean=self.a / (self.a + self.b),
            expected_usd=self.usd,
            escalated=1.0 - self.sieve.kept,
            unsure=self.sieve.unsure,
            wrong_found=self.sieve.check.wrong_found,
            right_passed=self.sieve.check.right_passed,
            judged=self.sieve.judged,
            gain=self.gain,
            second=self.pair.second if self.pair else None,
            gain_error=self.pair.error if self.pair else None,
        )


def arm_name(deployment: str, to: str) -> str:
    """As weight tables, beliefs of cascades and the frontier name it."""
    return f"{deployment} > {to}"


def arm_of(decision: Decision, served: str) -> str:
    """The arm that answered: the cascade if one was drawn and followed, else a deployment."""
    to = cascade_of(decision, served)
    return served if to is None else arm_name(decision.deployment, to)


def cascade_of(decision: Decision, deployment: str) -> str | None:
    """The second of the cascade that answered; None where none did."""
    to = decision.escalates_to
    return to if deployment in (decision.deployment, to) else None


def compose(
    cheap: tuple[str, float, Beta],
    strong: tuple[str, float, Beta],
    sieve: CheckRates,
    own: RewardStatistics | None,
    heard: Iterable[Word] = (),
) -> CascadeArm:
    """The cascade of two deployments, each (name, dollars a request, Beta of its success).

    own     rewards of requests that this cascade has served
    heard   what proxies say of such requests, as labels correct it
    """
    (name, cheap_usd, cheap_beta), (to, strong_usd, strong_beta) = cheap, strong
    mean, rewards = _composed(sieve, strong_beta)
    for word in heard:
        total = rewards + word.strength
        mean, rewards = (mean * rewards + word.mean * word.strength) / total, total
    a, b = _with_own(mean * rewards, (1.0 - mean) * rewards, own)
    usd = cheap_usd + (1.0 - sieve.kept) * strong_usd
    made = CostAndSuccess(usd=usd, success=a / (a + b))
    gain = gain_over_mixture(
        CostAndSuccess(usd=cheap_usd, success=_mean(cheap_beta)),
        CostAndSuccess(usd=strong_usd, success=_mean(strong_beta)),
        made,
    )
    return CascadeArm(deployment=name, to=to, a=a, b=b, usd=usd, gain=gain, sieve=sieve)


def _composed(sieve: CheckRates, strong: Beta) -> tuple[float, float]:
    """Mean success, and the rewards it is worth by the variance of its parts."""
    kept, asked_again = sieve.kept, 1.0 - sieve.kept
    mean = kept * sieve.kept_success + asked_again * _mean(strong)
    kept_variance = sieve.kept_success * (1 - sieve.kept_success) / (sieve.kept_rewards + 3.0)
    strong_variance = _mean(strong) * (1 - _mean(strong)) / (sum(strong) + 1.0)
    variance = kept**2 * kept_variance + asked_again**2 * strong_variance
    rewards = mean * (1 - mean) / max(variance, 1e-12) - 1.0
    return mean, min(MAX_COMPOSED_REWARDS, max(1.0, rewards))


def _with_own(a: float, b: float, own: RewardStatistics | None) -> Beta:
    if own is not None and own.count > 0:
        phi = dispersion(own.count, own.total, own.squares)
        a, b = a + own.total / phi, b + (own.count - own.total) / phi
    return lifted(a, b)


def lifted(a: float, b: float) -> Beta:
    """The same belief with no parameter below LEAST_PARAMETER."""
    lift = max(1.0, LEAST_PARAMETER / max(1e-9, min(a, b)))
    return a * lift, b * lift


def _mean(beta: Beta) -> float:
    return beta[0] / (beta[0] + beta[1])
