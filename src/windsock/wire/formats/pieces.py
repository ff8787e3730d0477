"""An answer of chat completions as its pieces, one after another.

Chat tells thoughts, text and calls side by side, and parallel calls mixed. Formats made of items or
blocks tell one piece until it is whole, then the next: what comes before its turn waits.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from windsock.wire.formats.openai_ends import THOUGHT
from windsock.wire.json_codec import dumps, parsed


class Kind(StrEnum):
    """What a piece is; a sealed thought is one that only its provider can read."""

    THOUGHT = "thought"
    SEALED = "sealed"
    TEXT = "text"
    REFUSAL = "refusal"
    CALL = "call"


class Phase(StrEnum):
    """Where the telling of a piece is."""

    BEGUN = "begun"
    MORE = "more"
    DONE = "done"


@dataclass(slots=True)
class Piece:
    """A part of an answer, whole or as much as came of it.

    text        what is thought, said or refused; a call's arguments, JSON as the model wrote it
    call_id, name   of a call
    signature   of a thought, by which its provider knows it again
    call_signature  the same of a call, as Gemini has it
    block       a sealed thought as it came
    """

    kind: Kind
    text: str = ""
    call_id: Any = None
    name: str = ""
    signature: str | None = None
    call_signature: str | None = None
    block: dict[str, Any] = field(default_factory=dict)
    is_begun: bool = False
    told: int = 0

    @property
    def is_whole(self) -> bool:
        """Nothing of it is still to come, as far as can be seen."""
        if self.kind is not Kind.CALL:
            return True
        is_closed = self.text.rstrip().endswith("}")
        return is_closed and isinstance(parsed(self.text.encode(errors="replace")), dict)


Step = tuple[Phase, Piece, str]
"""What happened to a piece; the text is what is new of it."""


class Pieces:
    """The pieces of one streamed answer: the first that waits is the one being told."""

    def __init__(self) -> None:
        self._waiting: dict[object, Piece] = {}
        self._calls: dict[Any, tuple[Any, Any]] = {}
        self._told_calls: set[object] = set()
        self._thoughts = 0

    def taken(self, delta: dict[str, Any]) -> Iterator[Step]:
        """The steps that a delta of a chat stream makes."""
        self._think(delta)
        self._say(Kind.TEXT, text_in(delta.get("content")))
        self._say(Kind.REFUSAL, delta.get("refusal"))
        for call in delta.get("tool_calls") or ():
            self._call(call)
        yield from self._steps(is_ended=False)

    def ended(self) -> Iterator[Step]:
        """The steps that are left after the last delta."""
        yield from self._steps(is_ended=True)

    def _steps(self, *, is_ended: bool) -> Iterator[Step]:
        while self._waiting:
            key, piece = next(iter(self._waiting.items()))
            if not is_ended and piece.kind is Kind.CALL and not piece.name:
                return
            if not piece.is_begun:
                piece.is_begun = True
                yield Phase.BEGUN, piece, ""
            new, piece.told = piece.text[piece.told :], len(piece.text)
            if new:
                yield Phase.MORE, piece, new
            if not is_ended and not (len(self._waiting) > 1 and piece.is_whole):
                return
            del self._waiting[key]
            self._told_calls.add(key)
            yield Phase.DONE, piece, ""

    def _say(self, kind: Kind, text: Any) -> None:
        if text:
            self._waiting.setdefault(kind, Piece(kind)).text += text

    def _think(self, delta: dict[str, Any]) -> None:
        """A block with a signature ends the thought whose words came before it."""
        said = next((delta[name] for name in THOUGHT if isinstance(delta.get(name), str)), "")
        if said:
            self._thought().text += said
        for block in delta.get("thinking_blocks") or ():
            if block.get("type") == "redacted_thinking":
                self._thoughts += 1
                key = (Kind.SEALED, self._thoughts)
                self._waiting[key] = Piece(Kind.SEALED, block=block)
            else:
                self._signed(block, said)

    def _signed(self, block: dict[str, Any], said: str) -> None:
        thought = self._thought()
        if not thought.text or not (said or block.get("signature")):
            thought.text += block.get("thinking") or ""
        if block.get("signature"):
            thought.signature = block["signature"]
            self._thoughts += 1

    def _thought(self) -> Piece:
        return self._waiting.setdefault((Kind.THOUGHT, self._thoughts), Piece(Kind.THOUGHT))

    def _call(self, call: dict[str, Any]) -> None:
        key, asked = self._key(call), call.get("function") or {}
        if key in self._told_calls:
            return
        piece = self._waiting.setdefault(key, Piece(Kind.CALL))
        piece.call_id = piece.call_id or call.get("id")
        piece.name = piece.name or asked.get("name") or ""
        piece.text += _arguments(asked.get("arguments"))
        piece.call_signature = piece.call_signature or signature_in(call)

    def _key(self, call: dict[str, Any]) -> tuple[Any, Any]:
        """Calls are told apart by index; where it is left out, or always the same, by id."""
        index, name = call.get("index"), call.get("id")
        known = self._calls.get(index)
        if known is None or (name and known[1] and name != known[1]):
            self._calls[index] = known = (index, name)
        return known


def pieces_of(message: dict[str, Any]) -> list[Piece]:
    """The pieces of a whole answer; raises LookupError or TypeError for one that has no shape."""
    calls = [
        {**call, "index": number}
        for number, call in enumerate(message.get("tool_calls") or ())
        if call["function"]["name"]
    ]
    words = {} if message.get("thinking_blocks") else message
    thoughts = {name: words[name] for name in THOUGHT if name in words}
    facts = {name: message.get(name) for name in ("thinking_blocks", "content", "refusal")}
    stream = Pieces()
    steps = [*stream.taken({**thoughts, **facts, "tool_calls": calls}), *stream.ended()]
    return [piece for phase, piece, _ in steps if phase is Phase.DONE]


def _arguments(stated: Any) -> str:
    """JSON as the model wrote it; some servers send what it says."""
    if stated is None or isinstance(stated, str):
        return stated or ""
    return dumps(stated).decode()


def signature_in(call: dict[str, Any]) -> str | None:
    """Gemini's signature of the thoughts that led to a call, as its compatible endpoint has it."""
    extra = call.get("extra_content")
    google = extra.get("google") if isinstance(extra, dict) else None
    return google.get("thought_signature") if isinstance(google, dict) else None


def signed(call: dict[str, Any], signature: Any) -> dict[str, Any]:
    """The call with that signature; the same without one."""
    extra = {"extra_content": {"google": {"thought_signature": signature}}}
    return call | extra if signature else call


def text_in(content: Any) -> str:
    """The text of a message's content, which may be a list of parts."""
    if not isinstance(content, list):
        return content or ""
    return "".join(part["text"] for part in content if isinstance(part.get("text"), str))
