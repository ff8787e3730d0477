"""One request on its way upstream, and the fields in it that speak to the router."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Protocol, TypeVar

import msgspec

from windsock.core.model.requests import DEFAULT_TASK, RouteRequest
from windsock.core.model.units import ANSWER_METERS, SEARCH_FIELDS, SEARCH_METERS, Meter, Usage
from windsock.errors import BadRequest
from windsock.wire import json_codec
from windsock.wire.caller_fields.complaints import misfit, no_json
from windsock.wire.caller_fields.names import check_name
from windsock.wire.caller_fields.router_fields import ROUTER_FIELDS

_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])

TOKENS_PER_BYTE = 0.27
"""Prompt tokens per byte of request body, before anything is learnt."""


RequestHeaders = tuple[tuple[bytes, bytes], ...]
"""Of one request: names, in lower case, and values."""

NO_HEADERS: RequestHeaders = ()


OURS = ROUTER_FIELDS
"""Fields that speak to the router; upstreams reject what they do not know."""


MOST_TIMES_EXPECTED = 4
"""What a picture of high quality has in tokens of what one of medium quality has."""


class Operation(StrEnum):
    """A kind of call. A provider may speak a format of its own in each."""

    CHAT = "chat"
    EMBEDDING = "embedding"
    RERANK = "rerank"
    MODERATION = "moderation"
    SPEECH = "speech"
    TRANSCRIPTION = "transcription"
    TRANSLATION = "translation"
    IMAGE = "image"
    IMAGE_EDIT = "image_edit"

    __hash__ = str.__hash__  # Enum's own is a Python function


class FormBody(Protocol):
    """A body of several parts (`formats.tasks.form.Form`)."""

    def texts(self) -> dict[str, str]:
        """Every part that is no file, by its name."""
        ...

    def with_texts(self, texts: Mapping[str, str], without: Collection[str]) -> bytes:
        """The same body with these texts, less some parts."""
        ...


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
    continues   id of a part of an answer that only who gave it can read
    """

    language: str
    raw: bytes
    headers: RequestHeaders = NO_HEADERS
    missed: tuple[str, ...] = ()
    refusal: BadRequest | None = None
    continues: str | None = None


@dataclass(slots=True, kw_only=True)
class UpstreamRequest:
    """A parsed request. Treat it as immutable (see `core.model.calls`).

    wants_usage     the client asked for the usage chunk of a stream
    temperature     as asked for; None if not stated
    images          sent with it
    no_text_bytes, no_text_tokens   of its prompt that are images, sounds and files, and what they
                    are taken for
    search_size     of a web search that it asks for: low, medium or high, empty where it does not
                    say; None: it asks for none
    choices         answers asked for (`n`)
    wants_certainty the router asks how sure the answer is, where a format can tell
    left_out        fields that nothing may add: the deployment does not take them
    headers         that go to the provider as they came
    native          the same in the client's own format; None: it speaks chat completions, or
                    carries what only windsock understands
    is_plain        nothing in its messages has to be looked for (`adaptation.plain_turns`)
    unheeded        fields that no one acts on, and that only a router would know
    searching       deployments of which a web search is asked beside
    form            its body, where that is a form; None: it is JSON
    expected        what it is taken to use; None: as the size of prompt and answer say
    is_private      its texts are held nowhere once it is answered: no one may read or judge them
    kept_fields     `fields`, once they were read
    """

    raw: bytes
    request: RouteRequest
    wants_usage: bool
    temperature: float | None = None
    images: int = 0
    no_text_bytes: int = 0
    no_text_tokens: int = 0
    search_size: str | None = None
    choices: int = 1
    operation: Operation = Operation.CHAT
    wants_certainty: bool = False
    left_out: frozenset[str] = frozenset()
    headers: RequestHeaders = NO_HEADERS
    native: NativeRequest | None = None
    is_plain: bool = False
    unheeded: tuple[str, ...] = ()
    searching: frozenset[str] = frozenset()
    form: FormBody | None = None
    expected: Usage | None = None
    is_private: bool = False
    kept_fields: dict[str, msgspec.Raw] | None = field(
        default=None, init=False, repr=False, compare=False
    )

    @property
    def fields(self) -> dict[str, msgspec.Raw]:
        """The body's own, each as it came; whoever changes them changes a copy."""
        if self.kept_fields is None:
            self.kept_fields = _fields.decode(self.raw) if self.form is None else _texts(self.form)
        return self.kept_fields


