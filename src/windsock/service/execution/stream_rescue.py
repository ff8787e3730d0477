"""A stream that broke off may be gone on with elsewhere: what the client was shown, and the join.

Before anything of the answer was shown this is always so; after it only where the route says
`rescue_streams`, and only for plain text: half a tool call or half a JSON document is not gone on
with.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson

from windsock.wire import json_codec
from windsock.wire.format import StreamScanner
from windsock.wire.formats.openai_ends import choices_in, shows
from windsock.wire.request import TOKENS_PER_BYTE, UpstreamRequest
from windsock.wire.sse import BOUNDARY, data_of

MAX_KEPT_CHARS = 64 * 1024
"""Of an answer, which are kept while it streams; a longer one is not gone on with."""

MIN_OVERLAP = 12
"""Characters from which on a repeated end is taken for a repetition, not for chance."""

GO_ON = (
    "Your answer was cut off there. Go on from exactly where it stopped: begin with the next "
    "character, repeat nothing of it, and do not mention the interruption."
)

LIMITS = ("max_tokens", "max_completion_tokens")


class ShownStream:
    """What the client was shown of one streamed answer, by all calls that had a part in it.

    may_rescue  the route lets another deployment go on with an answer
    is_begun    events were written
    is_native   they were in the client's own format
    """

    __slots__ = ("_chars", "_events", "_from", "_is_answer", "_is_text", "_may_rescue", "_parts",
                 "is_begun", "is_native")  # fmt: skip

    def __init__(self, request: UpstreamRequest, *, may_rescue: bool) -> None:
        self._may_rescue = may_rescue and request.choices == 1 and not _has_form(request.raw)
        self._is_answer = False
        self._is_text = True
        self._parts: list[str] = []
        self._chars = 0
        self._events = 0
        self._from = ""
        self.is_begun = False
        self.is_native = False

    @property
    def may_go_on(self) -> bool:
        """Whether another deployment may go on from what was shown; else no more need be noted."""
        return not self._is_answer or (self._may_rescue and self._is_text)

    def observe(self, events: bytes, scanner: StreamScanner, deployment: str) -> None:
        """These whole events were written; they came from this deployment."""
        self.is_begun, self._from = True, deployment
        self._is_answer = self._is_answer or scanner.has_answer
        if self._may_rescue and self._is_text:
            for event in BOUNDARY.split(events):
                self._keep(json_codec.parsed(data_of(event)))

    def observe_native(self) -> None:
        """Events in the client's own format were written, which nobody goes on with."""
        self.is_begun = self._is_answer = self.is_native = True
        self._is_text = False

    def continued(self, request: UpstreamRequest) -> UpstreamRequest:
        """The request that asks for the rest of the answer; the same if nothing of it was shown.

        A user's turn asks for it, since many models refuse to go on with an assistant's own.
        """
        if self.is_begun and request.native is not None:
            request = replace(request, native=None)
        text = "".join(self._parts)
        if not text.strip():
            return request
        body = json_codec.loads(request.raw)
        turns = [{"role": "assistant", "content": text}, {"role": "user", "content": GO_ON}]
        body["messages"] = [*body["messages"], *turns]
        for name in LIMITS:
            if isinstance(body.get(name), int):
                body[name] = max(1, body[name] - self._events)
        prompt_tokens = request.request.prompt_tokens + int(len(text.encode()) * TOKENS_PER_BYTE)
        asked = replace(request.request, prompt_tokens=prompt_tokens)
        return replace(request, raw=json_codec.dumps(body), request=asked, is_plain=False)

    def join(self, provider: str) -> Join | None:
        """What fits the events of the next call on to those that were shown; None if none were."""
        return Join("".join(self._parts), self._from, provider) if self.is_begun else None

    def _keep(self, body: Any) -> None:
        for choice in choices_in(body) if isinstance(body, dict) else ():
            delta = choice.get("delta")
            text = delta.get("content") if isinstance(delta, dict) else None
            if isinstance(text, str) and text:
                self._parts.append(text)
                self._chars += len(text)
                self._events += 1
            elif isinstance(delta, dict) and shows(delta):
                self._is_text = False
        if self._chars > MAX_KEPT_CHARS:
            self._is_text = False
        if not self._is_text:
            self._parts.clear()


class Join:
    """Fits a second call's events on to what a first one showed: says so, repeats nothing."""

    __slots__ = ("_from", "_held", "_is_told", "_provider", "_shown", "is_fitted")

    def __init__(self, shown: str, broken: str, provider: str) -> None:
        self._shown = shown
        self._from = broken
        self._provider = provider
        self._held = ""
        self._is_told = False
        self.is_fitted = False

    def fit(self, events: bytes) -> bytes:
        """Whole events as they are to be written; some wait for the next ones."""
        return b"".join([self._fit(event) for event in BOUNDARY.split(events) if event])

    def _fit(self, event: bytes) -> bytes:
        body = json_codec.parsed(data_of(event))
        notice = self._notice(body)
        choices = choices_in(body) if isinstance(body, dict) else []
        delta = choices[0].get("delta") if choices else None
        if self.is_fitted or not isinstance(delta, dict):
            return notice + event + b"\n\n"
        delta.pop("role", None)
        text = delta.get("content")
        self._held += text if isinstance(text, str) else ""
        is_whole = bool(choices[0].get("finish_reason"))
        cut = overlap(self._shown, self._held, is_whole=is_whole)
        if cut is None:
            return notice
        if self._held:
            delta["content"], self._held = self._held[cut:], ""
            self.is_fitted = True
        return notice + _event(body)

    def _notice(self, body: Any) -> bytes:
        """Says once, as a comment and as a chunk without content, who goes on for whom."""
        if self._is_told or not isinstance(body, dict):
            return b""
        self._is_told = True
        kept = {name: body[name] for name in ("id", "object", "created", "model") if name in body}
        chunk = {
            **kept,
            "choices": [{"index": 0, "delta": {}, "finish_reason": None}],
            "provider": self._provider,
            "windsock": {"took_over_from": self._from, "after_chars": len(self._shown)},
        }
        comment = f": {self._provider} goes on for {self._from}, which broke off\n\n"
        return comment.encode() + _event(chunk)


def overlap(shown: str, more: str, *, is_whole: bool) -> int | None:
    """Characters at the beginning of `more` that were shown already, at the end of `shown`.

    Models like to repeat what they are to go on with. None while more text may tell.

    is_whole    no more text comes
    """
    if not is_whole and more and 0 <= shown.find(more) < len(shown) - len(more):
        return None
    head = more[: min(MIN_OVERLAP, len(shown))]
    if len(head) < min(MIN_OVERLAP, len(shown)):
        return 0
    at = shown.find(head, max(0, len(shown) - len(more))) if head else -1
    while at >= 0:
        if more.startswith(shown[at:]):
            return len(shown) - at
        at = shown.find(head, at + 1)
    return 0


def _has_form(raw: bytes) -> bool:
    """Whether the answer must have a form that two halves would not have."""
    form = json_codec.loads(raw).get("response_format")
    return isinstance(form, dict) and form.get("type") not in (None, "text")


def _event(body: dict[str, Any]) -> bytes:
    return b"data: " + orjson.dumps(body) + b"\n\n"
