"""The OpenAI chat wire format, read and written without touching a byte that need not change."""

from __future__ import annotations

import re
from operator import attrgetter
from typing import Any

import msgspec
import orjson

from windsock.core.model.requests import DEFAULT_TASK, NO_PREFERENCES, RouteRequest
from windsock.errors import BadRequest, ProviderError
from windsock.wire.adaptation.marks import marks_of
from windsock.wire.adaptation.plain_turns import Turns, turns_of
from windsock.wire.caller_fields.custom_tools import has_custom
from windsock.wire.caller_fields.names import Model, Models, Name
from windsock.wire.caller_fields.own_names import OWN_HEADERS, Header, no_header, own_names
from windsock.wire.caller_fields.provider_wishes import preferences_of
from windsock.wire.caller_fields.router_fields import RouterFields, needs_of
from windsock.wire.dialect import MISSHAPEN
from windsock.wire.format import Answer, AnswerFacts, ProviderTraits
from windsock.wire.formats.openai_chat_stream import ChatStreamScanner
from windsock.wire.formats.openai_ends import (
    certainty_of,
    choices_in,
    error_beside,
    error_in,
    finish_of,
    shows,
)
from windsock.wire.formats.openai_format import TRUE, OpenAIFormat, names_field
from windsock.wire.formats.openai_usage import facts_of, part_of, text_in
from windsock.wire.formats.unasked_forms import completion_of
from windsock.wire.json_codec import parsed
from windsock.wire.prompt_features import features_of
from windsock.wire.request import (
    TOKENS_PER_BYTE,
    UpstreamRequest,
    decoded,
    fields_of,
    task_of,
)
from windsock.wire.sessions import HEADERS, LEAST_TOKENS, Session, session_of
from windsock.wire.sse import DATA
from windsock.wire.upstream_errors.shapes import body_of

IMAGE = re.compile(rb'"type"\s*:\s*"(?:image_url|input_image)"')
"""A part of a message that is an image."""

OLD_CALL = re.compile(rb'"function_call"\s*:\s*\{')
"""Of a turn, from before there were tools; null in many."""

OPTIONAL = (None, "auto", "none")
"""Values of `tool_choice` that demand no call."""


NAMED_IN = ("session_id", "conversation", "previous_response_id", "prompt_cache_key", "user",
            "metadata")  # fmt: skip
"""Fields of a body that may name the session."""


NAMING_HEADERS = HEADERS | OWN_HEADERS
"""Without any of these the headers of a request name neither its session nor itself."""

_named_in = attrgetter(*NAMED_IN)


USUAL = frozenset(("model", "messages", "stream", "stream_options", "max_tokens",
                   "max_completion_tokens", "temperature", "top_p", "stop", "seed",
                   "presence_penalty", "frequency_penalty", "usage"))  # fmt: skip
"""Fields that name no session, no task and no request, need nothing of a deployment and speak to no
router: in a body with no other, nothing is looked for but what its messages are."""

NO_NEEDS: frozenset[str] = frozenset()


class _Schema(RouterFields, kw_only=True):
    """The fields that routing reads; everything else stays raw."""

    model: Model = ""
    messages: msgspec.Raw
    stream: bool | None = None
    stream_options: dict[str, Any] | None = None
    tools: msgspec.Raw = msgspec.Raw(b"")
    functions: list[Any] | None = None
    tool_choice: Any = None
    logprobs: Any = None
    response_format: dict[str, Any] | None = None
    metadata: dict[str, Any] | None = None
    models: Models | None = None
    provider: dict[str, Any] | None = None
    session_id: Name | None = None
    conversation: Any = None
    previous_response_id: Any = None
    prompt_cache_key: Any = None
    user: Any = None
    service_tier: Name | None = None
    web_search_options: dict[str, Any] | None = None


_decoder = msgspec.json.Decoder(_Schema)

BUT_MESSAGES = {"messages": msgspec.Raw(b"[]")}
"""In place of what they say: most of a body's bytes, which need not be read twice."""


