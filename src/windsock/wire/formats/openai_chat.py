"""The OpenAI chat wire format, read and written without touching a byte that need not change."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

import msgspec
import orjson

from windsock.core.context.features import features_of
from windsock.core.model.decisions import (
    DEFAULT_TASK,
    NO_PREFERENCES,
    CallKind,
    Preferences,
    RouteRequest,
)
from windsock.core.model.units import Usage
from windsock.errors import BadRequest

TOKENS_PER_BYTE = 0.27
"""Prompt tokens per byte of request body, before anything is learnt."""

IMAGE = re.compile(rb'"type"\s*:\s*"(?:image_url|input_image)"')

PLAIN_COUNTS = frozenset({"prompt_tokens", "completion_tokens", "total_tokens"})

OURS = ("models", "provider", "session_id", "route")
"""Fields that speak to the router; upstreams reject what they do not know."""


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


class _EmbeddingSchema(msgspec.Struct):
    model: str
    input: msgspec.Raw
    metadata: dict[str, Any] | None = None
    models: list[str] | None = None
    provider: dict[str, Any] | None = None


Asked = TypeVar("Asked", _Schema, _EmbeddingSchema)
CHAT, EMBEDDINGS = "/chat/completions", "/embeddings"

_decoder = msgspec.json.Decoder(_Schema)
_embedding_decoder = msgspec.json.Decoder(_EmbeddingSchema)
_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])


@dataclass(slots=True, kw_only=True)
class ChatBody:
    """A parsed request. Treat it as immutable (see `core.records`).

    wants_usage     the client asked for the usage chunk of a stream
    temperature     as asked for; None if not stated
    images          sent with it
    choices         answers asked for (`n`)
    path            of the provider's call
    """

    raw: bytes
    request: RouteRequest
    wants_usage: bool
    temperature: float | None = None
    images: int = 0
    choices: int = 1
    path: str = CHAT


def read_chat(
    body: bytes,
    *,
    task: str | None = None,
    namespace: str,
    key_id: str | None = None,
    deadline_s: float | None = None,
    with_features: bool = False,
) -> ChatBody:
    """The facts that routing needs; raises BadRequest naming the field.

    with_features   also the cheap numbers about the prompt that learnt segments look at
    """
    read = _decoded(_decoder, body)
    messages = bytes(read.messages)
    if messages[:1] != b"[":
        raise BadRequest("messages must be a list", param="messages")
    options = read.stream_options or {}
    request = RouteRequest(
        model=read.model,
        models=tuple(read.models or ()),
        namespace=namespace,
        task=task or _task(read.metadata),
        needs=_needs(read, messages),
        prompt_tokens=int(len(messages) * TOKENS_PER_BYTE) + 1,
        max_output_tokens=read.max_completion_tokens or read.max_tokens,
        is_stream=bool(read.stream),
        session_id=read.session_id,
        key_id=key_id,
        preferences=_preferences(read.provider) if read.provider else NO_PREFERENCES,
        features=features_of(orjson.loads(body)) if with_features else (),
        deadline_s=deadline_s,
    )
    return ChatBody(
        raw=body,
        request=request,
        wants_usage=bool(options.get("include_usage")),
        temperature=read.temperature,
        images=len(IMAGE.findall(messages)) if "vision" in request.needs else 0,
        choices=read.n or 1,
    )


def read_embedding(
    body: bytes,
    *,
    task: str | None = None,
    namespace: str,
    key_id: str | None = None,
    deadline_s: float | None = None,
) -> ChatBody:
    """The same for a request to /v1/embeddings, whose answers are judged like any other."""
    read = _decoded(_embedding_decoder, body)
    request = RouteRequest(
        model=read.model,
        models=tuple(read.models or ()),
        namespace=namespace,
        task=task or _task(read.metadata),
        prompt_tokens=int(len(bytes(read.input)) * TOKENS_PER_BYTE) + 1,
        key_id=key_id,
        preferences=_preferences(read.provider) if read.provider else NO_PREFERENCES,
        deadline_s=deadline_s,
    )
    return ChatBody(raw=body, request=request, wants_usage=False, path=EMBEDDINGS)


def _decoded(decoder: msgspec.json.Decoder[Asked], body: bytes) -> Asked:
    try:
        read = decoder.decode(body)
    except msgspec.ValidationError as error:
        raise BadRequest(_place(str(error)), param=_param(str(error))) from error
    except msgspec.DecodeError as error:
        raise BadRequest(f"the body is not valid JSON: {error}") from error
    if not read.model:
        raise BadRequest("model is empty; name a route, a deployment or a model", param="model")
    return read


def body_for(chat: ChatBody, model: str, *, keeps_ours: bool = False) -> bytes:
    """The body for an upstream: its model name, usage asked for, our own fields left out."""
    fields = _fields.decode(chat.raw)
    fields["model"] = msgspec.Raw(orjson.dumps(model))
    if not keeps_ours:
        for name in OURS:
            fields.pop(name, None)
    _drop_task(fields)
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


def with_logprobs(chat: ChatBody) -> ChatBody | None:
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


def kind_of_error(status: int, body: bytes) -> CallKind:
    """What an upstream's error status means for the router."""
    text = body[:4096].lower()
    if b"context_length_exceeded" in text or b"maximum context length" in text or status == 413:
        return CallKind.CONTEXT_EXCEEDED
    if b"content_filter" in text or b"content_policy_violation" in text:
        return CallKind.CONTENT_REFUSED
    if status == 429:
        spent = b"insufficient_quota" in text
        return CallKind.OUT_OF_CREDIT if spent else CallKind.RATE_LIMITED
    if status >= 500:
        return CallKind.SERVER_ERROR
    return {
        401: CallKind.AUTH_FAILED,
        402: CallKind.OUT_OF_CREDIT,
        403: CallKind.AUTH_FAILED,
        404: CallKind.MODEL_GONE,
        408: CallKind.TIMED_OUT,
    }.get(status, CallKind.CALLER_ERROR)


