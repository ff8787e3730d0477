"""An event as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from windsock.core.model.events import Event


def event_view(shift: Event) -> dict[str, Any]:
    """`event`, `deployment`, `at` (unix s) and the facts beside them; money as numbers."""
    return {
        "event": shift.kind,
        "deployment": shift.deployment,
        "at": shift.at,
        **{name: _plain(value) for name, value in shift.facts.items()},
    }


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(v) for v in value]
    return value
