"""One answered chat as a turn of its conversation: digests, and what the user said last."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import Any

from windsock.core.evidence.use.watch import Turn
from windsock.core.evidence.use.words import same_question, tool_failed
from windsock.core.model.decisions import Decision
from windsock.service.checking.answer_checks import first_message
from windsock.service.texts.answered import AnsweredTexts
from windsock.service.texts.asked import plain_text
from windsock.wire.json_codec import parsed

MOST_CHARS = 4_000
"""Of the user's words that are looked at."""

Message = Mapping[str, Any]


def turn_of(texts: AnsweredTexts) -> tuple[Turn, str] | None:
    """The turn, and the answer's text; None if they cannot be read."""
    answer, messages = first_message(texts), _messages(texts.asked)
    if answer is None or not messages:
        return None
    decision = texts.outcome.decision
    said = [i for i, each in enumerate(messages) if each.get("role") == "assistant"]
    last = said[-1] if said else -1
    words = _last_words(messages)
    results = [
        plain_text(each.get("content"))
        for each in messages[last + 1 :]
        if each.get("role") == "tool"
    ]
    turn = Turn(
        decision_id=decision.id,
        at=texts.outcome.finished_at,
        question=_digest(decision, same_question(words)),
        words=words,
        answer=_of_answer(decision, words, answer),
        quotes=_quoted(decision, messages, last) if last >= 0 else None,
        session=_session(decision),
        tool_fails=any(map(tool_failed, results)) if results and last >= 0 else None,
        has_question=any(each.get("role") == "user" for each in messages[last + 1 :]),
    )
    return turn, plain_text(answer.get("content"))


def _messages(raw: bytes) -> list[Message]:
    body = parsed(raw)
    every = body.get("messages") if isinstance(body, dict) else None
    return [each for each in every if isinstance(each, dict)] if isinstance(every, list) else []


def _quoted(decision: Decision, messages: Sequence[Message], last: int) -> str:
    return _of_answer(decision, _last_words(messages[:last]), messages[last])


def _of_answer(decision: Decision, words: str, answer: Message) -> str:
    """By what it answers, and what it says or calls."""
    calls = answer.get("tool_calls")
    ids = [str(each.get("id")) for each in calls or () if isinstance(each, dict)]
    said = plain_text(answer.get("content")).strip()
    return _digest(decision, same_question(words), said, *ids)


def _last_words(messages: Iterable[Message]) -> str:
    said = [plain_text(each.get("content")) for each in messages if each.get("role") == "user"]
    return said[-1][:MOST_CHARS] if said else ""


def _session(decision: Decision) -> str | None:
    """Of a conversation that is named, and is nobody else's."""
    known = decision.conversation
    is_own = known is not None and not known.is_shared
    return f"{decision.cell.namespace} {known.session}" if known and is_own else None


def _digest(decision: Decision, *texts: str) -> str:
    made = blake2b(digest_size=12)
    for text in (decision.cell.namespace, decision.key_id or "", *texts):
        made.update(f"{len(text)} {text}".encode(errors="surrogatepass"))
    return made.hexdigest()
