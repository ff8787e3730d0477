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
from windsock.core.model.requests import CALLS, Unsupported
from windsock.wire.adaptation.parameters import AUDIO, IMAGE, IN_MESSAGES, MAX_TOKENS
from windsock.wire.adaptation.phrases import (
    ANY_VALUE,
    FIELD,
    INSTEAD,
    MOST,
    OF_CONVERSATIONS,
    OF_NEEDS,
    OF_VALUE,
    OF_VALUES,
    PLAIN_FIELDS,
    REFUSES,
    SUBSTANCE,
    UNTAKEN,
)
from windsock.wire.json_codec import parsed
from windsock.wire.request import UpstreamRequest
from windsock.wire.upstream_errors.reading import is_unknown_call
from windsock.wire.upstream_errors.shapes import ECHOES

MAX_DEPTH = 6
"""Of a refusal that is read."""

MAX_TEXT, EACH = 8_000, 40
"""Characters of a refusal that are looked at, all its sentences together; an object counts as
some, though it has none."""

COMPLAINING = frozenset(
    {CallKind.CALLER_ERROR, CallKind.CANNOT_SERVE, CallKind.REFUSED, CallKind.SERVER_ERROR}
)
"""What a refusal may mean that complains of a field; chat templates fail as servers do."""

TURN = frozenset({"role", "content", "tool_calls", "tool_call_id", "function_call"})
"""What a turn is made of; without these it is none."""

ASKED = frozenset(
    {"cachedContent", "cached_content", "contents", "conversation", "input", "instructions",
     "messages", "model", "previous_response_id", "prompt", "system", "systemInstruction",
     "system_instruction"}
)  # fmt: skip
"""Fields that are the question: without them something else is asked."""

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

MAX_SENTENCES, MAX_SENTENCE = 8, 300
SENTENCE = re.compile(r"(?<=[.!?;])\s+|\n+")
WORD = re.compile(r"[A-Za-z_]{2,64}")
AND = re.compile(r"[`'\"\])]{0,2}(?:,| and| or|, and|, or)? ?[`'\"(\[]{0,2}")

IS_PLACE = re.compile(r"(?!(?:body|query)$|[A-Z])")
"""Of a list of names: no place of a request as a whole, and no class of its reader."""

BEFORE = re.compile(r"^(?:body|parameters?|request)\.")

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
    for error in _errors(raw):
        text = str(error["text"])[:left]
        left -= max(len(text), EACH)
        for fact in _complaints(error, text, sent):
            found.setdefault(fact.field, fact)
        if left <= 0:
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
    if verdict.kind is CallKind.SERVER_ERROR:
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
    in_turns = list(_in_conversation(text))
    yield from in_turns
    if in_turns:
        return
    names = dict.fromkeys((*_structured(error, text), *_named(text)))
    if all(_sent_as(name, sent) is None for name in names):
        names = dict.fromkeys(_mentioned(text, sent))
    for name in names:
        field = _sent_as(name, sent)
        if field == "response_format":
            yield Unsupported(field=field, value=_kind_of_form(sent[field]))
        elif field is not None:
            yield _unsupported(field, text)


def _structured(error: dict[str, Any], text: str) -> Iterator[str]:
    """Names that stand in places of their own."""
    code, param, loc = str(error.get("code")), error.get("param"), error.get("loc")
    is_of_field = code.startswith(("unsupported_", "unknown_param")) or _bound(text) is not None
    if isinstance(param, str) and is_of_field:
        yield param
    if isinstance(loc, list) and error.get("type") in ("extra_forbidden", "value_error.extra"):
        names = [each for each in loc if isinstance(each, str) and IS_PLACE.match(each)]
        if names and names[0] == "messages":
            yield IN_MESSAGES + names[-1]
        elif names:
            yield names[0]


