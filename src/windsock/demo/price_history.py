"""The shipped price history, replayed at speed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from windsock.clock import Clock
from windsock.demo import DAY_S, PRICES_AT_START, STORY_BEGINS, STORY_DAYS, _events


@dataclass(slots=True)
class PriceHistory:
    """The shipped history as a feed in the shape of models.dev, at the day reached."""

    clock: Clock
    started_at: float

    def day(self) -> int:
        """Days since the story began; it starts over at its end."""
        return int((self.clock.now() - self.started_at) / DAY_S) % STORY_DAYS

    def body(self) -> dict[str, Any]:
        prices = dict(PRICES_AT_START)
        today = STORY_BEGINS.timestamp() + self.day() * 86400
        for name, at, price in _events():
            if name in prices and at <= today:
                prices[name] = price
        providers: dict[str, Any] = {}
        for name, (usd_in, usd_out) in prices.items():
            provider, _, model = name.partition("/")
            entry = providers.setdefault(provider, {"id": provider, "models": {}})
            entry["models"][model] = {
                "id": model,
                "name": model,
                "tool_call": True,
                "modalities": {"input": ["text"], "output": ["text"]},
                "limit": {"context": 128000, "output": 8192},
                "cost": {"input": usd_in, "output": usd_out},
            }
        return providers
