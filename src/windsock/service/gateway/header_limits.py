"""The head of a request: one Host, and bounded. The server underneath bounds neither."""

from __future__ import annotations

from collections.abc import Sequence

from windsock.service.error_responses import Problem

MAX_HEADERS = 100
MAX_HEAD_BYTES = 32 * 1024


def fault_of(headers: Sequence[tuple[bytes, bytes]]) -> Problem | None:
    """Why a request with these headers is refused, or None."""
    if len(headers) > MAX_HEADERS:
        return Problem.of(431, f"more than {MAX_HEADERS} headers; send fewer")
    size = hosts = 0
    for name, value in headers:
        size += len(name) + len(value)
        hosts += name == b"host"
    if size > MAX_HEAD_BYTES:
        return Problem.of(431, f"the headers exceed {MAX_HEAD_BYTES} bytes; send less")
    if hosts != 1:
        return Problem.of(400, f"a request has one Host header, not {hosts}")
    return None