def with_native(asked: UpstreamRequest, native: NativeRequest) -> UpstreamRequest:
    """The request with its native form: who speaks the language goes first where others would miss
    something of it, and is asked alone where nobody else can serve it."""
    asked.native = native
    language, request = frozenset((native.language,)), asked.request
    if native.refusal is not None or native.missed:
        needs = request.needs if native.refusal is None else request.needs | language
        marks, continues = request.marks | language, request.continues or native.continues
        asked.request = replace(request, needs=needs, marks=marks, continues=continues)
    return asked


def as_reserved(asked: UpstreamRequest) -> RouteRequest:
    """The request with all that tells what its calls may cost at most."""
    if asked.expected is not None:
        units = _units_of(asked.expected)
        return replace(asked.request, max_output_tokens=0, units=units)
    size = SEARCH_FIELDS.get(asked.search_size or "")
    search = next((each for each in SEARCH_METERS if each.usage_field == size), Meter.WEB_SEARCH)
    sent = ((Meter.IMAGE, asked.images), (search, int(asked.search_size is not None)))
    request = asked.request
    text_bytes = len(asked.raw) - asked.no_text_bytes
    beside = int(text_bytes * TOKENS_PER_BYTE) + asked.no_text_tokens - request.prompt_tokens
    return replace(
        request,
        beside_tokens=max(0, beside),
        choices=asked.choices,
        units=tuple((meter, count) for meter, count in sent if count),
    )


def _units_of(expected: Usage) -> tuple[tuple[Meter, int], ...]:
    """What a call beside text may use, without its prompt and the one request that each call is."""
    counts = {**expected.counts(), Meter.INPUT: 0, Meter.REQUEST: expected.requests - 1}
    times = dict.fromkeys(ANSWER_METERS, MOST_TIMES_EXPECTED)
    return tuple((meter, int(n) * times.get(meter, 1)) for meter, n in counts.items() if n)


def _texts(form: FormBody) -> dict[str, msgspec.Raw]:
    """The texts of a form, as JSON has them."""
    return {name: msgspec.Raw(json_codec.dumps(text)) for name, text in form.texts().items()}


def task_of(metadata: dict[str, Any] | None, *, otherwise: str = DEFAULT_TASK) -> str:
    """The task that a request's metadata names, or the usual one; raises BadRequest."""
    task = (metadata or {}).get("task")
    return check_name(task, "metadata.task") if isinstance(task, str) and task else otherwise


def drop_task(fields: dict[str, msgspec.Raw]) -> None:
    """Take the task, which speaks to the router, out of the metadata that goes upstream."""
    if "metadata" not in fields:
        return
    metadata = json_codec.loads(bytes(fields["metadata"]))
    if isinstance(metadata, dict) and "task" in metadata:
        del metadata["task"]
        if metadata:
            fields["metadata"] = msgspec.Raw(json_codec.dumps(metadata))
        else:
            del fields["metadata"]


def fields_of(body: bytes) -> dict[str, msgspec.Raw]:
    """The fields of a body, each as it came; raises BadRequest."""
    try:
        return _fields.decode(body)
    except msgspec.ValidationError as error:
        raise misfit(error) from error
    except msgspec.DecodeError as error:
        raise no_json(body, error) from error


def decoded(decoder: msgspec.json.Decoder[Body], body: bytes, *, usual: str = "") -> Body:
    """What routing reads of a body; raises BadRequest if it is no JSON, or names no model.

    usual   the model that stands for one that is not named
    """
    try:
        read = decoder.decode(body)
    except msgspec.ValidationError as error:
        raise misfit(error) from error
    except msgspec.DecodeError as error:
        raise no_json(body, error) from error
    return read if read.model else checked_names(read, usual=usual)


def checked_names(read: Body, *, usual: str = "") -> Body:
    """The same; the first of `models`, or the usual model, stands for one that is not named.

    raises  BadRequest if there is none
    """
    if not read.model and read.models:
        read.model, *read.models = read.models
    read.model = read.model or usual
    if not read.model:
        raise BadRequest("model is empty; name a route, a deployment or a model", param="model")
    return read
