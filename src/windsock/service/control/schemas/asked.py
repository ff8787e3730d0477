"""What callers may state in queries and bodies of inspection: names and moments, bounded."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query
from pydantic import Field

from windsock.errors import BadRequest
from windsock.resources.declared import is_age, point
from windsock.wire.caller_fields.names import MOST_CHARS, MOST_MODEL_CHARS

LAST_MOMENT = 1e11
"""Unix s, in the year 5138: what is later is no moment but milliseconds, or a mistake."""

MINUTE_S = 60.0
DAY_S = 86_400.0

When = Annotated[
    str | None,
    Query(
        max_length=MOST_CHARS,
        description="a duration before now (1h, 7d), a date (2026-11-01) or unix seconds",
    ),
]
"""A point in time, as a query names it: see `when`."""

Name = Annotated[str, Field(max_length=MOST_CHARS)]
"""Of a route, a task, a feed."""

DeploymentName = Annotated[str, Field(max_length=MOST_MODEL_CHARS)]

Usd = Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)]
"""Per million units."""

Tokens = Annotated[int, Field(ge=0, le=100_000_000)]
Count = Annotated[float, Field(ge=0, le=1e15, allow_inf_nan=False)]

Number = Annotated[int, Field(ge=0, lt=2**63)]
"""Of what is counted."""


def when(text: str | None, now: float, *, param: str, otherwise: float) -> float:
    """Unix s of a point in time, `otherwise` where none is named; raises BadRequest."""
    if text is None:
        return otherwise
    try:
        found = point(text, now)
    except ValueError as error:
        raise BadRequest(f"{param}: {error}", param=param) from None
    if not 0 <= found <= LAST_MOMENT:
        raise BadRequest(f"{param}: {text!r} lies before 1970 or after 5138", param=param)
    return found


def span_of(
    since: str | None,
    until: str | None,
    now: float,
    *,
    first: float | None = None,
    last: float | None = None,
) -> tuple[float, float]:
    """(begin, end) in unix s of what a query asks for; raises BadRequest.

    first       the beginning where none is named; None: a day before the end
    last        the end where none is named; None: now
    """
    end = when(until, now, param="until", otherwise=now if last is None else last)
    begin = when(since, now, param="since", otherwise=end - DAY_S if first is None else first)
    if until is not None and begin > end:
        raise BadRequest("since lies after until", param="since")
    return begin, end


def by_the_minute(begin: float, since: str | None) -> float:
    """An age, or none, goes back to a whole minute, as sums are kept. Moments stay."""
    return begin // MINUTE_S * MINUTE_S if since is None or is_age(since) else begin
