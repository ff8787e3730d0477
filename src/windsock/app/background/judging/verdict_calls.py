"""One answer before its judge: what is asked, of whom, and what is made of the reply."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeVar

from windsock.app.background.judging.material import conversation_of, is_text, wishes_of
from windsock.app.background.judging.rules import JudgeRules
from windsock.core.evidence.judging.desk import JudgeDesk
from windsock.core.evidence.judging.prompts import Turn, pairwise, pointwise
from windsock.core.evidence.judging.verdicts import Better, against_reference, better_in, score_in
from windsock.core.evidence.sources import JUDGE
from windsock.service.background_questions import Question
from windsock.service.background_requests import BackgroundRequests
from windsock.service.texts.answered import AnsweredTexts
from windsock.service.texts.reading import answer_of, message_in, text_of
from windsock.wire.json_codec import parsed

T = TypeVar("T")

ASKED_AGAIN = ("messages", "max_tokens", "max_completion_tokens", "temperature", "top_p", "stop",
               "response_format", "seed", "tools", "tool_choice", "reasoning_effort")  # fmt: skip
"""Fields of a request that the reference is asked with: none has anything done elsewhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """An answer before its judge: whose, what was asked and answered, and how likely that was.

    wishes  who may see its words, as the caller's `provider` says
    """

    rules: JudgeRules
    texts: AnsweredTexts
    chance: float
    asked: Sequence[Turn] = ()
    answer: str = ""
    wishes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def served(self) -> str:
        """The deployment that gave the answer."""
        return self.texts.outcome.served or ""


class VerdictCalls:
    """Asks the judge, and the reference where there is one.

    desk        counts what is said twice, in both orders
    on_reply    told whether a reply could be read
    """

    def __init__(
        self, background: BackgroundRequests, desk: JudgeDesk, on_reply: Callable[[bool], None]
    ) -> None:
        self._background = background
        self._desk = desk
        self._on_reply = on_reply

    async def score(self, case: Case) -> float | None:
        """0..1; None where there is no verdict, or none that can be read."""
        return await (self._compared(case) if case.rules.reference else self._scored(case))

    async def _scored(self, case: Case) -> float | None:
        rules = case.rules
        tell = partial(pointwise, rubric=rules.rubric, most_chars=rules.max_chars)
        reply = await self._asked(case, partial(tell, case.asked, case.answer))
        return None if reply is None else self._noted(score_in(reply))

    async def _compared(self, case: Case) -> float | None:
        """Against the reference's answer to the same, in both orders; equal to itself."""
        rules = case.rules
        if case.served == rules.reference:
            return 0.5
        other = await self._reference(case)
        if not other:
            return None
        compare = partial(pairwise, case.asked, rubric=rules.rubric, most_chars=rules.max_chars)
        verdicts: list[Better] = []
        for first, second in ((case.answer, other), (other, case.answer)):
            reply = await self._asked(case, partial(compare, first, second))
            better = None if reply is None else self._noted(better_in(reply))
            if better is None:
                return None
            verdicts.append(better)
        self._desk.biases.note_pair((verdicts[0], verdicts[1]))
        return against_reference(verdicts[0], verdicts[1])

    def _noted(self, verdict: T) -> T:
        self._on_reply(verdict is not None)
        return verdict

    async def _reference(self, case: Case) -> str | None:
        """What the reference answers to the same, as the judge may see it."""
        body = parsed(case.texts.asked)
        if not isinstance(body, dict):
            return None
        kept = {name: body[name] for name in ASKED_AGAIN if name in body}
        answer = await self._background.ask(self._question(case, case.rules.reference, kept))
        text = _text(answer)
        return await asyncio.to_thread(case.rules.redact, text) if text else None

    async def _asked(self, case: Case, told: Callable[[], Mapping[str, Any]]) -> str | None:
        """What the judge replies to what it is told; None if it does not."""
        asked = {**await asyncio.to_thread(told), "max_tokens": case.rules.max_tokens}
        answer = await self._background.ask(self._question(case, case.rules.model, asked))
        return None if answer is None else _text(answer)

    def _question(self, case: Case, model: str, body: Mapping[str, Any]) -> Question:
        return Question(
            purpose=JUDGE,
            cell=case.texts.outcome.decision.cell,
            served=case.served,
            model=model,
            body={**body, "provider": case.wishes} if case.wishes else body,
            optional=("response_format",),
        )


async def seen(drawn: Case) -> Case | None:
    """With its texts as the judge may see them; None if there is none, or no letter and no digit
    in the answer.

    In a thread: a redaction of the operator's may take its time, or ask somebody.
    """
    return await asyncio.to_thread(_seen, drawn)


def _seen(drawn: Case) -> Case | None:
    answer, redact = answer_of(drawn.texts), drawn.rules.redact
    if not is_text(drawn.texts):
        return None
    if answer is None or not any(map(str.isalnum, answer)):
        return None
    asked = tuple((role, redact(text)) for role, text in conversation_of(drawn.texts))
    wishes = wishes_of(drawn.texts)
    return replace(drawn, asked=asked, answer=redact(answer), wishes=wishes)


def _text(answer: Mapping[str, Any] | None) -> str:
    """Of the first choice."""
    return text_of(message_in(answer or {}))
