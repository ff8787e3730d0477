"""What is asked of the router, and where beliefs about it live."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

DEFAULT_NAMESPACE = "default"


DEFAULT_TASK = "default"


class Cell(NamedTuple):
    """Where beliefs live: evidence is never shared between namespaces."""

    namespace: str
    route: str
    task: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Preferences:
    """The caller's `provider` object, as OpenRouter defines it.

    only, ignore, order     provider ids or deployment ids
    sort                    price, throughput or latency; switches the bandit off
    max_prompt_usd_per_mtok, max_completion_usd_per_mtok    price ceilings
    """

    only: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    order: tuple[str, ...] = ()
    sort: str | None = None
    max_prompt_usd_per_mtok: Decimal | None = None
    max_completion_usd_per_mtok: Decimal | None = None
    allow_fallbacks: bool = True


NO_PREFERENCES = Preferences()


@dataclass(slots=True, kw_only=True, unsafe_hash=True)
class RouteRequest:
    """What is asked, without a word of its text.

    model           route name, deployment id or bare model id
    models          ordered fallbacks by name, after `model`
    needs           capabilities it cannot do without: vision, tools, json_schema, audio
    prompt_tokens   estimate
    max_output_tokens   the caller's cap, if any
    features        cheap numbers about the prompt, for learnt segments
    deadline_s      seconds from `open` until the caller gives up
    """

    model: str
    models: tuple[str, ...] = ()
    namespace: str = DEFAULT_NAMESPACE
    task: str = DEFAULT_TASK
    needs: frozenset[str] = frozenset()
    prompt_tokens: int = 0
    max_output_tokens: int | None = None
    is_stream: bool = False
    session_id: str | None = None
    key_id: str | None = None
    preferences: Preferences = NO_PREFERENCES
    features: tuple[float, ...] = ()
    deadline_s: float | None = None
