"""A chat stream told as the parts of Gemini's answers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from windsock.wire.formats.generate_content.answer import (
    Parts,
    candidate_of,
    finish_of,
    images_of,
    response_of,
)
from windsock.wire.formats.openai_ends import finish_in
from windsock.wire.formats.pieces import Kind, Phase, Pieces, Step


class Candidate:
    """One answer as it comes: texts at once, calls when they are whole."""

    def __init__(self, *, wants_thoughts: bool) -> None:
        self._pieces = Pieces()
        self._parts = Parts(wants_thoughts=wants_thoughts)
        self.finish: Any = None

    def taken(self, choice: dict[str, Any]) -> list[dict[str, Any]]:
        """The parts that a choice of a chunk makes."""
        self.finish = finish_in(choice) or self.finish
        delta = choice.get("delta") or {}
        made = [part for step in self._pieces.taken(delta) for part in self._told(step)]
        return made + images_of(delta)

    def ended(self) -> list[dict[str, Any]]:
        """The parts that are left; the last one may say nothing."""
        made = [part for step in self._pieces.ended() for part in self._told(step)]
        return made + self._parts.rest() or [{"text": ""}]

    @property
    def why(self) -> str:
        """Why it ended, in Gemini's words."""
        return finish_of(self.finish)

    def _told(self, step: Step) -> Iterator[dict[str, Any]]:
        phase, piece, new = step
        if phase is Phase.MORE and piece.kind is not Kind.CALL:
            yield from self._parts.of(piece, new)
        elif phase is Phase.DONE:
            if piece.kind is Kind.CALL:
                yield from self._parts.of(piece, piece.text)
            self._parts.keep(piece)


class ContentStream:
    """One streamed answer: partial answers, then one that ends all candidates and tells usage."""

    def __init__(self, *, wants_thoughts: bool = False) -> None:
        self._wants_thoughts = wants_thoughts
        self._candidates: dict[int, Candidate] = {}
        self._head: dict[str, Any] = {}
        self._usage: dict[str, Any] | None = None

    def streamed(self, chunk: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """The partial answer that a chunk of a chat stream becomes."""
        self._head = {name: chunk.get(name) or self._head.get(name) for name in ("id", "model")}
        self._usage = chunk.get("usage") or self._usage
        told = []
        for choice in chunk.get("choices") or ():
            index = choice.get("index") or 0
            if parts := self._candidate(index).taken(choice):
                told.append(candidate_of(index, parts, None, choice.get("logprobs")))
        if told:
            yield response_of(self._head, told, None)

    def ended(self) -> Iterator[dict[str, Any]]:
        """What is left of each answer, why it ended, and what was used."""
        told = [
            candidate_of(index, each.ended(), each.why)
            for index, each in sorted(self._candidates.items())
        ]
        yield response_of(self._head, told, self._usage)

    def _candidate(self, index: int) -> Candidate:
        if index not in self._candidates:
            self._candidates[index] = Candidate(wants_thoughts=self._wants_thoughts)
        return self._candidates[index]
