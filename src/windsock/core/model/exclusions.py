"""Why a deployment cannot serve a request: a code for programs, a sentence for people."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ExclusionCode(StrEnum):
    """What kind of reason it is. The names are stored with every weight table."""

    NO_IMAGES = "no_images"
    NO_AUDIO = "no_audio"
    NO_TOOLS = "no_tools"
    NO_JSON_SCHEMA = "no_json_schema"
    CONTEXT_EXCEEDED = "context_exceeded"
    PARAMETER_REFUSED = "parameter_refused"
    ANSWER_TOO_LONG = "answer_too_long"
    NOT_ASKED_FOR = "not_asked_for"
    IGNORED = "ignored"
    TERMS = "terms"
    NO_WEB_SEARCH = "no_web_search"
    NO_PLUGINS = "no_plugins"
    WRONG_MODE = "wrong_mode"
    ABOVE_CEILING = "above_ceiling"
    RULE = "rule"
    UNPRICED = "unpriced"
    UNHEALTHY = "unhealthy"
    TOO_SLOW = "too_slow"


OF_THE_REQUEST = frozenset(ExclusionCode) - {
    ExclusionCode.RULE,
    ExclusionCode.UNPRICED,
    ExclusionCode.UNHEALTHY,
    ExclusionCode.TOO_SLOW,
}
"""Reasons that lie in the request itself: another router would have had them too."""


@dataclass(frozen=True, slots=True)
class Exclusion:
    """One reason, which `str` gives in words."""

    code: ExclusionCode
    text: str

    def __str__(self) -> str:
        return self.text


OLD_SENTENCES: tuple[tuple[str, ExclusionCode], ...] = (
    ("does not accept images", ExclusionCode.NO_IMAGES),
    ("not known to accept images", ExclusionCode.NO_IMAGES),
    ("does not accept audio", ExclusionCode.NO_AUDIO),
    ("not known to accept audio", ExclusionCode.NO_AUDIO),
    ("does not call tools", ExclusionCode.NO_TOOLS),
    ("does not keep to a JSON schema", ExclusionCode.NO_JSON_SCHEMA),
    ("context window is", ExclusionCode.CONTEXT_EXCEEDED),
    ("answers with", ExclusionCode.ANSWER_TOO_LONG),
    ("not among provider.only", ExclusionCode.NOT_ASKED_FOR),
    ("named in provider.ignore", ExclusionCode.IGNORED),
    ("left out by a rule", ExclusionCode.RULE),
    ("p95 to first content", ExclusionCode.TOO_SLOW),
    ("price ", ExclusionCode.UNPRICED),
    ("no feed quotes a price", ExclusionCode.UNPRICED),
    ("its price", ExclusionCode.UNPRICED),
    ("answers come from", ExclusionCode.UNPRICED),
)
"""How the sentences began that weight tables held before they held codes."""


def exclusion_of(text: str) -> Exclusion:
    """The reason that a table of sentences alone gives; of no known beginning it is of health."""
    if "above the caller's" in text:
        return Exclusion(ExclusionCode.ABOVE_CEILING, text)
    codes = (code for start, code in OLD_SENTENCES if text.startswith(start))
    return Exclusion(next(codes, ExclusionCode.UNHEALTHY), text)