def retry_after_s(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds to wait, from retry-after-ms or retry-after (seconds or an HTTP date)."""
    try:
        if (ms := headers.get("retry-after-ms")) is not None:
            return max(0.0, float(ms) / 1000)
        text = headers.get("retry-after")
        if text is None:
            return None
        if text.strip().replace(".", "", 1).isdigit():
            return float(text)
        return max(0.0, parsedate_to_datetime(text).timestamp() - now)
    except (ValueError, TypeError):
        return None


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


def _task(metadata: dict[str, Any] | None) -> str:
    task = (metadata or {}).get("task")
    return task if isinstance(task, str) and task else DEFAULT_TASK


def _drop_task(fields: dict[str, msgspec.Raw]) -> None:
    if "metadata" not in fields:
        return
    metadata = orjson.loads(bytes(fields["metadata"]))
    if isinstance(metadata, dict) and "task" in metadata:
        del metadata["task"]
        if metadata:
            fields["metadata"] = msgspec.Raw(orjson.dumps(metadata))
        else:
            del fields["metadata"]


def _preferences(wishes: dict[str, Any]) -> Preferences:
    sort = wishes.get("sort")
    ceiling = wishes.get("max_price") or {}
    return Preferences(
        only=_names(wishes, "only"),
        ignore=_names(wishes, "ignore"),
        order=_names(wishes, "order"),
        sort=sort.get("by") if isinstance(sort, dict) else sort,
        max_prompt_usd_per_mtok=_ceiling(ceiling.get("prompt")),
        max_completion_usd_per_mtok=_ceiling(ceiling.get("completion")),
        allow_fallbacks=wishes.get("allow_fallbacks", True) is not False,
    )


def _names(wishes: dict[str, Any], name: str) -> tuple[str, ...]:
    value = wishes.get(name) or ()
    if not isinstance(value, list | tuple) or not all(isinstance(each, str) for each in value):
        raise BadRequest(f"provider.{name} must be a list of names", param=f"provider.{name}")
    return tuple(value)


def _ceiling(value: Any) -> Decimal | None:
    if value is None:
        return None
    try:
        return Decimal(str(value))
    except ArithmeticError as error:
        raise BadRequest("provider.max_price must hold numbers", param="provider") from error


def _count(usage: Mapping[str, Any], name: str) -> int:
    value = usage.get(name)
    return value if isinstance(value, int) and value > 0 else 0


def _place(message: str) -> str:
    field = _param(message)
    return f"{field}: {message.split(' - at')[0]}" if field else message


def _param(message: str) -> str | None:
    missing = re.search(r"missing required field `(\w+)`", message)
    at = re.search(r"at `\$\.([\w.]+)", message)
    return (missing or at)[1] if missing or at else None  # type: ignore[index]
