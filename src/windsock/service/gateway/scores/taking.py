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
from windsock.service.feedback_inbox import FeedbackInbox, FindNamed, UnknownDecision
from windsock.service.gateway.feedback_endpoint import MAX_NAME_CHARS, Kept, share_kept
from windsock.service.use.reader import EDIT
from windsock.wire.caller_fields.names import check_name
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


class MetricReach:
    """How far numbers of each metric have reached since the start, beyond 0 to 1."""

    def __init__(self) -> None:
        self._by_place: OrderedDict[tuple[str, str, str], tuple[float, float]] = OrderedDict()

    def told(self, score: Score, namespace: str) -> Score:
        """A score that tells how far numbers of its metric reach, where it says no scale itself."""
        place = (namespace, score.source, score.metric)
        if score.number is None or score.scale is not None:
            return score
        numbers = (*self._by_place.get(place, ()), *(score.reach or ()), score.number)
        reach = (min(numbers), max(numbers))
        if reach[0] < 0 or reach[1] > 1:
            self._by_place[place] = reach
            if len(self._by_place) > MOST_REACHES:
                self._by_place.popitem(last=False)
        return replace(score, reach=reach)


class ScoreTaking:
    """Takes what comes, from whomever.

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
        self._reach = MetricReach()

    async def take(self, read: Iterable[Read], principal: Principal) -> Taken:
        """Credit them in their order; raises BadRequest if they are too many, StoreError."""
        scores = list(read)
        if len(scores) > MOST_SCORES:
            raise BadRequest(f"{len(scores):,} scores at once; send at most {MOST_SCORES:,}")
        return await self._delivery(principal, waits=True).credit(scores)

    async def take_export(self, read: Iterable[Read], principal: Principal) -> Taken:
        """The same of as many as may be, those beyond left out; raises StoreError.

        An export also tells of others' answers: none is waited for.
        """
        scores = list(read)
        taken = await self._delivery(principal, waits=False).credit(scores[:MOST_EXPORTED])
        for number, each in enumerate(scores[MOST_EXPORTED:], MOST_EXPORTED + 1):
            reason = f"an export of more than {MOST_EXPORTED:,} scores; set send_batch_max_size"
            taken.left_out.append(LeftOut(place=f"{each.place}, number {number:,}", reason=reason))
        return taken

    def _delivery(self, principal: Principal, *, waits: bool) -> Delivery:
        return Delivery(
            principal=principal,
            feedbacks=self._feedbacks,
            find=self._feedbacks.finder(principal.namespace, waits=waits),
            scales=self._scales(),
            only_own=self._only_own() and principal.key_id is not None,
            kept=self._kept,
            reach=self._reach,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """Scores that came together from one key: finds whose answer each of them judges, and lets it
    be learnt once.

    find        what it waits for decisions, it waits for all scores together
    only_own    this key may judge its own decisions alone
    """

    principal: Principal
    feedbacks: FeedbackInbox
    find: FindNamed
    scales: Scales
    only_own: bool
    kept: Kept
    reach: MetricReach

    async def credit(self, scores: Iterable[Read]) -> Taken:
        """What became of them, in their order; raises StoreError."""
        taken = Taken()
        for number, each in enumerate(scores):
            if isinstance(each, LeftOut):
                taken.left_out.append(each)
            else:
                await self._take(each, taken)
            if number % AT_A_TIME == AT_A_TIME - 1:
                await asyncio.sleep(0)
        return taken

    async def _take(self, score: Score, taken: Taken) -> None:
        try:
            is_known = await self._credit(score)
        except (NoScore, UnknownDecision) as error:
            taken.left_out.append(LeftOut(place=score.place, reason=str(error)))
        else:
            taken.known += is_known
            taken.learnt += not is_known

    async def _credit(self, score: Score) -> bool:
        """True if it had been said before; raises NoScore, UnknownDecision, StoreError.

        The same statement on another scale, or with another text, is a correction.
        """
        reward = await self._reward(score)
        name = await self.find(score.names)
        if name is None:
            shown = ", ".join(score.names[:3]) or "no name"
            raise UnknownDecision(f"no answer is known to this key by {shown}")
        said = f"{score.key}-{reward.value:.6g}"
        _, is_known = await self.feedbacks.observe(
            name, reward, self.principal.namespace, said, only_own=self.only_own
        )
        return is_known

    async def _reward(self, score: Score) -> Reward:
        _check_names(score)
        key_id = self.principal.key_id
        if score.final_text is not None:
            value = await self._left_of(score, score.final_text)
            return Reward(value=value, source=EDIT, metric=score.matter, key_id=key_id)
        scale = self.scales.get(score.metric)
        value = value_of(self.reach.told(score, self.principal.namespace), scale)
        source = scale.source if scale is not None and scale.source else score.source
        return Reward(value=value, source=source, metric=score.matter, key_id=key_id)

    async def _left_of(self, score: Score, used: str) -> float:
        """How much of the answer is left in its correction."""
        try:
            return await share_kept(self.find, self.kept, score.names, used)
        except BadRequest as error:
            raise NoScore(str(error)) from error


def _check_names(score: Score) -> None:
    """Raises NoScore for names that may not be kept."""
    try:
        check_name(score.metric, "its metric", most=MAX_NAME_CHARS)
        check_name(score.source, "its source", most=MAX_NAME_CHARS)
    except BadRequest as error:
        raise NoScore(str(error)) from error
