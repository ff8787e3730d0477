"""What all bodies share."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from fastapi import Query
from pydantic import BaseModel, ConfigDict

from windsock.errors import BadRequest
from windsock.resources.declared import point


class Answer(BaseModel):
    """A body whose fields are all named here; others are refused."""

    model_config = ConfigDict(extra="forbid")


def number(price: Decimal | None) -> float | None:
    """As JSON has it; null for what is not known."""
    return None if price is None else float(price)


When = Annotated[
    str | None,
    Query(description="a duration before now (1h, 7d), a date (2026-11-01) or unix seconds"),
]
"""A point in time, as a query names it."""


def when(text: str | None, now: float, *, param: str, otherwise: float) -> float:
    """Unix s of a point in time, `otherwise` where none is named; raises BadRequest."""
    if text is None:
        return otherwise
    try:
        return point(text, now)
    except ValueError as error:
        raise BadRequest(f"{param}: {error}", param=param) from None
