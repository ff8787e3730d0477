"""What a number of a table is per: by its cell, its heading, its row, or the text beside it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from windsock.core.model.units import MAIN_METERS, STANDALONE
from windsock.feeds.bodies.table_cells import Amount
from windsock.feeds.bodies.table_heads import CURRENCIES, Head, plain_words, stated_unit
from windsock.feeds.definition import USD_PER_MTOK, FeedDefinition

Record = dict[str, Any]

PER = re.compile(
    r"(?:\bper|/|\bpro)\s*(?:a\s+|one\s+)?(?P<size>1[km]|[mk]toks?|million|thousand|mio|[km](?=\s*tok))"
    r"\b\s*(?P<what>[a-z]+)?"
)
"""`per 1K tokens`, `$/1M`; a price per token alone is how people call any of them."""
MONEY = "|".join(re.escape(each) for each in sorted(CURRENCIES, key=len, reverse=True))
IN_MONEY = re.compile(
    rf"(?:\bin|\bcurrency:?)\s+(?P<named>{MONEY})(?![a-z])"
    rf"|(?<![a-z])(?P<marked>{MONEY})\s*(?:/|per\b|pro\b)"
)
NO_TOKENS = ("char", "word", "zeichen")
"""What else a price of text may be per."""
LONGEST = 400
"""Characters of a text beside a table, the nearest."""


LEAST_USD_PER_MTOK = Decimal("0.0001")
"""What is below was stated per token: 0.0001 is $100 a million, and the cheapest model ever listed
cost $0.0069."""


@dataclass(frozen=True, slots=True)
class Note:
    """What holds of every price of a table that says nothing else itself.

    usd_per_mtok, currency  None: not said
    fault                   why prices that say no unit cannot be read; empty: none
    """

    usd_per_mtok: Decimal | None = None
    currency: str | None = None
    fault: str = ""


def note_of(texts: Iterable[str]) -> Note:
    """Of the texts above and below a table."""
    plain = " \n ".join(plain_words(text[-LONGEST:]) for text in texts)
    found = [(each["size"], each["what"] or "") for each in PER.finditer(plain)]
    others = {what for _, what in found if what.startswith(NO_TOKENS)}
    sizes = {
        size for size, what in found if not what or what.startswith(("tok", "in", "usd", "eur"))
    }
    units = {unit for size in sizes if (unit := stated_unit(f"per {size}")) is not None}
    money = {CURRENCIES[each["named"] or each["marked"]] for each in IN_MONEY.finditer(plain)}
    fault = f"the text beside the table says per {min(others)}" if others else ""
    if len(units) > 1:
        fault = "the text beside the table names two units"
    elif len(money) > 1:
        fault = "the text beside the table names two currencies"
    unit, currency = next(iter(units), None), next(iter(money), None)
    return Note(fault=fault) if fault else Note(unit, currency)


def unit_of_row(record: Record) -> Decimal | None:
    """What the row's own column says that its numbers are; raises ValueError for another thing."""
    text = record.get("unit") or ""
    unit = stated_unit(f"per {text}") if text else None
    if text and unit is None:
        raise ValueError(f"no price of tokens is per {text}")
    return unit


def price_of(
    definition: FeedDefinition, head: Head, amount: Amount, unit: Decimal | None, note: Note
) -> str:
    """A number in the unit of the feed; raises ValueError where two units are named."""
    units: Iterable[Decimal | None] = (amount.usd_per_mtok, head.usd_per_mtok, unit)
    said = {each for each in units if each is not None}
    if len(said) > 1:
        raise ValueError("two units are named")
    if not said and head.meter not in STANDALONE:
        if note.fault:
            raise ValueError(note.fault)
        said = {note.usd_per_mtok} if note.usd_per_mtok else set()
    if not said or not amount.number:
        _check_size(definition, head, amount)
        return str(amount.number)
    if head.meter in STANDALONE:
        raise ValueError(f"{head.meter} is priced per token")
    return str(amount.number * said.pop() / USD_PER_MTOK[definition.unit or "usd/mtok"])


def _check_size(definition: FeedDefinition, head: Head, amount: Amount) -> None:
    """Raises ValueError for a number that says no unit and can only be per token."""
    is_per_million = definition.unit == "usd/mtok" and head.meter in MAIN_METERS
    if is_per_million and 0 < amount.number < LEAST_USD_PER_MTOK:
        raise ValueError(
            f"${amount.number:f} a million: if it is per token, its column must say so"
        )
