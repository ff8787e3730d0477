"""What sums teach, of this replica and of others: evidence that adds in any order."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from windsock.core.beliefs.beliefs import Beliefs
from windsock.core.beliefs.proxies.sums import ProxySums
from windsock.core.cascades.calibration import BINS
from windsock.core.cascades.cascade_arm import arm_of, cascade_of
from windsock.core.cascades.confidence import KEPT, Confidences
from windsock.core.evidence.keys.accounts import Place
from windsock.core.evidence.keys.key_watch import KeyWatch
from windsock.core.evidence.keys.sums import Sums, sums_of
from windsock.core.evidence.sharing.scores import Scores
from windsock.core.evidence.source_watch import SourceWatch
from windsock.core.evidence.sources import DEFAULT_EVIDENCE, EXPLICIT, EvidenceRules
from windsock.core.evidence.weighting import RewardWeighting, account_of
from windsock.core.model.calls import Outcome
from windsock.core.model.decisions import Decision
from windsock.core.model.requests import Cell
from windsock.core.model.rewards import Reward
from windsock.core.replicas.contributions import Contribution, Kind, Tell, tell_nobody

UNJUDGED_KEEPS = 2.0
"""Rewards that a belief from mere answers is worth when the first judgements come."""


class SharedEvidence:
    """Evidence as sums: counted as it comes, told to other replicas, heard from them.

    rules_of    what the route of a cell says of evidence, None if it is gone
    """

    def __init__(
        self,
        beliefs: Beliefs,
        confidences: Confidences,
        rules_of: Callable[[Cell], EvidenceRules | None],
    ) -> None:
        self._beliefs = beliefs
        self._confidences = confidences
        self._rules_of = rules_of
        self._weightings: dict[str, RewardWeighting] = {}
        self.keys = KeyWatch()
        self.sources = SourceWatch()
        self._scores = Scores(
            beliefs, confidences, self._weightings, self._weighting, self.sources.publish
        )
        beliefs.listen(self._scores.heard)
        self._tell: Tell = tell_nobody

    def share(self, tell: Tell) -> None:
        """Tell of all that is learnt from now on, so that other replicas can learn it too."""
        self._tell = self._confidences.tell = tell
        for weighting in self._weightings.values():
            weighting.tell = tell

    def adopt(self) -> None:
        """Routes may say something else of evidence from now on."""
        for name, weighting in self._weightings.items():
            for cell, deployment in weighting.adopt(self._rules(Cell("", name, ""))):
                self._beliefs.note_proxy(cell, deployment, self._beliefs.as_of(cell))

    def observe_sums(
        self, cell: Cell, deployment: str, count: float, total: float, squares: float, now: float
    ) -> None:
        """Credit explicit rewards at once, by their number, sum and sum of squares."""
        self.count_judgement(cell, count)
        self._weighting(cell).sources.note(cell, deployment, EXPLICIT, count, total)
        self._beliefs.observe_sums(cell, deployment, count, total, squares, now=now)

    def observe_answers(self, cell: Cell, deployment: str, count: float, now: float) -> None:
        """Answers came back that nobody judged: that says nothing of who answers better.

        Until somebody judges a task, an answer is worth what its deployment's are expected to be:
        enough to outweigh failures of before, and no more. Were it a success, whoever is asked
        most, the cheapest, would slowly count as the best.
        """
        weight = count * self._rules(cell).transport_weight
        self._observe_unjudged(cell, deployment, weight, self._weighting(cell), now)

    def _observe_unjudged(
        self, cell: Cell, deployment: str, weight: float, weighting: RewardWeighting, now: float
    ) -> None:
        if weight > 0 and not weighting.is_judged(cell):
            judged = weighting.judged(cell)
            most = UNJUDGED_KEEPS + judged
            self._beliefs.observe_answers(
                cell, deployment, weight, most=most, fades=not judged, now=now
            )

    def observe_failures(self, cell: Cell, deployment: str, count: float, now: float) -> None:
        """So many calls of requests that got no answer failed, which counts against success."""
        weight = count * self._rules(cell).transport_weight
        if weight > 0:
            self._tell(Kind.FAILED, (*cell.stored, deployment), (count,), now)
            self._beliefs.observe_sums(cell, deployment, weight, 0.0, 0.0, now=now)

    def count_judgement(self, cell: Cell, weight: float) -> None:
        """Somebody judges this task: what mere answers have taught it is dropped."""
        self._tell(Kind.SETTLED, cell.stored, (max(0.0, weight),), 0.0)
        if self._weighting(cell).count_judgement(cell, weight):
            self._beliefs.shrink_to(cell, UNJUDGED_KEEPS)

    def hear(self, each: Contribution) -> Cell | None:
        """Learn what another replica has learnt; the cell whose weights it may move.

        The same calls learn it that learn of this replica's own requests.
        """
        if each.kind is Kind.SETTLED:
            cell = Cell.read(*each.key)
            self.count_judgement(cell, each.values[0])
            return cell
        how = HEARD_BY.get(each.kind)
        if how is None:
            return None
        namespace, route, name, deployment, *rest = each.key
        cell = Cell.read(namespace, route, name)
        how(self, cell, deployment, rest, each)
        return cell

    def _hear_said(self, cell: Cell, deployment: str, whose: list[str], each: Contribution) -> None:
        key, to = whose
        place = (cell, deployment)
        said = Sums(*each.values)
        believed, moved = self._weighting(cell).keys.hear(place, key, said, each.at)
        self._move(moved, each.at)
        count, total, squares = (believed * part for part in said)
        if to:
            self._confidences.credit_sums(cell, (deployment, to), count, total, squares, each.at)
        elif said.weight > 0:
            self._beliefs.observe_sums(cell, deployment, count, total, squares, now=each.at)
        elif any(said):
            self._beliefs.count_sums(cell, deployment, count, total, squares, observed_at=each.at)

    def believe_again(self, each: Contribution) -> None:
        """What a belief that was replaced since had known of it; accounts know it still."""
        if each.kind is Kind.SAID and not each.key[5]:
            namespace, route, name, deployment, key, _ = each.key
            cell = Cell.read(namespace, route, name)
            believed = self._weighting(cell).keys.belief(key, (cell, deployment))
            count, total, squares = (believed * part for part in each.values)
            self._beliefs.count_sums(cell, deployment, count, total, squares, observed_at=each.at)

    def _hear_failed(self, cell: Cell, deployment: str, _: list[str], each: Contribution) -> None:
        self.observe_failures(cell, deployment, each.values[0], each.at)

    def _hear_answered(self, cell: Cell, deployment: str, _: list[str], each: Contribution) -> None:
        self._weighting(cell).response(cell, deployment).count(answers=each.values[0])
        self.observe_answers(cell, deployment, each.values[0], each.at)

    def _hear_judged(self, cell: Cell, deployment: str, _: list[str], each: Contribution) -> None:
        self._weighting(cell).response(cell, deployment).count(rewards=each.values[0])

    def _hear_used(self, cell: Cell, deployment: str, _: list[str], each: Contribution) -> None:
        requests, *units = each.values
        self._beliefs.observe_units(cell, deployment, units, requests, each.at)

    def _hear_heard(
        self, cell: Cell, deployment: str, source: list[str], each: Contribution
    ) -> None:
        self._weighting(cell).sources.note(cell, deployment, source[0], *each.values)

    def _hear_scored(
        self, cell: Cell, deployment: str, whose: list[str], each: Contribution
    ) -> None:
        self._scores.hear(cell, deployment, whose, ProxySums(*each.values), each.at)

    def _hear_forgotten(
        self, cell: Cell, deployment: str, whose: list[str], each: Contribution
    ) -> None:
        self._scores.forget(cell, deployment, whose, ProxySums(*each.values), each.at)

    def _hear_claimed(
        self, cell: Cell, deployment: str, claim: list[str], each: Contribution
    ) -> None:
        self._confidences.count(cell, deployment, _confidence(claim[0]), each.values[0])

    def _hear_calibrated(
        self, cell: Cell, deployment: str, claim: list[str], each: Contribution
    ) -> None:
        weight, total = each.values
        confidence = _confidence(claim[0])
        if weight and confidence is not None:
            self._confidences.calibrate(cell, deployment, confidence, total / weight, weight)

    def _hear_compared(
        self, cell: Cell, deployment: str, whose: list[str], each: Contribution
    ) -> None:
        (second, to), (agreed, differed, unread) = whose, each.values
        self._confidences.compare((cell, deployment, to), second, (agreed, differed, unread))

    def _hear_earned(
        self, cell: Cell, deployment: str, whose: list[str], each: Contribution
    ) -> None:
        (second, to, how), (count, total, squares) = whose, each.values
        place, rewards = (cell, deployment, to), (count, total, squares)
        self._confidences.earn(place, second, rewards, each.at, is_kept=how == KEPT)

    def _tell_said(
        self, decision: Decision, deployment: str, reward: Reward, said: float, at: float
    ) -> None:
        """Of a key, and of the cascade that had answered, if one had."""
        to = cascade_of(decision, deployment) or ""
        key = (*decision.cell.stored, deployment, account_of(reward), to)
        self._tell(Kind.SAID, key, sums_of(reward.value, said), at)

    def _move(self, moved: Mapping[Place, Sums], now: float) -> None:
        """Keys count for more or less than they did: what stands of them is moved."""
        for (cell, deployment), sums in moved.items():
            counted = self._weighting(cell).keys.counted((cell, deployment)) - sums.weight
            self._beliefs.correct(cell, deployment, sums, counted=counted, now=now)

    def _weighting(self, cell: Cell) -> RewardWeighting:
        """Where rewards of a route are weighed: by source, and bounded for each key."""
        found = self._weightings.get(cell.route)
        if found is None:
            rules = self._rules(cell)
            found = self._weightings[cell.route] = RewardWeighting(
                rules.source_weights,
                judge=rules.judge,
                half_life_s=self._beliefs.settings.half_life_s,
                silenced=self.keys.silenced,
                tell=self._tell,
            )
        return found

    def _rules(self, cell: Cell) -> EvidenceRules:
        return self._rules_of(cell) or DEFAULT_EVIDENCE


HEARD_BY: Mapping[Kind, Callable[[SharedEvidence, Cell, str, list[str], Contribution], None]] = {
    Kind.SAID: SharedEvidence._hear_said,
    Kind.FAILED: SharedEvidence._hear_failed,
    Kind.ANSWERED: SharedEvidence._hear_answered,
    Kind.JUDGED: SharedEvidence._hear_judged,
    Kind.USED: SharedEvidence._hear_used,
    Kind.HEARD: SharedEvidence._hear_heard,
    Kind.SCORED: SharedEvidence._hear_scored,
    Kind.FORGOTTEN: SharedEvidence._hear_forgotten,
    Kind.CLAIMED: SharedEvidence._hear_claimed,
    Kind.CALIBRATED: SharedEvidence._hear_calibrated,
    Kind.COMPARED: SharedEvidence._hear_compared,
    Kind.EARNED: SharedEvidence._hear_earned,
}


def tell_outcome(tell: Tell, outcome: Outcome, served: str, now: float) -> None:
    """An answer came; what it used and cost, as far as that is known."""
    cell = outcome.decision.cell
    place = (*cell.stored, served)
    tell(Kind.ANSWERED, place, (1.0,), now)
    if outcome.usage is not None and not outcome.is_usage_estimated:
        tell(Kind.USED, place, (1.0, *outcome.usage.mix()), now)
    tell(Kind.SERVED, (*cell.stored, arm_of(outcome.decision, served)), (1.0,), now)
    if outcome.cost_usd is not None:
        tell(Kind.SPENT, cell[:2], (1.0, float(outcome.cost_usd)), now)


def _confidence(name: str) -> float | None:
    """The middle of a bin of confidence; None where nothing was claimed."""
    return (int(name) + 0.5) / BINS if name else None
