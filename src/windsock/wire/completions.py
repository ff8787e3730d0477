"""OpenAI's legacy completions: POST /v1/completions, asked of chat models.

Written from OpenAI's API reference. A prompt becomes a user's turn; what only a raw continuation
can give (echo, suffix, token ids, log probabilities) is refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from windsock.errors import BadRequest
from windsock.wire.dialect import Unspoken, copied, refused
from windsock.wire.formats.openai_ends import finish_in

SHARED = ("model", "models", "provider", "session_id", "temperature", "top_p", "n", "stream",
          "stream_options", "stop", "max_tokens", "presence_penalty", "frequency_penalty", "seed",
          "user", "logit_bias", "metadata")  # fmt: skip
"""Fields that chat completions have under the same name."""

RAW = {"echo": False, "suffix": "", "logprobs": 0, "best_of": 1}
"""Fields that ask for a raw continuation, and the value that asks for nothing."""


class Completions(Unspoken):
    """One request to /v1/completions."""

    end_mark = b"data: [DONE]\n\n"

    def __init__(self) -> None:
        self.left_out: list[str] = []

    def asked(self, body: dict[str, Any]) -> dict[str, Any]:
        """The chat body that asks for the same; raises BadRequest."""
        for name, nothing in RAW.items():
            if body.get(name) not in (None, nothing):
                raise BadRequest(
                    f"{name} needs a raw continuation, which chat models do not give; leave it out",
                    param=name,
                )
        turn = {"role": "user", "content": _prompt(body.get("prompt"))}
        return {**copied(body, *SHARED), "messages": [turn]}

    def answered(self, body: dict[str, Any]) -> dict[str, Any]:
        """A text completion from a chat completion."""
        choices = [_choice(each, each["message"]) for each in body["choices"]]
        return {**body, "object": "text_completion", "choices": choices}

    def refused(self, status: int, error: Mapping[str, Any]) -> dict[str, Any]:
        """An error as OpenAI tells it."""
        return refused(status, error)

    def streamed(self, chunk: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """The same chunk with texts; one without choices says what was used."""
        choices = [_choice(each, each.get("delta") or {}) for each in chunk.get("choices") or ()]
        yield {**chunk, "object": "text_completion", "choices": choices}

    def ended(self) -> Iterator[dict[str, Any]]:
        """Nothing but the end mark."""
        yield from ()

    def broken(self, error: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """The error as an event."""
        yield self.refused(500, error)


def _prompt(prompt: Any) -> str:
    """One text; raises BadRequest for several, or for token ids."""
    texts = prompt if isinstance(prompt, list) else [prompt]
    if len(texts) == 1 and isinstance(texts[0], str):
        return texts[0]
    raise BadRequest("prompt must be one text; send a request for each", param="prompt")


def _choice(choice: dict[str, Any], said: dict[str, Any]) -> dict[str, Any]:
    return {
        "text": said.get("content") or "",
        "index": choice.get("index", 0),
        "logprobs": None,
        "finish_reason": finish_in(choice),
    }
