"""When to come back, as an error says it: in headers, in fields of its body, in its words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from email.utils import parsedate_to_datetime

from windsock.wire.upstream_errors.languages import in_english
from windsock.wire.upstream_errors.shapes import ErrorFacts

MAX_DELAY_S = 31 * 86400.0
"""What says more is no delay: nothing is left alone for years."""

MAX_NAME = 100
"""Characters of a header's or a field's name; longer ones are not known, and long to look at."""

EPOCH_S, EPOCH_MS = 1e9, 1e12
"""From here on a number is a moment in unix seconds, in unix milliseconds."""

UNIT_S = {"ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
NUMBER = r"\d{1,12}(?:\.\d{1,12})?"
ONE = frozenset({"a", "an", "one"})
UNIT = r"(?:ms|milliseconds?|(?:sec|second|min|minute|hr|hour|day|week)s?|[smhdw])(?![a-z])"
COUNT = rf"(?:{NUMBER}|\b(?:an?|one)\b(?=\s{{1,9}}{UNIT}))"
PART = re.compile(rf"({COUNT})\s*({UNIT})")
SPAN = re.compile(rf"(?:{PART.pattern}[\s,]*(?:and\s+)?)+")
SAID = re.compile(
    r"(?:(?:try|retry|retried|retrying)(?:\s+\w+){0,4}\s+(?:in|after)"
    r"|(?:wait|cool off|back off)(?:\s+for)?"
    r"|(?:resets?|renews?|refresh(?:es)?|(?:replenish|refresh)ed)\s+(?:in|after)"
    r"|(?:allowed|available|possible)\s+(?:again\s+)?in"
    rf"|(?:remaining|time left|eta):?(?=\s+{PART.pattern}))"
    rf"\s+(?:about\s+|approximately\s+|~\s*)?(?P<span>{COUNT}.*)"
)
MOMENT = (
    r"(\d{4}-\d\d-\d\d)(?:(?:t|\s+at\s+|\s+)(\d\d:\d\d(?::\d\d)?)"
    r"(?:\s?\(?([+-]\d\d:?\d\d|(?:utc|gmt|z)\b))?)?"
)
UNTIL = re.compile(
    r"(?:access|again|retry|resets?|available|opens|until)\s{1,9}(?:on|at|after|until)?[:\s]{0,9}"
    + MOMENT
)
TODAY = re.compile(
    r"\b(?:again|refills?|renews?|resets?|until|available)(?:\s+at)?\s+(\d{1,2}):(\d\d)(?::\d\d)?\s?(?:utc|gmt)\b"
)
"""The next time that clocks show this."""

UNIX = re.compile(r"(?:reached|resets?|until|again)(?: at)?[|: ]{1,3}(1\d{9})(?!\d)")
"""A moment in unix seconds within a sentence."""

STATED = re.compile(
    r"(?:retry[-_ ]?(?:after|delay)|resets?_(?:in|after))(?:[-_ ]?(?:seconds|secs|s))?[\"']?"
    r"\s{0,9}[:=]\s{0,9}[\"']?"
    rf"(?P<span>(?P<count>{NUMBER}).*)"
)
"""A header or a field within a sentence: a bare number is of seconds."""

PROTOBUF = re.compile(r"retry_delay\s{0,9}\{\s{0,9}seconds:\s{0,9}(\d{1,12})")
"""As Google's libraries write a message."""

LATER = re.compile(
    rf"({NUMBER})\s*(秒|分钟?|小时|時間|초|분|시간|saniye|dakika|saat)\s?(?:[之以]?后|後|후|sonra)"
)
LATER_S = {
    "秒": 1.0,
    "分": 60.0,
    "分钟": 60.0,
    "小时": 3600.0,
    "時間": 3600.0,
    "초": 1.0,
    "분": 60.0,
    "시간": 3600.0,
    "saniye": 1.0,
    "dakika": 60.0,
    "saat": 3600.0,
}
"""In Chinese, Japanese, Korean and Turkish."""

LIFTED = "(?:重置|恢复|刷新|解除|解封|重试|再试)"
CHINESE_UNTIL = (
    re.compile(rf"{LIFTED}[^\d。，,\n]{{0,8}}{MOMENT}"),
    re.compile(rf"{MOMENT}[^\d。，,\n]{{0,8}}{LIFTED}"),
)
HAN, CHINAS = re.compile("[\u4e00-\u9fff]"), timezone(timedelta(hours=8))
"""Who writes Chinese tells China's time where no zone is named."""

RESET = re.compile(
    r"^(?:[a-z]+-)*rate-?limit[a-z]*-(?:(?P<before>[\w-]+)-)?reset(?:-(?P<after>[\w-]+))?$"
)
LISTED = re.compile(r"\b(?:reset|t)=\"?(\d{1,12})")
"""Of the one header `RateLimit` that lists all of a limit."""

CLOCK = re.compile(r"(?:(\d{1,3})\.)?(\d{1,2}):(\d\d):(\d\d)(?!\d)")
"""Days, hours, minutes and seconds, as .NET writes a span."""

FIELD = re.compile(
    r"[a-z]*(?:retry|resets?|wait)(?:after|delay|in|at|time|timestamp|seconds|secs|s)+"
    r"(?P<ms>ms|milliseconds)?|timetoreset|estimatedtime"
)
"""Names of fields that state a delay or a moment, in small letters and without marks."""


