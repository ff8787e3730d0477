"""Where an answer says what the provider charged for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from windsock.wire.json_codec import Beginnings, at, beginnings

MOST = Decimal(10) ** 24
"""Of any unit; what is larger is no charge."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BillField:
    """A place of an answer's body that states a charge; stated in `presets.toml`.

    path            dotted, from the body on
    units_per_usd   how many of its units are a dollar
    own_key         dotted path of what the model's maker charges beside, where the call was made
                    with the caller's own key there
    own_key_mark    dotted path of the flag that says so
    is_text         it writes its numbers as text, which elsewhere are none
    """

    path: str
    units_per_usd: int = 1
    own_key: str = ""
    own_key_mark: str = ""
    is_text: bool = False


USUAL = (BillField(path="usage.cost"),)
"""OpenRouter's place, which others took over."""


def places_of(fields: Iterable[BillField]) -> Beginnings:
    """Where charges may stand; most answers hold nothing there."""
    return beginnings(p for field in fields for p in (field.path, field.own_key) if p)


def billed_of(body: Mapping[str, Any], fields: Iterable[BillField] = USUAL) -> Decimal | None:
    """Dollars by the first field that states more than 0, else 0 if one does, else None."""
    found = [usd for field in fields if (usd := _stated_usd(body, field)) is not None]
    return next((usd for usd in found if usd), found[0] if found else None)


def _stated_usd(body: Mapping[str, Any], field: BillField) -> Decimal | None:
    charged = _amount(at(body, field.path), field)
    beside = _amount(at(body, field.own_key), field) if field.own_key else None
    if beside and (not charged or at(body, field.own_key_mark) is True):
        charged = beside + (charged or 0)
    return None if charged is None else charged / field.units_per_usd


def _amount(value: Any, field: BillField) -> Decimal | None:
    if value is None or (isinstance(value, str) and not field.is_text):
        return None
    return amount_of(value)


def amount_of(value: Any) -> Decimal | None:
    """A number from 0 on, also as text; None for all else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        return None
    return amount if amount.is_finite() and 0 <= amount < MOST else None
