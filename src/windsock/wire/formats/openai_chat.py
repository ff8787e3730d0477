"""The OpenAI chat wire format, read and written without touching a byte that need not change."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import msgspec
import orjson

from windsock.core.model.requests import NO_PREFERENCES, RouteRequest
from windsock.core.model.units import Usage
from windsock.errors import BadRequest
from windsock.wire.json_codec import parsed
from windsock.wire.prompt_features import features_of
from windsock.wire.request import (
    OURS,
    TOKENS_PER_BYTE,
    UpstreamRequest,
    decoded,
    drop_task,
    preferences_of,
    task_of,
)

IMAGE = re.compile(rb'"type"\s*:\s*"(?:image_url|input_image)"')

PLAIN_COUNTS = frozenset({"prompt_tokens", "completion_tokens", "total_tokens"})


_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])


class _Schema(msgspec.Struct):
    """The fields that routing reads; everything else stays raw."""

    model: str
    messages: msgspec.Raw
    stream: bool | None = None
    stream_options: dict[str, Any] | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    tools: msgspec.Raw = msgspec.Raw(b"")
    response_format: dict[str, Any] | None = None
    metadata: dict[str, Any] | None = None
    models: list[str] | None = None
    provider: dict[str, Any] | None = None
    session_id: str | None = None
    temperature: float | None = None
    n: int | None = None


_decoder = msgspec.json.Decoder(_Schema)


def read_chat(
    body: bytes,
    *,
    task: str | None = None,
    namespace: str,
    key_id: str | None = None,
    deadline_s: float | None = None,
    with_features: bool = False,
) -> UpstreamRequest:
    """The facts that routing needs; raises BadRequest naming the field.

    with_features   also the cheap numbers about the prompt that learnt segments look at
    """
    read = decoded(_decoder, body)
    messages = bytes(read.messages)
    if messages[:1] != b"[":
        raise BadRequest("messages must be a list", param="messages")
    options = read.stream_options or {}
    request = RouteRequest(
        model=read.model,
        models=tuple(read.models or ()),
        namespace=namespace,
        task=task or task_of(read.metadata),
        needs=_needs(read, messages),
        prompt_tokens=int(len(messages) * TOKENS_PER_BYTE) + 1,
        max_output_tokens=read.max_completion_tokens or read.max_tokens,
        is_stream=bool(read.stream),
        session_id=read.session_id,
        key_id=key_id,
        preferences=preferences_of(read.provider) if read.provider else NO_PREFERENCES,
        features=features_of(orjson.loads(body)) if with_features else (),
        deadline_s=deadline_s,
    )
    return UpstreamRequest(
        raw=body,
        request=request,
        wants_usage=bool(options.get("include_usage")),
        temperature=read.temperature,
        images=len(IMAGE.findall(messages)) if "vision" in request.needs else 0,
        choices=read.n or 1,
    )


def body_for(chat: UpstreamRequest, model: str, *, keeps_ours: bool = False) -> bytes:
    """The body for an upstream: its model name, usage asked for, our own fields left out."""
    fields = _fields.decode(chat.raw)
    fields["model"] = msgspec.Raw(orjson.dumps(model))
    if not keeps_ours:
        for name in OURS:
            fields.pop(name, None)
    drop_task(fields)
    if chat.request.is_stream and not chat.wants_usage:
        options = orjson.loads(bytes(fields.get("stream_options", b"{}"))) or {}
        fields["stream_options"] = msgspec.Raw(orjson.dumps({**options, "include_usage": True}))
    return msgspec.json.encode(fields)


def usage_of(body: Mapping[str, Any], *, images: int = 0) -> Usage | None:
    """Counted use from an answer or a last chunk, in any of the known dialects.

    images      sent with the request; no dialect counts them
    """
    usage = body.get("usage") or (body.get("x_groq") or {}).get("usage")
    if not isinstance(usage, Mapping):
        return None
    prompt = _count(usage, "prompt_tokens")
    completion = _count(usage, "completion_tokens")
    if usage.keys() <= PLAIN_COUNTS:
        return Usage(input_tokens=prompt, output_tokens=completion, images=images)
    given = usage.get("prompt_tokens_details") or {}
    got = usage.get("completion_tokens_details") or {}
    cached = _count(usage, "prompt_cache_hit_tokens") or _count(given, "cached_tokens")
    written_1h = _count(usage.get("cache_creation") or {}, "ephemeral_1h_input_tokens")
    written = max(0, _count(given, "cache_write_tokens") - written_1h)
    heard, spoken = _count(given, "audio_tokens"), _count(got, "audio_tokens")
    reasoning = min(_count(got, "reasoning_tokens"), completion)
    return Usage(
        input_tokens=max(0, prompt - cached - written - written_1h - heard),
        cache_read_tokens=cached,
        cache_write_tokens=written,
        cache_write_1h_tokens=written_1h,
        audio_input_tokens=heard,
        output_tokens=max(0, completion - reasoning - spoken),
        reasoning_tokens=reasoning,
        audio_output_tokens=spoken,
        images=images,
        web_searches=_count(usage.get("server_tool_use") or {}, "web_search_requests"),
    )


MAX_ID_CHARS = 255
"""Of an answer's id; a longer one is no name, and no index of a database would take it."""


