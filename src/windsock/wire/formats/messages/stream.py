"""A chat stream told as the events of Anthropic's Messages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from windsock.wire.formats.messages.answer import block_of, message_of, stop_of, usage_of
from windsock.wire.formats.openai_ends import finish_in
from windsock.wire.formats.pieces import Kind, Phase, Piece, Pieces, Step


class MessageStream:
    """One streamed message: a block is whole before the next begins."""

    def __init__(self) -> None:
        self._index = 0
        self._is_begun = False
        self._finish: str | None = None
        self._usage = usage_of({})
        self._pieces = Pieces()
        self._done: list[Piece] = []

    def streamed(self, chunk: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """The events that a chunk of a chat stream becomes."""
        if not self._is_begun:
            self._is_begun = True
            unused = {name: value for name, value in chunk.items() if name != "usage"}
            yield {"type": "message_start", "message": message_of(unused, (), None)}
        if chunk.get("usage"):
            self._usage = usage_of(chunk)
        for choice in (chunk.get("choices") or ())[:1]:
            for step in self._pieces.taken(choice.get("delta") or {}):
                yield from self._told(step)
            self._finish = finish_in(choice) or self._finish

    def ended(self) -> Iterator[dict[str, Any]]:
        """Tells what still waits, then why it stopped and what was used."""
        for step in self._pieces.ended():
            yield from self._told(step)
        delta = {"stop_reason": stop_of(self._finish, self._done), "stop_sequence": None}
        yield {"type": "message_delta", "delta": delta, "usage": self._usage}
        yield {"type": "message_stop"}

    def _told(self, step: Step) -> Iterator[dict[str, Any]]:
        phase, piece, new = step
        if phase is Phase.BEGUN:
            empty = Piece(piece.kind, "", piece.call_id, piece.name, block=piece.block)
            yield {
                "type": "content_block_start",
                "index": self._index,
                "content_block": block_of(empty),
            }
        elif phase is Phase.MORE:
            yield self._delta(*WORDS[piece.kind], new)
        else:
            if piece.signature:
                yield self._delta("signature_delta", "signature", piece.signature)
            yield {"type": "content_block_stop", "index": self._index}
            self._done.append(piece)
            self._index += 1

    def _delta(self, kind: str, name: str, value: str) -> dict[str, Any]:
        delta = {"type": kind, name: value}
        return {"type": "content_block_delta", "index": self._index, "delta": delta}


WORDS = {
    Kind.TEXT: ("text_delta", "text"),
    Kind.REFUSAL: ("text_delta", "text"),
    Kind.THOUGHT: ("thinking_delta", "thinking"),
    Kind.CALL: ("input_json_delta", "partial_json"),
}
"""Kind of a delta, and the field in which it says what is new."""
