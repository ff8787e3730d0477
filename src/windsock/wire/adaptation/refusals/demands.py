"""What a refusal demands of the fields that were sent: other values, bounds, one of a few words.

It is believed of a field only where the value that was sent is not as demanded: what a sentence
says of a field that keeps to it is about something else.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import orjson

from windsock.core.model.requests import NEED_BY_FIELD, Unsupported
from windsock.wire.adaptation.parameters import MAX_TOKENS
from windsock.wire.adaptation.refusals.phrases import SUBSTANCE, THOUGHT_FIELDS, sentences_of
from windsock.wire.adaptation.refusals.ranges import interval_in, range_in
from windsock.wire.json_codec import parsed

THOUGHT_SWITCH = re.compile(
    r"\benable[_ ]thinking(?![a-z_])(?:(?!\. ).){0,40}?(?P<to>(?<![a-z])(?:false|true)(?![a-z])"
    r"|(?:can ?not|can't|not) be support(?:ed)?|(?:not|un)[ -]?supported)(?P<rest>.{0,60})",
    re.IGNORECASE | re.DOTALL,
)
MAX_SWITCH = 600
OF_PLAIN_CALLS = re.compile(r"non-?stream|stream\W{0,3}=\W{0,3}false|非流式", re.IGNORECASE)
"""The switch of thoughts, what it must be, and the calls of which that is said."""

MUST_THINK = re.compile(
    r"\b(?:reasoning|thinking)\b[^.]{0,40}(?:\bmandatory\b|\b(?:can ?not|can't"
    r"|can not) be (?:disabled|"
    r"turned off|switched off))|\bonly (?:supports|works in|works with) (?:the )?(?:reasoning"
    r"|thinking)"
    r"|\b(?:reasoning|thinking)(?:[_ ]\w+)?(?: parameter)? must (?:always )?be (?:enabled|on)"
    r"|\b(?:thinking[_ ])?budget\b[^.]{0,20}\bto 0\b|\bbudget 0 is invalid"
    r"|\b(?:does not|doesn't|can ?not|can't) (?:support )?(?:disabl|turn off|turning off)\w* "
    r"(?:of )?(?:reasoning|thinking)",
    re.IGNORECASE,
)
"""Of a model that thinks about everything."""

NO_THOUGHTS = (False, "none", "off", "disabled", 0)

CHOICES = re.compile(
    r"\b(?:must|should) be (?:one of|either|['\"`])|\b(?:accepted|allowed|available|possible"
    r"|supported|valid) "
    r"(?:efforts?|levels?|options?|types?|values?)|\bexpected (?:one of|['\"`]\w+['\"`] ?\|)"
    r"|\bone of:? ?[\[('\"`]"
    r"|\bonly (?:accepts|allowed|supports) ['\"`\w]|\b(?:can ?not|can't) be used with\b"
    r"|\bnot (?:a )?(?:supported|valid)\b"
    r"|\bdoes(?: not|n't) support\b|\bunsupported\b|\binvalid\b|\bunknown variant\b"
    r"|\bnot one of\b|不支持|无效|可选值|只能|仅支持",
    re.IGNORECASE,
)
"""What a sentence says that takes some words for a value and no others."""

WORD_OF_VALUE = re.compile(r"[\w.-]{1,40}")
FORMS = re.compile(r"(?<!\w)(?:json_object|json_schema|text)(?!\w)")
LISTS = re.compile(
    r"(?:one of|values?|levels?|options?|either|expected|must be|should be|only|可选值|只能|仅支持)"
    r"\W{1,6}\w+",
    re.IGNORECASE,
)
"""Words of values, types of `response_format`, and where some are listed."""

BESIDE = re.compile(
    r"\b(?:only|requires?|must|unless)\b.{0,60}?[`'\" ](?P<other>logprobs|store|stream"
    r"|tools)[`'\"]?"
    r"(?: ?=+ ?true| (?:(?:to be|is|are|must be) )?(?:enabled|on|present|provided|set|specified"
    r"|true))",
    re.IGNORECASE,
)
"""That something is taken beside another field alone."""

ILLEGAL = re.compile(
    r"参数(?:非法|不合法|错误|无效)|\binvalid (?:value|\w+ value)|\bis (?:an )?(?:illegal|invalid"
    r"|not valid)\b",
    re.IGNORECASE,
)
"""Of a value that is not taken, without a word of which is."""

WHOLE = re.compile(r"\b(?:context|input|messages|prompt|sum|total|window)\b|\+", re.IGNORECASE)
"""Of a limit on more than the answer."""

COUNT = re.compile(r"\bn ?[>=]+ ?\d+")
"""How many answers, which bounds nothing else."""

OWN_WORDS = frozenset({"prompt_cache_key", "safety_identifier", "stop", "user"})
"""Fields of texts of the caller's own, of which nobody lists those that are taken."""