def id_of(body: Mapping[str, Any]) -> str | None:
    """The answer's id; None if it is no text of 1 to MAX_ID_CHARS characters."""
    name = body.get("id")
    return name if isinstance(name, str) and 0 < len(name) <= MAX_ID_CHARS else None


def tier_of(body: Mapping[str, Any]) -> str | None:
    """The service tier that an answer names, such as flex or priority."""
    tier = body.get("service_tier")
    return tier if isinstance(tier, str) else None


def billed_of(body: Mapping[str, Any]) -> Decimal | None:
    """Dollars that the provider says it charged (OpenRouter's `usage.cost`)."""
    cost = (body.get("usage") or {}).get("cost")
    if isinstance(cost, int | float) and not isinstance(cost, bool) and cost >= 0:
        return Decimal(str(cost))
    return None


def confidence_of(body: Mapping[str, Any]) -> float | None:
    """The mean probability of an answer's tokens, 0..1, where logprobs were asked for and given.

    A claim, not a rate: what it is worth is learnt from feedback.
    """
    logprobs = (body["choices"][0].get("logprobs") or {}).get("content")
    values = [token.get("logprob") for token in logprobs or ()]
    stated = [value for value in values if isinstance(value, int | float)]
    return math.exp(sum(stated) / len(stated)) if stated else None


def with_logprobs(chat: UpstreamRequest) -> UpstreamRequest | None:
    """The same request, asking for logprobs too; None if it asks for them or for no such thing."""
    fields = _fields.decode(chat.raw)
    if "logprobs" in fields or chat.request.is_stream:
        return None
    fields["logprobs"] = msgspec.Raw(b"true")
    return replace(chat, raw=msgspec.json.encode(fields))


def without_logprobs(body: dict[str, Any]) -> None:
    """Take the logprobs out of an answer whose caller did not ask for them."""
    for choice in body["choices"]:
        if isinstance(choice, dict) and "logprobs" in choice:
            choice["logprobs"] = None


def _needs(read: _Schema, messages: bytes) -> frozenset[str]:
    needs = set()
    if b'"image_url"' in messages or b'"input_image"' in messages:
        needs.add("vision")
    if b'"input_audio"' in messages:
        needs.add("audio")
    if len(bytes(read.tools)) > 2 and bytes(read.tools) != b"null":
        needs.add("tools")
    if read.response_format and read.response_format.get("type") == "json_schema":
        needs.add("json_schema")
    return frozenset(needs)


def _count(usage: Mapping[str, Any], name: str) -> int:
    value = usage.get(name)
    return value if isinstance(value, int) and value > 0 else 0


def _use_of(body: dict[str, Any], raw: bytes, chat: UpstreamRequest) -> tuple[Usage, bool]:
    """Usage as counted, or estimated from sizes where the provider counts none: then True."""
    usage = usage_of(body, images=chat.images)
    if usage is not None:
        return usage, False
    output_tokens = int(len(raw) * TOKENS_PER_BYTE)
    return Usage(input_tokens=chat.request.prompt_tokens, output_tokens=output_tokens), True


def _answer_of(raw: bytes) -> dict[str, Any] | None:
    """The parsed answer, or None if it is not a chat completion."""
    body = parsed(raw)
    if not isinstance(body, dict) or not isinstance(body.get("choices"), list):
        return None
    if not body["choices"] or not isinstance(body["choices"][0], dict):
        return None
    return body
