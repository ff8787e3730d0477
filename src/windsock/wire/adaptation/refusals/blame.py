"""The one field that a refusal names which nobody has words for yet.

Only the value that was sent is believed to be refused: what is wrong with it is not known.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import orjson

from windsock.core.model.requests import NEED_BY_FIELD, Unsupported
from windsock.wire.adaptation.parameters import IN_MESSAGES, MAX_TOKENS
from windsock.wire.adaptation.refusals.demands import pattern_of
from windsock.wire.adaptation.refusals.names import ASKED
from windsock.wire.adaptation.refusals.phrases import SUBSTANCE
from windsock.wire.adaptation.refusals.ranges import range_in
from windsock.wire.json_codec import parsed

NAMED = re.compile(
    r"[`'\"/“]([a-z][\w.]{0,63})[`'\"”]|\b([a-z]+(?:_[a-z]+)+)\b|\b([a-z]{2,30})(?: ?[:=]"
    r"| parameter\b)",
    re.IGNORECASE,
)
"""A name in quotes, or with a line in it, or before a colon: no word of the sentence."""

OF_TYPES = re.compile(
    r"\binvalid key in\b|\bshould be a valid\b|\b(?:invalid|wrong) type\b|\bof type\b"
    r"|\bcould not be (?:fetched"
    r"|parsed|read)"
    r"|\bmust be (?:an? )?(?:array|boolean|integer|list|number|object|string)\b"
    r"|\bmust be set when\b"
    r"|\b(?:is|are) (?:missing|required)\b|\bmissing (?:field|required)",
    re.IGNORECASE,
)
"""Of a value that no deployment would take."""

TOGETHER = re.compile(
    r"\btogether\b|\bboth\b|\bonly one of\b|\bmutually exclusive\b|\bat the same time\b"
    r"|\bsimultaneous"
    r"|\b(?:can ?not|can't|may not|must not) be (?:enabled|set|used) (?:alongside|if|when|while)\b"
    r"|\bcannot be (?:combined|mixed)|\bin combination\b|同时",
    re.IGNORECASE,
)
"""Of fields of which one may be sent without the others."""

BESIDE = re.compile(r"\b(?:can ?not|can't) be used with\b", re.IGNORECASE)
"""Of a field that another rules out, which may be one that nobody sent."""

OF_CALLERS = re.compile(
    r"\bschemas?\b|\bin context\b|\bmcp\b|\b(?:function|tool)s?\b ?[`'\"\[]|\btools\.|\bblocks?\b"
    r"|\bsignature\b|\broles?\b|\bturns?\b|\bcontent\b|\bfiles?\b|\bimages?\b",
    re.IGNORECASE,
)
"""Of what the caller handed in, in which names mean something else."""

IN_TURNS = re.compile(r"\bmessages[.\[]\d[\w.\[\]']{0,80}?\.(name|cache_control|detail|refusal)\b")
"""A field of a turn without which it says the same."""


def blamed_in(
    text: str, sent: Mapping[str, Any], placed: Collection[str] = ()
) -> Iterator[Unsupported]:
    """The field of a request that may be left out and is the only one that is named, or the last of
    those that may not be sent together.

    placed      fields that the refusal names in places of their own
    """
    if in_turns := IN_TURNS.search(text):
        yield Unsupported(field=IN_MESSAGES + in_turns[1])
        return
    last = [*_last_of(text, sent)]
    if TOGETHER.search(text) or (last and BESIDE.search(text)):
        yield from last
        return
    words = {next(filter(None, found)) for found in NAMED.findall(text)}
    told = {name for name in sent if any(pattern_of(name).fullmatch(each) for each in words)}
    told |= {name for name in sent if "_" in name and pattern_of(name).search(text)}
    names = told or {*placed}
    if len(names) != 1 or OF_TYPES.search(text) or OF_CALLERS.search(text):
        return
    (name,) = names
    value = parsed(bytes(sent[name]))
    if _may_go(name) and not _is_kept(text, value):
        yield Unsupported(field=name, value=_refused(value))


def _last_of(text: str, sent: Mapping[str, Any]) -> Iterator[Unsupported]:
    found = ((pattern_of(name).search(text), name) for name in sent if _may_go(name))
    said = sorted((match.start(), name) for match, name in found if match)
    kept = [
        each
        for each in sent
        if not (_may_go(each) or each in ASKED) and pattern_of(each).search(text)
    ]
    if said and len(said) + len(kept) > 1:
        yield Unsupported(field=said[-1][1])


def _may_go(name: str) -> bool:
    return not (
        name in ASKED
        or name == "stream"
        or name in SUBSTANCE
        or name in NEED_BY_FIELD
        or name in MAX_TOKENS
    )


def _is_kept(text: str, value: Any) -> bool:
    """Whether a range that the text names holds the value."""
    low, high = range_in(text)
    if isinstance(value, bool) or not isinstance(value, int | float) or low is high is None:
        return False
    return (low is None or value >= low) and (high is None or value <= high)


def _refused(value: Any) -> str | float | None:
    if isinstance(value, str | int | float):
        return value
    return orjson.dumps(value).decode() if isinstance(value, dict) else None
