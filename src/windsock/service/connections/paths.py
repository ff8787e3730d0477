"""Under which other paths clients look for our calls, and in which format they read an error."""

from __future__ import annotations

import re
from collections.abc import Mapping, MutableMapping
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode

import orjson

from windsock.service.error_responses import Problem
from windsock.wire.formats.gemini.errors import error_of

AZURE = re.compile(r"/openai/deployments/(.+?)(/(?:chat|completions|embeddings|images|audio)\b.*)")
"""Azure's base path, which names the model; a name of ours has a stroke in it."""

BASES = ("/api/v1/", "/openai/v1/", "/v1beta/openai/", "/v1/v1/")
"""Of OpenRouter, of Azure's newer API, of Google's likeness of OpenAI's, and of a base URL
that says /v1 where the client adds it."""

STROKES = re.compile(r"//+")
"""Where a base URL ends with one and the client adds another."""

VERB = re.compile(r":[a-z]+[A-Z]\w+\Z")
"""The end of a path that is a call of Google's; no model's name has it."""

GOOGLE = re.compile(
    rf"(?:/upload)?/v1(?:alpha|beta1?)/|/v1/(?:projects/.+/)?models/.+{VERB.pattern}"
)
"""Paths of Gemini's API and of Vertex AI."""

LIST = "/v1/models"
"""OpenAI's list, and Google's at its first version."""

GOOGLES_OWN = b"x-goog-api-client"
"""Sent by Google's clients alone."""

GOOGLES_HEADERS = {b"x-goog-api-key", GOOGLES_OWN}
"""By which a client of Google's is known."""

GEMINI_CALL = re.compile(
    r"/v1(?:alpha|beta1?)?/(?:projects/[^/]+/locations/[^/]+/publishers/[^/]+/)?models/(.+):"
    r"(generateContent|streamGenerateContent|countTokens|embedContent|batchEmbedContents)"
)
"""Names the model, and what is asked of it."""

OTLP = {"/v1/logs", "/v1/traces"}
"""Where OpenTelemetry's exporters send to."""

GEMINI_CALLS = "/v1beta/models/{model}:"
"""Our own path of such a call, before its name."""


def known_as(path: str) -> tuple[str, str | None]:
    """(our own path, the model that this one names)"""
    path = STROKES.sub("/", path).rstrip("/") or "/"
    if found := AZURE.fullmatch(path):
        return f"/v1{found[2]}", unquote(found[1])
    if found := GEMINI_CALL.fullmatch(path):
        return GEMINI_CALLS + found[2], found[1]
    for base in BASES:
        if path.startswith(base):
            return "/v1/" + path.removeprefix(base), None
    return path, None


def is_protobuf(path: str, headers: Mapping[bytes, bytes]) -> bool:
    """Whether this is an export of OpenTelemetry in protobuf: no other call takes any."""
    return path in OTLP and b"protobuf" in headers.get(b"content-type", b"")


def read_googles(scope: MutableMapping[str, Any]) -> None:
    """What Google's clients say elsewhere: a key in the address, and that they read its lists."""
    path = scope["path"]
    is_list = path == LIST or path.startswith(LIST + "/")
    if b"key=" in scope["query_string"] and (is_list or GOOGLE.match(path)):
        _hide_key(scope)
    if is_list and scope["method"] == "GET":
        names = {name for name, _ in scope["headers"]}
        if names & GOOGLES_HEADERS:
            scope["path"] = path.replace("/v1", "/v1beta", 1)


def _hide_key(scope: MutableMapping[str, Any]) -> None:
    """Make the key in the address the header it stands for.

    One that is a header already is stronger: it comes after it.
    """
    stated = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    key = next((value for name, value in stated if name == "key"), "")
    rest = [each for each in stated if each[0] != "key"]
    scope["query_string"] = urlencode(rest).encode()
    scope["headers"] = [(b"x-goog-api-key", key.encode()), *scope["headers"]]


def naming(body: bytes, model: str, path: str) -> bytes:
    """A body that names this model, if it names none itself; Gemini's have the path name it."""
    if path.startswith(GEMINI_CALLS):
        return body
    try:
        fields = orjson.loads(body)
    except orjson.JSONDecodeError:
        return body
    if not isinstance(fields, dict) or fields.get("model"):
        return body
    return orjson.dumps({**fields, "model": model})


def unsupported(method: str, path: str, *, is_method: bool) -> Problem:
    """There is no such call.

    is_method   there is one at this path, by another method
    """
    is_method = is_method and not VERB.search(path)
    what = f"{path} takes no {method}" if is_method else f"windsock has no {method} {path}"
    return Problem.of(
        405 if is_method else 404,
        f"{what}; all calls stand in /docs and /openapi.json",
        code="unsupported_endpoint",
    )


def in_format_of(path: str, headers: Mapping[bytes, bytes], problem: Problem) -> Problem:
    """The problem in the format in which this client reads errors: OpenAI's if nothing is known."""
    is_anthropic = b"anthropic-version" in headers or path.startswith("/v1/messages")
    if not is_anthropic and not GOOGLE.match(path) and GOOGLES_OWN not in headers:
        return problem
    error = orjson.loads(problem.body)["error"]
    if is_anthropic:
        kind = "not_found_error" if problem.status == 404 else error["type"]
        told = {"type": "error", "error": {"type": kind, "message": error["message"]}}
    else:
        told = error_of(problem.status, error)
    return Problem(problem.status, orjson.dumps(told), problem.headers)


def as_get(scope: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Who asks for the head alone, as uptime checkers do, gets that of a GET, unless it has no end.

    The server leaves the body away.
    """
    if scope["method"] != "HEAD" or scope["path"].endswith("/stream"):
        return scope
    return {**scope, "method": "GET"}
