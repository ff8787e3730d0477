"""A chat stream told as the events of OpenAI's Responses format."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from windsock.wire.formats.openai_responses_output import (
    call_item,
    message_item,
    output_text,
    response_of,
)


@dataclass(slots=True)
class Item:
    """An item of the output while it streams."""

    index: int
    body: dict[str, Any]
    parts: list[str] = field(default_factory=list)

    @property
    def is_call(self) -> bool:
        """A call of a function, not a message."""
        return bool(self.body["type"] == "function_call")


class ResponsesStream:
    """One streamed response to what was asked: items open and close as text and calls come."""

    def __init__(self, asked: dict[str, Any]) -> None:
        self._asked = asked
        self._number = -1
        self._first: dict[str, Any] = {}
        self._finish: str | None = None
        self._usage: dict[str, Any] | None = None
        self._done: list[dict[str, Any]] = []
        self._item: Item | None = None
        self._key: object = None

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
            delta = choice.get("delta") or {}
            if delta.get("content"):
                yield from self._text(delta["content"])
            if delta.get("refusal"):
                yield from self._text(delta["refusal"])
            for call in delta.get("tool_calls") or ():
                yield from self._part_of_call(call)
            self._finish = choice.get("finish_reason") or self._finish

    def ended(self) -> Iterator[dict[str, Any]]:
        """The events that follow the whole answer."""
        yield from self._close()
        whole = response_of(self._asked, self._first, self._done, self._finish, self._usage)
        yield self._event(f"response.{whole['status']}", response=whole)

    def broken(self, message: str) -> Iterator[dict[str, Any]]:
        """The event that ends a stream which broke off."""
        error = {"message": message, "type": "server_error", "param": None, "code": "stream_broken"}
        yield self._event("error", code="stream_broken", message=message, param=None, error=error)

    def _event(self, kind: str, **facts: Any) -> dict[str, Any]:
        self._number += 1
        return {"type": kind, "sequence_number": self._number, **facts}

    def _text(self, text: str) -> Iterator[dict[str, Any]]:
        if self._key != "text":
            body = message_item(f"msg_{self._first.get('id')}", []) | {"status": "in_progress"}
            yield from self._begin("text", body)
            yield self._event(
                "response.content_part.added", part=output_text(""), **self._at_text()
            )
        self._current.parts.append(text)
        yield self._event("response.output_text.delta", delta=text, logprobs=[], **self._at_text())

    def _part_of_call(self, call: dict[str, Any]) -> Iterator[dict[str, Any]]:
        number, asked = call.get("index", 0), call.get("function") or {}
        if self._key != number:
            name = f"fc_{self._first.get('id')}_{number}"
            body = call_item(name, call.get("id"), asked.get("name", ""), "")
            yield from self._begin(number, body | {"status": "in_progress"})
        if asked.get("arguments"):
            self._current.parts.append(asked["arguments"])
            yield self._event("response.function_call_arguments.delta",
                              delta=asked["arguments"], **self._at())  # fmt: skip

    def _begin(self, key: object, body: dict[str, Any]) -> Iterator[dict[str, Any]]:
        yield from self._close()
        self._key, self._item = key, Item(len(self._done), body)
        yield self._event("response.output_item.added", output_index=self._item.index, item=body)

    def _close(self) -> Iterator[dict[str, Any]]:
        if self._item is None:
            return
        item, text = self._item, "".join(self._item.parts)
        if item.is_call:
            whole = item.body | {"arguments": text, "status": "completed"}
            yield self._event("response.function_call_arguments.done", arguments=text,
                              name=whole["name"], **self._at())  # fmt: skip
        else:
            said = output_text(text)
            whole = item.body | {"content": [said], "status": "completed"}
            at = self._at_text()
            yield self._event("response.output_text.done", text=text, logprobs=[], **at)
            yield self._event("response.content_part.done", part=said, **at)
        yield self._event("response.output_item.done", output_index=item.index, item=whole)
        self._done.append(whole)
        self._item, self._key = None, None

    @property
    def _current(self) -> Item:
        assert self._item is not None
        return self._item

    def _at(self) -> dict[str, Any]:
        return {"item_id": self._current.body["id"], "output_index": self._current.index}

    def _at_text(self) -> dict[str, Any]:
        return {**self._at(), "content_index": 0}
