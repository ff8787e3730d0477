"""What callers may state in queries and bodies of inspection: names and moments, bounded."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from windsock.wire.caller_fields.names import MOST_CHARS, MOST_MODEL_CHARS

LAST_MOMENT = 1e11
"""Unix s, in the year 5138: what is later is no moment but milliseconds, or a mistake."""

Moment = Annotated[float, Field(ge=0, le=LAST_MOMENT, allow_inf_nan=False)]
"""Unix s."""

Name = Annotated[str, Field(max_length=MOST_CHARS)]
"""Of a route, a task, a feed."""

DeploymentName = Annotated[str, Field(max_length=MOST_MODEL_CHARS)]

Usd = Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)]
"""Per million units."""

Count = Annotated[float, Field(ge=0, le=1e15, allow_inf_nan=False)]

Number = Annotated[int, Field(ge=0, lt=2**63)]
"""Of what is counted."""
