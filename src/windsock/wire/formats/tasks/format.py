"""The calls beside text, as who speaks OpenAI's language takes them."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import msgspec
import orjson

from windsock.core.model.units import Usage
from windsock.wire.format import Answer, AnswerFacts, Format, ProviderTraits, StreamScanner
from windsock.wire.formats.openai_ends import error_in
from windsock.wire.formats.openai_format import OpenAIFormat
from windsock.wire.formats.openai_usage import facts_of
from windsock.wire.formats.tasks.kinds import TASKS, Task
from windsock.wire.formats.tasks.streams import EventScanner, SoundScanner
from windsock.wire.formats.usage.fields import count
from windsock.wire.json_codec import at, parsed
from windsock.wire.request import Operation, UpstreamRequest, drop_task
from windsock.wire.upstream_errors.shapes import is_page

TEXTS = re.compile(rb'"(?:text|srt|vtt)"')
"""Values of `response_format` whose answer is no JSON."""

SEARCH_UNITS = ("meta.billed_units.search_units", "billed_units.search_units")
"""Where rerankers state how many searches they bill."""

ANSWER_FREE = frozenset({Operation.RERANK, Operation.MODERATION})
"""Calls that generate nothing: all tokens are those of the prompt."""

IMAGES = frozenset({Operation.IMAGE, Operation.IMAGE_EDIT})


class TaskFormat(OpenAIFormat):
    """One kind of call of one provider."""

    answer_headers: tuple[str, ...] = ("content-type",)

    def __init__(self, traits: ProviderTraits, operation: Operation) -> None:
        super().__init__(traits)
        self._operation = operation
        self._task: Task = TASKS[operation]
        self.call_path = self._task.path

    def body(self, request: UpstreamRequest, model: str) -> bytes:
        """The client's, with the provider's name of the model and our own fields left out."""
        if request.form is not None:
            return request.form.with_texts({"model": model}, {*self._dropped, *request.left_out})
        fields = {name: raw for name, raw in request.fields.items() if name not in self._dropped}
        fields["model"] = msgspec.Raw(orjson.dumps(model))
        drop_task(fields)
        return msgspec.json.encode(fields)

    def answer(self, raw: bytes, request: UpstreamRequest) -> Answer | None:
        """An answer with something in it, a text where one is asked for, an error, or None."""
        body = parsed(raw)
        if not isinstance(body, dict):
            wanted = bytes(request.fields.get("response_format", b""))
            is_text = TEXTS.fullmatch(wanted) and not is_page(raw[:100].decode(errors="replace"))
            return Answer(body={}, raw=raw, facts=AnswerFacts()) if is_text else None
        found = [body[name] for name in self._task.answer if name in body]
        if not any(isinstance(each, str) or (isinstance(each, list) and each) for each in found):
            error = error_in(body)
            return None if error is None else Answer(body={}, facts=AnswerFacts(), error=error)
        return Answer(body=body, facts=self._facts(body))

    def told(
        self, answer: Answer, request: UpstreamRequest, *, provider: str, cost_usd: float | None
    ) -> bytes:
        """As OpenAI's; a text as it came."""
        if not answer.body:
            return answer.raw
        return super().told(answer, request, provider=provider, cost_usd=cost_usd)

    def scanner(self, request: UpstreamRequest) -> StreamScanner:
        """Of events where they are asked for, else of sound."""
        is_sound = self._operation is Operation.SPEECH
        if is_sound and bytes(request.fields.get("stream_format", b"")) != b'"sse"':
            return SoundScanner()
        return EventScanner(self._facts)

    def _facts(self, body: dict[str, Any]) -> AnswerFacts:
        """With what is counted beside tokens."""
        facts = facts_of(body, self._traits, is_answer_free=self._operation in ANSWER_FREE)
        if units := next((n for path in SEARCH_UNITS if (n := count(at(body, path)))), None):
            facts.usage = replace(facts.usage or Usage(), requests=units)
        made = body.get("data")
        if self._operation in IMAGES and facts.usage is not None and isinstance(made, list):
            facts.usage = replace(facts.usage, images=len(made))
        if (heard := body.get("duration")) and facts.usage is None:
            facts.usage = _heard(heard)
        return facts


def _heard(duration: Any) -> Usage | None:
    """What a transcript says of its length, in s."""
    try:
        return Usage(input_seconds=max(1, round(float(duration))))
    except (TypeError, ValueError, OverflowError):
        return None


def task_formats(traits: ProviderTraits) -> dict[Operation, Format]:
    """All of them."""
    return {operation: TaskFormat(traits, operation) for operation in TASKS}
