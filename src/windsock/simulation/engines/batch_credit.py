"""What the answers of a window cost, were worth and teach, in counts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from windsock.core.cascades.cascade_arm import arm_name
from windsock.core.model.decisions import WeightTable
from windsock.core.model.requests import Cell
from windsock.core.model.units import Meter, Usage, cost_usd
from windsock.core.routing.router import Router
from windsock.core.routing.routes import Cascade
from windsock.simulation.engines.batch_attempts import (
    Answers,
    Counts,
    GroupDecision,
    stronger_answers,
)
from windsock.simulation.engines.batch_judgements import BatchJudgements
from windsock.simulation.world.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """Requests of a group that one deployment answered; `usd` and `attempts` of all of them.

    deployment  None where nobody answered
    """

    deployment: str | None
    count: int
    right: int = 0
    usd: float = 0.0
    attempts: int = 0


class BatchCredit:
    """Draws what answers are worth, asks again where a cascade does, and teaches the router.

    luck        numpy generator
    judgements  what is taught of the worth of answers, when it is known
    look        is told of the calls of every escalation
    """

    def __init__(
        self,
        world: World,
        router: Router,
        luck: Any,
        judgements: BatchJudgements,
        look: Callable[[GroupDecision, Answers], None],
    ) -> None:
        self._world = world
        self._router = router
        self._luck = luck
        self._look = look
        self._judgements = judgements

    def credit(self, decision: GroupDecision, found: Answers) -> Iterator[Served]:
        """Every group of answers, those that a cascade asked for included, and what was lost."""
        cascade, made = decision.group.route.cascade, found.attempts.tolist()
        for k, (name, attempts) in enumerate(zip(decision.names, made, strict=True)):
            if not attempts:
                continue
            by_call = found.served[k]
            if cascade is None or name in cascade.to:
                yield self._answered(decision, name, int(by_call.sum()), attempts)
            else:
                yield from self._with_cascade(decision, cascade, k, by_call, attempts)
        if found.lost.any():
            self._fail(decision, found)
            yield Served(deployment=None, count=int(found.lost.sum()), attempts=found.lost_attempts)

    def teach(
        self,
        cell: Cell,
        name: str,
        usage: Usage,
        count: int,
        right: int,
        end: float,
        *,
        claim: float | None = None,
        pair: tuple[str, str] | None = None,
    ) -> None:
        """Usage and transport at once, judgements when they are due.

        usage   of one answer
        claim   how sure the answers were, if they tell
        pair    the cascade that earned them, if one did
        """
        if not count:
            return
        policy = self._router.routes[cell.route].policy
        policy.count_served(cell, arm_name(*pair) if pair else name, count)
        units: dict[Meter, float] = {meter: n * count for meter, n in usage.counts().items()}
        self._router.beliefs.observe_usages(cell, name, units, count, end)
        sent = usage.prompt_tokens
        self._router.tables.sizes.observe(cell, name, sent, sent, count)
        self._router.observe_answers(cell, name, count, end)
        self._judgements.append(cell, name, count, right, end, claim=claim, pair=pair)

    def _answered(self, decision: GroupDecision, name: str, count: int, attempts: int) -> Served:
        """Answers that nobody checks."""
        right = int(self._luck.binomial(count, self._quality(decision, name)))
        self.teach(decision.cell, name, decision.usage, count, right, decision.end)
        usd = count * self._usd(decision, name)
        return Served(deployment=name, count=count, right=right, usd=usd, attempts=attempts)

    def _with_cascade(
        self, decision: GroupDecision, cascade: Cascade, k: int, by_call: Counts, attempts: int
    ) -> Iterator[Served]:
        """Answers that tell how sure they are; where a cascade is in use the doubtful go on."""
        name, count = decision.names[k], int(by_call.sum())
        targets = self._targets(decision, cascade)
        doubted = self._doubted(decision.table, name, by_call) if targets else by_call * 0
        quality = self._quality(decision, name)
        sure, doubtful = self._checked(cascade, quality, int(doubted.sum()))
        others = self._checked(cascade, quality, count - int(doubted.sum()))
        claims = ((1.0 + cascade.escalate_below) / 2, cascade.escalate_below / 2)
        for claim, (seen, _), (more, _) in zip(claims, (sure, doubtful), others, strict=True):
            self._router.confidences.count(decision.cell, name, claim, seen + more)
        is_weighed = decision.table.cascades is not None
        pair = (name, targets[0]) if targets and is_weighed else None
        taught = (decision.cell, name, decision.usage)
        self.teach(*taught, *sure, decision.end, claim=claims[0], pair=pair)
        for claim, (seen, right) in zip(claims, others, strict=True):
            self.teach(*taught, seen, right, decision.end, claim=claim)
        kept, right = count - doubtful[0], sure[1] + sum(right for _, right in others)
        if doubtful[0]:
            calls = self._luck.multivariate_hypergeometric(doubted, doubtful[0])
            found = self._ask_again(decision, targets, calls)
            stays = int(sum(each.lost.sum() for each in found))
            if stays:
                stays_right = int(
                    self._luck.hypergeometric(doubtful[1], doubtful[0] - doubtful[1], stays)
                )
                self.teach(*taught, stays, stays_right, decision.end, claim=claims[1], pair=pair)
                kept, right = kept + stays, right + stays_right
            yield from self._stronger(decision, found, pair)
            attempts += sum(each.lost_attempts for each in found)
            attempts -= sum(int(each.lost.sum()) * (i + 1) for i, each in enumerate(found))
        usd = count * self._usd(decision, name)
        yield Served(deployment=name, count=kept, right=right, usd=usd, attempts=attempts)

    def _ask_again(
        self, decision: GroupDecision, targets: list[str], calls: Counts
    ) -> list[Answers]:
        """What comes back from the targets, by the calls (less 1) that were made before."""
        indices = [decision.names.index(name) for name in targets]
        found = []
        for made, count in enumerate(calls[:-1].tolist(), start=1):
            each = stronger_answers(
                self._luck, decision, indices, count, made=made, attempts_allowed=len(calls)
            )
            self._look(decision, each)
            found.append(each)
        return found

    def _stronger(
        self,
        decision: GroupDecision,
        found: list[Answers],
        pair: tuple[str, str] | None,
    ) -> Iterator[Served]:
        """Answers given in place of doubtful ones; the calls before are counted with those."""
        for t, name in enumerate(decision.names):
            count = int(sum(each.served[t].sum() for each in found))
            if not count:
                continue
            right = int(self._luck.binomial(count, self._quality(decision, name)))
            earned = pair if pair and name == pair[1] else None
            self.teach(decision.cell, name, decision.usage, count, right, decision.end, pair=earned)
            attempts = sum(
                int(each.attempts[t] - each.served[t].sum() * (i + 1))
                for i, each in enumerate(found)
            )
            usd = count * self._usd(decision, name)
            yield Served(deployment=name, count=count, right=right, usd=usd, attempts=attempts)

    def _doubted(self, table: WeightTable, name: str, by_call: Counts) -> Counts:
        """Answers that may be asked again, by calls made less 1.

        Where the policy decides on cascades, those drawn to one, at their first call; else all
        that may make one more call.
        """
        doubted = by_call.copy()
        if table.cascades is None:
            doubted[-1] = 0
            return doubted
        doubted[:] = 0
        if len(doubted) > 1 and by_call[0]:
            doubted[0] = self._luck.binomial(by_call[0], _cascade_share(table, name))
        return doubted

    def _targets(self, decision: GroupDecision, cascade: Cascade) -> list[str]:
        """The strong deployments that can take a call, in the cascade's order."""
        can_take = self._router.availability.can_take
        able = (name for name in cascade.to if name in decision.names)
        return [name for name in able if can_take(name, decision.begin)]

    def _checked(
        self, cascade: Cascade, quality: float, count: int
    ) -> tuple[tuple[int, int], tuple[int, int]]:
        """(answers, right ones) that pass the check, and that do not."""
        wrong_pass, right_pass = self._world.passes(cascade.escalate_below, quality)
        right = int(self._luck.binomial(count, quality))
        kept_right = int(self._luck.binomial(right, right_pass))
        kept = kept_right + int(self._luck.binomial(count - right, wrong_pass))
        return (kept, kept_right), (count - kept, right - kept_right)

    def _fail(self, decision: GroupDecision, found: Answers) -> None:
        """Requests without an answer: where a route has one deployment alone their calls count
        against it, as in `core.resilience.errors.lost`, for nobody asks for the same again."""
        if decision.group.route.has_others:
            return
        for k in np.nonzero(found.lost_calls)[0]:
            count = int(found.lost_calls[k])
            self._router.observe_failures(decision.cell, decision.names[k], count, decision.end)

    def _quality(self, decision: GroupDecision, name: str) -> float:
        return self._world.quality(name, decision.group.task, decision.begin)

    def _usd(self, decision: GroupDecision, name: str) -> float:
        """True dollars of one call that begins in the window: its prices hold for all of it."""
        size = decision.usage.prompt_tokens
        prices = self._world.prices(name, decision.begin, prompt_tokens=size)
        return float(cost_usd(decision.usage.counts(), prices))


def _cascade_share(table: WeightTable, name: str) -> float:
    """Part of a deployment's requests that were drawn to a cascade."""
    weight = table.weights[table.deployments.index(name)]
    cascades = table.cascades or ()
    return sum(each.weight for each in cascades if each.deployment == name) / weight