USUAL_MOST = {"stop": 4}
"""Entries that everybody takes, where more are called invalid and no number is named."""

LIMIT_NAMES = r"max(?:imum)?[_ ]?(?:new|output|completion)?[_ ]?tokens"

ALSO_CALLED = {
    "max_tokens": LIMIT_NAMES,
    "max_completion_tokens": LIMIT_NAMES,
    "reasoning_effort": r"(?:reasoning[_ .]?)?effort|thinking[_ ]?level",
    "stop": r"stop(?:[_ ]?(?:seqs?|sequences?|words?))?|停止词",
    "thinking": r"thinking(?:[_ ]?(?:budget|config))?",
    "tool_choice": r"(?:toolConfig\.)?tool_?choice(?:_option)?",
    "user": r"user|metadata\.user_id",
}


def demands_in(
    text: str, sent: Mapping[str, Any], named: Collection[str] = ()
) -> Iterator[Unsupported]:
    """What a refusal demands of these fields; nothing where it demands nothing, or it was kept to.

    sent    raw JSON by field
    named   fields that the refusal names in places of their own
    """
    values = {name: parsed(bytes(raw)) for name, raw in sent.items() if _is_asked_for(name)}
    sentences = sentences_of(text)
    if (switch := _thought_switch(text[:MAX_SWITCH], values)) is not None:
        yield switch
        return
    if any(map(MUST_THINK.search, sentences)):
        found = [each for name in THOUGHT_FIELDS for each in _if_off(name, values.get(name))]
        yield from found
        if found:
            return
    for at, sentence in enumerate(sentences):
        two = f"{sentence} {sentences[at + 1]}" if at + 1 < len(sentences) else sentence
        found = [
            *(_conditions(sentence, values) or _choices(two, values, named)),
        ] or [*(_bounds(sentence, values, named) or _bounds(two, values, named))]
        yield from found
        if found:
            return


def _is_asked_for(name: str) -> bool:
    is_substance = name in SUBSTANCE or name in NEED_BY_FIELD
    return name in MAX_TOKENS or name in ("response_format", "tool_choice") or not is_substance


def _thought_switch(text: str, values: Mapping[str, Any]) -> Unsupported | None:
    """The one field that a model may demand though nobody sent it: it thinks unless told not to."""
    found = THOUGHT_SWITCH.search(text)
    if found is None:
        return None
    is_plain = OF_PLAIN_CALLS.search(found["rest"]) is not None
    if not is_plain and found["to"].lower() not in ("true", "false"):
        return None
    wanted = found["to"].lower() == "true"
    if values.get("enable_thinking") is wanted:
        return None
    return Unsupported(field="enable_thinking", to=wanted, unless="stream" if is_plain else "")


def _if_off(name: str, value: Any) -> Iterator[Unsupported]:
    is_off = value in NO_THOUGHTS and value is not None
    if isinstance(value, dict):
        kinds = (value.get("enabled"), value.get("effort"), value.get("type"))
        is_off = any(each is not None and each in NO_THOUGHTS for each in kinds)
    if is_off:
        yield Unsupported(field=name, value=_as_json(value) if isinstance(value, dict) else value)


def _as_json(value: dict[str, Any]) -> str:
    return orjson.dumps(value).decode()


