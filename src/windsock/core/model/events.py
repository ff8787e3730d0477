"""What happened that people and programs outside should hear of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that changes where traffic goes.

    kind    price.shifted, price.held, price.released, price.unread, price.went_stale,
            health.changed, cooldown.began, cooldown.ended, cooldown.cut_short, quality.drifted,
            quality.undone, bill.drifted, model.redirected
    facts   what the log and the event stream show
    """

    kind: str
    deployment: str
    at: float
    facts: Mapping[str, object] = field(default_factory=dict)