def delay_of(
    facts: ErrorFacts,
    headers: Mapping[str, str],
    now: float,
    *,
    is_limit: bool,
    zone: tzinfo = UTC,
) -> float | None:
    """Seconds until it makes sense to come back, None if nothing says so.

    now         unix s; moments are measured from the answer's own date where it has one, for the
                clocks of two machines differ
    is_limit    a limit was reached: then the resets of limits, which many state always, count
    zone        in which the body tells a moment that names none
    """
    said_at = _moment(headers.get("date"))
    now = now if said_at is None else said_at
    zone = CHINAS if HAN.search(facts.text) else zone
    english = in_english(facts.text)
    ways = [
        _of_retry_after(headers, now),
        _of_fields(facts, now, zone),
        _of_words(facts.text, now, zone),
        _of_words(english, now, zone),
    ]
    if is_limit:
        repeated = {name: str(value) for name, value in facts.numbers.items()}
        ways += [_of_resets(headers, now), _of_resets(repeated, now)]
    return next((delay for way in ways for delay in way if _is_delay(delay)), None)


def _is_delay(seconds: float) -> bool:
    """False for what is negative, endless or no number at all."""
    return 0.0 <= seconds <= MAX_DELAY_S


def _of_retry_after(headers: Mapping[str, str], now: float) -> Iterator[float]:
    if (ms := _number(headers.get("retry-after-ms"))) is not None:
        yield ms / 1000
    if stated := headers.get("retry-after") or headers.get("x-retry-after"):
        yield from _of_value(stated, now)
        yield from _of_value(stated.partition(",")[0], now)


def _of_fields(facts: ErrorFacts, now: float, zone: tzinfo) -> Iterator[float]:
    """Of fields of the body that state a delay."""
    for name, stated in facts.numbers.items():
        if (
            len(name) > MAX_NAME
            or (field := FIELD.fullmatch(name.replace("_", "").replace("-", ""))) is None
        ):
            continue
        if field["ms"] and (ms := _number(stated)) is not None:
            yield ms / 1000
        else:
            yield from _of_value(stated, now, zone)


def _of_words(text: str, now: float, zone: tzinfo) -> Iterator[float]:
    for said in SAID.finditer(text):
        if clock := CLOCK.match(said["span"]):
            days, *parts = (int(part or 0) for part in clock.groups())
            yield days * UNIT_S["d"] + parts[0] * 3600.0 + parts[1] * 60.0 + parts[2]
        elif span := SPAN.match(said["span"]):
            yield _seconds(span[0])
    for said in STATED.finditer(text):
        span = SPAN.match(said["span"])
        yield _seconds(span[0]) if span else float(said["count"])
    yield from map(float, PROTOBUF.findall(text))
    for count, unit in LATER.findall(text):
        yield float(count) * LATER_S[unit]
    for hour, minute in TODAY.findall(text):
        yield (int(hour) * 3600.0 + int(minute) * 60.0 - now) % UNIT_S["d"]
    for moment_s in UNIX.findall(text):
        yield float(moment_s) - now
    for pattern in (UNTIL, *CHINESE_UNTIL):
        for day, hour, stated in pattern.findall(text):
            offset = "+00:00" if stated.isalpha() else stated
            moment = _moment(f"{day}T{hour or '00:00'}{offset}", zone)
            if moment is not None:
                yield moment - now


def _of_resets(headers: Mapping[str, str], now: float) -> Iterator[float]:
    """Of limits that are used up the last to be lifted; else, if none says so, the first."""
    spent: list[float] = []
    others: list[float] = []
    for name, stated in headers.items():
        if name == "ratelimit":
            others += map(float, LISTED.findall(stated))
        if len(name) > MAX_NAME or not RESET.match(name):
            continue
        delays = [delay for delay in _of_value(stated, now) if _is_delay(delay)]
        left = _number(headers.get(name.replace("reset", "remaining")))
        (spent if left is not None and left <= 0 else others).extend(delays)
    if spent or others:
        yield max(spent) if spent else min(others)


def _of_value(stated: str | float, now: float, zone: tzinfo = UTC) -> Iterator[float]:
    """A number of seconds or a moment, a span (`6m0s`), a date."""
    number = _number(stated)
    text = str(stated).strip().lower()
    if number is not None:
        moment = number / 1000 if number >= EPOCH_MS else number
        yield moment - now if number >= EPOCH_S else number
    elif SPAN.fullmatch(text):
        yield _seconds(text)
    elif (moment_at := _moment(str(stated), zone)) is not None:
        yield moment_at - now


def _seconds(span: str) -> float:
    counts = ((1.0 if n in ONE else float(n), unit) for n, unit in PART.findall(span))
    return sum(count * _unit_s(unit) for count, unit in counts)


def _unit_s(name: str) -> float:
    return UNIT_S["ms" if name.startswith(("ms", "milli")) else name[0]]


def _number(stated: str | float | None) -> float | None:
    try:
        return None if stated is None else float(stated)
    except (ValueError, OverflowError):
        return None


def _moment(stated: str | None, zone: tzinfo = UTC) -> float | None:
    """Unix seconds of a date as HTTP or RFC 3339 write it, in `zone` if it names none; None if it
    is none."""
    if not stated:
        return None
    try:
        moment = datetime.fromisoformat(stated.strip().replace("Z", "+00:00").upper())
    except ValueError:
        try:
            moment = parsedate_to_datetime(stated)
        except (ValueError, TypeError):
            return None
    try:
        return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).timestamp()
    except (ValueError, OverflowError):
        return None
