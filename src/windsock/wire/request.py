"""One request on its way upstream, and the fields in it that speak to the router."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Protocol, TypeVar

import msgspec
import orjson

from windsock.core.model.requests import DEFAULT_TASK, RouteRequest
from windsock.errors import BadRequest
from windsock.wire.caller_fields.ranges import RULES
from windsock.wire.caller_fields.router_fields import ROUTER_FIELDS

_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])

TOKENS_PER_BYTE = 0.27
"""Prompt tokens per byte of request body, before anything is learnt."""


RequestHeaders = tuple[tuple[bytes, bytes], ...]
"""Of one request: names, in lower case, and values."""

NO_HEADERS: RequestHeaders = ()


OURS = ROUTER_FIELDS
"""Fields that speak to the router; upstreams reject what they do not know."""


class Operation(StrEnum):
    """A kind of call. A provider may speak a format of its own in each."""

    CHAT = "chat"
    EMBEDDING = "embedding"

    __hash__ = str.__hash__  # Enum's own is a Python function


class NamesAModel(Protocol):
    """A body that names what it asks for."""

    model: str
    models: list[str] | None


Body = TypeVar("Body", bound=NamesAModel)


@dataclass(frozen=True, slots=True, kw_only=True)
class NativeRequest:
    """A request in a format of the client's own, for those who speak it.

    language    a name in `wire.registry.LANGUAGES`
    raw         the body as it came
    headers     that belong to the language, as they came
    missed      what has no counterpart in others, by field and kind
    refusal     why nobody else can serve it; None: others can
    """

    language: str
    raw: bytes
    headers: RequestHeaders = NO_HEADERS
    missed: tuple[str, ...] = ()
    refusal: BadRequest | None = None


@dataclass(slots=True, kw_only=True)
class UpstreamRequest:
    """A parsed request. Treat it as immutable (see `core.model.calls`).

    wants_usage     the client asked for the usage chunk of a stream
    temperature     as asked for; None if not stated
    images          sent with it
    search_size     of a web search that it asks for: low, medium or high, empty where it does not
                    say; None: it asks for none
    choices         answers asked for (`n`)
    wants_certainty the router asks how sure the answer is, where a format can tell
    left_out        fields that nothing may add: the deployment does not take them
    headers         that go to the provider as they came
    native          the same in the client's own format; None: it speaks chat completions, or
                    carries what only windsock understands
    unheeded        fields that no one acts on, and that only a router would know
    searching       deployments of which a web search is asked beside
    kept_fields     `fields`, once they were read
    """

    raw: bytes
    request: RouteRequest
    wants_usage: bool
    temperature: float | None = None
    images: int = 0
    search_size: str | None = None
    choices: int = 1
    operation: Operation = Operation.CHAT
    wants_certainty: bool = False
    left_out: frozenset[str] = frozenset()
    headers: RequestHeaders = NO_HEADERS
    native: NativeRequest | None = None
    unheeded: tuple[str, ...] = ()
    searching: frozenset[str] = frozenset()
    kept_fields: dict[str, msgspec.Raw] | None = field(
        default=None, init=False, repr=False, compare=False
    )

    @property
    def fields(self) -> dict[str, msgspec.Raw]:
        """The body's own, each as it came; whoever changes them changes a copy."""
        if self.kept_fields is None:
            self.kept_fields = _fields.decode(self.raw)
        return self.kept_fields


def with_native(asked: UpstreamRequest, native: NativeRequest) -> UpstreamRequest:
    """The request with its native form: who speaks the language goes first where others would miss
    something of it, and is asked alone where nobody else can serve it."""
    asked.native = native
    language, request = frozenset((native.language,)), asked.request
    if native.refusal is not None or native.missed:
        needs = request.needs if native.refusal is None else request.needs | language
        asked.request = replace(request, needs=needs, marks=request.marks | language)
    return asked


def task_of(metadata: dict[str, Any] | None) -> str:
    """The task that a request's metadata names, or the usual one."""
    task = (metadata or {}).get("task")
    return task if isinstance(task, str) and task else DEFAULT_TASK


def drop_task(fields: dict[str, msgspec.Raw]) -> None:
    """Take the task, which speaks to the router, out of the metadata that goes upstream."""
    if "metadata" not in fields:
        return
    metadata = orjson.loads(bytes(fields["metadata"]))
    if isinstance(metadata, dict) and "task" in metadata:
        del metadata["task"]
        if metadata:
            fields["metadata"] = msgspec.Raw(orjson.dumps(metadata))
        else:
            del fields["metadata"]


def place_of(message: str) -> str:
    """A decoder's complaint with the field it is about before it."""
    field = param_of(message)
    return f"{field}: {message.split(' - at')[0]}" if field else message


def param_of(message: str) -> str | None:
    """The field that a decoder's complaint is about, dotted, or None."""
    missing = re.search(r"missing required field `(\w+)`", message)
    at = re.search(r"at `\$\.([\w.]+)", message)
    return (missing or at)[1] if missing or at else None  # type: ignore[index]


def decoded(decoder: msgspec.json.Decoder[Body], body: bytes) -> Body:
    """What routing reads of a body; raises BadRequest if it is no JSON, or names no model.

    The first of `models` stands for a `model` that is not there.
    """
    try:
        read = decoder.decode(body)
    except msgspec.ValidationError as error:
        param = param_of(str(error))
        message = RULES.get(param or "") or place_of(str(error))
        raise BadRequest(message, param=param) from error
    except msgspec.DecodeError as error:
        raise BadRequest(f"the body is not valid JSON: {error}") from error
    if not read.model and read.models:
        read.model, *read.models = read.models
    if not read.model:
        raise BadRequest("model is empty; name a route, a deployment or a model", param="model")
    return read
