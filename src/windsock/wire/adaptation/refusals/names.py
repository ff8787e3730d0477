"""Which fields a refusal names, in places of their own and in its sentences."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from windsock.core.model.requests import NEED_BY_FIELD, Unsupported
from windsock.wire.adaptation.parameters import IN_MESSAGES, IN_TOOLS
from windsock.wire.adaptation.refusals.phrases import (
    FIELD,
    MOST,
    OF_NEEDS,
    OF_TOOLS,
    OF_VALUES,
    PLAIN_FIELDS,
    REFUSES,
    SUBSTANCE,
    TOOL_FIELDS,
    UNTAKEN,
    sentences_of,
)

TURN = frozenset({"role", "content", "tool_calls", "tool_call_id", "function_call"})
"""What a turn is made of; without these it is none."""

CALL = frozenset({"id", "type", "function", "arguments"})
"""What a call is made of."""

TOOL = frozenset({"description", "function", "input_schema", "name", "parameters", "type"})
"""What a tool is made of."""

IN_A_TOOL = re.compile(
    r"\btools[.\[]\d+\]?(?:\.(?:custom"
    r"|function))?\.([a-z]\w{0,63})[`'\"]?:? (?:Extra inputs are not "
    r"permitted|(?:is |was )?(?:not (?:allowed|permitted|supported)|unexpected))",
    re.IGNORECASE,
)
"""Sentences that refuse a field of a tool by its place."""

ASKED = frozenset(
    {"cachedContent", "cached_content", "contents", "conversation", "input", "instructions",
     "messages", "model", "previous_response_id", "prompt", "system", "systemInstruction",
     "system_instruction"}
)  # fmt: skip
"""Fields that are the question: without them something else is asked."""

PART = frozenset({"data", "file", "file_data", "format", "image_url", "input_audio", "text", "url"})
"""What a part of a turn says."""

OTHER_NAMES: Mapping[str, tuple[str, ...]] = {
    "candidate_count": ("n",),
    "disable_parallel_tool_use": ("parallel_tool_calls",),
    "effort": ("reasoning_effort",),
    "max_new_tokens": ("max_tokens", "max_completion_tokens"),
    "max_output_tokens": ("max_tokens", "max_completion_tokens"),
    "stop_sequences": ("stop",),
    "thinking_config": ("reasoning_effort", "thinking"),
}
"""Fields as other languages name what was sent: requests are told in those where they are asked."""

WORD = re.compile(r"[A-Za-z_]{2,64}")
AND = re.compile(r"[`'\"\])]{0,2}(?:,| and| or|, and|, or)? ?[`'\"(\[]{0,2}")

SEVERAL = re.compile(r"\((['\"]\w{1,64}['\"](?:, ?['\"]\w{1,64}['\"]){1,20}) were unexpected\)")
"""A list of names before the word that refuses them."""

IS_PLACE = re.compile(r"(?!(?:body|query)$|[A-Z])")
"""Of a list of names: no place of a request as a whole, and no class of its reader."""

BEFORE = re.compile(r"^(?:body|parameters?|request)\.")


def structured(error: dict[str, Any], text: str, sent: Mapping[str, Any]) -> Iterator[str]:
    """Names that stand in places of their own."""
    under = error.get("under")
    if isinstance(under, str) and under in sent and _is_refused_alone(under, text):
        yield under
    code, param, loc = str(error.get("code")), error.get("param"), error.get("loc")
    is_of_field = code.startswith(("unsupported_", "unknown_param")) or bound_in(text) is not None
    if isinstance(param, str) and (is_of_field or _is_refused_alone(param, text)):
        yield param
    if isinstance(loc, list) and error.get("type") in ("extra_forbidden", "value_error.extra"):
        names = [each for each in loc if isinstance(each, str) and IS_PLACE.match(each)]
        if names and names[0] == "messages":
            yield ".".join(names)
        elif names:
            yield names[0]


def _is_refused_alone(param: str, text: str) -> bool:
    """Whether a sentence that names nothing refuses the field in whose object it stands."""
    is_knob = param not in SUBSTANCE and param not in NEED_BY_FIELD
    return is_knob and REFUSES.search(text) is not None and OF_VALUES.search(text) is None


def placed(error: dict[str, Any], sent: Mapping[str, Any]) -> tuple[str, ...]:
    """The field that was sent which it names in a place of its own, whatever it says of it."""
    param, loc = error.get("param"), error.get("loc")
    names = [each for each in loc if isinstance(each, str)] if isinstance(loc, list) else []
    found = (sent_as(name, sent) for name in (param, *names[-1:]) if isinstance(name, str))
    return tuple(name for name in found if name is not None)


def in_tools(error: dict[str, Any], text: str, sent: Mapping[str, Any]) -> Iterator[Unsupported]:
    """A field of the tools' own that is not taken, which without it are called as before."""
    loc = error.get("loc")
    placed = loc[-1] if isinstance(loc, list) and "tools" in loc[:-1] else None
    said = OF_TOOLS.search(text)
    own = IN_A_TOOL.search(text)
    strange = [own[1]] if own and own[1] not in TOOL and own[1] not in TOOL_FIELDS else []
    for name in (*TOOL_FIELDS, *strange):
        is_meant = placed == name or name in strange or (said is not None and name in said[0])
        if is_meant and f'"{name}"'.encode() in bytes(sent.get("tools", b"")):
            yield Unsupported(field=IN_TOOLS + name)


