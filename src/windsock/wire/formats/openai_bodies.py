"""Bodies of OpenAI's calls, sent upstream and told to clients, touching only what must change."""

from __future__ import annotations

from typing import Any

import msgspec
import orjson

from windsock.wire import json_codec
from windsock.wire.format import Answer
from windsock.wire.request import OURS, UpstreamRequest, drop_task

TRUE = msgspec.Raw(b"true")

_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])


def upstream_body(
    request: UpstreamRequest,
    model: str,
    *,
    keeps_router_fields: bool = False,
    asks_logprobs: bool = False,
) -> bytes:
    """The body for a provider: its model name, usage asked for, our own fields left out.

    asks_logprobs   also ask for logprobs, unless the client's body speaks of them
    """
    fields = _fields.decode(request.raw)
    fields["model"] = msgspec.Raw(orjson.dumps(model))
    if not keeps_router_fields:
        for name in OURS:
            fields.pop(name, None)
    drop_task(fields)
    if request.request.is_stream and not request.wants_usage:
        options = orjson.loads(bytes(fields.get("stream_options", b"{}"))) or {}
        fields["stream_options"] = msgspec.Raw(orjson.dumps({**options, "include_usage": True}))
    if asks_logprobs:
        fields.setdefault("logprobs", TRUE)
    return msgspec.json.encode(fields)


def names_field(request: UpstreamRequest, name: str) -> bool:
    """Whether the client's own body has this field."""
    return name in _fields.decode(request.raw)


def told_body(answer: Answer, *, provider: str, cost_usd: float | None) -> bytes:
    """The answer with `provider` and `usage.cost` as OpenRouter gives them."""
    body: dict[str, Any] = answer.body
    body["provider"] = provider
    if isinstance(body.get("usage"), dict):
        body["usage"]["cost"] = cost_usd
    return json_codec.dumps(body)
