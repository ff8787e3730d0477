"""What the first events of a stream of chunks tell: of which answer they are, and whether there is
anything to show."""

from __future__ import annotations

from typing import Any

from windsock.wire.formats.openai_ends import choices_in, shown_in, thinks
from windsock.wire.formats.openai_usage import id_of
from windsock.wire.formats.thought_tags import ThoughtTags
from windsock.wire.json_codec import parsed
from windsock.wire.service_tiers import tier_of

ID_EVENTS = 3
"""Events that are looked at to find the answer's id; nearly always the first has it."""


class FirstEvents:
    """Of a `ChatStreamScanner`.

    response_id     of the answer, if one of its first events names it
    service_tier    as the last event that was read names it
    has_answer      something to show has come
    """

    __slots__ = ("_has_thought", "_id_events", "_tags", "has_answer", "response_id", "service_tier")

    def __init__(self) -> None:
        self._has_thought = False
        self._id_events = ID_EVENTS
        self._tags = ThoughtTags()
        self.response_id: str | None = None
        self.service_tier: str | None = None
        self.has_answer = False

    @property
    def has_content(self) -> bool:
        """Something to show has come, or reasoning."""
        return self.has_answer or self._has_thought

    @property
    def _is_begun(self) -> bool:
        """The client has been shown text, if only what stands between tags."""
        return self.has_answer or self._tags.are_open

    def _is_looked_for(self, held: bytes, until: int) -> bool:
        """Whether plain events may tell what is not known yet."""
        if self._id_events:
            return True
        if self.has_answer:
            return False
        return not self._tags.are_open or self._tags.may_close(held, until)

    def _look_for_id(self, body: Any) -> None:
        self._id_events -= 1
        if isinstance(body, dict):
            self.response_id = id_of(body)
            self.service_tier = tier_of(body) or self.service_tier
        if self.response_id is not None:
            self._id_events = 0

    def _look_at_first(self, held: bytes, until: int) -> None:
        """Plain events until the id is known and something was shown."""
        start = 0
        while start < until and (self._id_events or not self.has_answer):
            end = held.find(b"\n\n", start)
            body = parsed(held[start + 6 : end])
            if self._id_events:
                self._look_for_id(body)
            self._note_answer(choices_in(body) if isinstance(body, dict) else [])
            start = end + 2

    def _note_answer(self, choices: list[dict[str, Any]]) -> None:
        """What the first events show decides whether a stream has begun for the client."""
        if self.has_answer:
            return
        deltas = [choice.get("delta") or choice.get("message") or choice for choice in choices]
        said = [pair for pair in zip(choices, deltas, strict=True) if isinstance(pair[1], dict)]
        self.has_answer = any(self._shows(choice, delta) for choice, delta in said)
        thoughts = any(thinks(delta) for _, delta in said)
        self._has_thought = self._has_thought or self._tags.are_open or thoughts

    def _shows(self, choice: dict[str, Any], delta: dict[str, Any]) -> bool:
        """Text may go on what an earlier one began, which was no answer yet."""
        text = delta.get("content")
        if not isinstance(text, str):
            return shown_in(choice, delta)
        return self._tags.shows(text) or shown_in(choice, {**delta, "content": None})
