"""Columns of money, each amount as one whole number that says how many places it has."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from functools import lru_cache
from itertools import repeat
from typing import Any

from windsock.store.compact.shapes.holes import (
    MONEY,
    NOTHING,
    VALUE,
    Batch,
    Written,
    same_as,
    written,
)
from windsock.store.compact.templates import MAX_PLACES

MAX_DIGITS = 17
"""Of money that is kept as one whole number."""


def money(values: Sequence[Decimal], batch: Batch, column: int) -> Written:
    """An amount that an earlier column of the record has is taken once."""
    texts = [*map(str, values)]
    for other, amounts in batch.money:
        if texts == amounts:
            return Written(repeat(same_as(other)))
    before, numbers = [*batch.money], [*map(_whole, texts)]
    batch.money.append((column, texts))
    if not before and None not in numbers:
        return Written(repeat(MONEY), numbers)

    def one(place: int, text: str, number: int | None) -> tuple[Any, Any]:
        for other, amounts in before:
            if amounts[place] == text:
                return same_as(other), NOTHING
        return (VALUE, text) if number is None else (MONEY, number)

    return written(map(one, range(len(texts)), texts, numbers))


@lru_cache(maxsize=4096)
def _whole(text: str) -> int | None:
    """Its digits and how many stand behind the point; None if they are too many."""
    sign, digits, exponent = Decimal(text).as_tuple()
    if sign or not isinstance(exponent, int) or len(digits) > MAX_DIGITS:
        return None
    if not -MAX_PLACES < exponent <= 0:
        return None
    return int("".join(map(str, digits))) * MAX_PLACES - exponent