def _named(text: str) -> Iterator[str]:
    """Names that stand in sentences; after "arguments:" several."""
    for pattern in UNTAKEN:
        for match in pattern.finditer(text):
            yield match["field"]
            listed = re.match(r"((?:, ?[`'\"]?\w+[`'\"]?)+)", text[match.end() :])
            yield from re.findall(r"\w+", listed[1]) if listed else ()
    if _bound(text) is not None:
        yield from re.findall(r"\b(max_tokens|max_completion_tokens)\b", text)
        yield from re.findall(r"invalid [`'\"](\w+)[`'\"]", text, re.IGNORECASE)
    yield from (field for pattern, field in OF_NEEDS if pattern.search(text))


def _mentioned(text: str, sent: Mapping[str, Any]) -> Iterator[str]:
    """The field that a sentence names first which refuses something, in whatever words; with those
    listed after it. Only names that cannot be taken for a word of the sentence."""
    for sentence in SENTENCE.split(text)[:MAX_SENTENCES]:
        words = sentence[:MAX_SENTENCE]
        if REFUSES.search(words) is None or OF_VALUES.search(words):
            continue
        said = [each for each in WORD.finditer(words) if each[0] in sent and _is_plain(each[0])]
        for at, each in enumerate(said):
            if at and not AND.fullmatch(words[said[at - 1].end() : each.start()]):
                break
            yield each[0]


def _is_plain(name: str) -> bool:
    is_word = "_" in name or name in PLAIN_FIELDS
    return is_word and name not in SUBSTANCE and not name.endswith(("_id", "_ids"))


def _in_conversation(text: str) -> Iterator[Unsupported]:
    for pattern, name in OF_CONVERSATIONS:
        for match in pattern.finditer(text):
            own = next((each for each in match.groups() if each), "")
            if own not in TURN:
                yield Unsupported(field=name + own)


def _sent_as(name: str, sent: Mapping[str, Any]) -> str | None:
    """The field that was sent under this name, which some write as one word with capitals."""
    if name.startswith(IN_MESSAGES):
        own = name.removeprefix(IN_MESSAGES)
        return name if FIELD.fullmatch(own) and own not in TURN else None
    top = re.split(r"[.\[\]]", BEFORE.sub("", name))[0]
    for known in (top, re.sub(r"(?<=[a-z])([A-Z])", r"_\1", top).lower()):
        if known in sent and known not in ASKED and FIELD.fullmatch(known):
            return known
    return None


def _unsupported(field: str, text: str) -> Unsupported:
    most = _bound(text)
    if most is not None and (field in MAX_TOKENS or "too long" in text or "at most" in text):
        return Unsupported(field=field, most=most)
    instead = INSTEAD.search(text)
    if instead and instead[1] != field:
        return Unsupported(field=field, instead=instead[1])
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


def _bound(text: str) -> int | None:
    found = (match for pattern in MOST if (match := pattern.search(text)))
    return next((int(match[1][:9]) for match in found), None)


def _errors(raw: bytes) -> Iterator[dict[str, Any]]:
    """Each object of a body that says something, with all that it says itself as `text`."""
    body = parsed(raw)
    yield from _walk(raw.decode(errors="replace") if body is None else body, MAX_DEPTH)


def _walk(value: Any, depth: int) -> Iterator[dict[str, Any]]:
    if depth == 0:
        return
    if isinstance(value, dict):
        texts = [t for key, t in value.items() if isinstance(t, str) and key not in ECHOES]
        yield {**value, "text": "\n".join(texts)}
        for key, each in value.items():
            if key not in ECHOES:
                yield from _walk(each, depth - 1)
    elif isinstance(value, list):
        for each in value:
            yield from _walk(each, depth - 1)
    elif isinstance(value, str):
        inner = parsed(value.encode(errors="replace")) if value[:1] in ("{", "[") else None
        if isinstance(inner, dict | list):
            yield from _walk(inner, depth - 1)
        else:
            yield {"text": value}
