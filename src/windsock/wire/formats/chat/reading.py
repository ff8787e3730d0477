"""What routing needs of a chat's body, read without touching a byte that need not change."""

from __future__ import annotations

import re
from operator import attrgetter
from typing import Any

import msgspec
import orjson

from windsock.core.model.requests import DEFAULT_TASK, NO_PREFERENCES, RouteRequest
from windsock.errors import BadRequest
from windsock.wire.adaptation.marks import marks_of
from windsock.wire.adaptation.plain_turns import Turns, turns_of
from windsock.wire.caller_fields.own_names import OWN_HEADERS, Header, no_header, own_names
from windsock.wire.caller_fields.provider_wishes import preferences_of
from windsock.wire.formats.chat.attached import Size, size_of, text_tokens
from windsock.wire.formats.chat.fields import NAMED_IN, USUAL, ChatFields
from windsock.wire.formats.chat.needs import NO_NEEDS, chat_needs
from windsock.wire.formats.openai_usage import text_in
from windsock.wire.prompt_features import features_of
from windsock.wire.request import UpstreamRequest, decoded, fields_of, task_of
from windsock.wire.sessions import HEADERS, LEAST_TOKENS, Session, session_of

IMAGE = re.compile(rb'"type"\s*:\s*"(?:image_url|input_image)"')
"""A part of a message that is an image."""

NAMING_HEADERS = HEADERS | OWN_HEADERS
"""Without any of these the headers of a request name neither its session nor itself."""

_named_in = attrgetter(*NAMED_IN)

_decoder = msgspec.json.Decoder(ChatFields)

NO_DATA = Size(0)
"""Of a prompt that is words alone, as most are: only their bytes are counted."""

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
    turns = turns_of(messages)
    said = b"" if turns.is_words else bytes(messages)
    size = size_of(said) if said else NO_DATA
    tokens = size.tokens if said else text_tokens(len(messages))
    is_usual = fields.keys() <= USUAL and header is no_header
    is_named = not is_usual or tokens >= LEAST_TOKENS
    session = _session(read, header, turns, tokens, key_id) if is_named else None
    request = RouteRequest(
        model=read.model,
        models=tuple(read.models or ()),
        namespace=namespace,
        task=task or (DEFAULT_TASK if is_usual else task_of(read.metadata)),
        needs=NO_NEEDS if is_usual and turns.is_words else chat_needs(read, said),
        prompt_tokens=tokens,
        longest_tokens=size.text_tokens if size.data_chars else None,
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
        no_text_bytes=size.data_chars,
        no_text_tokens=size.data_tokens,
        choices=read.n or 1,
        search_size=None if is_usual else _search_size(read.web_search_options),
        is_plain=turns.is_plain,
        unheeded=() if is_usual else read.unheeded,
    )
    asked.kept_fields = fields
    return asked


def _session(
    read: ChatFields, header: Header, turns: Turns, tokens: int, key_id: str | None
) -> Session | None:
    stated = zip(NAMED_IN, _named_in(read), strict=True)
    fields = {name: value for name, value in stated if value is not None}
    return session_of(fields, header, turns=turns.listed, tokens=tokens, key_id=key_id)


def _search_size(options: dict[str, Any] | None) -> str | None:
    """How much context a search is asked to bring; empty as usual, None where none is asked for."""
    return None if options is None else text_in(options, "search_context_size") or ""
