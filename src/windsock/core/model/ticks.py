"""What feeds say: one price statement or one health statement, as read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from windsock.core.model.units import Prices

EVERY_DAY = frozenset(range(1, 8))
"""ISO weekdays."""

CHAT = "chat"
"""The kind of a model that answers in tokens; every other kind may lack input or output."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """Prices that replace the base ones, per meter, from a prompt size on.

    min_prompt_tokens   the bound
    is_strict           True: prompts greater than the bound; False: from the bound on
    service_tier        only for requests served so; None: for all
    """

    min_prompt_tokens: int
    is_strict: bool = True
    usd_per_mtok: Prices
    service_tier: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Prices that replace the base ones, per meter, at recurring hours.

    days                ISO weekdays 1..7 on which the window opens, in `timezone`
    start_minute        minute of the day, inclusive, 0..1439
    end_minute          minute of the day, exclusive, 0..1440; at or below `start_minute` it wraps
    min_prompt_tokens   only prompts greater than this; 0: all
    """

    days: frozenset[int] = EVERY_DAY
    start_minute: int
    end_minute: int
    timezone: str = "UTC"
    min_prompt_tokens: int = 0
    usd_per_mtok: Prices


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """One feed's price statement about one deployment: a price as a function.

    deployment      deployment id, as resolved from `feed_model`
    feed            feed id
    feed_model      the feed's own name for it
    usd_per_mtok    base prices, discount already taken off
    quoted_at       unix s when the feed says it holds since, if it says so
    seen_at         unix s when it became known here
    valid_from      unix s, inclusive; a quote not yet in force is a forecast
    valid_until     unix s, exclusive
    zero_reason     why a price of 0 is meant: free_variant, local, promo, configured
    trust           0..1, the feed's weight when feeds disagree
    is_indirect     the feed speaks of the same model sold elsewhere (corroborates, never sets)
    copies          feeds whose rows this one takes over: what both say is said once
    mode            kind of model, in LiteLLM's words: chat, embedding, rerank, moderation,
                    image_generation, audio_transcription, audio_speech; what a kind other than
                    chat does not state of input and output it does not bill, and stands as 0
    """

    deployment: str
    feed: str
    feed_model: str
    usd_per_mtok: Prices
    tiers: tuple[Tier, ...] = ()
    windows: tuple[Window, ...] = ()
    service_tiers: Mapping[str, Prices] = field(default_factory=dict)
    quoted_at: float | None = None
    seen_at: float
    valid_from: float | None = None
    valid_until: float | None = None
    currency: str = "USD"
    zero_reason: str | None = None
    trust: float = 0.5
    is_indirect: bool = False
    copies: tuple[str, ...] = ()
    mode: str = CHAT

    def same_price(self, other: Quote) -> bool:
        """True if both bill every request alike, whoever says so and whenever."""
        return (
            self.usd_per_mtok == other.usd_per_mtok
            and self.currency == other.currency
            and self.tiers == other.tiers
            and self.windows == other.windows
            and self.service_tiers == other.service_tiers
            and self.valid_from == other.valid_from
            and self.valid_until == other.valid_until
        )


class HealthState(StrEnum):
    """What a feed says of a provider or deployment."""

    UP = "up"
    DEGRADED = "degraded"
    DOWN = "down"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthReport:
    """One feed's statement about the health of a provider, or of one deployment.

    subject     provider id or deployment id
    state       unknown is never read as down
    uptime      0..1 over the feed's own window, if it tells
    good_for_s  how long its word holds unless it is heard again; None: as long as the board says
    retires_at  unix s from which the model is served no more, if that is dated
    """

    subject: str
    feed: str
    state: HealthState
    note: str = ""
    uptime: float | None = None
    quoted_at: float | None = None
    seen_at: float
    good_for_s: float | None = None
    retires_at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFacts:
    """What a feed says a model can do; None where it is silent. Its mode as of `Quote`."""

    provider: str
    model: str
    feed: str
    context_tokens: int | None = None
    max_output_tokens: int | None = None
    vision: bool | None = None
    tools: bool | None = None
    json_schema: bool | None = None
    released_at: float | None = None
    retires_at: float | None = None
    mode: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Vanished:
    """A feed, read in full, no longer lists this deployment."""

    deployment: str
    feed: str
    feed_model: str
    seen_at: float


Tick = Quote | HealthReport | Vanished
"""Any timed message from outside."""
