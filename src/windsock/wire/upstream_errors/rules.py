"""Rules that tell what an error means, by its status, its codes and its words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, timedelta, timezone, tzinfo

from windsock.core.model.calls import VERDICTS, CallKind, Out, Then, Verdict
from windsock.wire.upstream_errors.languages import in_english, simplified
from windsock.wire.upstream_errors.shapes import ErrorFacts, code_name

STATUSES = {
    401: CallKind.AUTH_FAILED,
    402: CallKind.OUT_OF_CREDIT,
    403: CallKind.AUTH_FAILED,
    404: CallKind.MODEL_GONE,
    408: CallKind.TIMED_OUT,
    410: CallKind.MODEL_GONE,
    413: CallKind.CONTEXT_EXCEEDED,
    421: CallKind.SERVER_ERROR,
    423: CallKind.SERVER_ERROR,
    424: CallKind.SERVER_ERROR,
    425: CallKind.SERVER_ERROR,
    429: CallKind.RATE_LIMITED,
    498: CallKind.OVERLOADED,
    499: CallKind.SERVER_ERROR,
    529: CallKind.OVERLOADED,
}
"""What a status means by itself; any other client error means nothing by itself."""

REQUEST_AT_FAULT = frozenset({400, 404, 405, 406, 409, 411, 413, 414, 415, 416, 417, 422, 431})
"""Statuses that say that the request is at fault. Some send them for their own faults as well."""

BLAMING_CODES = frozenset(
    {"invalidrequesterror", "invalidargument", "invalidparameter", "badrequest", "badrequesterror"}
)
"""Codes that say the same where there is no status."""

OF_KEYS = re.compile(r"key|auth|token\b|credential", re.IGNORECASE)
"""Fields by which nobody asks for anything."""

OF_CALLERS = re.compile(
    r"\b(?:mcp|tool)(?:s?\b|_)|\b(?:enum|property|schema|urls?)\b|\bmessages(?:\.|\[)\d"
    r"|\b(?:could not|couldn.t|failed to|unable to) (?:download|fetch|load) "
    r"(?:the )?(?:audio|content|document|file|image|video)\b"
)
"""What a caller hands in that has keys, limits and faults of its own."""

OF_MODELS = re.compile("mod(?:e|è)l|модел|模型|モデル|모델|deployment|profile")
THINGS_ASKED_FOR = re.compile(
    r"previous_response|resp_|msg_|\b(?:files?|items?|containers?|skills?|vector|prompts?|tools?"
    r"|conversations?|batch(?:es)?|assistants?)\b|\b(?:file|cntr|container|skill|vs|pmpt|conv)_"
)
"""What a call that is known does not find: the model, or what its caller names and keeps there."""

NO_WORDS: Mapping[str, re.Pattern[str]] = {}

OF_REQUESTS = (Out.NOTHING, Out.REQUEST)
"""What a refusal takes out that says nothing of the deployment and the account."""


SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+|[。；！？]")
MAX_SENTENCES, MAX_SENTENCE = 8, 300
"""What an error says it says in its first sentences; characters of one."""


class Said:
    """What an error says, in small letters, and which words its sentences hold: asked once each."""

    def __init__(self, text: str) -> None:
        self.text = text
        sentences = SENTENCE.split(text, maxsplit=MAX_SENTENCES)[:MAX_SENTENCES]
        self._sentences = [each[:MAX_SENTENCE] for each in sentences if each]
        self._held: dict[tuple[int, re.Pattern[str]], bool] = {}

    def has(self, wanted: Sentence) -> bool:
        """Whether one of its sentences is as wanted."""
        return any(
            all(self._holds(number, words) for words in wanted.holds)
            and not any(self._holds(number, words) for words in wanted.lacks)
            for number in range(len(self._sentences))
        )

    def _holds(self, number: int, words: re.Pattern[str]) -> bool:
        known = self._held.get((number, words))
        if known is None:
            known = words.search(self._sentences[number]) is not None
            self._held[number, words] = known
        return known


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """A sentence that holds a word of each of these, and none of those."""

    holds: tuple[re.Pattern[str], ...]
    lacks: tuple[re.Pattern[str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorRule:
    """What one kind of error means; stated in `errors.toml`. All that it states must hold.

    status      one of these, 0 where it has none; empty: any
    codes       one of its codes is one of these, as `code_name` writes them; empty: any
    says        one of these is found in its words, which are in lower case; empty: any. A group
                `field` names the field of the request
    sentences   one of its sentences is one of these; empty: any
    fields      the field of the request that it names is one of these; empty: any
    is_weak     it does not hold where an error may be the caller's, see `may_be_the_callers`
    pause_s     how long to leave the place alone if the error itself does not say
    zone        in which it tells a moment that names none
    """

    verdict: Verdict
    status: frozenset[int] = frozenset()
    codes: frozenset[str] = frozenset()
    says: tuple[re.Pattern[str], ...] = ()
    sentences: tuple[Sentence, ...] = ()
    fields: frozenset[str] = frozenset()
    is_weak: bool = False
    pause_s: float | None = None
    zone: tzinfo = UTC

    @property
    def holds_of_codes(self) -> bool:
        """Whether it holds of the words of a code where the error may be the caller's."""
        return bool(self.sentences) or self.verdict.out in OF_REQUESTS

    def verdict_on(self, facts: ErrorFacts, said: Said) -> Verdict | None:
        """What an error that says this means, with the field it names; None if it does not fit.

        Without a named field nothing can be mended: then another place is asked.
        """
        text = said.text
        if self.status and (facts.status or 0) not in self.status:
            return None
        if self.is_weak and may_be_the_callers(facts, text):
            return None
        is_by_words = not self.codes and self.verdict.out not in OF_REQUESTS
        if is_by_words and blames_the_request(facts) and OF_CALLERS.search(text):
            return None
        if self.codes and self.codes.isdisjoint(facts.codes):
            return None
        if self.verdict.kind is CallKind.MODEL_GONE and misses_a_thing(facts):
            return None
        if self.fields and facts.param not in self.fields:
            return None
        found = next((match for each in self.says if (match := each.search(text))), None)
        if self.says and found is None:
            return None
        if self.sentences and not any(map(said.has, self.sentences)):
            return None
        named = (found.groupdict().get("field") if found else None) or facts.param
        is_lost = self.verdict.then is Then.MENDED and not named
        then = Then.ELSEWHERE if is_lost else self.verdict.then
        return replace(self.verdict, then=then, field=named)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What an error means, and how long to leave the place alone if it does not say itself; the
    zone of moments in it that name none."""

    verdict: Verdict
    pause_s: float | None = None
    zone: tzinfo = UTC


def blames_the_request(facts: ErrorFacts) -> bool:
    """Whether the status says so, or where there is none a code."""
    is_said = facts.status is None and not BLAMING_CODES.isdisjoint(facts.codes)
    return is_said or facts.status in REQUEST_AT_FAULT


def may_be_the_callers(facts: ErrorFacts, text: str) -> bool:
    """Whether words that could as well complain of a request are to be read so."""
    return blames_the_request(facts) or OF_CALLERS.search(text) is not None


def misses_a_thing(facts: ErrorFacts) -> bool:
    """Whether what is not found is something that the caller named, not the model."""
    if facts.status != 404 or not THINGS_ASKED_FOR.search(facts.text):
        return False
    return not any(map(OF_MODELS.search, (facts.text, *facts.codes)))


def reading_of(facts: ErrorFacts, rules: Sequence[ErrorRule]) -> Reading:
    """By the first rule that fits its words, also in English, else what its codes are made of, else
    by the status.

    The words of a code that nobody listed are weak: of an error that may be the caller's they say
    what is wrong with the request, nothing of the model and the account that it was sent to.
    """
    reading = _reading_by(rules, facts, facts.text)
    if reading is None and (short := simplified(facts.text)):
        reading = _reading_by(rules, facts, short)
    if reading is None and (english := in_english(facts.text)):
        reading = _reading_by(rules, facts, english)
    if reading is None:
        text = facts.code_words
        is_weak = may_be_the_callers(facts, text)
        fit = [rule for rule in rules if not is_weak or rule.holds_of_codes]
        reading = _reading_by(fit, facts, text)
    return reading or Reading(verdict=replace(VERDICTS[_kind_of_status(facts)], field=facts.param))


def _reading_by(rules: Iterable[ErrorRule], facts: ErrorFacts, text: str) -> Reading | None:
    said = Said(text)
    for rule in rules:
        verdict = rule.verdict_on(facts, said)
        if verdict is not None:
            return Reading(verdict=verdict, pause_s=rule.pause_s, zone=rule.zone)
    return None


def _kind_of_status(facts: ErrorFacts) -> CallKind:
    """What a status means where nothing else is known.

    What is neither an answer nor an error (204, 3xx) is the server's fault: nobody asked for it.
    A page that forbids may have taken offence at this one request; whoever is forbidden a field of
    it, or what its caller handed in, may ask for all else. So may who names what is not kept there.
    """
    status = facts.status
    if status in (401, 403) and _is_about_the_request(facts):
        return CallKind.REFUSED
    if misses_a_thing(facts):
        return CallKind.CANNOT_SERVE
    if status is not None and status in STATUSES:
        return STATUSES[status]
    is_blamed = status is None and not BLAMING_CODES.isdisjoint(facts.codes)
    is_refused = is_blamed or (status is not None and 400 <= status < 500)
    return CallKind.REFUSED if is_refused else CallKind.SERVER_ERROR


def _is_about_the_request(facts: ErrorFacts) -> bool:
    names_a_field = bool(facts.param) and OF_KEYS.search(facts.param) is None
    is_page = facts.is_page and facts.status == 403
    return is_page or names_a_field or OF_CALLERS.search(facts.text) is not None


def rule_of(
    *,
    means: str,
    then: str | None = None,
    out: str | None = None,
    status: Iterable[int] = (),
    codes: Iterable[str] = (),
    says: Iterable[str] = (),
    tells: Iterable[str] = (),
    words: Mapping[str, re.Pattern[str]] = NO_WORDS,
    fields: Iterable[str] = (),
    weak: bool = False,
    pause_s: float | None = None,
    hours_ahead: float = 0.0,
) -> ErrorRule:
    """A rule as `errors.toml` states it; raises ValueError for a word that has no meaning.

    words   by their name in `tells`
    """
    usual = VERDICTS[CallKind(means)]
    where, what = Then(then or usual.then), Out(out or usual.out)
    return ErrorRule(
        verdict=replace(usual, then=where, out=what),
        status=frozenset(status),
        codes=frozenset(map(code_name, codes)),
        says=tuple(re.compile(each) for each in says),
        sentences=tuple(_sentence(each, words) for each in tells),
        fields=frozenset(fields),
        is_weak=weak,
        pause_s=pause_s,
        zone=timezone(timedelta(hours=hours_ahead)),
    )


def _sentence(told: str, words: Mapping[str, re.Pattern[str]]) -> Sentence:
    """Of names of words, those it must not hold with a minus."""
    names = told.split()
    try:
        return Sentence(
            holds=tuple(words[name] for name in names if not name.startswith("-")),
            lacks=tuple(words[name[1:]] for name in names if name.startswith("-")),
        )
    except KeyError as error:
        raise ValueError(f"{error} is no name of words") from error


def words_of(stated: Mapping[str, Iterable[str]]) -> Mapping[str, re.Pattern[str]]:
    """Words by name, as `errors.toml` states them: any of them, whole."""
    return {
        name: re.compile(rf"(?<![a-z0-9])(?:{'|'.join(each)})(?![a-z0-9])")
        for name, each in stated.items()
    }
