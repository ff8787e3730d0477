"""What values in windsock.toml may look like: durations, moments, prices."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from windsock.core.evidence.checks.programs import checked_schema
from windsock.core.model.units import is_writable
from windsock.resources.declared import moment, seconds
from windsock.resources.hours import minute_of_day, time_zone, weekday

Seconds = Annotated[float, BeforeValidator(seconds), Field(ge=0)]
"""A duration, in s."""

Lasting = Annotated[float, BeforeValidator(seconds), Field(gt=0)]
"""A duration, in s, that may not be 0."""

Megabytes = Annotated[float, Field(gt=0, le=1e6)]
"""Of memory, a terabyte at most."""

Moment = Annotated[float, BeforeValidator(moment)]
"""Unix s."""

TimeZone = Annotated[str, AfterValidator(time_zone)]
"""An IANA name."""

Weekday = Annotated[int, BeforeValidator(weekday)]
"""1..7 from Monday, or an English name."""


def _clock(text: str) -> str:
    minute_of_day(text)
    return text


ClockTime = Annotated[str, Field(pattern=r"^\d\d:\d\d$"), AfterValidator(_clock)]
"""Such as 22:00."""


def _price(stated: Decimal) -> Decimal:
    if not is_writable(stated):
        raise ValueError("is no price")
    return stated


UsdPerMtok = Annotated[Decimal, Field(ge=0), AfterValidator(_price)]
"""USD for a million units, not negative."""

Tables = Annotated[str, AfterValidator(checked_schema)]
"""SQL that makes tables, and may fill them."""

NEVER_PASSED = re.compile(
    r"auth|cookie|key|token|secret|credential|passw|^x-amz-"
    r"|^(host|connection|keep-alive|upgrade|te|trailer|expect|proxy-.*|transfer-.*|content-.*"
    r"|accept-encoding|forwarded|x-forwarded-.*|x-windsock-.*)$"
)
"""Names of headers that hold secrets, or that are of one connection only."""


def passed_header(name: str) -> str:
    """A header's name in lower case; raises ValueError for one that no provider may see."""
    known = name.strip().lower()
    if not re.fullmatch(r"[\w!#$%&'*+.^`|~-]+", known, re.ASCII):
        raise ValueError("is no name of a header")
    if NEVER_PASSED.search(known):
        raise ValueError("is not passed on: it may hold a secret, or is of one connection only")
    return known


PassedHeader = Annotated[str, AfterValidator(passed_header)]
"""The name of a header that clients' requests hand on to providers."""
