"""Rules that tell what an error means, by its status, its codes and its words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, timedelta, timezone, tzinfo

from windsock.core.model.calls import VERDICTS, CallKind, Out, Then, Verdict
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

OF_CALLERS = re.compile(
    r"\b(?:mcp|tool)(?:s?\b|_)|\b(?:enum|property|schema|urls?)\b|\bmessages(?:\.|\[)\d"
    r"|\bfailed to (?:download|fetch|load) (?:the )?(?:audio|content|document|file|image|video)\b"
)
"""What a caller hands in that has keys, limits and faults of its own."""

OF_REQUESTS = (Out.NOTHING, Out.REQUEST)
"""What a refusal takes out that says nothing of the deployment and the account."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorRule:
    """What one kind of error means; stated in `errors.toml`. All that it states must hold.

    status      one of these, 0 where it has none; empty: any
    codes       one of its codes is one of these, as `code_name` writes them; empty: any
    says        one of these is found in its words, which are in lower case; empty: any. A group
                `field` names the field of the request
    fields      the field of the request that it names is one of these; empty: any
    is_weak     it does not hold where an error may be the caller's, see `may_be_the_callers`
    pause_s     how long to leave the place alone if the error itself does not say
    zone        in which it tells a moment that names none
    """

    verdict: Verdict
    status: frozenset[int] = frozenset()
    codes: frozenset[str] = frozenset()
    says: tuple[re.Pattern[str], ...] = ()
    fields: frozenset[str] = frozenset()
    is_weak: bool = False
    pause_s: float | None = None
    zone: tzinfo = UTC

    def verdict_on(self, facts: ErrorFacts, text: str) -> Verdict | None:
        """What an error with this text means, with the field it names; None if it does not fit.

        Without a named field nothing can be mended: then another place is asked.
        """
        if self.status and (facts.status or 0) not in self.status:
            return None
        if self.is_weak and may_be_the_callers(facts, text):
            return None
        is_by_words = not self.codes and self.verdict.out not in OF_REQUESTS
        if is_by_words and blames_the_request(facts) and OF_CALLERS.search(text):
            return None
        if self.codes and self.codes.isdisjoint(facts.codes):
            return None
        if self.fields and facts.param not in self.fields:
            return None
        found = next((match for each in self.says if (match := each.search(text))), None)
        if self.says and found is None:
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


def reading_of(facts: ErrorFacts, rules: Sequence[ErrorRule]) -> Reading:
    """By the first rule that fits, else by what its codes are made of, else by the status.

    The words of a code that nobody listed are weak: of an error that may be the caller's they say
    what is wrong with the request, nothing of the model and the account that it was sent to.
    """
    reading = _reading_by(rules, facts, facts.text)
    if reading is None:
        text = facts.code_words
        is_weak = may_be_the_callers(facts, text)
        fit = [rule for rule in rules if not is_weak or rule.verdict.out in OF_REQUESTS]
        reading = _reading_by(fit, facts, text)
    return reading or Reading(verdict=replace(VERDICTS[_kind_of_status(facts)], field=facts.param))


def _reading_by(rules: Iterable[ErrorRule], facts: ErrorFacts, text: str) -> Reading | None:
    for rule in rules:
        verdict = rule.verdict_on(facts, text)
        if verdict is not None:
            return Reading(verdict=verdict, pause_s=rule.pause_s, zone=rule.zone)
    return None


def _kind_of_status(facts: ErrorFacts) -> CallKind:
    """What a status means where nothing else is known.

    What is neither an answer nor an error (204, 3xx) is the server's fault: nobody asked for it.
    A page that forbids may have taken offence at this one request.
    """
    status = facts.status
    if status == 403 and facts.is_page:
        return CallKind.REFUSED
    if status is not None and status in STATUSES:
        return STATUSES[status]
    is_blamed = status is None and not BLAMING_CODES.isdisjoint(facts.codes)
    is_refused = is_blamed or (status is not None and 400 <= status < 500)
    return CallKind.REFUSED if is_refused else CallKind.SERVER_ERROR


def rule_of(
    *,
    means: str,
    then: str | None = None,
    out: str | None = None,
    status: Iterable[int] = (),
    codes: Iterable[str] = (),
    says: Iterable[str] = (),
    fields: Iterable[str] = (),
    weak: bool = False,
    pause_s: float | None = None,
    hours_ahead: float = 0.0,
) -> ErrorRule:
    """A rule as `errors.toml` states it; raises ValueError for a word that has no meaning."""
    usual = VERDICTS[CallKind(means)]
    where, what = Then(then or usual.then), Out(out or usual.out)
    return ErrorRule(
        verdict=replace(usual, then=where, out=what),
        status=frozenset(status),
        codes=frozenset(map(code_name, codes)),
        says=tuple(re.compile(each) for each in says),
        fields=frozenset(fields),
        is_weak=weak,
        pause_s=pause_s,
        zone=timezone(timedelta(hours=hours_ahead)),
    )
