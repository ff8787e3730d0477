"""What an upstream's error means, and how a client is told of it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from windsock.core.model.calls import CallKind
from windsock.wire.dialect import TOO_LONG
from windsock.wire.json_codec import dumps, parsed
from windsock.wire.upstream_errors.delays import delay_of
from windsock.wire.upstream_errors.refusal import Refusal
from windsock.wire.upstream_errors.rules import (
    OF_MODELS,
    THINGS_ASKED_FOR,
    ErrorRule,
    reading_of,
)
from windsock.wire.upstream_errors.shapes import ErrorFacts, facts_of

CODES = {CallKind.CONTEXT_EXCEEDED: TOO_LONG}
"""What clients know by OpenAI's code: agents shorten the conversation then."""

MAX_WORDS = 2000
"""Characters of what a provider said in a shape of its own, as a client is told it."""


PAGE = re.compile(rb"\s*<(?:!doctype\s+)?html", re.I)


def refusal_of(
    status: int | None,
    raw: bytes,
    headers: Mapping[str, str],
    now: float,
    rules: Sequence[ErrorRule] = (),
) -> Refusal:
    """Read an error, wherever it stood.

    status      of the answer; None: it stood within an answer or a stream
    raw         the body, or the error object alone
    headers     by name in lower case
    now         unix s
    """
    facts = facts_of(status, raw, headers)
    reading = reading_of(facts, rules)
    is_limit = reading.verdict.kind is CallKind.RATE_LIMITED
    delay_s = delay_of(facts, headers, now, is_limit=is_limit, zone=reading.zone)
    return Refusal(
        verdict=reading.verdict,
        body=_told(facts, raw, reading.verdict.kind),
        retry_after_s=reading.pause_s if delay_s is None else delay_s,
    )


def _told(facts: ErrorFacts, raw: bytes, kind: CallKind) -> bytes:
    """As it came if it has OpenAI's shape, else its words in that shape; empty if it has none.

    What clients act on has OpenAI's code, unless it came with a code of its own.
    """
    body, code = parsed(raw), CODES.get(kind)
    error = body.get("error") if isinstance(body, dict) else None
    if isinstance(error, dict) and isinstance(error.get("message"), str):
        is_said = code is None or isinstance(error.get("code"), str)
        return raw if is_said else dumps({"error": {**error, "code": code}})
    words = "; ".join(dict.fromkeys(facts.words))[:MAX_WORDS]
    if not words:
        return b""
    told = {"message": words, "type": "upstream_error", "param": facts.param or None, "code": code}
    return dumps({"error": told})


def is_unknown_call(status: int | None, raw: bytes, *, path: str = "") -> bool:
    """Whether a refusal says that there is no such call, rather than no such model or answer.

    path    of the call, which may be repeated and may itself name a model
    """
    if status in (405, 501):
        return True
    bare = path.partition("?")[0].encode()
    said = (raw.replace(bare, b"") if bare else raw).decode(errors="replace").lower()
    names_another = OF_MODELS.search(said) or THINGS_ASKED_FOR.search(said)
    return status == 404 and (PAGE.match(raw) is not None or names_another is None)


def with_four_fields(refusal: Refusal) -> Refusal:
    """One whose error is an object as others tell it, told as OpenAI tells errors."""
    body = parsed(refusal.body)
    error = body.get("error") if isinstance(body, dict) else None
    if not isinstance(error, dict):
        return refusal
    code = error.get("status") or error.get("code")
    told = {
        "message": error.get("message"),
        "type": error.get("type") or "upstream_error",
        "param": error.get("param"),
        "code": code if isinstance(code, str) else None,
    }
    return replace(refusal, body=dumps({"error": told}))


def words_of(body: bytes) -> str:
    """The message of an error in OpenAI's shape, in one line; empty if it has none."""
    error = parsed(body)
    error = error.get("error") if isinstance(error, dict) else None
    said = error.get("message") if isinstance(error, dict) else None
    return " ".join(str(said or "").split())[:MAX_WORDS]
