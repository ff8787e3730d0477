"""Which fields of a request a refusal complains of, read from its structure, then its words.

Written from the bodies that providers send: OpenAI's `param` and codes, pydantic's lists of errors
with `loc` (also as text within a text), Google's field violations, and sentences of all others.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any

from windsock.core.model.calls import CallKind, Out, Then, Verdict
from windsock.core.model.requests import CALLS, NEED_BY_FIELD, Unsupported
from windsock.wire.adaptation.parameters import (
    AUDIO,
    IMAGE,
    IN_MESSAGES,
    MAX_TOKENS,
    NO_SYSTEM,
    TURNS,
)
from windsock.wire.adaptation.refusals.blame import blamed_in
from windsock.wire.adaptation.refusals.demands import demands_in
from windsock.wire.adaptation.refusals.names import (
    ASKED,
    TURN,
    bound_in,
    in_tools,
    mentioned,
    named,
    placed,
    sent_as,
    structured,
)
from windsock.wire.adaptation.refusals.phrases import (
    ANY_VALUE,
    INSTEAD,
    OF_CONVERSATIONS,
    OF_VALUE,
)
from windsock.wire.adaptation.refusals.roles import roles_in
from windsock.wire.adaptation.system_turns import alternates
from windsock.wire.json_codec import parsed
from windsock.wire.request import UpstreamRequest
from windsock.wire.upstream_errors.objects import objects_in
from windsock.wire.upstream_errors.reading import is_unknown_call

MAX_TEXT, EACH = 8_000, 40
"""Characters of a refusal that are looked at, all its sentences together; an object counts as
some, though it has none."""

COMPLAINING = frozenset(
    {CallKind.CALLER_ERROR, CallKind.CANNOT_SERVE, CallKind.REFUSED, CallKind.SERVER_ERROR}
)
"""What a refusal may mean that complains of a field; chat templates fail as servers do."""

MEDIA = frozenset({IMAGE, AUDIO})
"""What is unsupported only where it was sent: other refusals speak of images as well."""

NO_CALL = re.compile(
    rb"not (?:supported|available|allowed) (?:in|for|on|with|at) (?:the |this |that )?[^.]{0,40}"
    rb"(?:endpoint|operation|api|task|v1/)"
    rb"|(?:does ?n[o']t|cannot|can't) (?:support|do|be used for|perform) [^.]{0,30}"
    rb"(?:rerank|moderat|transcri|translat|speech|image|edit)"
    rb"|is not an? [^.]{0,20}(?:rerank|moderat|transcri|translat|speech|image)[^.]{0,12} model",
    re.IGNORECASE,
)
"""Words of a model that is not of the kind that was asked for."""

OF_SERVERS = re.compile(
    rb"unsupported param|unexpected keyword argument|\bparam(?:eter)? requires\b"
    rb"|\b(?:allowed|supported|valid) (?:levels?|options?|types?|values?)(?: are\b|:)",
    re.IGNORECASE,
)
"""What servers say that fail at a field, or at a value, which they do not know."""

FAILED = 500
"""From this status on it is the server that says it failed."""

STATUSES = frozenset({400, 404, 405, 409, 415, 422, 424, 500, 501})
"""Of refusals that may complain of a field."""


def complaints_of(
    status: int | None, raw: bytes, sent: Mapping[str, Any]
) -> tuple[Unsupported, ...]:
    """What of the fields that were sent a refusal calls unsupported; () where it is about none."""
    if status is not None and status not in STATUSES:
        return ()
    found: dict[str, Unsupported] = {}
    left = MAX_TEXT
    told: list[tuple[dict[str, Any], str]] = []
    for error in objects_in(raw):
        text = str(error["text"])[:left]
        left -= max(len(text), EACH)
        told.append((error, text))
        if left <= 0:
            break
    for each in (_complaints, _blamed):
        for fact in (fact for error, text in told for fact in each(error, text, sent)):
            if fact.field != "stream":  # whoever waits for one cannot read a whole answer
                found.setdefault(fact.field, fact)
        if found:
            break
    return tuple(found.values())


def judged(
    verdict: Verdict,
    status: int | None,
    raw: bytes,
    asked: UpstreamRequest,
    heard: Collection[Unsupported] = (),
) -> tuple[Verdict, tuple[Unsupported, ...]]:
    """The verdict on a refusal that may complain of fields, and what is new of its complaints.

    asked   the request as it was sent
    heard   what was known to be refused, and so was not sent; a place that complains of it all the
            same is not asked again
    """
    if verdict.kind not in COMPLAINING:
        return verdict, ()
    facts = complaints_of(status, raw, _sent(asked, heard))
    facts = tuple(f for f in facts if f.field not in MEDIA or f.need in asked.request.needs)
    is_failure = verdict.kind is CallKind.SERVER_ERROR and (status is None or status >= FAILED)
    if is_failure and OF_SERVERS.search(raw) is None:
        facts = tuple(fact for fact in facts if fact.field.startswith(IN_MESSAGES))
    news = tuple(fact for fact in facts if fact not in heard)
    then = Then.MENDED if is_mendable(news, asked.request.needs) else Then.ELSEWHERE
    if not facts:
        return (verdict if verdict.then is not Then.MENDED else replace(verdict, then=then)), ()
    field = facts[0].field
    return Verdict(kind=CallKind.CANNOT_SERVE, then=then, out=Out.REQUEST, field=field), news


def judged_call(
    verdict: Verdict,
    facts: tuple[Unsupported, ...],
    status: int | None,
    raw: bytes,
    asked: UpstreamRequest,
) -> tuple[Verdict, tuple[Unsupported, ...]]:
    """The verdict on a refusal of a call beside text, which may be a refusal of the call itself.

    The last of its needs names the call: who transcribes may not translate.
    """
    call = max(asked.request.needs & {*CALLS}, key=CALLS.index)
    is_of_call = verdict.kind in COMPLAINING and NO_CALL.search(raw) is not None
    if not (is_of_call or is_unknown_call(status, raw)):
        return verdict, facts
    told = Verdict(kind=CallKind.CANNOT_SERVE, then=Then.ELSEWHERE, out=Out.REQUEST, field=call)
    return told, (Unsupported(field=call),)


def _sent(asked: UpstreamRequest, heard: Collection[Unsupported]) -> Mapping[str, Any]:
    """The fields as they were sent, with those that windsock adds, and those that were refused."""
    added = {"stream_options": asked.request.is_stream, "logprobs": asked.wants_certainty}
    names = [*(name for name, is_added in added.items() if is_added), *(f.field for f in heard)]
    return {**dict.fromkeys(names, b"true"), **asked.fields}


def is_mendable(facts: Collection[Unsupported], needs: Collection[str]) -> bool:
    """True if a request with these needs means the same without what was refused."""
    return bool(facts) and not any(fact.need in needs for fact in facts)


def _complaints(error: dict[str, Any], text: str, sent: Mapping[str, Any]) -> Iterator[Unsupported]:
    in_turns = list(_in_conversation(text, sent))
    yield from in_turns
    if in_turns:
        return
    knobs = {name: raw for name, raw in sent.items() if name not in ASKED}
    found = [*in_tools(error, text, sent)] or [*demands_in(text, knobs, placed(error, sent))]
    if found:
        yield from found
        return
    names = dict.fromkeys((*structured(error, text, sent), *named(f"{text}{_code_words(error)}")))
    if all(sent_as(name, sent) is None for name in names):
        names = dict.fromkeys(mentioned(text, sent))
    for name in names:
        field = sent_as(name, sent)
        if field == "output_config" and b'"format"' in bytes(sent[field]):
            continue
        if field == "response_format":
            yield Unsupported(field=field, value=_kind_of_form(sent[field]))
        elif field is not None and not (field in NEED_BY_FIELD and (bound_in(text) or 0) > 1):
            yield _unsupported(field, text)


def _code_words(error: dict[str, Any]) -> str:
    """What a code of words says that something is not supported."""
    code = error.get("code")
    is_told = isinstance(code, str) and code.endswith(("_not_supported", "_unsupported"))
    return "\n" + code.replace("_", " ") if isinstance(code, str) and is_told else ""


def _blamed(error: dict[str, Any], text: str, sent: Mapping[str, Any]) -> Iterator[Unsupported]:
    """Where nobody found words for it."""
    yield from blamed_in(text, sent, placed(error, sent))


def _in_conversation(text: str, sent: Mapping[str, Any]) -> Iterator[Unsupported]:
    for pattern, name in OF_CONVERSATIONS:
        for match in pattern.finditer(text):
            own = next((each for each in match.groups() if each), "")
            if name == TURNS and alternates(parsed(bytes(sent.get("messages", b"null")))):
                yield Unsupported(field=NO_SYSTEM)
            elif own not in TURN:
                yield Unsupported(field=name + own)
    yield from roles_in(text, parsed(bytes(sent.get("messages", b"null"))))


def _unsupported(field: str, text: str) -> Unsupported:
    most = bound_in(text)
    if most is not None and (field in MAX_TOKENS or "too long" in text or "at most" in text):
        return Unsupported(field=field, most=most)
    instead = INSTEAD.search(text)
    if instead and instead[1] != field:
        return Unsupported(field=field, instead=instead[1])
    if field == "max_completion_tokens":
        return Unsupported(field=field, instead="max_tokens")
    of_value = OF_VALUE.search(text)
    if of_value is None or of_value[1] == field or ANY_VALUE.search(text):
        return Unsupported(field=field)
    return Unsupported(field=field, value=_number(of_value[1]))


def _kind_of_form(raw: Any) -> str | None:
    form = parsed(bytes(raw))
    kind = form.get("type") if isinstance(form, dict) else None
    return kind if isinstance(kind, str) else None


def _number(text: str) -> str | float:
    try:
        return float(text)
    except ValueError:
        return text
