"""A chat stream told as the events of OpenAI's Responses format."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from windsock.wire.dialect import refused
from windsock.wire.formats.openai_ends import finish_in
from windsock.wire.formats.pieces import Kind, Phase, Piece, Pieces, Step
from windsock.wire.formats.responses.output import (
    item_of,
    part_of,
    response_of,
    wants_summary,
)
from windsock.wire.formats.responses.tools import Tools


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """How the events of a piece are called.

    deltas      before `.delta` and `.done`
    word        the field in which a `.done` event has the whole
    part        before `.added` and `.done`, of the part of an item that it is
    place       the field that counts the parts
    """

    deltas: str
    word: str = "text"
    part: str = "response.content_part"
    place: str = "content_index"


NAMES = {
    Kind.TEXT: Names(deltas="response.output_text"),
    Kind.REFUSAL: Names(deltas="response.refusal", word="refusal"),
    Kind.THOUGHT: Names(deltas="response.reasoning_text"),
    Kind.CALL: Names(deltas="response.function_call_arguments", word="arguments"),
}
SUMMARY = Names(
    deltas="response.reasoning_summary_text",
    part="response.reasoning_summary_part",
    place="summary_index",
)
"""Of thoughts, where a summary is asked for."""


class ResponsesStream:
    """One streamed response to what was asked: an item is whole before the next begins."""

    def __init__(self, asked: dict[str, Any], tools: Tools) -> None:
        self._asked = asked
        self._tools = tools
        self._names = NAMES | ({Kind.THOUGHT: SUMMARY} if wants_summary(asked) else {})
        self._number = -1
        self._first: dict[str, Any] = {}
        self._finish: str | None = None
        self._usage: dict[str, Any] | None = None
        self._pieces = Pieces()
        self._done: list[dict[str, Any]] = []

    def streamed(self, chunk: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """The events that a chunk of a chat stream becomes."""
        if not self._first:
            self._first = chunk
            for kind in ("response.created", "response.in_progress"):
                begun = response_of(self._asked, chunk, [], None, None) | {"status": "in_progress"}
                yield self._event(kind, response=begun)
        if chunk.get("usage"):
            self._usage = chunk["usage"]
        for choice in (chunk.get("choices") or ())[:1]:
            for step in self._pieces.taken(choice.get("delta") or {}):
                yield from self._told(step)
            self._finish = finish_in(choice) or self._finish

    def ended(self) -> Iterator[dict[str, Any]]:
        """The events that follow the whole answer."""
        for step in self._pieces.ended():
            yield from self._told(step)
        whole = response_of(self._asked, self._first, self._done, self._finish, self._usage)
        yield self._event(f"response.{whole['status']}", response=whole)

    def broken(self, error: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """The event that ends a stream which broke off."""
        told = refused(500, {**error, "code": error.get("code") or "stream_broken"})["error"]
        named = {name: told[name] for name in ("code", "message", "param")}
        yield self._event("error", **named, error=told)

    def _event(self, kind: str, **facts: Any) -> dict[str, Any]:
        self._number += 1
        return {"type": kind, "sequence_number": self._number, **facts}

    def _told(self, step: Step) -> Iterator[dict[str, Any]]:
        phase, piece, new = step
        if piece.kind is Kind.SEALED or self._kind(piece) != "function":
            if phase is Phase.DONE:
                yield from self._at_once(piece)
        elif phase is Phase.BEGUN:
            yield from self._begun(piece)
        elif phase is Phase.MORE:
            facts = {"delta": new, **_extra(piece), **self._at(piece)}
            yield self._event(f"{self._names[piece.kind].deltas}.delta", **facts)
        else:
            yield from self._ended(piece)

    def _kind(self, piece: Piece) -> str:
        return self._tools.tool(piece).kind if piece.kind is Kind.CALL else "function"

    def _begun(self, piece: Piece) -> Iterator[dict[str, Any]]:
        empty = Piece(piece.kind, call_id=piece.call_id, name=piece.name)
        item = self._item(empty) | {"status": "in_progress"}
        if piece.kind is not Kind.CALL:
            item["content"] = []
        yield self._added(item)
        if piece.kind is not Kind.CALL:
            part = part_of(self._asked, empty)
            kind = f"{self._names[piece.kind].part}.added"
            yield self._event(kind, part=part, **self._at(piece))

    def _ended(self, piece: Piece) -> Iterator[dict[str, Any]]:
        whole, at, names = self._item(piece), self._at(piece), self._names[piece.kind]
        facts: dict[str, Any] = {names.word: piece.text, **_extra(piece)}
        if piece.kind is Kind.CALL:
            facts["name"] = whole["name"]
        yield self._event(f"{names.deltas}.done", **facts, **at)
        if piece.kind is not Kind.CALL:
            yield self._event(f"{names.part}.done", part=part_of(self._asked, piece), **at)
        yield self._finished(whole)

    def _at_once(self, piece: Piece) -> Iterator[dict[str, Any]]:
        """What can only be told when it is whole."""
        whole = self._item(piece)
        begun = {**whole, "status": "in_progress"}
        if whole["type"] != "custom_tool_call":
            yield self._added(begun)
        else:
            yield self._added(begun | {"input": ""})
            kind, at = "response.custom_tool_call_input", self._at(piece)
            yield self._event(f"{kind}.delta", delta=whole["input"], **at)
            yield self._event(f"{kind}.done", input=whole["input"], **at)
        yield self._finished(whole)

    def _added(self, item: dict[str, Any]) -> dict[str, Any]:
        return self._event("response.output_item.added", output_index=len(self._done), item=item)

    def _finished(self, item: dict[str, Any]) -> dict[str, Any]:
        event = self._event("response.output_item.done", output_index=len(self._done), item=item)
        self._done.append(item)
        return event

    def _item(self, piece: Piece) -> dict[str, Any]:
        return item_of(self._asked, self._tools, self._first.get("id"), len(self._done), piece)

    def _at(self, piece: Piece) -> dict[str, Any]:
        where = {"item_id": self._item(piece)["id"], "output_index": len(self._done)}
        return where if piece.kind is Kind.CALL else {**where, self._names[piece.kind].place: 0}


def _extra(piece: Piece) -> dict[str, list[Any]]:
    """What the events of texts must have besides."""
    return {"logprobs": []} if piece.kind is Kind.TEXT else {}
