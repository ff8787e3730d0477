"""Follows conversations from turn to turn: asked again, put right, gone on with, left.

Nothing is held but digests. What nobody can tell of an answer is no score of it: a request that
stands alone is judged by none of these.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from windsock.core.evidence.use.words import repairs

AGAIN_S = 300.0
"""In which the same question is asked again since the answer did not help."""

LEFT_S = 1800.0
"""After which a conversation that nobody goes on with was left."""

MOST_TURNS = 8_000
"""Answers whose next turn is waited for; the oldest are given up."""

AGAIN, REPAIRED, LEFT, TOOL = "use:asked_again", "use:repaired", "use:left", "use:tool_result"
"""Sources. 1: not so; 0: so."""


class Score(NamedTuple):
    """What was seen of an answer: a source, and 0 or 1."""

    decision_id: str
    source: str
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One answered request.

    question    digest of what was asked last
    words       the same as it was said, which is not kept
    answer      digest of the answer, by which the next turn is known that quotes it
    quotes      digest of the answer that this request goes on from; None: it begins
    session     that it names, and nobody else; None: none
    tool_fails  of the tools' results that came with it; None: there were none
    has_question    a person asked something new, not only tools
    """

    decision_id: str
    at: float
    question: str
    words: str
    answer: str
    quotes: str | None = None
    session: str | None = None
    tool_fails: bool | None = None
    has_question: bool = True


class Waiting(NamedTuple):
    """An answer whose next turn may come."""

    decision_id: str
    at: float
    question: str
    session: str | None
    is_conversation: bool


class UseWatch:
    """Tells what each turn says of the one before it."""

    def __init__(self) -> None:
        self._by_answer: OrderedDict[str, Waiting] = OrderedDict()
        self._last: dict[str, str] = {}

    def __len__(self) -> int:
        """Answers whose next turn is waited for."""
        return len(self._by_answer)

    def note(self, turn: Turn) -> list[Score]:
        """A request was answered; what it says of answers before it."""
        before = self._before(turn)
        scores = [] if before is None else list(_said(before, turn))
        is_conversation = turn.session is not None or turn.quotes is not None
        self._wait(turn, is_conversation=is_conversation)
        return scores

    def expire(self, now: float) -> list[Score]:
        """What is said by nobody going on; call it now and then."""
        scores: list[Score] = []
        while self._by_answer:
            answer, waiting = next(iter(self._by_answer.items()))
            if waiting.at > now - LEFT_S and len(self._by_answer) <= MOST_TURNS:
                break
            self._forget(answer)
            if waiting.is_conversation and waiting.at <= now - LEFT_S:
                scores += [
                    Score(waiting.decision_id, AGAIN, 1.0),
                    Score(waiting.decision_id, LEFT, 0.0),
                ]
        return scores

    def _before(self, turn: Turn) -> Waiting | None:
        """The answer that this turn goes on from, or that it asks anew in its session."""
        if turn.quotes is not None and turn.quotes in self._by_answer:
            return self._forget(turn.quotes)
        last = self._last.get(turn.session) if turn.session is not None else None
        waiting = self._by_answer.get(last) if last is not None else None
        if waiting is None or last is None or waiting.question != turn.question:
            return None
        return self._forget(last)

    def _wait(self, turn: Turn, *, is_conversation: bool) -> None:
        self._by_answer[turn.answer] = Waiting(
            turn.decision_id, turn.at, turn.question, turn.session, is_conversation
        )
        self._by_answer.move_to_end(turn.answer)
        if turn.session is not None:
            self._last[turn.session] = turn.answer

    def _forget(self, answer: str) -> Waiting:
        waiting = self._by_answer.pop(answer)
        if waiting.session is not None and self._last.get(waiting.session) == answer:
            del self._last[waiting.session]
        return waiting


def _said(before: Waiting, turn: Turn) -> Iterator[Score]:
    name = before.decision_id
    if turn.tool_fails is not None:
        yield Score(name, TOOL, float(not turn.tool_fails))
    if not turn.has_question:
        return
    is_same = turn.question == before.question and turn.at - before.at <= AGAIN_S
    yield Score(name, AGAIN, float(not is_same))
    if not is_same:
        yield Score(name, REPAIRED, float(not repairs(turn.words)))
    yield Score(name, LEFT, 1.0)
