"""Which conversation a request belongs to: what clients say of it, and what can be inferred.

Every client names it elsewhere. `SOURCES` are asked in order; the first that says something holds.
Names may tell who asks: only their digest goes further.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import Any

from windsock.wire import json_codec
from windsock.wire.adaptation.plain_turns import Turn
from windsock.wire.caller_fields.names import MOST_CHARS, check_length
from windsock.wire.caller_fields.own_names import Header, no_header

LEAST_TOKENS = 1024
"""Shorter prompts are cached nowhere; a conversation that nobody names begins to matter here."""

MOST_BORROWED_CHARS = 4096
"""Of a name that was made for something else: a user, an answer, a prompt's cache."""

OWN = ("session_id", "conversation")
"""Fields of a body that name a session and nothing else."""

FIRST_TURNS = "first turns"
"""The kind of a session that is inferred from how a prompt begins."""

DIGITS = 24
"""Of a session's name, each of 4 bits."""

END_BYTES = 2048
"""Of a long content, from its beginning and from its end."""


class Place(StrEnum):
    """Where a name stands."""

    BODY = "body"
    HEADER = "header"
    METADATA = "metadata"


@dataclass(frozen=True, slots=True)
class Source:
    """
    is_shared   unrelated prompts may have the same: it is somebody's, or an application's
    is_whole    False where the session is a part of the value, and nothing without it
    """

    place: Place
    name: str
    is_shared: bool = False
    is_whole: bool = True


# fmt: off
SOURCES = (
    Source(Place.BODY, "session_id"),                          # OpenRouter
    Source(Place.HEADER, "x-session-id"),                      # OpenRouter, Portkey's clients
    Source(Place.HEADER, "x-claude-code-session-id"),          # Claude Code from 2.1.86
    Source(Place.HEADER, "session-id"),                        # Codex
    Source(Place.HEADER, "session_id"),                        # Codex before, Pi
    Source(Place.HEADER, "x-opencode-session"),
    Source(Place.HEADER, "x-session-affinity"),                # OpenCode
    Source(Place.HEADER, "x-litellm-session-id"),
    Source(Place.METADATA, "session_id"),                      # LiteLLM
    Source(Place.BODY, "conversation"),                        # Responses: an id or an object
    Source(Place.METADATA, "user_id", is_whole=False),         # Claude Code before
    Source(Place.BODY, "user", is_whole=False),                # the same, told as chat
    Source(Place.BODY, "previous_response_id"),
    Source(Place.BODY, "prompt_cache_key", is_shared=True),
    Source(Place.METADATA, "user_id", is_shared=True),
    Source(Place.BODY, "user", is_shared=True),
)
# fmt: on
"""In order of precedence: a conversation's own name, what it goes on from, whose it is."""

HEADERS = frozenset(source.name.encode() for source in SOURCES if source.place is Place.HEADER)
"""In any of these a client may name its session."""

SESSION_PART = re.compile(r"_session_([0-9A-Za-z-]{8,64})\Z")
"""The end of a `user_id` of Claude Code before 2.1.78."""


@dataclass(slots=True, kw_only=True)
class Session:
    """
    id          tells nothing of what was sent
    kind        the field or header that named it
    continues   the answer it goes on from, by its id
    """

    id: str
    kind: str
    is_shared: bool = False
    continues: str | None = None


def session_of(
    body: Mapping[str, Any],
    header: Header,
    *,
    turns: Iterable[Turn],
    tokens: int,
    key_id: str | None,
) -> Session | None:
    """The session of a request; None if none is named and its prompt is too short to matter.

    body        the fields of SOURCES as far as they are there, `metadata` as an object
    turns       of a chat body
    tokens      estimate of the prompt
    """
    if body or header is not no_header:
        named = _named(body, header)
        if named is not None:
            return named
    first = first_turns(turns) if tokens >= LEAST_TOKENS else None
    if first is None:
        return None
    return Session(id=_digest(FIRST_TURNS, key_id or "", first), kind=FIRST_TURNS)


def _named(body: Mapping[str, Any], header: Header) -> Session | None:
    """By the first source that says something."""
    metadata = body.get("metadata") or {}
    for source in SOURCES:
        if source.place is Place.HEADER:
            value: Any = header(source.name.encode())
        else:
            value = (body if source.place is Place.BODY else metadata).get(source.name)
        name = None if value is None else _name(source, value)
        if name is not None:
            return Session(
                id=_digest(source.name, name),
                kind=source.name,
                is_shared=source.is_shared,
                continues=name if source.name == "previous_response_id" else None,
            )
    return None


def first_turns(turns: Iterable[Turn]) -> bytes | None:
    """The system turns and the first of the user, which all turns of a conversation begin with.

    None if there is no turn of the user.
    """
    said = []
    for turn in turns:
        said.append(_ends(memoryview(turn.content)))
        if turn.role == "user":
            return b"\0".join(said)
    return None


def _ends(content: memoryview) -> bytes:
    """How a long content begins and ends, and its length: to digest all of it costs more."""
    if len(content) <= 2 * END_BYTES:
        return bytes(content)
    begin, end = bytes(content[:END_BYTES]), bytes(content[-END_BYTES:])
    return b"%b %d %b" % (begin, len(content), end)


def _name(source: Source, value: Any) -> str | None:
    """What a source says; None if nothing that can be a name. Raises BadRequest if it is long."""
    if isinstance(value, dict):
        value = value.get("id")
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or not value.strip():
        return None
    is_own = source.place is Place.HEADER or source.name in OWN
    most = MOST_CHARS if is_own else MOST_BORROWED_CHARS
    text = check_length(value.strip(), source.name, most=most)
    return text if source.is_whole else session_part(text)


def session_part(user: str) -> str | None:
    """The session in a user's name, as Claude Code writes it; None if it names none."""
    if user.startswith("{"):
        told = json_codec.parsed(user.encode())
        found = told.get("session_id") if isinstance(told, dict) else None
        return found if isinstance(found, str) and found else None
    part = SESSION_PART.search(user)
    return part[1] if part else None


def _digest(kind: str, *names: str | bytes) -> str:
    """SHA-256, which processors reckon themselves: half of what BLAKE2 takes for 4 KB."""
    parts: list[bytes] = []
    for name in (kind, *names):
        raw = name if isinstance(name, bytes) else name.encode("utf-8", "surrogatepass")
        parts += (len(raw).to_bytes(8, "little"), raw)
    return sha256(b"".join(parts)).hexdigest()[:DIGITS]
