"""Answers and errors as Gemini tells them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from windsock.core.evidence.answer_ends import usual_end
from windsock.wire.formats.generate_content.signatures import NONE, seal
from windsock.wire.formats.openai_usage import part_of, use_told
from windsock.wire.formats.pieces import Kind, Piece
from windsock.wire.json_codec import parsed

FINISHES = {"stop": "STOP", "length": "MAX_TOKENS", "tool_calls": "STOP", "function_call": "STOP",
            "content_filter": "SAFETY"}  # fmt: skip
"""Why an answer ended, by the finish_reason of chat completions."""

OWN_FINISHES = ("SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "IMAGE_SAFETY",
                "LANGUAGE", "OTHER", "MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL",
                "TOO_MANY_TOOL_CALLS", "NO_IMAGE")  # fmt: skip
"""Gemini's own words, which chat completions keep in lower case."""

Part = dict[str, Any]


class Parts:
    """Pieces of one answer as parts, in their order; a signature stands at what followed it.

    The first call of another model says that it has none: Gemini refuses one that says nothing.

    wants_thoughts  thoughts are told too
    """

    def __init__(self, *, wants_thoughts: bool) -> None:
        self._wants_thoughts = wants_thoughts
        self._thought: list[dict[str, Any]] = []
        self._unsigned: str | None = NONE[0]

    def of(self, piece: Piece, text: str) -> list[Part]:
        """The parts for a text of a piece, or for a whole call."""
        match piece.kind:
            case Kind.THOUGHT:
                return [{"text": text, "thought": True}] if text and self._wants_thoughts else []
            case Kind.CALL:
                unsigned, self._unsigned = self._unsigned, None
                signature = piece.call_signature or unsigned
                return [self._signed({"functionCall": _call(piece)}, signature)]
            case Kind.SEALED:
                return []
            case _:
                return [self._signed({"text": text})] if text else []

    def keep(self, piece: Piece) -> None:
        """A thought is whole: what its provider must see again waits for the next part."""
        if piece.kind is Kind.SEALED:
            self._thought.append(piece.block)
        elif piece.kind is Kind.THOUGHT and piece.signature:
            self._thought.append(
                {"type": "thinking", "thinking": piece.text, "signature": piece.signature}
            )

    def rest(self) -> list[Part]:
        """A signature that nothing followed."""
        return [self._signed({"text": ""})] if self._thought else []

    def _signed(self, part: Part, signature: str | None = None) -> Part:
        if self._thought:
            signature, self._thought = seal(self._thought), []
        return part | ({"thoughtSignature": signature} if signature else {})


def whole_parts(pieces: Iterable[Piece], *, wants_thoughts: bool) -> list[Part]:
    """The parts of a whole answer."""
    made, parts = Parts(wants_thoughts=wants_thoughts), []
    for piece in pieces:
        parts += made.of(piece, piece.text)
        made.keep(piece)
    return parts + made.rest()


def candidate_of(
    index: int, parts: list[Part], finish: str | None, logprobs: Any = None
) -> dict[str, Any]:
    """One answer, or a part of one."""
    return {
        "content": {"parts": parts, "role": "model"},
        **({"finishReason": finish} if finish else {}),
        "index": index,
        **logprobs_of(logprobs),
    }


def images_of(message: Mapping[str, Any]) -> list[Part]:
    """Pictures of an answer that came as data."""
    found = [part_of(each, "image_url").get("url") for each in message.get("images") or ()]
    return [{"inlineData": _blob(url)} for url in found if str(url).startswith("data:")]


def finish_of(finish: Any) -> str:
    """Why it ended. A refusal in words is an answer like any other: only filters are SAFETY."""
    word = str(finish or "stop")
    own = word.upper()
    return own if own in OWN_FINISHES else FINISHES.get(usual_end(word) or "", "OTHER")


def response_of(
    body: Mapping[str, Any], candidates: list[dict[str, Any]], usage: Mapping[str, Any] | None
) -> dict[str, Any]:
    """An answer, from the facts of a chat completion or of a chunk of one."""
    return {
        "candidates": candidates,
        **({"usageMetadata": usage_of(usage)} if usage else {}),
        "modelVersion": body.get("model"),
        "responseId": body.get("id"),
    }


def usage_of(used: Mapping[str, Any]) -> dict[str, Any]:
    """As Gemini counts: what was thought stands beside the answer, in its total."""
    read = use_told(used)
    prompt, answer, thoughts = read.prompt_tokens, read.completion_tokens, read.reasoning_tokens
    counted = {
        "cachedContentTokenCount": read.cache_read_tokens + read.audio_cached_tokens,
        "thoughtsTokenCount": thoughts,
    }
    return {
        "promptTokenCount": prompt,
        "candidatesTokenCount": answer - thoughts,
        "totalTokenCount": prompt + answer,
        **{name: count for name, count in counted.items() if count},
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": prompt}],
    }


def logprobs_of(logprobs: Any) -> dict[str, Any]:
    """What the model was sure of, where it was asked for."""
    tokens = logprobs.get("content") if isinstance(logprobs, dict) else None
    if not tokens:
        return {}
    chosen = [_token(each) for each in tokens]
    top = [
        {"candidates": [_token(other) for other in each.get("top_logprobs") or ()]}
        for each in tokens
    ]
    mean = sum(each["logProbability"] for each in chosen) / len(chosen)
    return {
        "avgLogprobs": mean,
        "logprobsResult": {"topCandidates": top, "chosenCandidates": chosen},
    }


def _call(piece: Piece) -> dict[str, Any]:
    """Arguments are an object; what a model wrote that is none is kept under a name of its own."""
    found = parsed((piece.text or "{}").encode(errors="replace"))
    args = found if isinstance(found, dict) else {"arguments": piece.text}
    named = {"id": piece.call_id} if piece.call_id else {}
    return {**named, "name": piece.name, "args": args}


def _blob(url: Any) -> dict[str, Any]:
    kind, _, data = str(url).removeprefix("data:").partition(";base64,")
    return {"mimeType": kind, "data": data}


def _token(token: Mapping[str, Any]) -> dict[str, Any]:
    return {"token": token.get("token"), "logProbability": token.get("logprob")}