def named(text: str) -> Iterator[str]:
    """Names that stand in sentences; after "arguments:" several."""
    for pattern in UNTAKEN:
        for match in pattern.finditer(text):
            yield match["field"]
            listed = re.match(r"((?:, ?[`'\"]?\w+[`'\"]?)+)", text[match.end() :])
            yield from re.findall(r"\w+", listed[1]) if listed else ()
    for several in SEVERAL.findall(text):
        yield from WORD.findall(several)
    if bound_in(text) is not None:
        yield from re.findall(r"\b(max_tokens|max_completion_tokens)\b", text)
        yield from re.findall(r"invalid [`'\"](\w+)[`'\"]", text, re.IGNORECASE)
    yield from (field for pattern, field in OF_NEEDS if pattern.search(text))


def mentioned(text: str, sent: Mapping[str, Any]) -> Iterator[str]:
    """The field that a sentence names first which refuses something, in whatever words; with those
    listed after it. Only names that cannot be taken for a word of the sentence."""
    for words in sentences_of(text):
        if REFUSES.search(words) is None or OF_VALUES.search(words):
            continue
        said = [each for each in WORD.finditer(words) if _is_sent(each[0], sent)]
        for at, each in enumerate(said):
            if at and not AND.fullmatch(words[said[at - 1].end() : each.start()]):
                break
            yield each[0]


def _is_sent(name: str, sent: Mapping[str, Any]) -> bool:
    name = name.lower() if name.istitle() else name
    known = (name, *OTHER_NAMES.get(name, ()))
    return _is_plain(name) and any(each in sent for each in known)


def _is_plain(name: str) -> bool:
    is_word = "_" in name or name in PLAIN_FIELDS
    return is_word and name not in SUBSTANCE and not name.endswith(("_id", "_ids"))


def sent_as(name: str, sent: Mapping[str, Any]) -> str | None:
    """The field that was sent under this name, which some write as one word with capitals, below
    another, or in words of their own."""
    if re.match(r"messages[.\[]", name):
        return _in_turns(name)
    top, *deeper = re.split(r"[.\[\]]+", BEFORE.sub("", name).rstrip("]."))
    if deeper and top in NEED_BY_FIELD and deeper != ["type"]:
        return None
    last = deeper[-1] if deeper and top not in sent else top
    for known in (
        top,
        _in_snake(top),
        *OTHER_NAMES.get(_in_snake(last), ()),
        last,
        _in_snake(last),
    ):
        if known in sent and known not in ASKED and FIELD.fullmatch(known):
            return known
    return _in_turns(name, bytes(sent.get("messages", b"")))


def _in_turns(name: str, messages: bytes | None = None) -> str | None:
    """The name of a field of turns, of their parts or their calls, without which they say the same.

    messages    in which a name by itself must stand as a field; None: it says so itself
    """
    _, *places = (
        [each for each in re.split(r"[.\[\]]+", name) if each] if messages is None else ["", name]
    )
    own = places[-1] if places else ""
    if not FIELD.fullmatch(own) or own in TURN | CALL | PART or own.isdigit():
        return None
    if messages is not None and f'"{own}":' not in messages.decode(errors="replace").replace(
        '" :', '":'
    ):
        return None
    return IN_MESSAGES + "tool_calls." * ("tool_calls" in places[:-1]) + own


def _in_snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])([A-Z])", r"_\1", name).lower()


def bound_in(text: str) -> int | None:
    found = (match for pattern in MOST if (match := pattern.search(text)))
    return next((int(match[1][:20]) for match in found), None)
