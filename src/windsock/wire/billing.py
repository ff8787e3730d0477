"""Where an answer says what the provider charged for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from windsock.wire.json_codec import at

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


Beginnings = tuple[tuple[str, frozenset[str]], ...]
"""Objects of a body, each with the names in it that a charge stands at or under."""


def beginnings(fields: Iterable[BillField]) -> Beginnings:
    """Where the places of these fields begin."""
    found: dict[str, set[str]] = {}
    for path in (path for field in fields for path in (field.path, field.own_key) if path):
        first, _, rest = path.partition(".")
        found.setdefault(first, set()).add(rest.partition(".")[0])
    return tuple((first, frozenset(names)) for first, names in found.items())


def may_bill(body: Mapping[str, Any], begins: Beginnings) -> bool:
    """Whether anything stands where a charge may; most answers state none."""
    for first, names in begins:
        part = body.get(first)
        if isinstance(part, dict) and not names.isdisjoint(part):
            return True
    return False


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
