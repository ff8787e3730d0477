"""Server-sent events as they pass: whole events relayed, a few facts read on the way."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any

import orjson

from windsock.core.evidence.answer_ends import has_failed
from windsock.errors import ProviderError
from windsock.wire import json_codec, sse
from windsock.wire.format import AnswerFacts, ProviderTraits
from windsock.wire.formats.openai_ends import (
    choices_in,
    error_in,
    error_in_event,
    finish_in,
    finish_of,
    named_error,
)
from windsock.wire.formats.openai_usage import charge_in, counted, counts_in, text_in
from windsock.wire.formats.passing.first_events import FirstEvents
from windsock.wire.formats.passing.json_lines import JsonLines
from windsock.wire.formats.passing.mending import broken_event, mended
from windsock.wire.formats.passing.text_events import (
    CONTENT,
    END,
    Shape,
    contents,
    plain_until,
    shape_of,
    tells_usage,
)
from windsock.wire.formats.unasked_forms import events_of
from windsock.wire.formats.usage.fields import merged
from windsock.wire.service_tiers import tier_of

DONE = b"data: [DONE]\n\n"

MODEL = re.compile(rb'"model"\s*:\s*"([^"]+)"')

PLAIN = ProviderTraits()
"""Of a provider of which nothing is known."""

LOOKED_AT = 3
"""Events of one read that are looked at by themselves before the rest is in one go."""


class ChatStreamScanner(FirstEvents):
    """Feed it bytes split anywhere; it gives whole events and remembers what they said.

    choices         how many answers were asked for; each must finish
    images          sent with the request
    wants_usage     the client asked for the usage chunk
    finish_reason   of the answer, once it came
    usage           what its usage objects said together, once one came
    content_events  events with text, reasoning or a part of a tool call
    last            the event that carried usage, as parsed
    error           an error event's body, if one came
    """

    __slots__ = (
        "_choices", "_choices_ended", "_images", "_lines", "_numbers", "_says_ends", "_shape",
        "_traits", "_unended", "_wants_usage", "content_events", "error", "finish_reason",
        "is_done", "last", "served_model", "usage",
    )  # fmt: skip

    def __init__(
        self,
        choices: int = 1,
        *,
        images: int = 0,
        wants_usage: bool = False,
        traits: ProviderTraits = PLAIN,
    ) -> None:
        super().__init__()
        self._unended = sse.Unended()
        self._lines: JsonLines | None = JsonLines()
        self._numbers: dict[Any, int] = {}
        self._choices = choices
        self._images = images
        self._traits = traits
        self._wants_usage = wants_usage
        self._choices_ended: set[int] = set()
        self._says_ends = False
        self._shape: Shape | None = None
        self.content_events = 0
        self.finish_reason: str | None = None
        self.usage: dict[str, Any] | None = None
        self.last: dict[str, Any] = {}
        self.is_done = False
        self.served_model: str | None = None
        self.error: bytes | None = None

    @property
    def is_complete(self) -> bool:
        """Every choice came to its end, with or without an end mark; that alone is one after the
        usage of a stream whose chunks have no field for an end (Snowflake)."""
        is_closed = self.is_done and not self._says_ends and self.usage is not None
        return is_closed or len(self._choices_ended) >= self._choices

    def feed(self, data: bytes) -> Iterable[bytes]:
        """Whole events to pass on; raises ProviderError if one is broken, or beyond all bounds."""
        if self._lines is not None:
            data = self._of_lines(self._lines, data)
        held = self._unended.with_next(data) if self._unended.size else data
        end = self._alike_until(held)
        return (held,) if end == len(held) else self._looked_through(held, end)

    def _of_lines(self, lines: JsonLines, data: bytes) -> bytes:
        """As events, where a stream is of lines of JSON; from its first bytes on it is known."""
        events = lines.events(data)
        if lines.is_known is False:
            self._lines = None
        return events

    def _looked_through(self, held: bytes, alike: int) -> Iterator[bytes]:
        """The same, of which the first events are known to be `alike`; some of the next are read
        by themselves, since what follows may be like them."""
        for _ in range(LOOKED_AT):
            if alike:
                yield held[:alike]
                held = held[alike:]
            first = held.find(b"\n\n") + 2
            if not 2 <= first < len(held):
                break
            yield from self._events(held[:first])
            held = held[first:]
            alike = self._alike_until(held)
        else:
            yield held[:alike]
            held = held[alike:]
        yield from self._events(held)

    def _alike_until(self, held: bytes) -> int:
        """Where the events end that differ from the last plain one by their text alone."""
        if self._shape is None or self.error is not None:
            return 0
        events, end = self._shape.until(held)
        if not self.has_answer and self._is_looked_for(held, end):
            return 0
        self.content_events += events
        return end

    def _events(self, held: bytes) -> Iterator[bytes]:
        """Whole events to pass on; what is left of the last is held."""
        start = self._plain_until(held)
        if start:
            yield held if start == len(held) else held[:start]
        for match in sse.BOUNDARY.finditer(held, start):
            events = sse.events_in(held[start : match.end()])
            start = match.end()
            for event in events:
                if self.error is None and (kept := self._passed_on(event)) is not None:
                    yield kept
        self._unended.hold(held[start:])

    def _plain_until(self, held: bytes) -> int:
        """Where the events end that hold nothing but content; they are noted at once."""
        until, events = plain_until(held) if self.error is None else (0, 0)
        if not until:
            return 0
        if self.served_model is None and (model := MODEL.search(held, 0, until)):
            self.served_model = model[1].decode(errors="replace")
        self._says_ends = self._says_ends or held.find(END, 0, until) >= 0
        if self._is_looked_for(held, until):
            self._look_at_first(held, until)
        self.content_events += contents(held, until, events)
        if self._is_begun and not self._id_events:
            self._shape = shape_of(held[sse.start_of_event(held, until - 2) : until])
        return until

    def rest(self) -> Iterator[bytes]:
        """The last event, if the stream ended without the blank line that closes it.

        A completion that came whole is told as a stream; what else is no event (a page) is left
        out.
        """
        left, self._lines = b"" if self._lines is None else self._lines.rest(), None
        held = self._unended.taken() + left
        if sse.DATA.search(held):
            yield from self.feed(held + b"\n\n")
        elif self.error is None and held:
            body = json_codec.parsed(held)
            self.error = error_in(body)
            if self.error is None:
                yield from self.feed(events_of(body))

    def facts(self) -> AnswerFacts:
        """The charge stands in the last event that carried usage."""
        last = {**self.last, "usage": self.usage} if self.usage else {}
        counts = counts_in(last, images=self._images, habits=self._traits.usage)
        return AnswerFacts(
            usage=counts.usage if counts else None,
            unsaid=counts.unsaid if counts else frozenset(),
            undivided_tokens=counts.undivided if counts else 0,
            served_model=self.served_model,
            service_tier=tier_of(last) or self.service_tier,
            billed_usd=charge_in(last, self._traits),
            finish_reason=self.finish_reason,
            response_id=self.response_id,
            is_empty=not (self.has_answer or self._tags.are_undecided),
        )

    def ending(self, cost_usd: Decimal | None) -> bytes:
        """The usage chunk with cost, if the client asked for it, and the end mark."""
        if not self._wants_usage or self.usage is None:
            return DONE
        usage = {**self.usage, "cost": None if cost_usd is None else float(cost_usd)}
        last = {**self.last, "choices": [], "usage": usage}
        return b"data: " + orjson.dumps(last) + b"\n\n" + DONE

    def broken(self, message: str) -> bytes:
        """An error within the stream; no end mark follows it."""
        return broken_event(message)

    def _passed_on(self, event: bytes) -> bytes | None:
        """Note what an event says; remarks beside the answer are not for the client."""
        event = event.removeprefix(json_codec.MARK)
        if not (event.startswith(b"data:") or sse.DATA.search(event)):
            return self._beside(event)
        payload = sse.data_of(event).strip()
        if payload == b"[DONE]":
            self.is_done = True
            return None
        body = json_codec.parsed(payload)
        if sse.is_named_failure(event):
            body = named_error(body or payload.decode(errors="replace"))
        if body is None and sse.SYNTAX.search(payload) and not self.is_complete:
            raise ProviderError("an event of the stream is broken: it is no JSON")
        if sse.has_no_number(payload):
            event = b"data: " + json_codec.dumps(body) + b"\n\n"
        if not self.is_complete:
            self.error = error_in_event(body)
        has_begun, is_chunk = self._is_begun, isinstance(body, dict) and self.error is None
        if not is_chunk or not self._is_content(event, body):
            return None
        return mended(event, body, self._numbers, has_begun=has_begun)

    def _beside(self, event: bytes) -> bytes | None:
        """What is no data: comments pass; JSON by itself is an error, if anything."""
        if not self.is_complete and (bare := sse.BARE.match(event)):
            self.error = error_in(json_codec.parsed(bare[1]))
        return event if sse.FIELD.match(event) else None

    def _is_content(self, event: bytes, body: dict[str, Any]) -> bool:
        """Note a chunk's facts; usage alone is kept for the end, a failure is not told as one."""
        self._says_ends = self._says_ends or END in event
        if CONTENT.search(event):
            self.content_events += 1
        if self._id_events:
            self._look_for_id(body)
        self.served_model = self.served_model or text_in(body, "model")
        choices = choices_in(body)
        self._note_answer(choices)
        ended = [each for each in choices if finish_in(each)]
        if ended:
            self.finish_reason = finish_of(ended)
            places = [each.get("index") for each in ended]
            self._choices_ended |= {each if type(each) is int else 0 for each in places}
        is_failed = bool(ended) and has_failed(self.finish_reason)
        if not tells_usage(event, is_end=bool(ended)):
            return "choices" in body and not is_failed
        if (usage := counted(body)) is not None:
            self.usage = merged(self.usage or {}, usage) or self.usage
        self.last = body
        return bool(body.get("choices")) and not is_failed
