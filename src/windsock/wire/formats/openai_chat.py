"""The OpenAI chat wire format, written without touching a byte that need not change."""

from __future__ import annotations

from typing import Any

import msgspec

from windsock.errors import ProviderError
from windsock.wire.dialect import MISSHAPEN
from windsock.wire.format import Answer, AnswerFacts, ProviderTraits
from windsock.wire.formats.openai_chat_stream import ChatStreamScanner
from windsock.wire.formats.openai_ends import (
    certainty_of,
    choices_in,
    error_beside,
    error_in,
    finish_of,
    shown_in,
)
from windsock.wire.formats.openai_format import TRUE, OpenAIFormat, names_field
from windsock.wire.formats.openai_usage import facts_of, part_of
from windsock.wire.formats.unasked_forms import completion_of, unwrapped
from windsock.wire.json_codec import parsed
from windsock.wire.request import UpstreamRequest
from windsock.wire.sse import DATA
from windsock.wire.upstream_errors.bodies import body_of


class OpenAIChat(OpenAIFormat):
    """Chat completions of one provider."""

    call_path = "/chat/completions"

    def body(self, request: UpstreamRequest, model: str) -> bytes:
        """With logprobs asked for where the router wants to know how sure the answer is."""
        fields = self._upstream_fields(request, model)
        if request.wants_certainty and "logprobs" not in request.left_out:
            fields.setdefault("logprobs", TRUE)
        return msgspec.json.encode(fields)

    def answer(self, raw: bytes, request: UpstreamRequest) -> Answer | None:
        """As a chat completion, also one that holds an error or nothing; None if it is none.

        Of events, which nobody asked for, what they add up to.
        """
        body = parsed(raw)
        if isinstance(body, dict):
            body = body if "choices" in body else unwrapped(body)
            if "choices" in body:
                return answer_of(body, self._traits, images=request.images)
            return self._told_whole(body, request)
        if (error := error_in(body_of(raw))) is not None:
            return Answer(body={}, facts=AnswerFacts(), error=error)
        return self._told_in_events(raw, request) if DATA.search(raw) else None

    def _told_whole(self, body: dict[str, Any], request: UpstreamRequest) -> Answer:
        return answer_of(body, self._traits, images=request.images)

    def _told_in_events(self, raw: bytes, request: UpstreamRequest) -> Answer | None:
        """None if they are broken, break off, or add up to nothing."""
        scanner = self.scanner(request)
        try:
            events = b"".join([*scanner.feed(raw), *scanner.rest()])
            facts = scanner.facts()
            if scanner.error is not None:
                return Answer(body={}, facts=facts, error=scanner.error)
            if not scanner.is_complete:
                return None
            usage = {} if scanner.usage is None else {"usage": scanner.usage}
            body = completion_of(events) | usage
            answer = answer_of(body, self._traits, images=request.images)
        except (ProviderError, RecursionError, *MISSHAPEN):
            return None
        answer.facts = facts
        return answer

    def told(
        self, answer: Answer, request: UpstreamRequest, *, provider: str, cost_usd: float | None
    ) -> bytes:
        """Without the logprobs that only the router asked for."""
        if request.wants_certainty and not names_field(request, "logprobs"):
            _drop_logprobs(answer.body)
        return super().told(answer, request, provider=provider, cost_usd=cost_usd)

    def scanner(self, request: UpstreamRequest) -> ChatStreamScanner:
        """Expects as many answers as were asked for."""
        return ChatStreamScanner(
            request.choices,
            images=request.images,
            wants_usage=request.wants_usage,
            traits=self._traits,
        )


def answer_of(body: dict[str, Any], traits: ProviderTraits, *, images: int) -> Answer:
    """A chat completion, parsed; images were sent with the request."""
    choices = choices_in(body)
    error = error_beside(body, choices)
    facts = facts_of(body, traits, images=images, finish_reason=finish_of(choices))
    messages = [part_of(each, "message") for each in choices]
    facts.is_empty = not any(map(shown_in, choices, messages))
    if not choices:
        return Answer(body=body, facts=facts, error=error)
    return Answer(
        body=body,
        facts=facts,
        message=messages[0],
        certainty=certainty_of(choices[0]) if choices[0].get("logprobs") else None,
        error=error,
    )


def _drop_logprobs(body: dict[str, Any]) -> None:
    """Take the logprobs out of an answer whose caller did not ask for them."""
    for choice in body["choices"]:
        if isinstance(choice, dict) and "logprobs" in choice:
            choice["logprobs"] = None
