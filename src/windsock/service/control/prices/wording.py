"""Events of prices as a person reads them: one line each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from windsock.core.model.events import EventKind
from windsock.core.model.units import MTOK, STANDALONE

View = Mapping[str, Any]
"""An `event_view`."""

PIECES = frozenset(m.value for m in STANDALONE if "token" not in m.usage_field)
"""Meters that are sold by the piece, not by the million: images, requests, searches, seconds."""

MOST_NAMED = 5
"""Names in one line; the others are counted."""


def told(event: View) -> str:
    """A sentence without its end, the deployment first."""
    return WORDS[event["event"]](event)


def _shifted(event: View) -> str:
    if "served" in event:
        return f"{event['deployment']}: answers come from {event['served']}, at its price"
    if not event.get("before"):
        return f"{event['deployment']}: first price, {_prices(event['usd_per_mtok'])}"
    return f"{event['deployment']}: {_move(event)}{_begins(event)}"


def _begins(event: View) -> str:
    """From when on, where that is later."""
    at = event.get("valid_from")
    return "" if at is None else f", from {datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M} UTC on"


def _released(event: View) -> str:
    return f"{event['deployment']}: held price accepted, {_move(event)}"


def _held(event: View) -> str:
    stated = _prices(event["usd_per_mtok"])
    return f"{event['deployment']}: {event['feed']}'s price held back ({stated}): {event['reason']}"


def _disputed(event: View) -> str:
    stated, in_force = _prices(event["usd_per_mtok"]), _prices(event["in_force"])
    return (
        f"{event['deployment']}: price lists disagree, {event['feed']} says {stated}; "
        f"in force is {event['in_force_feed']}'s, {in_force}"
    )


def _vanished(event: View) -> str:
    if "deployments" in event:
        return f"no longer listed by {event['feed']}: {_named(event['deployments'])}"
    return f"{event['deployment']}: no longer listed by {event['feed']}"


def _listed(event: View) -> str:
    if "models" in event:
        return f"new in {event['feed']}: {_named(event['models'], event['count'])}"
    return f"{event['model']}: new in {event['feed']}"


def _retires(event: View) -> str:
    if "dates" in event:
        return f"models retire, says {event['feed']}: {_named(event['dates'])}"
    word = "retired" if event["retires_at"] <= event["at"] else "retires"
    return f"{event['deployment']}: {word} on {event['retires_on']}, says {event['feed']}"


WORDS: Mapping[str, Callable[[View], str]] = {
    EventKind.PRICE_SHIFTED: _shifted,
    EventKind.PRICE_RELEASED: _released,
    EventKind.PRICE_HELD: _held,
    EventKind.PRICE_DISPUTED: _disputed,
    EventKind.PRICE_VANISHED: _vanished,
    EventKind.MODEL_LISTED: _listed,
    EventKind.MODEL_RETIRES: _retires,
}
"""Of each kind that tells of prices."""


def _named(names: Mapping[str, Any] | list[str], count: int | None = None) -> str:
    shown = list(names)[:MOST_NAMED]
    more = (len(names) if count is None else count) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more > 0 else "")


def _move(event: View) -> str:
    """Meters that cost otherwise than before."""
    before = event.get("before") or {}
    moves = [
        f"{_meter(meter)} {_usd(meter, before.get(meter))} → {_usd(meter, now)}"
        for meter, now in event["usd_per_mtok"].items()
        if before.get(meter) != now
    ]
    return ", ".join(moves) or "other sizes, hours or service tiers"


def _prices(prices: Mapping[str, float]) -> str:
    return ", ".join(_each(prices)) or "nothing"


def _each(prices: Mapping[str, float]) -> Iterator[str]:
    for meter, usd in prices.items():
        yield f"{_meter(meter)} {_usd(meter, usd)}"


def _meter(name: str) -> str:
    return name.replace("_", " ")


def unit_price(meter: str, usd_per_mtok: float | None) -> float | None:
    """Dollars in the unit in which people speak of a meter: a million tokens, or one piece."""
    if usd_per_mtok is None or meter not in PIECES:
        return usd_per_mtok
    return usd_per_mtok / float(MTOK)


def _usd(meter: str, usd_per_mtok: float | None) -> str:
    """A dash where none was stated."""
    price = unit_price(meter, usd_per_mtok)
    return "–" if price is None else f"${plain(price)}"


def plain(number: float) -> str:
    """Six significant digits, and never an exponent."""
    text = f"{number:.6g}"
    return f"{number:.12f}".rstrip("0").rstrip(".") if "e-" in text else f"{float(text):.15g}"
