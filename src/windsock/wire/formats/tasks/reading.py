"""Requests of the calls beside text, as JSON or as a form: what routing must know of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import orjson

from windsock.core.model.requests import NO_PREFERENCES, RouteRequest
from windsock.errors import BadRequest
from windsock.wire.caller_fields.complaints import misfit
from windsock.wire.caller_fields.own_names import Header, no_header
from windsock.wire.caller_fields.provider_wishes import preferences_of
from windsock.wire.caller_fields.router_fields import ROUTER_FIELDS, RouterFields, needs_of
from windsock.wire.formats.tasks.form import Form, form_of
from windsock.wire.formats.tasks.kinds import TASKS
from windsock.wire.formats.tasks.sizes import expected_usage, longest_of
from windsock.wire.json_codec import parsed
from windsock.wire.request import (
    Operation,
    UpstreamRequest,
    checked_names,
    decoded,
    task_of,
)


class TaskFields(RouterFields, kw_only=True):
    """The fields that routing reads of any of these calls; everything else stays as it came."""

    model: str = ""
    models: list[str] | None = None
    provider: dict[str, Any] | None = None
    metadata: dict[str, Any] | None = None
    stream: bool | None = None
    query: Any = None
    documents: list[msgspec.Raw] | None = None
    input: Any = None
    prompt: str | None = None
    speed: float | None = None
    file: Any = None
    image: Any = None


REQUIRED: dict[Operation, tuple[str, ...]] = {
    Operation.RERANK: ("query", "documents"),
    Operation.MODERATION: ("input",),
    Operation.SPEECH: ("input",),
    Operation.TRANSCRIPTION: ("file",),
    Operation.TRANSLATION: ("file",),
    Operation.IMAGE: ("prompt",),
    Operation.IMAGE_EDIT: ("prompt",),
}
"""Fields without which there is nothing to do."""

FORMS = frozenset({Operation.TRANSCRIPTION, Operation.TRANSLATION})
"""Calls whose body is a form always; that of an edit may be JSON too."""

OBJECTS = frozenset({"provider", "metadata", "usage", "plugins", "debug", "trace", "transforms"})
"""Fields whose text in a form is JSON."""

_decoder = msgspec.json.Decoder(TaskFields)

Read = Callable[..., UpstreamRequest]


def read_task(
    operation: Operation,
    body: bytes,
    *,
    header: Header = no_header,
    named: str | None = None,
    task: str | None = None,
    namespace: str,
    key_id: str | None = None,
    deadline_s: float | None = None,
) -> UpstreamRequest:
    """A request of one of these calls; raises BadRequest naming the field.

    named   the model that its path names, if it does
    """
    kind = TASKS[operation]
    media = header(b"content-type") or ""
    is_form = operation in FORMS or media.lower().startswith("multipart/")
    form = form_of(body, media) if is_form else None
    read = _decoded(body, kind.model or named) if form is None else _of_form(form, named)
    _require(operation, read, form)
    usage = expected_usage(operation, read, form)
    request = RouteRequest(
        model=read.model,
        models=tuple(read.models or ()),
        namespace=namespace,
        task=task or task_of(read.metadata, otherwise=kind.name),
        needs=frozenset((*kind.needs, *needs_of(read))),
        prompt_tokens=usage.input_tokens,
        longest_tokens=longest_of(read),
        is_stream=bool(read.stream) or operation is Operation.SPEECH,
        key_id=key_id,
        preferences=preferences_of(read.provider, _names(body, form))
        if read.provider
        else (NO_PREFERENCES),
        deadline_s=deadline_s,
    )
    return UpstreamRequest(
        raw=body,
        request=request,
        wants_usage=False,
        operation=operation,
        unheeded=read.unheeded,
        form=form,
        expected=usage,
        headers=((b"content-type", media.encode("latin-1")),) if form is not None else (),
    )


def _decoded(body: bytes, usual: str | None) -> TaskFields:
    """A body of JSON, which may leave out the model that is usual."""
    return decoded(_decoder, body, usual=usual or "")


def _of_form(form: Form, named: str | None) -> TaskFields:
    """The texts of a form, as the types that they stand for."""
    known = {name: text for name, text in form.texts().items() if name in NAMES}
    values: dict[str, Any] = {
        name: _object(name, text) if name in OBJECTS else text for name, text in known.items()
    }
    if models := form.listed("models"):
        values["models"] = models
    _refuse_brackets(form)
    try:
        read = msgspec.convert(values, TaskFields, strict=False)
    except msgspec.ValidationError as error:
        raise misfit(error) from error
    return checked_names(read, usual=named or "")


NAMES = frozenset(TaskFields.__struct_fields__) - {"file", "image", "documents", "models"}


def _refuse_brackets(form: Form) -> None:
    """Raises BadRequest for fields of the router in the form of several parts."""
    for part in form.parts:
        name, bracket, _ = part.name.partition("[")
        if bracket and name in ROUTER_FIELDS and name != "models":
            raise BadRequest(f"{name} must be one part of the form, which holds JSON", param=name)


def _object(name: str, text: str) -> Any:
    value = parsed(text.encode())
    if not isinstance(value, dict | list):
        raise BadRequest(f"{name} must hold JSON", param=name)
    return value


def _names(body: bytes, form: Form | None) -> bytes:
    """A body of JSON with the names of the request's fields."""
    return body if form is None else orjson.dumps({part.name: None for part in form.parts})


def _require(operation: Operation, read: TaskFields, form: Form | None) -> None:
    for name in REQUIRED[operation]:
        if name == "file" and form is not None and form.files("file"):
            continue
        if getattr(read, name) in (None, "", []):
            raise BadRequest(f"{name} is missing; add it", param=name)
