"""What people declare in TOML: durations, moments, and one clear sentence for what is wrong."""

from __future__ import annotations

import math
import re
import reprlib
import tomllib
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from windsock.errors import ConfigError

DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)")
"""A number and its unit."""

NUMBER = re.compile(r"-?\d{1,12}(\.\d+)?")
"""Unix seconds, as text."""

LOST_PLUS = re.compile(r"(?<=T)([\d:.]+) (?=\d\d:?\d\d$)")
"""Where the plus of an offset was: in a query that is not escaped it means a space."""

LONGEST_S = 100 * 366 * 86400.0
"""No duration that somebody means is longer; what waits for it would not fit into a clock."""

FIRST, LAST = -62_135_596_800, 253_402_300_799
"""Unix s of the first and the last second that has a date."""

SECONDS_PER_UNIT = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}

SECRET_NAMES = ("key", "keys", "token", "secret", "password", "url", "headers", "auth")
"""Endings of names whose value no message repeats: an address may hold a password, or be a key that
was typed in its place."""


Share = Annotated[float, Field(ge=0, le=1)]
"""0..1."""


class Part(BaseModel):
    """A declared table: frozen; an unknown key is an error, and so is a number that is none, or
    has no end."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, hide_input_in_errors=True, allow_inf_nan=False
    )


def seconds(value: object) -> float:
    """Seconds from a number or from text such as 500ms, 30s, 5m, 1h, 7d; raises ValueError."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        found = float(value)
    elif (match := DURATION.fullmatch(str(value).strip())) is not None:
        found = float(match[1]) * SECONDS_PER_UNIT[match[2]]
    else:
        raise ValueError(f"{value!r} is not a duration; write one such as 500ms, 30s, 5m, 1h or 7d")
    if not found <= LONGEST_S:
        raise ValueError(f"{value!r} is longer than a hundred years; write a shorter one")
    return found


def moment(value: object) -> float:
    """Unix seconds from a number, an ISO date or an ISO time; no zone means UTC.

    raises  ValueError, also beyond the years 1 to 9999
    """
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        if not FIRST <= value <= LAST:
            raise ValueError(f"{value!r} lies beyond the years 1 to 9999; write a moment within")
        return float(value)
    read = datetime.fromisoformat(str(value))
    return (read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp()


def is_age(text: str) -> bool:
    """True for a duration, such as 1h or 7d."""
    return DURATION.fullmatch(text.strip()) is not None


def point(text: str, now: float) -> float:
    """Unix s from a duration before `now`, an ISO date or time, or unix s; raises ValueError."""
    if is_age(text):
        return now - seconds(text)
    stated = LOST_PLUS.sub(r"\1+", text.strip())
    try:
        found = float(stated) if NUMBER.fullmatch(stated) else moment(stated)
    except (ValueError, OverflowError):
        found = math.nan
    if not math.isfinite(found):
        raise ValueError(
            f"{text!r} is no point in time; write a duration before now such as 1h or 7d, a date "
            "such as 2026-11-01, or unix seconds"
        )
    return found


def read_toml(path: Path) -> dict[str, Any]:
    """A file as a table; raises ConfigError with one sentence naming file and mend."""
    try:
        return tomllib.loads(read_text(path, mend="add the file"))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: not valid TOML: {error}") from error


def read_text(path: Path, *, mend: str) -> str:
    """A file of UTF-8; raises ConfigError with one sentence that names the file and the mend."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}); {mend}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"{path}: not UTF-8 text at byte {error.start}; save it as such"
        ) from error


def no_other(place: Sequence[str]) -> str | None:
    """No key is known that could have been meant."""
    return None


def first_fault(
    error: ValidationError, *, nearest: Callable[[Sequence[str]], str | None] = no_other
) -> tuple[list[str], str]:
    """The place of the first fault, and one sentence: the key, what is wrong, the mend.

    nearest     the known key that an unknown one at a place was probably meant to be
    """
    fault = error.errors(include_url=False)[0]
    place = [str(part) for part in fault["loc"]]
    near = nearest(place) if fault["type"] == "extra_forbidden" else None
    return place, fault_sentence(fault, place, near)


def fault_sentence(fault: Mapping[str, Any], place: Sequence[str], near: str | None = None) -> str:
    """One of pydantic's faults: the key, what is wrong, the mend.

    near    the known key that was probably meant, if the one given is unknown
    """
    key = ".".join(place)
    if fault["type"] == "extra_forbidden":
        mend = f"did you mean {near!r}?" if near else "remove it"
        return f"unknown key {key!r}; {mend}"
    if fault["type"] == "missing":
        return f"{key} is missing; add it"
    if fault["type"] == "too_short":
        return f"{key} needs {fault['ctx']['min_length']} or more, and has {len(fault['input'])}"
    message = str(fault["msg"]).removeprefix("Value error, ")
    if not place:
        return message
    given = "" if repr(fault["input"]) in message else _given(place, fault["input"])
    return f"{key}: {message[0].lower()}{message[1:]}{given}"


def _given(place: Sequence[str], value: object) -> str:
    """What stands there instead, unless it is a whole table or may be a secret."""
    names_a_secret = any(name.lower().endswith(SECRET_NAMES) for name in place)
    is_hidden = names_a_secret or isinstance(value, dict)
    return "" if is_hidden else f", not {reprlib.repr(value)}"
