"""Under which other paths clients look for our calls, and in which format they read an error."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import unquote

import orjson

from windsock.service.error_responses import Problem

AZURE = re.compile(r"/openai/deployments/(.+?)(/(?:chat|completions|embeddings|images|audio)\b.*)")
"""Azure's base path, which names the model; a name of ours has a stroke in it."""

BASES = ("/api/v1/", "/openai/v1/", "/v1/v1/")
"""Of OpenRouter, of Azure's newer API, and of a base URL that says /v1 where the client adds it."""

GOOGLE = re.compile(r"/v1(?:beta|alpha)/")

STATUS_NAMES = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED",
                404: "NOT_FOUND", 405: "UNIMPLEMENTED", 429: "RESOURCE_EXHAUSTED"}  # fmt: skip


def known_as(path: str) -> tuple[str, str | None]:
    """(our own path, the model that this one names)"""
    path = path.rstrip("/") or "/"
    if found := AZURE.fullmatch(path):
        return f"/v1{found[2]}", unquote(found[1])
    for base in BASES:
        if path.startswith(base):
            return "/v1/" + path.removeprefix(base), None
    return path, None


def naming(body: bytes, model: str | None) -> bytes:
    """A body that names this model, if it names none itself."""
    if model is None:
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
    what = f"{path} takes no {method}" if is_method else f"windsock has no {method} {path}"
    return Problem.of(
        405 if is_method else 404,
        f"{what}; the calls there are stand in /docs and /openapi.json",
        code="unsupported_endpoint",
    )


def in_format_of(path: str, headers: Mapping[bytes, bytes], problem: Problem) -> Problem:
    """The problem in the format in which this client reads errors: OpenAI's if nothing is known."""
    is_anthropic = b"anthropic-version" in headers or path.startswith("/v1/messages")
    if not is_anthropic and not GOOGLE.match(path):
        return problem
    error = orjson.loads(problem.body)["error"]
    if is_anthropic:
        kind = "not_found_error" if problem.status == 404 else error["type"]
        told = {"type": "error", "error": {"type": kind, "message": error["message"]}}
    else:
        name = STATUS_NAMES.get(problem.status, "INTERNAL")
        told = {"error": {"code": problem.status, "message": error["message"], "status": name}}
    return Problem(problem.status, orjson.dumps(told), problem.headers)
