"""Errors as Google tells them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from windsock.wire.dialect import known_by

STATUSES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    402: "RESOURCE_EXHAUSTED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    405: "UNIMPLEMENTED",
    413: "INVALID_ARGUMENT",
    422: "INVALID_ARGUMENT",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
"""Google's word for a status."""

TYPES = "type.googleapis.com/google.rpc."
"""Before the name of a detail."""

LONG_PROMPT = "the input exceeds the maximum number of tokens allowed"
"""By which clients of this format know it: it has no code for that."""

OWN_FIELDS = ("code", "message", "status", "details")
"""Of an error."""


def error_of(status: int, error: Mapping[str, Any]) -> dict[str, Any]:
    """An error (see `Dialect.refused`) with Google's word for its status, and its details.

    One of Google's own stays as it is.
    """
    if isinstance(error.get("status"), str):
        own = {name: error[name] for name in OWN_FIELDS if name in error}
        return {"error": own if isinstance(own.get("code"), int) else {**own, "code": status}}
    word = STATUSES.get(status, "INVALID_ARGUMENT" if status < 500 else "INTERNAL")
    told = {"code": status, "message": known_by(LONG_PROMPT, error), "status": word}
    return {"error": {**told, "details": list(_details(error))}}


def _details(error: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Why, where and how long to wait, in the types that Google's clients read."""
    code, param, delay = error.get("code"), error.get("param"), error.get("retry_after")
    if isinstance(code, str):
        yield {"@type": TYPES + "ErrorInfo", "reason": code.upper(), "domain": "windsock"}
    if isinstance(param, str):
        place = {"field": param, "description": error["message"]}
        yield {"@type": TYPES + "BadRequest", "fieldViolations": [place]}
    if delay:
        yield {"@type": TYPES + "RetryInfo", "retryDelay": f"{delay}s"}
