"""What a caller itself calls a request: its own id for it, and where it stands in its traces.

By these names it may be judged later, beside its decision's and its answer's id.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

HEADERS = (b"x-request-id", b"x-client-request-id", b"x-litellm-call-id")
"""Of proxies and frameworks, of OpenAI's clients, of LiteLLM's."""

OWN_HEADERS = frozenset((*HEADERS, b"traceparent", b"langsmith-trace"))
"""All that tell a name."""

METADATA = ("request_id", "trace_id", "generation_id", "run_id")

TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}.*")
"""Trace and span of the caller (W3C Trace Context)."""

RUN = re.compile(r"\d{8}t\d{12}z([0-9a-f-]{36})")
"""A run in LangSmith's header `langsmith-trace`, a dotted order, in lower case."""

OURS = re.compile(r"[0-9a-f]{24}")
"""What a decision's id looks like: nobody else's request is called so."""

MOST_CHARS = 128
"""Of a name that is kept; no longer one is somebody's id."""

Header = Callable[[bytes], str | None]
"""A header of the request by its name in lower case."""


def no_header(name: bytes) -> str | None:
    """Of a request that came with none that tells a name."""
    return None


def own_names(header: Header, metadata: Mapping[str, Any] | None) -> str:
    """The names, each once, with a space between; what cannot be an id is no name."""
    found = [] if header is no_header else _in_headers(header)
    if metadata:
        found += _in_metadata(metadata)
    if not found:
        return ""
    known = (
        name
        for name in found
        if name.isprintable() and 0 < len(name) <= MOST_CHARS and not OURS.fullmatch(name)
    )
    return " ".join(dict.fromkeys(name for name in known if " " not in name))


def _in_headers(header: Header) -> list[str]:
    found = [value for name in HEADERS if (value := header(name))]
    stated = header(b"traceparent")
    if stated and (trace := TRACEPARENT.fullmatch(stated.strip().lower())):
        found += (trace[2], trace[1])
    if order := header(b"langsmith-trace"):
        runs = RUN.findall(order.lower())
        found += (run.replace("-", "") for run in dict.fromkeys((*runs[-1:], *runs[:1])))
    return found


def _in_metadata(metadata: Mapping[str, Any]) -> Iterator[str]:
    for name in METADATA:
        value = metadata.get(name)
        if isinstance(value, str):
            yield value.strip()
