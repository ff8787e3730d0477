"""Which answers are wanted, in which order, with what may be read of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from windsock.core.model.calls import Outcome
from windsock.core.model.requests import Cell
from windsock.core.model.rewards import Feedback
from windsock.service.control.labels.schemas import SaidView, WantedView
from windsock.service.control.schemas.wanted_labels import unlabelled
from windsock.service.feedback_inbox import FeedbackInbox
from windsock.service.texts.answered import AnsweredTexts
from windsock.service.texts.held import HeldTexts
from windsock.service.texts.reading import answer_of, prompt_of, shortened

ALLOW = (
    "no texts are held: write texts = true under [labels] in windsock.toml; they stay in memory, "
    "and private keys and requests are left out"
)
LACKS = "this key lacks the scope 'label', which may read texts; see windsock keys create --scope"
NONE_YET = "no text is held yet: send requests, or wait for the next ones"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Which answers are asked for; None: all. since: unix s."""

    route: str | None = None
    task: str | None = None
    since: float = 0.0

    def holds(self, outcome: Outcome) -> bool:
        """Whether this is one of them."""
        cell = outcome.decision.cell
        is_asked = self.route in (None, cell.route) and self.task in (None, cell.name)
        return is_asked and not cell.is_own and outcome.decision.at >= self.since


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """Answers that nobody has labelled.

    feedback_of     what was said of a decision that is no longer at hand; it blocks
    is_label        whether a source knows what was right, on the route of a cell
    """

    texts: HeldTexts
    feedbacks: FeedbackInbox
    feedback_of: Callable[[str], list[Feedback]]
    is_label: Callable[[Cell, str], bool]

    def held(self, namespace: str, wish: Wish) -> list[Outcome]:
        """Those whose texts may be read, oldest first."""
        every = (each.outcome for each in self.texts.all_of(namespace))
        return [each for each in every if wish.holds(each)]

    @property
    def is_open(self) -> Callable[[Outcome], bool]:
        """Whether nobody has labelled an answer; it blocks."""
        return unlabelled(self._said, self.is_label)

    def _said(self, decision_id: str) -> Iterable[Feedback]:
        """The latest, also what is not in the store yet."""
        known = self.feedbacks.at_hand(decision_id)
        return self.feedback_of(decision_id) if known is None else known.said.values()

    async def views(
        self, found: Sequence[tuple[float, Outcome]], *, may_read: bool
    ) -> list[WantedView]:
        """They, with their texts where those are held and may be read.

        Texts are long: they are read in a thread.
        """
        every = [self._texts(outcome) if may_read else None for _, outcome in found]
        return await asyncio.to_thread(
            lambda: [_view(*each, held) for each, held in zip(found, every, strict=True)]
        )

    def _texts(self, outcome: Outcome) -> AnsweredTexts | None:
        return self.texts.of(outcome.decision.id, outcome.decision.cell.namespace)

    def note(self, *, may_read: bool, held: int) -> str | None:
        """Why no text is shown, and how that is mended."""
        if not self.texts.is_reading:
            return ALLOW
        if not may_read:
            return LACKS
        return None if held else NONE_YET


def _view(worth: float, outcome: Outcome, held: AnsweredTexts | None) -> WantedView:
    decision, answer = outcome.decision, answer_of(held) if held else None
    said = prompt_of(held) if held else None
    return WantedView(
        decision_id=decision.id,
        at=decision.at,
        route=decision.cell.route,
        task=decision.cell.name,
        deployment=outcome.served or decision.deployment,
        prompt_tokens=decision.prompt_tokens,
        cost_usd=None if outcome.cost_usd is None else float(outcome.cost_usd),
        label_worth=worth,
        prompt=None
        if said is None
        else [SaidView(role=each.role, text=shortened(each.text)) for each in said],
        answer=None if answer is None else shortened(answer),
    )
