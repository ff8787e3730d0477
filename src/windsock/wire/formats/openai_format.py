"""What OpenAI's kinds of calls have in common: bodies that change only where they must."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import orjson

from windsock.wire import json_codec
from windsock.wire.format import Answer, ProviderTraits
from windsock.wire.request import OURS, UpstreamRequest, drop_task
from windsock.wire.upstream_errors.reading import refusal_of
from windsock.wire.upstream_errors.refusal import Refusal

ELSEWHERE = ("cache_control",)
"""Fields that ask for what providers of chat completions do by themselves."""

DROPPED = frozenset((*OURS, *ELSEWHERE))

TRUE = msgspec.Raw(b"true")


class OpenAIFormat:
    """A kind of call of OpenAI's, as one provider takes it. Kinds add their path and answers."""

    headers: Mapping[str, str] = {}
    answer_headers: tuple[str, ...] = ()
    count_path = ""
    carries: frozenset[str] | None = None
    call_path: str

    def __init__(self, traits: ProviderTraits) -> None:
        self._traits = traits
        self._dropped = frozenset() if traits.keeps_router_fields else DROPPED

    def path(self, request: UpstreamRequest, model: str) -> str:
        """The same for every model."""
        return self.call_path

    def body(self, request: UpstreamRequest, model: str) -> bytes:
        """The client's, with the provider's name of the model and our own fields left out."""
        return msgspec.json.encode(self._upstream_fields(request, model))

    def told(
        self, answer: Answer, request: UpstreamRequest, *, provider: str, cost_usd: float | None
    ) -> bytes:
        """The answer with `provider` and `usage.cost` as OpenRouter gives them."""
        body = answer.body
        body["provider"] = provider
        if isinstance(body.get("usage"), dict):
            body["usage"]["cost"] = cost_usd
        return json_codec.dumps(body)

    def refusal(
        self, status: int | None, raw: bytes, headers: Mapping[str, str], now: float
    ) -> Refusal:
        """Read from the status and OpenAI's codes; the client is told it as it is."""
        return refusal_of(status, raw, headers, now, self._traits.errors)

    def _upstream_fields(self, request: UpstreamRequest, model: str) -> dict[str, msgspec.Raw]:
        """Fields as they are sent; a stream's usage is asked for wherever that is taken."""
        fields = dict(request.fields)
        fields["model"] = msgspec.Raw(orjson.dumps(model))
        if not self._dropped.isdisjoint(fields):
            for name in self._dropped & fields.keys():
                del fields[name]
        if "metadata" in fields:
            drop_task(fields)
        if request.request.is_stream and "stream_options" not in request.left_out:
            options = orjson.loads(bytes(fields.get("stream_options", b"{}"))) or {}
            if not options.get("include_usage"):
                asked = orjson.dumps({**options, "include_usage": True})
                fields["stream_options"] = msgspec.Raw(asked)
        return fields


def names_field(request: UpstreamRequest, name: str) -> bool:
    """Whether the client's own body has this field."""
    return name in request.fields
