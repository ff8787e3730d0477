"""The turns of a Messages request as the messages of a chat."""

from __future__ import annotations

import re
from typing import Any

import orjson

from windsock.errors import BadRequest
from windsock.wire.dialect import joined, listed, object_in, text_of
from windsock.wire.formats.tool_results import Message, Results

LEFT_OUT = ("server_tool_use", "mcp_tool_use", "compaction", "tool_reference")
"""Blocks that mean something at Anthropic only, as do the results of its own tools."""

TOOL_ID = re.compile(r"[a-zA-Z0-9_-]+")
"""Ids of calls that Anthropic takes."""


class Conversation:
    """The turns of one request; raises BadRequest for one that is none.

    left_out    what means something at Anthropic only, as `messages.` and its type
    refusal     why it is no chat: content of a kind that is not known here
    is_foreign  it carries thoughts that nobody signed, or ids of calls that are not Anthropic's
    """

    def __init__(self, body: dict[str, Any]) -> None:
        self.left_out: list[str] = []
        self.refusal: BadRequest | None = None
        self.is_foreign = False
        self._results = Results()
        turns = _turns(body)
        if body.get("system"):
            said = text_of(body["system"], "system")
            self._results.say({"role": "system", "content": said})
        for turn in turns:
            self._read(turn["role"], turn.get("content"))

    @property
    def messages(self) -> list[Message]:
        """Results of tools are messages of their own, before the rest of their turn."""
        return self._results.messages()

    def _read(self, role: str, content: Any) -> None:
        if isinstance(content, str):
            self._results.say({"role": role, "content": content})
            return
        if role == "assistant":
            self._results.say({"role": role, "content": None})
        parts: list[dict[str, Any]] = []
        for block in listed(content, "messages"):
            parts += self._block(block)
        if parts and role == "assistant":
            self._results.answer(joined(parts))
        elif parts:
            self._results.say({"role": role, "content": joined(parts)})

    def _block(self, block: dict[str, Any]) -> list[dict[str, Any]]:
        """The parts of a message that it becomes; none for a call, a result or a thought."""
        match block.get("type"):
            case "tool_result":
                self._results.result(block.get("tool_use_id"), self._result(block))
            case "tool_use":
                self.is_foreign = self.is_foreign or not TOOL_ID.fullmatch(str(block.get("id")))
                self._results.call(_tool_call(block))
            case "thinking" | "redacted_thinking":
                text = str(block.get("thinking") or "")
                is_signed = block.get("signature") or block.get("data")
                self.is_foreign = self.is_foreign or not is_signed
                self._results.think(text, [block] if is_signed else [])
            case str(kind) if kind in LEFT_OUT or kind.endswith("_tool_result"):
                self.left_out.append(f"messages.{kind}")
            case _:
                return self._parts(block)
        return []

    def _parts(self, block: dict[str, Any]) -> list[dict[str, Any]]:
        try:
            return part_of(block)
        except BadRequest as error:
            self.refusal = self.refusal or error
            return []

    def _result(self, block: dict[str, Any]) -> list[dict[str, Any]]:
        content = block.get("content") or ""
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
        parts = [part for each in listed(blocks, "tool_result") for part in self._block(each)]
        if block.get("is_error"):
            texts = [part for part in parts if part["type"] == "text"] or [{"text": ""}]
            said = {"type": "text", "text": f"error: {texts[0]['text']}"}
            parts = [said, *(part for part in parts if part is not texts[0])]
        return parts


def part_of(block: dict[str, Any]) -> list[dict[str, Any]]:
    """A text, an image or a document as parts of a chat message; raises BadRequest."""
    match block.get("type"):
        case "text":
            return [{"type": "text", "text": str(block.get("text", ""))}]
        case "image":
            url = _address(object_in(block, "source"), "an image")
            return [{"type": "image_url", "image_url": {"url": url}}]
        case "document":
            return _document(block)
        case "search_result":
            said = text_of(block.get("content") or [], "search_result")
            heads = [str(block[name]) for name in ("title", "source") if block.get(name)]
            return [{"type": "text", "text": "\n".join([*heads, said])}]
        case kind:
            raise BadRequest(
                f"messages: content of type {kind!r} cannot be routed; send text, "
                "images, documents, tool_use or tool_result, or ask a deployment that "
                "speaks Messages",
                param="messages",
            )


def _document(block: dict[str, Any]) -> list[dict[str, Any]]:
    """One of texts is its texts; every other is a file by its data or address."""
    source = object_in(block, "source")
    title = block.get("title")
    if source.get("type") == "text":
        heads = [str(title)] if title else []
        return [{"type": "text", "text": "\n".join([*heads, str(source.get("data", ""))])}]
    if source.get("type") == "content":
        inner = source.get("content") or []
        blocks = [{"type": "text", "text": inner}] if isinstance(inner, str) else inner
        return [part for each in listed(blocks, "document") for part in part_of(each)]
    url = _address(source, "a document")
    return [{"type": "file", "file": {"filename": title or "document.pdf", "file_data": url}}]


def _address(source: dict[str, Any], what: str) -> str:
    if source.get("type") == "base64":
        return f"data:{source.get('media_type')};base64,{source.get('data')}"
    if source.get("type") == "url":
        return str(source.get("url"))
    raise BadRequest(f"messages: {what} must come as base64 or url", param="messages")


def _tool_call(block: dict[str, Any]) -> dict[str, Any]:
    arguments = orjson.dumps(block.get("input") or {}).decode()
    function = {"name": block.get("name"), "arguments": arguments}
    return {"id": block.get("id"), "type": "function", "function": function}


def _turns(body: dict[str, Any]) -> list[dict[str, Any]]:
    turns = listed(body.get("messages"), "messages")
    for turn in turns:
        if turn.get("role") not in ("user", "assistant", "system"):
            raise BadRequest(
                f"messages: the role {turn.get('role')!r} is unknown", param="messages"
            )
    return turns
