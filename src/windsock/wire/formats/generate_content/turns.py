"""The contents of a Gemini request as the messages of a chat."""

from __future__ import annotations

from itertools import groupby
from typing import Any

import orjson

from windsock.errors import BadRequest
from windsock.wire.dialect import joined
from windsock.wire.formats.gemini.call_ids import made_id
from windsock.wire.formats.generate_content.fields import field, list_field, object_field
from windsock.wire.formats.generate_content.media import file_part, inline_part, is_kept_by_google
from windsock.wire.formats.generate_content.signatures import is_geminis, unsealed
from windsock.wire.formats.pieces import signed
from windsock.wire.formats.tool_results import Message, Results

OURS = ("user", "model", "function", "system", "", None)
"""Roles of a content; one without a role is the user's."""

Part = dict[str, Any]


class Conversation:
    """The turns of one request; raises BadRequest for one that is none.

    left_out    what has no counterpart, as `contents.` and its name
    bound       what only Gemini can read
    is_foreign  it carries another provider's thoughts, which were sealed here
    """

    def __init__(self, body: dict[str, Any]) -> None:
        self.left_out: list[str] = []
        self.bound: list[str] = []
        self.is_foreign = False
        self._results = Results()
        self._calls = 0
        self._waiting: list[tuple[Any, str]] = []
        if system := _system(body):
            self._results.say({"role": "system", "content": system})
        for content in list_field(body, "contents"):
            self._read(content.get("role"), list_field(content, "parts"))

    @property
    def messages(self) -> list[Message]:
        """Results of tools are messages of their own, before the rest of their turn."""
        return self._results.messages()

    def _read(self, role: Any, parts: list[Part]) -> None:
        if role not in OURS:
            raise BadRequest(f"contents: the role {role!r} is unknown", param="contents")
        if role == "model":
            self._results.say({"role": "assistant", "content": None})
            for is_text, group in groupby(parts, _is_plain_text):
                self._said(list(group), is_text=is_text)
            return
        asked = [made for each in parts for made in self._asked(each)]
        if asked:
            self._results.say(
                {"role": "system" if role == "system" else "user", "content": joined(asked)}
            )

    def _said(self, parts: list[Part], *, is_text: bool) -> None:
        """Parts of an answer; texts in a row are one, for a stream tells it in pieces."""
        signatures = [field(each, "thoughtSignature") for each in parts]
        for blocks in filter(None, map(unsealed, filter(None, signatures))):
            self.is_foreign = True
            self._results.think("", blocks)
        if is_text:
            text = "".join(each["text"] for each in parts)
            if text:
                self._results.answer(text)
            return
        for part in parts:
            self._say(part)

    def _say(self, part: Part) -> None:
        if part.get("thought"):
            self._results.think(str(part.get("text") or ""), [])
        elif field(part, "functionCall") is not None:
            self._call(object_field(part, "functionCall"), field(part, "thoughtSignature"))
        elif (code := _code_of(part)) is not None:
            self._results.answer(code)
        else:
            self.left_out += [f"contents.model.{name}" for name in _kinds(part)]

    def _call(self, call: dict[str, Any], signature: Any) -> None:
        name = str(call.get("name") or "")
        call_id = call.get("id") or made_id(self._calls, name)
        self._calls += 1
        self._waiting.append((call_id, name))
        function = {"name": name, "arguments": orjson.dumps(call.get("args") or {}).decode()}
        made = {"id": call_id, "type": "function", "function": function}
        self._results.call(signed(made, signature) if is_geminis(signature) else made)

    def _asked(self, part: Part) -> list[dict[str, Any]]:
        """The parts of a message that it becomes; none for a result."""
        if isinstance(part.get("text"), str):
            return [{"type": "text", "text": part["text"]}] if part["text"] else []
        if field(part, "functionResponse") is not None:
            self._result(object_field(part, "functionResponse"))
            return []
        if (code := _code_of(part)) is not None:
            return [{"type": "text", "text": code}]
        return self._media(part)

    def _media(self, part: Part) -> list[dict[str, Any]]:
        if field(part, "inlineData") is not None:
            return [inline_part(object_field(part, "inlineData"))]
        if field(part, "fileData") is not None:
            file = object_field(part, "fileData")
            self.bound += ["contents.fileData"] if is_kept_by_google(file) else []
            return [file_part(file)]
        self.left_out += [f"contents.{name}" for name in _kinds(part)]
        return []

    def _result(self, result: dict[str, Any]) -> None:
        """A result is of the call that it names by id, else of the first of its name that waits.

        Some clients give an id of their own as its name: then it is of the first that waits.
        """
        name, named = result.get("name"), result.get("id")
        if named is None:
            waiting = [each for each in self._waiting if each[1] == name] or self._waiting[:1]
        else:
            waiting = [each for each in self._waiting if each[0] == named]
        if waiting:
            self._waiting.remove(waiting[0])
        shown = [made for part in list_field(result, "parts") for made in self._media(part)]
        text = _result_text(result.get("response"))
        call_id = waiting[0][0] if waiting else named or name
        self._results.result(call_id, [{"type": "text", "text": text}, *shown])


def _system(body: dict[str, Any]) -> str:
    """The system's text, which may come as a text, a content or its parts."""
    stated = field(body, "systemInstruction")
    if isinstance(stated, str):
        return stated
    parts = list_field(object_field(body, "systemInstruction"), "parts")
    return "\n".join(each["text"] for each in parts if isinstance(each.get("text"), str))


def _is_plain_text(part: Part) -> bool:
    return isinstance(part.get("text"), str) and not part.get("thought")


def _code_of(part: Part) -> str | None:
    """Code that Gemini ran, and what came of it, are told in words."""
    code, result = field(part, "executableCode"), field(part, "codeExecutionResult")
    if isinstance(code, dict):
        return f"```{str(code.get('language') or '').lower()}\n{code.get('code')}\n```"
    if isinstance(result, dict):
        return f"```\n{result.get('output') or result.get('outcome')}\n```"
    return None


def _kinds(part: Part) -> list[str]:
    return [name for name in part if name not in ("thoughtSignature", "thought_signature")]


def _result_text(response: Any) -> str:
    """A result's own text where it is nothing else, else all of it as JSON."""
    if isinstance(response, dict) and len(response) == 1:
        (name, value), *_ = response.items()
        if name in ("result", "output") and isinstance(value, str):
            return value
    return response if isinstance(response, str) else orjson.dumps(response or {}).decode()
