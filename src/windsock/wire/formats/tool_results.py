"""Turns of a chat as other formats give them: piece by piece, results of tools with images in them.

Chat takes text only as a tool's result and as the assistant's words: an image or a file of theirs
goes to the user's turn that follows. A result of a call that is not in the conversation is told in
words.
"""

from __future__ import annotations

from typing import Any

Message = dict[str, Any]


class Results:
    """Messages of a chat while they are read."""

    def __init__(self) -> None:
        self._messages: list[Message] = []
        self._shown: list[dict[str, Any]] = []
        self._calls: dict[Any, Any] = {}

    def messages(self) -> list[Message]:
        """All that was said; a turn of thoughts alone says nothing."""
        self._show()
        return [each for each in self._messages if each.get("content") is not None
                or "tool_calls" in each or each["role"] != "assistant"]  # fmt: skip

    def say(self, message: Message) -> None:
        """A turn that is whole."""
        self._show()
        self._messages.append(message)

    def assistant(self) -> Message:
        """The assistant's turn that is going on, or a new one."""
        if not self._messages or self._messages[-1]["role"] != "assistant":
            self.say({"role": "assistant", "content": None})
        return self._messages[-1]

    def answer(self, content: Any) -> None:
        """What the assistant says, in one turn with the thoughts or calls before it."""
        turn = self.assistant()
        if turn["content"] is None:
            turn["content"] = content
        elif "tool_calls" in turn and isinstance(content, str) and isinstance(turn["content"], str):
            turn["content"] += "\n" + content
        else:
            self.say({"role": "assistant", "content": content})

    def think(self, text: str, blocks: list[dict[str, Any]]) -> None:
        """What the assistant thinks before it goes on, with its provider's signatures."""
        turn = self.assistant()
        if text:
            turn["reasoning_content"] = turn.get("reasoning_content", "") + text
        if blocks:
            turn.setdefault("thinking_blocks", []).extend(blocks)

    def call(self, call: dict[str, Any], other_id: Any = None) -> None:
        """A call of the assistant; its result may name it by another id."""
        self.assistant().setdefault("tool_calls", []).append(call)
        self._calls |= {other_id: call["id"], call["id"]: call["id"]}

    def result(self, call_id: Any, content: Any) -> None:
        """What a call gave: a text or parts, of which only texts stay in it."""
        parts = content if isinstance(content, list) else [{"type": "text", "text": content}]
        text = "\n".join(part["text"] for part in parts if part["type"] == "text")
        shown = [part for part in parts if part["type"] != "text"]
        if shown:
            text = text or "(shown in the next message)"
            self._show_later(f"From the result of the tool call {call_id}:", shown)
        called = self._calls.get(call_id)
        if called is None:
            self.say({"role": "user", "content": f"The tool call {call_id} gave: {text}"})
        else:
            said = {"role": "tool", "tool_call_id": called, "content": text}
            self._messages.append(said)

    def drawn(self, url: str) -> None:
        """An image that the assistant made; its own turn takes none."""
        self.assistant()
        image = {"type": "image_url", "image_url": {"url": url}}
        self._show_later("The image that you made:", [image])

    def _show_later(self, label: str, parts: list[dict[str, Any]]) -> None:
        self._shown += [{"type": "text", "text": label}, *parts]

    def _show(self) -> None:
        shown, self._shown = self._shown, []
        if shown:
            self._messages.append({"role": "user", "content": shown})
