"""Single fields of a row, as lists state them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from windsock.resources.declared import moment


def moment_in(value: Any) -> float | None:
    """Unix seconds, None where a row states no moment; raises ValueError for what is none."""
    return None if value is None or value == "" else moment(value)


def date_in(value: Any) -> float | None:
    """Unix seconds, None where no date can be read: a row's price stands without it."""
    try:
        at = moment_in(value)
        return at if at is None or datetime.fromtimestamp(at, UTC) else None
    except (ValueError, TypeError, OverflowError, OSError):
        return None


def count_in(value: Any) -> int | None:
    """Tokens; None where none are said: lists write 0 where they know none."""
    try:
        count = 0 if isinstance(value, bool) else int(value)
    except (ValueError, TypeError):
        return None
    return count if count > 0 else None


def flag_in(value: Any) -> bool | None:
    """None for all but true, false, 1 and 0."""
    return bool(value) if value in (0, 1) else None
