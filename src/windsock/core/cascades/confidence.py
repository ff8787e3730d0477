"""What a claimed confidence is worth: measured from feedback, per task and deployment.

Claims are counted for every answer, also while no cascade is in use, so that it is known what one
would do before it is tried. Rewards of requests that a cascade served teach the cascade: what is
left of the cheap deployment's answers there are its best, what the strong one gets are its hardest.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from windsock.core.beliefs.proxies.hearing import Word
from windsock.core.beliefs.statistics import BeliefSettings, RewardStatistics
from windsock.core.cascades.agreement import Offer, PairTally, pair_arm
from windsock.core.cascades.calibration import BINS, Calibration, Check, bin_of
from windsock.core.cascades.cascade_arm import (
    LEAST_CLAIMS,
    Beta,
    CascadeArm,
    CheckRates,
    cascade_of,
    compose,
)
from windsock.core.model.calls import AttemptReason, CallKind, Outcome
from windsock.core.model.decisions import Decision
from windsock.core.model.requests import Cell
from windsock.core.replicas.contributions import Kind, Tell, tell_nobody

MAX_OPEN_CLAIMS = 10_000
"""Judgements that are waited for; the oldest are given up."""

MAX_CLAIMS = 2000.0
"""Claims that the usual distribution rests on."""

Place = tuple[Cell, str, str]
"""A cell, who is asked first, and whom a cascade asks then."""

Counts = tuple[float, float, float]

KEPT = "kept"
"""How a reward is told of that two gave alike."""

NOTHING = Calibration()
"""Where no claim was measured."""


def _bin_name(claim: float | None) -> str:
    """The bin of a claim as others are told of it; empty for no claim."""
    return "" if claim is None else str(bin_of(claim))


class Claims:
    """How sure the answers of one deployment were, by bin; the last bin is "did not say"."""

    def __init__(self) -> None:
        self.counts = [0.0] * (BINS + 1)

    def observe(self, claim: float | None, count: float = 1.0) -> None:
        """Count answers with this claim, or without one."""
        self.counts[BINS if claim is None else bin_of(claim)] += count
        total = sum(self.counts)
        if total > MAX_CLAIMS:
            self.counts = [each * MAX_CLAIMS / total for each in self.counts]


class Confidences:
    """Remembers what answers claimed, and learns from their judgement what the claim meant."""

    def __init__(self, settings: BeliefSettings) -> None:
        self._settings = settings
        self._curves: dict[tuple[Cell, str], Calibration] = {}
        self._seen: dict[tuple[Cell, str], Claims] = {}
        self._rows: dict[tuple[Cell, str, str], RewardStatistics] = {}
        self._pairs: dict[tuple[Cell, str, str], PairTally] = {}
        self._claims: OrderedDict[str, float] = OrderedDict()
        self.tell: Tell = tell_nobody

    def remember(self, outcome: Outcome) -> None:
        """Count what every answer claimed, and keep the claim of the one that was given."""
        cell, claim = outcome.decision.cell, None
        for result in outcome.results:
            attempt = result.attempt
            if result.kind is CallKind.ANSWERED and attempt.reason is not AttemptReason.ESCALATION:
                self.count(cell, attempt.deployment, result.confidence)
            if attempt.deployment == outcome.served and result.confidence is not None:
                claim = result.confidence
            if attempt.reason is AttemptReason.SECOND and result.kind is CallKind.ANSWERED:
                self._compare(outcome.decision, attempt.deployment, result.agrees)
        if claim is not None:
            self.claim(outcome.decision.id, claim)

    def claim(self, decision_id: str, claim: float) -> None:
        """How sure somebody is of the answer that was given."""
        self._claims[decision_id] = claim
        if len(self._claims) > MAX_OPEN_CLAIMS:
            self._claims.popitem(last=False)

    def count(self, cell: Cell, deployment: str, claim: float | None, count: float = 1.0) -> None:
        """So many answers came with this confidence, or without one."""
        self._seen.setdefault((cell, deployment), Claims()).observe(claim, count)
        self.tell(Kind.CLAIMED, (*cell.stored, deployment, _bin_name(claim)), (count,), 0.0)

    def learn(self, decision_id: str, cell: Cell, deployment: str, value: float) -> None:
        """An answer was worth `value`: its claim, if it is still known, meant as much."""
        claim = self._claims.pop(decision_id, None)
        if claim is not None:
            self.calibrate(cell, deployment, claim, value)

    def calibrate(
        self, cell: Cell, deployment: str, claim: float, value: float, weight: float = 1.0
    ) -> None:
        """Answers with this confidence were worth `value`."""
        curve = self._curves.setdefault((cell, deployment), Calibration())
        curve.learn(claim, value, weight)
        key = (*cell.stored, deployment, _bin_name(claim))
        self.tell(Kind.CALIBRATED, key, (weight, weight * value), 0.0)

    def credit_cascade(
        self,
        decision: Decision,
        deployment: str,
        value: float,
        weight: float,
        at: float,
        *,
        by_agreement: bool = False,
    ) -> bool:
        """A reward, if a cascade earned it; a negative weight takes it back.

        by_agreement    what its route goes by now: pairs of before are not learnt into
        """
        to = cascade_of(decision, deployment)
        if to is None:
            return False
        place = decision.cell, decision.deployment, to
        pairs = self._pairs.get(place) if by_agreement else None
        if pairs is not None:
            rewards = weight, weight * value, weight * value * value
            self.earn(place, pairs.second, rewards, at, is_kept=deployment != to)
            return True
        row = self._rows.setdefault(place, RewardStatistics())
        row.observe(value, weight, at, self._settings)
        return True

    def credit_sums(
        self,
        cell: Cell,
        pair: tuple[str, str],
        count: float,
        total: float,
        squares: float,
        at: float,
    ) -> None:
        """Rewards that a cascade earned, by their number, sum and sum of squares."""
        row = self._rows.setdefault((cell, *pair), RewardStatistics())
        row.observe_sums(count, total, squares, at, self._settings)

    def compare(self, place: Place, second: str, counts: Counts) -> None:
        """So many pairs agreed, differed and could not be read; another second begins anew."""
        self._tally(place, second).observe(*counts)
        cell, first, to = place
        self.tell(Kind.COMPARED, (*cell.stored, first, second, to), counts, 0.0)

    def earn(self, place: Place, second: str, rewards: Counts, at: float, *, is_kept: bool) -> None:
        """Rewards of requests that two were asked, by their number, sum and sum of squares.

        is_kept     the two agreed; else the strong one has answered
        """
        self._tally(place, second).judge(rewards, at, self._settings, is_kept=is_kept)
        (cell, first, to), how = place, KEPT if is_kept else ""
        self.tell(Kind.EARNED, (*cell.stored, first, second, to, how), rewards, at)

    def rate(self, cell: Cell, deployment: str, claim: float) -> float:
        """Measured success at this claim; the claim itself where nothing was measured."""
        curve = self._curves.get((cell, deployment))
        return claim if curve is None else curve.rate(claim)

    def compound(
        self,
        cell: Cell,
        cheap: tuple[str, float, Beta],
        strong: tuple[str, float, Beta],
        threshold: float,
        heard: Iterable[Word] = (),
    ) -> CascadeArm | None:
        """The cascade of two deployments, None while too few answers were seen.

        heard   what proxies say of what it has answered
        """
        sieve = self._sieve(cell, cheap[0], threshold)
        own = self._rows.get((cell, cheap[0], strong[0]))
        return compose(cheap, strong, sieve, own, heard) if sieve is not None else None

    def agreeing(
        self,
        cell: Cell,
        first: Offer,
        second: Offer,
        strong: Offer,
        plain: Sequence[Offer],
        trial: float,
    ) -> CascadeArm:
        """The cascade that goes by the agreement of a first and a second answer."""
        pairs = self._pairs.get((cell, first[0], strong[0]))
        if pairs is not None and pairs.second != second[0]:
            pairs = None
        return pair_arm(first, second, strong, pairs, plain, trial)

    def forget(self, cells: frozenset[Cell]) -> None:
        """Drop what claims meant in these cells."""
        self._curves = {key: each for key, each in self._curves.items() if key[0] not in cells}
        self._seen = {key: each for key, each in self._seen.items() if key[0] not in cells}
        self._rows = {key: each for key, each in self._rows.items() if key[0] not in cells}
        self._pairs = {key: each for key, each in self._pairs.items() if key[0] not in cells}

    def to_state(self) -> dict[str, Any]:
        """JSON-able and exact; claims that wait for a judgement are left out."""
        return {
            "curves": [
                [*cell.stored, n, curve.to_state()] for (cell, n), curve in self._curves.items()
            ],
            "seen": [
                [*cell.stored, n, list(seen.counts)] for (cell, n), seen in self._seen.items()
            ],
            "rows": [
                [*cell.stored, n, to, row.to_state()] for (cell, n, to), row in self._rows.items()
            ],
            "pairs": [
                [*cell.stored, n, to, each.to_state()]
                for (cell, n, to), each in self._pairs.items()
            ],
        }

    def from_state(self, state: Mapping[str, Any]) -> None:
        """Take over a state of `to_state`."""
        for namespace, route, task, name, body in state["curves"]:
            curve = self._curves[Cell.read(namespace, route, task), name] = Calibration()
            curve.from_state(body)
        for namespace, route, task, name, counts in state["seen"]:
            self._seen[Cell.read(namespace, route, task), name] = seen = Claims()
            seen.counts = list(counts)
        for namespace, route, task, name, to, fields in state["rows"]:
            self._rows[Cell.read(namespace, route, task), name, to] = RewardStatistics.from_state(
                fields
            )

        for namespace, route, task, name, to, fields in state["pairs"]:
            place = Cell.read(namespace, route, task), name, to
            self._pairs[place] = PairTally.from_state(fields)

    def _tally(self, place: Place, second: str) -> PairTally:
        """Of these three; what was known with another second is gone."""
        pairs = self._pairs.get(place)
        if pairs is None or pairs.second != second:
            pairs = self._pairs[place] = PairTally(second)
        return pairs

    def _compare(self, decision: Decision, second: str, agrees: bool | None) -> None:
        """Two deployments have answered one request."""
        if (to := decision.escalates_to) is not None:
            counts = float(agrees is True), float(agrees is False), float(agrees is None)
            self.compare((decision.cell, decision.deployment, to), second, counts)

    def _sieve(self, cell: Cell, deployment: str, threshold: float) -> CheckRates | None:
        """What the check does, by all claims seen; answers without one are asked again."""
        seen = self._seen.get((cell, deployment))
        total = sum(seen.counts) if seen is not None else 0.0
        if seen is None or total < LEAST_CLAIMS:
            return None
        calibration = self._curves.get((cell, deployment), NOTHING)
        curve = calibration.curve()
        bins = list(zip(seen.counts, curve, strict=False))
        kept = sum(count for count, rate in bins if rate >= threshold)
        right_kept = sum(count * rate for count, rate in bins if rate >= threshold)
        right = sum(count * rate for count, rate in bins)
        wrong = sum(seen.counts[:BINS]) - right
        return CheckRates(
            kept=kept / total,
            kept_success=right_kept / kept if kept else 1.0,
            kept_rewards=calibration.rewards_from(threshold),
            unsure=seen.counts[BINS] / total,
            judged=calibration.judged,
            check=Check(
                wrong_found=1.0 - (kept - right_kept) / wrong if wrong > 0 else 1.0,
                right_passed=right_kept / right if right > 0 else 1.0,
            ),
        )
