"""What all bodies share."""

from __future__ import annotations

from decimal import Decimal

from pydantic import BaseModel, ConfigDict


class Answer(BaseModel):
    """A body whose fields are all named here; others are refused."""

    model_config = ConfigDict(extra="forbid")


def number(price: Decimal | None) -> float | None:
    """As JSON has it; null for what is not known."""
    return None if price is None else float(price)
