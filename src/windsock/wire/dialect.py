"""What a client's own format needs in order to be served by chat completions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from windsock.errors import BadRequest
from windsock.wire.caller_fields.router_fields import ROUTER_FIELDS

MISSHAPEN = (AttributeError, LookupError, TypeError, ValueError)
"""What is raised where a body or an answer has not the shape that its format has."""


TOO_LONG = "context_length_exceeded"
"""OpenAI's code of an error that says: the prompt is longer than the model can hold."""


class Dialect(Protocol):
    """One request in another wire format. Made anew for each: streams have a state.

    end_mark    what follows the last event of a whole stream
    language    its name among those that providers may speak (`wire.registry.LANGUAGES`), or empty
    passed      headers that belong to it and go to who speaks it, in lower case
    id_header   under which its clients look for the id of their request, or empty
    takes_comments  its clients pass over comments in a stream
    left_out    what of the request has no counterpart in a chat, by field and kind
    refusal     why it cannot be asked as a chat at all; None: it can
    is_foreign  it carries what was made here of another's answers, so it is asked as a chat only
    continues   id of a part of an earlier answer that only who gave it can read
    """

    end_mark: bytes
    language: str
    passed: tuple[bytes, ...]
    id_header: bytes
    takes_comments: bool
    left_out: list[str]
    refusal: BadRequest | None
    is_foreign: bool
    continues: str | None

    def asked(self, body: dict[str, Any]) -> dict[str, Any]:
        """The chat body that asks for the same; raises BadRequest for what is no such request."""
        ...

    def answered(self, body: dict[str, Any]) -> dict[str, Any]:
        """A chat completion, told in this format."""
        ...

    def refused(self, status: int, error: Mapping[str, Any]) -> dict[str, Any]:
        """An error, told in this format.

        error   its `message`; where known `type`, `code`, `param` as OpenAI's, `retry_after` in s
        """
        ...

    def streamed(self, chunk: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """The events that a chunk of a chat stream becomes; each may name its `type`."""
        ...

    def ended(self) -> Iterator[dict[str, Any]]:
        """The events that follow the whole answer."""
        ...

    def broken(self, error: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """The events that end a stream which broke off; `error` as in `refused`."""
        ...


class Unspoken:
    """Of a dialect in which no provider is asked as it comes."""

    language = ""
    passed: tuple[bytes, ...] = ()
    id_header = b""
    takes_comments = True
    refusal: BadRequest | None = None
    is_foreign = False
    continues: str | None = None


def known_by(phrase: str, error: Mapping[str, Any]) -> str:
    """The message of an error; of too long a prompt with the phrase that its clients look for."""
    message = str(error["message"])
    is_told = error.get("code") != TOO_LONG or phrase in message
    return message if is_told else f"{phrase}: {message}"


def refused(status: int, error: Mapping[str, Any]) -> dict[str, Any]:
    """An error with OpenAI's four fields; a type that it does not say goes by the status."""
    kind = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
    usual = "invalid_request_error" if status < 500 else "server_error"
    told = {"message": error["message"], "type": error.get("type") or kind.get(status, usual)}
    return {"error": {**told, "param": error.get("param"), "code": error.get("code")}}


def text_of(content: Any, where: str) -> str:
    """The text of a string or of a list of text parts; raises BadRequest naming `where`."""
    if isinstance(content, str):
        return content
    texts = []
    for part in listed(content, where):
        if not isinstance(part.get("text"), str):
            raise BadRequest(f"{where} may hold text only, not {part.get('type')!r}", param=where)
        texts.append(part["text"])
    return "\n".join(texts)


def listed(value: Any, where: str) -> list[dict[str, Any]]:
    """A list of objects; raises BadRequest naming `where`."""
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise BadRequest(f"{where} must be a list of objects", param=where)
    return value


def joined(parts: list[dict[str, Any]]) -> Any:
    """Parts of a chat message as one text, where they are nothing else."""
    if all(part["type"] == "text" for part in parts):
        return "\n".join(part["text"] for part in parts)
    return parts


def object_in(body: dict[str, Any], name: str) -> dict[str, Any]:
    """A field that is an object, {} where it is absent or null; raises BadRequest naming it."""
    value = body.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise BadRequest(f"{name} must be an object", param=name)
    return value


def copied(body: dict[str, Any], *names: str) -> dict[str, Any]:
    """Those fields that are there and mean the same in both formats."""
    return {name: body[name] for name in names if body.get(name) is not None}


def unread(body: dict[str, Any], read: frozenset[str]) -> list[str]:
    """The fields that ask for something, and that a dialect does not read."""
    strange = [name for name in body if name not in read and name not in ROUTER_FIELDS]
    return [name for name in strange if body[name] not in (None, False, "", [], {})]


def schema_format(schema: Any, name: str = "answer", *, strict: bool = True) -> dict[str, Any]:
    """Chat's `response_format` for a JSON schema."""
    kept = {"name": name, "schema": schema, "strict": strict}
    return {"type": "json_schema", "json_schema": kept}
