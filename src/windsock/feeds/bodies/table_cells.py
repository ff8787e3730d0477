"""What a cell of a price list says: an amount, perhaps with its money and its unit."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from windsock.feeds.bodies.table_heads import CENTS, CURRENCIES, stated_unit

ABSENT = frozenset({"", "-", "–", "—", "n/a", "na", "n.a.", "none", "null", "not available"})
"""What people write where there is no price, in small letters."""

FREE = frozenset({"free", "gratis"})

MARK = r"(?P<{}>us\s?\$|usd|eur|gbp|cny|rmb|[$€£¥￥元¢])?"
NUMBER = r"(?P<number>\d[\d.,' ]*(?:e[+-]?\d+)?)"
PER = r"(?P<per>(?:/|per\b|each\b)\s*[\w\s]+)?"
AMOUNT = re.compile(rf"{MARK.format('before')}\s*{NUMBER}\s*{MARK.format('after')}\s*{PER}")

LONGEST = 60
"""Characters of an amount."""

POINT, COMMA = ".", ","


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """A number of units of money.

    usd_per_mtok    what one of them is; None: not said
    currency        None: not said
    """

    number: Decimal
    usd_per_mtok: Decimal | None = None
    currency: str | None = None


def amount_of(text: str, decimal_mark: str | None) -> Amount | None:
    """What a cell states, None for nothing; raises ValueError where it cannot be told.

    decimal_mark    that of the whole table, where it is sure
    """
    plain = _plain(text)
    if plain in ABSENT:
        return None
    if plain in FREE:
        return Amount(number=Decimal(0))
    found = AMOUNT.fullmatch(plain[:LONGEST])
    if found is None or len(plain) > LONGEST:
        raise ValueError(f"{text!r} is no amount")
    unit = stated_unit(found["per"]) if found["per"] else None
    if found["per"] and unit is None:
        raise ValueError(f"{text!r} is per something else than tokens")
    marks = [mark.replace(" ", "") for mark in (found["before"], found["after"]) if mark]
    if CENTS.intersection(marks):
        unit = unit / 100 if unit else None
        if unit is None:
            raise ValueError(f"{text!r} states cents of no unit")
    money = {CURRENCIES.get(mark.removeprefix("us") or "$", "USD") for mark in marks}
    if len(money) > 1:
        raise ValueError(f"{text!r} states two currencies")
    number = number_of(found["number"].strip(), decimal_mark)
    return Amount(number=number, usd_per_mtok=unit, currency=next(iter(money), None))


def is_money(text: str) -> bool:
    """True of a number with a currency's mark or per so many tokens."""
    found = AMOUNT.fullmatch(_plain(text[:LONGEST]))
    return found is not None and bool(found["before"] or found["after"] or found["per"])


def is_amount(text: str) -> bool:
    """True of a number other than 0, with its money and unit or without."""
    found = AMOUNT.fullmatch(_plain(text[:LONGEST]))
    return found is not None and any(digit in "123456789" for digit in found["number"])


def number_of(text: str, decimal_mark: str | None) -> Decimal:
    """A number as people write it; raises ValueError where it may be a thousand times another."""
    digits, _, power = text.partition("e")
    mark = _mark(digits)
    if mark is None and _is_either(digits):
        mark = POINT if POINT in digits else COMMA
        if decimal_mark != mark and (mark is COMMA or decimal_mark is COMMA):
            raise ValueError(f"{text!r} may be a whole number or a fraction")
    groups = COMMA if mark is POINT else POINT
    if mark is not None:
        digits = digits.replace(groups, "").replace(mark, POINT)
    else:
        digits = digits.replace(COMMA, "").replace(POINT, "")
    digits = digits.replace(" ", "").replace("'", "")
    return Decimal(f"{digits}e{power}" if power else digits)


def mark_of(cells: Iterable[str]) -> str | None:
    """Which mark stands before fractions in a table; None where nothing or not all cells tell."""
    found = {
        _mark(amount["number"].strip().partition("e")[0])
        for cell in cells
        if (amount := AMOUNT.fullmatch(_plain(cell[:LONGEST])))
    } - {None}
    return found.pop() if len(found) == 1 else None


def _plain(text: str) -> str:
    """In small letters, with plain blanks."""
    return " ".join(text.lower().split())


def _is_either(digits: str) -> bool:
    """`1,250`: one mark before three digits."""
    return re.fullmatch(r"[1-9]\d{0,2}[.,]\d{3}", digits) is not None


def _mark(digits: str) -> str | None:
    """The mark before the fraction where the number itself tells; raises ValueError for neither."""
    for mark, groups in ((POINT, COMMA), (COMMA, POINT)):
        m, g = re.escape(mark), re.escape(groups)
        if re.fullmatch(rf"\d{{1,3}}(?:[{g} ']\d{{3}})+{m}\d+", digits):
            return mark
    if re.fullmatch(r"\d+|\d{1,3}(?:[ ']\d{3})+", digits) or _is_either(digits):
        return None
    if re.fullmatch(r"\d{1,3}(?:(?:,\d{3}){2,}|(?:\.\d{3}){2,})", digits):
        return None
    found = re.fullmatch(r"\d+([.,])\d*", digits)
    if found is None:
        raise ValueError(f"{digits!r} is no number")
    return found[1]
