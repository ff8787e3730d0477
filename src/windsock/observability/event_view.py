"""An event as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from windsock.core.model.events import Event

PRICES = ("usd_per_mtok", "before", "in_force")
"""Facts that are money by meter; the store keeps money as text."""


def event_view(shift: Event) -> dict[str, Any]:
    """`event`, `deployment`, `at` (unix s) and the facts beside them; money as numbers."""
    return {
        "event": shift.kind,
        "deployment": shift.deployment,
        "at": shift.at,
        **{name: _plain(name, value) for name, value in shift.facts.items()},
    }


def event_words(event: Event) -> str:
    """The same in a line for people: `price.held deepseek/deepseek-chat: feed openrouter, ...`."""
    facts = event_view(event)
    kind, deployment, _ = (facts.pop(name) for name in ("event", "deployment", "at"))
    told = ", ".join(f"{name} {_words(value)}" for name, value in facts.items())
    return f"{kind} {deployment}".rstrip() + (f": {told}" if told else "")


def _words(value: object) -> str:
    if value is None:
        return "unknown"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, Mapping):
        return " ".join(f"{key} {_words(each)}" for key, each in value.items())
    if isinstance(value, list):
        return " ".join(_words(each) for each in value)
    return str(value)


def _plain(name: str, value: object) -> object:
    if isinstance(value, Decimal):
        return _number(value)
    if isinstance(value, Mapping) and name in PRICES:
        return {str(meter): _number(Decimal(str(usd))) for meter, usd in value.items()}
    if isinstance(value, Mapping):
        return {str(k): _plain("", v) for k, v in value.items()}
    if isinstance(value, tuple | list):
        return [_plain("", v) for v in value]
    return value


def _number(money: Decimal) -> float | None:
    """None where it is no number, which a feed may say and JSON cannot."""
    return float(money) if money.is_finite() else None
