"""Dollars as whole numbers, whose sums are exact."""

from __future__ import annotations

from decimal import Decimal

PICO = Decimal(10) ** 12
MAX_PICO_USD = 2**63 - 1
"""Of a column of 64 bits."""

PART = 10**6
"""Sums stand in two parts, for one of picodollars leaves 64 bits at nine million dollars."""


def pico_usd(money: Decimal) -> int:
    """Whole picodollars, rounded half even; at most 9.2 million dollars."""
    return min(round(money * PICO), MAX_PICO_USD)


def usd(pico: int) -> Decimal:
    """Dollars, exact."""
    return Decimal(pico).scaleb(-12)
