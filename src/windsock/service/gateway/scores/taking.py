"""Scores that others have given are credited to the answers they judge."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from windsock.core.model.rewards import Reward
from windsock.errors import BadRequest
from windsock.service.auth import Principal
from windsock.service.feedback_inbox import FeedbackInbox, UnknownDecision
from windsock.service.gateway.feedback_endpoint import Kept, share_kept
from windsock.service.use.reader import EDIT
from windsock.wire.scores.score import LeftOut, NoScore, Read, Scale, Score, value_of

MOST_SCORES = 2_000
"""Taken at a time; files are sent in parts."""

MOST_EXPORTED = 20_000
"""Of one export, whose sender does not send again what is refused; the rest of it is told as left
out."""

MOST_TOLD = 50
"""Reasons that an answer names."""

MOST_REACHES = 1_000
"""Metrics whose numbers are known to leave 0 to 1."""

AT_A_TIME = 20
"""Scores between which others have their turn."""

MOST_NAME_CHARS = 255

Scales = Mapping[str, Scale]
"""What the operator says of metrics, by name."""


@dataclass(slots=True)
class Taken:
    """What became of many scores. learnt, known: those that count, those that had been said."""

    learnt: int = 0
    known: int = 0
    left_out: list[LeftOut] = field(default_factory=list)

    def told(self) -> dict[str, Any]:
        """As it is answered, with the first MOST_TOLD reasons."""
        reasons = [{"place": each.place, "reason": each.reason} for each in self.left_out]
        return {
            "learnt": self.learnt,
            "duplicates": self.known,
            "left_out": len(reasons),
            "reasons": reasons[:MOST_TOLD],
        }


class ScoreTaking:
    """Finds whose answer each score judges, and lets it be learnt once.

    scales      as the operator states them now
    only_own    True where keys may judge their own decisions alone
    """

    def __init__(
        self,
        feedbacks: FeedbackInbox,
        scales: Callable[[], Scales],
        only_own: Callable[[], bool],
        kept: Kept,
    ) -> None:
        self._feedbacks = feedbacks
        self._scales = scales
        self._only_own = only_own
        self._kept = kept
        self._reach: OrderedDict[tuple[str, str, str], tuple[float, float]] = OrderedDict()

    async def take(self, read: Iterable[Read], principal: Principal) -> Taken:
        """Credit them in their order; raises BadRequest if they are too many, StoreError."""
        scores = list(read)
        if len(scores) > MOST_SCORES:
            raise BadRequest(f"{len(scores):,} scores at once; send at most {MOST_SCORES:,}")
        return await self._all(scores, principal, self._feedbacks.pauses())

    async def take_export(self, read: Iterable[Read], principal: Principal) -> Taken:
        """The same of as many as may be, those beyond left out; raises StoreError.

        An export also tells of others' answers: none is waited for.
        """
        scores = list(read)
        taken = await self._all(scores[:MOST_EXPORTED], principal, ())
        for number, each in enumerate(scores[MOST_EXPORTED:], MOST_EXPORTED + 1):
            reason = f"an export of more than {MOST_EXPORTED:,} scores; set send_batch_max_size"
            taken.left_out.append(LeftOut(place=f"{each.place}, number {number:,}", reason=reason))
        return taken

    async def _all(
        self, scores: Iterable[Read], principal: Principal, pauses: Iterable[float]
    ) -> Taken:
        taken = Taken()
        for number, each in enumerate(scores):
            if isinstance(each, LeftOut):
                taken.left_out.append(each)
            else:
                await self._take(each, principal, taken, pauses)
            if number % AT_A_TIME == AT_A_TIME - 1:
                await asyncio.sleep(0)
        return taken

    async def _take(
        self, score: Score, principal: Principal, taken: Taken, pauses: Iterable[float]
    ) -> None:
        try:
            is_known = await self._credit(score, principal, pauses)
        except (NoScore, UnknownDecision) as error:
            taken.left_out.append(LeftOut(place=score.place, reason=str(error)))
        else:
            taken.known += is_known
            taken.learnt += not is_known

    async def _credit(self, score: Score, principal: Principal, pauses: Iterable[float]) -> bool:
        """True if it had been said before; raises NoScore, UnknownDecision, StoreError.

        The same statement on another scale, or with another text, is a correction.
        """
        reward = await self._reward(score, principal, pauses)
        name = await self._feedbacks.named(score.names, principal.namespace, pauses)
        if name is None:
            shown = ", ".join(score.names[:3]) or "no name"
            raise UnknownDecision(f"no answer is known to this key by {shown}")
        only_own = self._only_own() and principal.key_id is not None
        said = f"{score.key}-{reward.value:.6g}"
        _, is_known = await self._feedbacks.observe(
            name, reward, principal.namespace, said, only_own=only_own
        )
        return is_known

    async def _reward(self, score: Score, principal: Principal, pauses: Iterable[float]) -> Reward:
        if len(score.metric) > MOST_NAME_CHARS or len(score.source) > MOST_NAME_CHARS:
            raise NoScore(f"its metric has more than {MOST_NAME_CHARS} characters")
        if score.final_text is not None:
            return await self._edit(score, score.final_text, principal, pauses)
        scale = self._scales().get(score.metric)
        value = value_of(self._reaching(score, principal.namespace), scale)
        source = scale.source if scale is not None and scale.source else score.source
        return Reward(value=value, source=source, metric=score.matter, key_id=principal.key_id)

    async def _edit(
        self, score: Score, used: str, principal: Principal, pauses: Iterable[float]
    ) -> Reward:
        """How much of the answer is left in its correction."""
        try:
            value = await share_kept(
                self._feedbacks, self._kept, score.names, used, principal, pauses
            )
        except BadRequest as error:
            raise NoScore(str(error)) from error
        return Reward(value=value, source=EDIT, metric=score.matter, key_id=principal.key_id)

    def _reaching(self, score: Score, namespace: str) -> Score:
        """With how far numbers of its metric have reached since the start, beyond 0 to 1."""
        place = (namespace, score.source, score.metric)
        if score.number is None or score.scale is not None:
            return score
        numbers = (*self._reach.get(place, ()), *(score.reach or ()), score.number)
        reach = (min(numbers), max(numbers))
        if reach[0] < 0 or reach[1] > 1:
            self._reach[place] = reach
            if len(self._reach) > MOST_REACHES:
                self._reach.popitem(last=False)
        return replace(score, reach=reach)
