"""What values in windsock.toml may look like: durations, moments, prices."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from pydantic import BeforeValidator, Field

from windsock.resources.declared import moment, seconds

Seconds = Annotated[float, BeforeValidator(seconds), Field(ge=0)]
"""A duration, in s."""

Moment = Annotated[float, BeforeValidator(moment)]
"""Unix s."""

UsdPerMtok = Annotated[Decimal, Field(ge=0, allow_inf_nan=False)]
"""USD for a million units, not negative."""
