"""What all bodies share."""

from __future__ import annotations

from decimal import Decimal

from pydantic import BaseModel, ConfigDict


class Answer(BaseModel):
    model_config = ConfigDict(extra="forbid")


def number(price: Decimal | None) -> float | None:
    return None if price is None else float(price)
