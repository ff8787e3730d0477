"""The seam of wire formats: all that the calls of a request know of a provider's language.

A format is one object per provider and kind of call, made by an entry of `wire.registry` from what
is known of the provider; adding one takes a file in `wire.formats`, that entry and a line in
`presets.toml`. What comes out of it is in the terms of the client's call (chat completions and
embeddings in OpenAI's shape), whatever the provider speaks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Protocol

from windsock.core.model.units import Family, Usage
from windsock.wire.billing import BillField, places_of
from windsock.wire.json_codec import Beginnings
from windsock.wire.request import Operation, UpstreamRequest
from windsock.wire.upstream_errors.refusal import Refusal
from windsock.wire.upstream_errors.rules import ErrorRule


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageHabits:
    """What a provider counts its own way; paths are dotted, from the usage object on.

    is_reasoning_beside completion leaves reasoning out, and so does the total
    extra_prompt        prompt tokens that stand beside the prompt
    searches            searches that were billed; their sum counts
    search_marks        a value there says that the request was a search
    search_fee          dollars charged in all, and for tokens: much more in all was for a search
    """

    is_reasoning_beside: bool = False
    extra_prompt: tuple[str, ...] = ()
    searches: tuple[str, ...] = ()
    search_marks: tuple[str, ...] = ()
    search_fee: tuple[str, ...] = ()


NO_HABITS = UsageHabits()
"""Of a provider that counts as its dialect does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderTraits:
    """What a provider does its own way within a format; stated in `presets.toml`.

    keeps_router_fields     it understands `models`, `provider` and the like itself
    bill                    where its answers say what they cost, the best place first
    usage                   how it counts
    errors                  what its errors mean; the first rule that fits decides
    bill_places             where in an answer those of `bill` begin
    """

    keeps_router_fields: bool = False
    bill: tuple[BillField, ...] = ()
    usage: UsageHabits = NO_HABITS
    errors: tuple[ErrorRule, ...] = ()
    bill_places: Beginnings = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "bill_places", places_of(self.bill))


@dataclass(slots=True, kw_only=True)
class AnswerFacts:
    """What an answer, whole or streamed, says of itself. None: it does not say.

    usage           as counted by the provider
    unsaid          families of tokens of which `usage` knows nothing, for nothing readable was said
    undivided_tokens    of prompt and answer together, where that is all that is said
    served_model    the provider's own name of the model that answered
    service_tier    its word for how it was served
    billed_usd      what it says it charged
    finish_reason   in the words of chat completions
    response_id     by which a client may name it in feedback
    is_empty        nothing to show, reasoning apart
    sealed_ids      of parts that only the deployment can read which made them
    """

    usage: Usage | None = None
    unsaid: frozenset[Family] = frozenset()
    undivided_tokens: int = 0
    served_model: str | None = None
    service_tier: str | None = None
    billed_usd: Decimal | None = None
    finish_reason: str | None = None
    response_id: str | None = None
    is_empty: bool = False
    sealed_ids: tuple[str, ...] = ()


@dataclass(slots=True, kw_only=True)
class Answer:
    """A whole answer.

    body            parsed, for `Format.told` only
    raw             as it came, where it is told so
    message         the assistant's message that declared checks look at; None: they do not apply
    certainty       0..1, how sure the answer claims to be, if it does
    error           the error that stands in it, as an object of its own; then it is none
    """

    body: dict[str, Any]
    facts: AnswerFacts
    raw: bytes = b""
    message: Mapping[str, Any] | None = None
    certainty: float | None = None
    error: bytes | None = None


class StreamScanner(Protocol):
    """Reads one stream as it passes; made anew for each.

    content_events  events so far with text, reasoning or a part of a tool call
    has_answer      something to show has come; reasoning and blanks are nothing
    error           an error event's body, if one came; it is not passed on
    is_done         the end mark came
    """

    content_events: int
    has_answer: bool
    error: bytes | None
    is_done: bool

    @property
    def has_content(self) -> bool:
        """Something to show has come, or reasoning."""
        ...

    @property
    def is_complete(self) -> bool:
        """Everything asked for came to its end, with or without an end mark."""
        ...

    def feed(self, data: bytes) -> Iterable[bytes]:
        """Bytes split anywhere -> whole events to pass on; raises ProviderError at a broken one.

        What belongs to the end of the stream (usage, end mark) is kept for `ending`.
        """
        ...

    def rest(self) -> Iterator[bytes]:
        """What is left to pass on once the connection has ended."""
        ...

    def facts(self) -> AnswerFacts:
        """As far as they are known."""
        ...

    def ending(self, cost_usd: Decimal | None) -> bytes:
        """The events that end a whole stream, with its cost if the client asked for usage."""
        ...

    def broken(self, message: str) -> bytes:
        """The event that ends a stream which broke off; nothing follows it."""
        ...


class Format(Protocol):
    """One kind of call in a provider's language. Without state: one object serves all calls.

    headers         that every call carries beside those of the provider's configuration
    answer_headers  of an answer that the client gets too, in lower case; where it is told as it
                    came
    count_path      of the call that counts the tokens of a request, `{model}` in it the model's
                    name; empty where there is none
    carries         the fields of a chat body that have a counterpart; None: all go as they come
    """

    headers: Mapping[str, str]
    answer_headers: tuple[str, ...]
    count_path: str
    carries: frozenset[str] | None

    def path(self, request: UpstreamRequest, model: str) -> str:
        """Of the call, below the provider's base URL; percent-encoded, with a query if need be."""
        ...

    def body(self, request: UpstreamRequest, model: str) -> bytes:
        """What is sent; `model` is the provider's own name."""
        ...

    def answer(self, raw: bytes, request: UpstreamRequest) -> Answer | None:
        """The answer in a body of status 200, or None if it is none."""
        ...

    def told(
        self, answer: Answer, request: UpstreamRequest, *, provider: str, cost_usd: float | None
    ) -> bytes:
        """The answer as the client gets it, with who gave it and what the request cost."""
        ...

    def refusal(
        self, status: int | None, raw: bytes, headers: Mapping[str, str], now: float
    ) -> Refusal:
        """What an error means; `now` is unix s, header names in lower case.

        status  of the answer; None where the error stood within one of 200 or within a stream
        raw     the body, or the error object alone
        """
        ...

    def scanner(self, request: UpstreamRequest) -> StreamScanner:
        """The reader of a streamed answer; raises ProviderError where nothing is streamed."""
        ...


Formats = Mapping[Operation, Format]
"""Of one provider. An operation that is missing is one that it does not offer."""
