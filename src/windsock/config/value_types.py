"""What values in windsock.toml may look like: durations, moments, shares, prices."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)")
SECONDS_PER_UNIT = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def seconds(value: object) -> float:
    """Seconds from a number or from text such as 500ms, 30s, 5m, 1h, 7d; raises ValueError."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    match = DURATION.fullmatch(str(value).strip())
    if match is None:
        raise ValueError(f"{value!r} is not a duration; write one such as 500ms, 30s, 5m, 1h or 7d")
    return float(match[1]) * SECONDS_PER_UNIT[match[2]]


def moment(value: object) -> float:
    """Unix seconds from a TOML date or time, or from ISO text; no zone means UTC."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    read = datetime.fromisoformat(str(value))
    return (read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp()


Seconds = Annotated[float, BeforeValidator(seconds), Field(ge=0)]
Moment = Annotated[float, BeforeValidator(moment)]
Share = Annotated[float, Field(ge=0, le=1)]
UsdPerMtok = Annotated[Decimal, Field(ge=0, allow_inf_nan=False)]


class Part(BaseModel):
    """A table of the configuration file."""

    model_config = ConfigDict(extra="forbid", frozen=True)
