"""The input of a Responses request as the messages of a chat."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from windsock.errors import BadRequest
from windsock.wire.dialect import copied, joined, listed
from windsock.wire.formats.responses.sealed import TOLD_HERE, blocks_of
from windsock.wire.formats.responses.tools import call_of
from windsock.wire.formats.tool_results import Message, Results

LEFT_OUT = frozenset(
    {"item_reference", "compaction", "web_search_call", "file_search_call",
     "code_interpreter_call", "image_generation_call", "computer_call", "computer_call_output",
     "mcp_call", "mcp_list_tools", "mcp_approval_request", "mcp_approval_response",
     "tool_search_call", "tool_search_output", "shell_call", "shell_call_output",
     "apply_patch_call", "apply_patch_call_output"}
)  # fmt: skip
"""Items that mean something at OpenAI only, or speak of what is kept there; an image that is not
kept there is shown."""


class Input:
    """The items of one request, read in their order; raises BadRequest for one that is none.

    messages    of the chat; thoughts, text and calls of one turn are one message
    left_out    what means something at OpenAI only, as `input.` and its type
    refusal     why it is no chat: an item or content of a kind that is not known here
    is_foreign  it carries reasoning that was told here of another's
    continues   id of the last item that was encrypted
    """

    def __init__(self, asked: Any) -> None:
        self.left_out: list[str] = []
        self.refusal: BadRequest | None = None
        self.is_foreign = False
        self.continues: str | None = None
        self._results = Results()
        if isinstance(asked, str):
            self._results.say({"role": "user", "content": asked})
        else:
            for item in listed(asked or [], "input"):
                self._read_known(item)

    @property
    def messages(self) -> list[Message]:
        """What was said so far."""
        return self._results.messages()

    def _read_known(self, item: dict[str, Any]) -> None:
        try:
            self._read(item)
        except BadRequest as error:
            self.refusal = self.refusal or error

    def _read(self, item: dict[str, Any]) -> None:
        kind = item.get("type", "message")
        if kind == "reasoning":
            self._think(item)
        elif kind in READ:
            READ[kind](self._results, item)
        elif kind == "image_generation_call" and item.get("result"):
            form = item.get("output_format") or "png"
            self._results.drawn(f"data:image/{form};base64,{item['result']}")
        elif kind in LEFT_OUT:
            self.left_out.append(f"input.{kind}")
        else:
            raise BadRequest(
                f"input: an item of type {kind!r} cannot be routed; send messages, "
                "function calls and their outputs, or ask a deployment that speaks "
                "Responses",
                param="input",
            )

    def _think(self, item: dict[str, Any]) -> None:
        """A summary of OpenAI's, or what it encrypted, is not what was thought."""
        is_told_here = str(item.get("id")).startswith(TOLD_HERE)
        self.is_foreign = self.is_foreign or is_told_here
        if item.get("encrypted_content"):
            self.continues = str(item.get("id"))
        parts = item.get("content") or (is_told_here and item.get("summary")) or ()
        text = "".join(str(each.get("text", "")) for each in parts if isinstance(each, dict))
        blocks = blocks_of(item)
        if text or blocks:
            self._results.think(text, blocks)
        else:
            self.left_out.append("input.reasoning")


def _turn(results: Results, item: dict[str, Any]) -> None:
    role = {"developer": "system"}.get(item.get("role", ""), item.get("role"))
    content = item.get("content")
    if not isinstance(content, str):
        content = joined([_part(each) for each in listed(content, "input")])
    if role == "assistant":
        results.answer(content)
    else:
        results.say({"role": role, "content": content})


def _call(results: Results, item: dict[str, Any]) -> None:
    results.call(call_of(item), item.get("id"))


def _output(results: Results, item: dict[str, Any]) -> None:
    said = item.get("output")
    parts = [_part(each) for each in said] if isinstance(said, list) else []
    results.result(item.get("call_id") or item.get("id"), parts or str(said or ""))


def _part(part: Any) -> dict[str, Any]:
    kind = part.get("type") if isinstance(part, dict) else None
    match kind:
        case "input_text" | "output_text" | "text":
            return {"type": "text", "text": str(part.get("text", ""))}
        case "refusal":
            return {"type": "text", "text": str(part.get("refusal", ""))}
        case "input_image" if part.get("image_url"):
            image = {"url": part["image_url"], **copied(part, "detail")}
            return {"type": "image_url", "image_url": image}
        case "input_file":
            return {"type": "file", "file": _file(part)}
        case _:
            raise BadRequest(
                f"input: content of type {kind!r} cannot be routed; send input_text, "
                "input_file, or input_image with an image_url, or ask a deployment "
                "that speaks Responses",
                param="input",
            )


def _file(part: dict[str, Any]) -> dict[str, Any]:
    """A file by its data, its id, or the address it is fetched from."""
    url = {"file_data": part["file_url"]} if part.get("file_url") else {}
    return {**url, **copied(part, "file_data", "file_id", "filename")}


READ: Mapping[str, Callable[[Results, dict[str, Any]], None]] = {
    "message": _turn,
    "function_call": _call,
    "custom_tool_call": _call,
    "local_shell_call": _call,
    "function_call_output": _output,
    "custom_tool_call_output": _output,
    "local_shell_call_output": _output,
}
