"""Names of OpenTelemetry's semantic conventions for generative AI (in development).

Source: open-telemetry/semantic-conventions-genai, docs/gen-ai/client-inference.md of October 2026;
the names of before are those of open-telemetry/semantic-conventions 1.41.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from windsock.core.model.calls import Attempt, CallKind, CallResult
from windsock.core.model.catalog import Deployment
from windsock.core.model.units import Usage, to_float
from windsock.wire.request import Operation, UpstreamRequest

Value = str | bool | int | float | list[str]
Attributes = dict[str, Value]

OPERATION = "gen_ai.operation.name"
PROVIDER = "gen_ai.provider.name"
REQUEST_MODEL = "gen_ai.request.model"
RESPONSE_MODEL = "gen_ai.response.model"
ERROR_TYPE = "error.type"
SYSTEM = "gen_ai.system"
"""What PROVIDER was called until 1.36."""

OPERATIONS: Mapping[Operation, str] = {Operation.CHAT: "chat", Operation.EMBEDDING: "embeddings"}
"""Well-known names; others go by ours."""

OF_METRICS = (OPERATION, PROVIDER, REQUEST_MODEL, "server.address", "server.port")
"""Attributes of a call that its metrics have too: few values of each."""

USED: Mapping[str, tuple[str, ...]] = {
    "cache_read.input_tokens": ("cache_read_tokens", "audio_cached_tokens"),
    "cache_write.input_tokens": ("cache_write_tokens", "cache_write_1h_tokens"),
    "reasoning.output_tokens": ("reasoning_tokens",),
}
"""Kinds of tokens by the fields of `Usage` that they are the sum of."""

PORTS = {"http": 80, "https": 443}


def operation_of(request: UpstreamRequest) -> str:
    """The name of the operation that is asked for."""
    return OPERATIONS.get(request.operation, request.operation.value)


def asked(
    attempt: Attempt, deployment: Deployment, provider: str, url: str, request: UpstreamRequest
) -> Attributes:
    """What is known as a call begins; never a word of the prompt.

    provider    by its name in these conventions
    url         of the provider; of it only host and port are told
    """
    address = urlsplit(url)
    port = address.port or PORTS.get(address.scheme, 0)
    stated: dict[str, Value | None] = {
        OPERATION: operation_of(request),
        PROVIDER: provider,
        REQUEST_MODEL: deployment.model,
        "server.address": address.hostname,
        "server.port": port,
        "gen_ai.request.stream": request.request.is_stream or None,
        "gen_ai.request.max_tokens": request.request.max_output_tokens,
        "gen_ai.request.temperature": request.temperature,
        "gen_ai.request.choice.count": request.choices if request.choices != 1 else None,
        "windsock.deployment": attempt.deployment,
        "windsock.attempt.number": attempt.number,
        "windsock.attempt.reason": attempt.reason.value,
    }
    return {name: value for name, value in stated.items() if value is not None}


def answered(result: CallResult, *, is_stream: bool, has_old: bool) -> Attributes:
    """What is known once it ended. Counts are the provider's; an estimate is told as none."""
    first_s = result.first_byte_s if is_stream else None
    reasons = [result.finish_reason] if result.finish_reason else None
    stated: dict[str, Value | None] = {
        RESPONSE_MODEL: result.served_model,
        "gen_ai.response.id": result.response_id,
        "gen_ai.response.finish_reasons": reasons,
        "gen_ai.response.time_to_first_chunk": first_s,
        "http.response.status_code": result.status,
        "windsock.cost_usd": None if result.cost_usd is None else to_float(result.cost_usd),
        ERROR_TYPE: error_of(result),
    }
    for name, count in used(result):
        stated[f"gen_ai.usage.{name}"] = count
        if has_old and name == "cache_write.input_tokens":
            stated["gen_ai.usage.cache_creation.input_tokens"] = count
    return {name: value for name, value in stated.items() if value is not None}


def used(result: CallResult) -> Iterator[tuple[str, int]]:
    """Tokens by the name of their kind; nothing where nobody has counted them.

    Input and output hold all of their kinds; those that are none are left out.
    """
    usage = result.usage
    if usage is None or result.is_usage_estimated:
        return
    yield "input_tokens", usage.prompt_tokens
    yield "output_tokens", usage.completion_tokens
    for name, fields in USED.items():
        if count := _sum(usage, fields):
            yield name, count


def error_of(result: CallResult) -> str | None:
    """A class of error, None of an answer."""
    return None if result.kind is CallKind.ANSWERED else result.kind.value


def _sum(usage: Usage, fields: tuple[str, ...]) -> int:
    return sum(int(getattr(usage, name)) for name in fields)
