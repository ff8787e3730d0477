"""The shipped price history, replayed at speed."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from windsock.clock import Clock
from windsock.resources import room
from windsock.service.control.page.dashboard import ReplayedTime

STORY_BEGINS = datetime(2025, 1, 1, tzinfo=UTC)

STORY_DAYS = 365

DAY_S = 0.6
"""Seconds per replayed day: DeepSeek's raise of February 2025 comes after 23 s."""

PRICES_AT_START = {
    "deepseek/deepseek-chat": (0.14, 0.28),
    "mistral/mistral-small-latest": (0.2, 0.6),
    "google/gemini-2.5-flash": (0.15, 0.6),
    "openai/gpt-4o-mini": (0.15, 0.6),
    "mistral/mistral-large-latest": (2.0, 6.0),
    "openai/gpt-4o": (2.5, 10.0),
}
"""List prices on 2025-01-01 (Gemini 2.5 Flash: at its launch), USD per million tokens."""

EMBEDDINGS = {
    "openai/text-embedding-3-small": 0.02,
    "openai/text-embedding-3-large": 0.13,
    "google/gemini-embedding-001": 0.15,
    "mistral/mistral-embed": 0.1,
}
"""The providers' embedding models, which can be asked for by name; USD per million tokens."""

LEFT_OUT = ("cached input", "thinking", "16:30-00:30 UTC")
"""Variants of the history that are not the plain price of a model."""


@dataclass(slots=True)
class PriceHistory:
    """The shipped history as a feed in the shape of models.dev, at the day reached."""

    clock: Clock
    started_at: float

    def day(self) -> int:
        """Days since the story began; it starts over at its end."""
        return int((self.clock.now() - self.started_at) / DAY_S) % STORY_DAYS

    def as_shown(self) -> ReplayedTime:
        """The story's dates, for the page."""
        return ReplayedTime(
            began_at=self.started_at,
            shows_at=STORY_BEGINS.timestamp(),
            pace=86_400.0 / DAY_S,
            lasts_s=STORY_DAYS * 86_400.0,
        )

    def body(self) -> dict[str, Any]:
        """The prices of the story's present day, as models.dev would list them."""
        prices = {**PRICES_AT_START, **{name: (usd, 0.0) for name, usd in EMBEDDINGS.items()}}
        today = STORY_BEGINS.timestamp() + self.day() * 86400
        for name, at, price in events_of_story():
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


def events_of_story() -> list[tuple[str, float, tuple[float, float]]]:
    """(deployment, unix s, (input, output)) of every plain price change in the archive."""
    with (room("pricefeeds") / "archive" / "events.csv").open(encoding="utf-8") as lines:
        rows = [
            row
            for row in csv.DictReader(lines)
            if row["variant"] not in LEFT_OUT
            and row["input_usd_per_mtok"]
            and row["output_usd_per_mtok"]
        ]
    return [
        (
            f"{row['provider']}/{row['model']}",
            datetime.fromisoformat(row["seen_at"].replace("Z", "+00:00")).timestamp(),
            (float(row["input_usd_per_mtok"]), float(row["output_usd_per_mtok"])),
        )
        for row in rows
    ]