def _conditions(text: str, values: Mapping[str, Any]) -> list[Unsupported]:
    """Of the one field that is taken beside another alone, which was not sent, or is off."""
    found = BESIDE.search(text)
    if found is None or values.get(found["other"]):
        return []
    names = [name for name in values if name != found["other"] and name not in MAX_TOKENS]
    said = [name for name in names if pattern_of(name).search(text)]
    return [Unsupported(field=said[0], unless=found["other"])] if len(said) == 1 else []


def _choices(text: str, values: Mapping[str, Any], named: Collection[str]) -> Iterator[Unsupported]:
    """Of fields whose value is a word that is none of those that are taken."""
    if CHOICES.search(text) is None:
        return
    for name, value in values.items():
        if name in OWN_WORDS:
            continue
        for word, refused in _words_of(name, value):
            if _is_word_refused(name, word, text, is_placed=name in named):
                yield Unsupported(field=name, value=refused)


def _words_of(name: str, value: Any) -> Iterator[tuple[str, str]]:
    """Words by which a field says what it asks for, each with what is refused with it."""
    inner = value if isinstance(value, dict) else {}
    told = value if name != "response_format" else inner.get("type")
    for word in (told, inner.get("type"), inner.get("effort")):
        if isinstance(word, str) and WORD_OF_VALUE.fullmatch(word):
            yield word, word if inner == {} or word is told else _as_json(inner)
            return


def _is_word_refused(name: str, word: str, text: str, *, is_placed: bool) -> bool:
    own, told = pattern_of(name).pattern, re.escape(word)
    is_named = is_placed or re.search(own, text, re.IGNORECASE) is not None
    is_quoted = re.search(rf"(?<!\w)['\"`‘“(]{told}['\"`’”)]", text) is not None
    if name in THOUGHT_FIELDS and is_quoted:
        return True
    if not is_named:
        return False
    if name == "response_format" and not FORMS.search(text):
        return False
    beside = rf"{own}[`'\"]?\s?[:=]?\s?[`'\"]?{told}(?![\w-])|(?<![\w-]){told}(?:/\w+)? {own}"
    is_told = re.search(beside, text, re.IGNORECASE)
    is_listed = re.search(rf"(?<![\w-]){told}(?![\w-])", text) is not None
    return is_quoted or is_told is not None or (LISTS.search(text) is not None and not is_listed)


def _bounds(text: str, values: Mapping[str, Any], named: Collection[str]) -> list[Unsupported]:
    return [*_bounds_of_one(text, values, named)]


def _bounds_of_one(
    text: str, values: Mapping[str, Any], named: Collection[str]
) -> Iterator[Unsupported]:
    """Of the one field that a sentence is about."""
    said = [name for name in values if pattern_of(name).search(text)] or [*named]
    if len(said) != 1 or said[0] not in values:
        return
    (name,) = said
    value, text = values[name], COUNT.sub("", text)
    if name in MAX_TOKENS:
        yield from _bound_of_answers(name, value, text)
        return
    low, high = range_in(text)
    if isinstance(value, list | dict) or (isinstance(value, str) and name in ("user", "stop")):
        is_long = high is None and ILLEGAL.search(text) is not None
        most = USUAL_MOST.get(name, 0) if is_long else int(high or 0)
        if 0 < most < len(value):
            yield Unsupported(field=name, most=most)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        if high is not None and value > high and (low is None or low < high):
            yield Unsupported(field=name, most=high)
        elif low is not None and value < low:
            yield Unsupported(field=name, least=low)
        elif low is None and high is None and ILLEGAL.search(text):
            yield Unsupported(field=name, value=value)


def _bound_of_answers(name: str, value: Any, text: str) -> Iterator[Unsupported]:
    """Only of a sentence that names both bounds, or nothing of the prompt beside the answer."""
    _, high = interval_in(text) or (None if WHOLE.search(text) else range_in(text)) or (None, None)
    if high is not None and isinstance(value, int) and value > high >= 1:
        yield Unsupported(field=name, most=int(high))


def pattern_of(name: str) -> re.Pattern[str]:
    """A field as sentences name it: also as one word with capitals, and with blanks or dots."""
    words = ALSO_CALLED.get(name) or re.escape(name).replace("_", r"[_ .]?")
    return re.compile(rf"(?<![A-Za-z_])(?:{words})(?![A-Za-z_])", re.IGNORECASE)