def read_chat(
    body: bytes,
    *,
    task: str | None = None,
    namespace: str,
    key_id: str | None = None,
    deadline_s: float | None = None,
    with_features: bool = False,
    header: Header = no_header,
) -> UpstreamRequest:
    """The facts that routing needs; raises BadRequest naming the field.

    header          of the request, where clients may name their session
    with_features   also the cheap numbers about the prompt that learnt segments look at
    """
    fields = fields_of(body)
    messages = memoryview(fields.get("messages", b""))
    read = decoded(_decoder, msgspec.json.encode({**fields, **BUT_MESSAGES}) if messages else body)
    if bytes(messages[:1]) != b"[":
        raise BadRequest("messages must be a list", param="messages")
    options = read.stream_options or {}
    wants_usage = options.get("include_usage") or (read.usage or {}).get("include")
    tokens = int(len(messages) * TOKENS_PER_BYTE) + 1
    turns = turns_of(messages)
    said = b"" if turns.is_words else bytes(messages)
    is_usual = fields.keys() <= USUAL and header is no_header
    is_named = not is_usual or tokens >= LEAST_TOKENS
    session = _session(read, header, turns, tokens, key_id) if is_named else None
    request = RouteRequest(
        model=read.model,
        models=tuple(read.models or ()),
        namespace=namespace,
        task=task or (DEFAULT_TASK if is_usual else task_of(read.metadata)),
        needs=NO_NEEDS if is_usual and turns.is_words else _needs(read, said),
        prompt_tokens=tokens,
        max_output_tokens=read.max_completion_tokens or read.max_tokens,
        marks=turns.marks if turns.is_words else marks_of(said),
        service_tier=read.service_tier.lower() if read.service_tier else None,
        is_stream=bool(read.stream),
        session_id=session.id if session else None,
        session_kind=session.kind if session else "",
        is_session_shared=session is not None and session.is_shared,
        continues=session.continues if session else None,
        key_id=key_id,
        known_as="" if is_usual else own_names(header, read.metadata),
        preferences=preferences_of(read.provider, body) if read.provider else NO_PREFERENCES,
        features=features_of(orjson.loads(body)) if with_features else (),
        deadline_s=deadline_s,
    )
    asked = UpstreamRequest(
        raw=body,
        request=request,
        wants_usage=bool(wants_usage),
        temperature=read.temperature,
        images=len(IMAGE.findall(said)) if "vision" in request.needs else 0,
        choices=read.n or 1,
        search_size=None if is_usual else _search_size(read.web_search_options),
        is_plain=turns.is_plain,
        unheeded=() if is_usual else read.unheeded,
    )
    asked.kept_fields = fields
    return asked


def _session(
    read: _Schema, header: Header, turns: Turns, tokens: int, key_id: str | None
) -> Session | None:
    stated = zip(NAMED_IN, _named_in(read), strict=True)
    fields = {name: value for name, value in stated if value is not None}
    return session_of(fields, header, turns=turns.listed, tokens=tokens, key_id=key_id)


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
    facts.is_empty = not any(map(shows, messages))
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


def _search_size(options: dict[str, Any] | None) -> str | None:
    """How much context a search is asked to bring; empty as usual, None where none is asked for."""
    return None if options is None else text_in(options, "search_context_size") or ""


def _needs(read: _Schema, messages: bytes) -> frozenset[str]:
    """What the request cannot do without; of messages that are words alone nothing is looked at."""
    needs = set(needs_of(read, bytes(read.tools)))
    if b'"image_url"' in messages or b'"input_image"' in messages:
        needs.add("vision")
    if b'"input_audio"' in messages:
        needs.add("audio")
    if b'"tool_call_id"' in messages:
        needs.add("tools")
    if len(bytes(read.tools)) > 2 and bytes(read.tools) != b"null":
        needs.add("tools")
        if read.tool_choice not in OPTIONAL:
            needs.add("tool_choice")
    if has_custom(bytes(read.tools), read.tool_choice, messages):
        needs.add("custom_tools")
    if read.functions or OLD_CALL.search(messages):
        needs |= {"tools", "functions"}
    form = (read.response_format or {}).get("type")
    if form in ("json_schema", "json_object"):
        needs.add(form)
    if (read.n or 1) > 1:
        needs.add("n")
    if read.logprobs:
        needs.add("logprobs")
    return frozenset(needs)
