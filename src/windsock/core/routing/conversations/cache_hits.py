"""What prompt caches are worth in fact: tokens billed as read, against those that should have been.

Every answer in a conversation tells. A provider that reports no cached tokens bills none as such,
so silence counts as none.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from windsock.core.model.catalog import CacheTraits
from windsock.core.model.units import Usage

MAX_COUNTED = 30.0
"""Answers after which old ones fade."""

HALF_LIFE_S = 86400.0
"""What was measured counts half a day later, so that a mended cache is tried again."""

PRIOR = 1.0
"""Answers that what is said of a provider stands for."""

HitKey = tuple[str, bool]
"""(deployment, whether unrelated prompts may share a session)."""


@dataclass(slots=True)
class _Shares:
    """Sums of shares, each of one answer: of what was held, read; of the rest, written."""

    at: float = 0.0
    reads: float = 0.0
    read: float = 0.0
    writes: float = 0.0
    written: float = 0.0

    def aged(self, now: float) -> float:
        """How much of it counts now, 0..1."""
        return float(0.5 ** (max(0.0, now - self.at) / HALF_LIFE_S))


class CacheHits:
    """Measured shares by deployment. Looking changes nothing."""

    def __init__(self) -> None:
        self._shares: OrderedDict[HitKey, _Shares] = OrderedDict()

    def observe(self, key: HitKey, held_tokens: int, usage: Usage, now: float) -> None:
        """An answer to a prompt of which so many tokens should have been cached there."""
        known = self._shares.setdefault(key, _Shares(at=now))
        fade = known.aged(now)
        known.at = max(now, known.at)
        held = min(held_tokens, usage.prompt_tokens)
        read, written = usage.cache_read_tokens, _written(usage)
        known.reads, known.read = _counted(
            known.reads * fade, known.read * fade, min(1.0, read / held) if held else None
        )
        fresh = usage.prompt_tokens - read
        known.writes, known.written = _counted(
            known.writes * fade, known.written * fade, written / fresh if fresh > 0 else None
        )

    def shares(self, key: HitKey, traits: CacheTraits, now: float) -> tuple[float, float]:
        """Of the tokens held there, how many will be billed as read; of the others, as written;
        both 0..1."""
        known = self._shares.get(key)
        if known is None:
            return traits.hit_rate, traits.write_share
        fade = known.aged(now)
        read = (PRIOR * traits.hit_rate + fade * known.read) / (PRIOR + fade * known.reads)
        written = (PRIOR * traits.write_share + fade * known.written) / (
            PRIOR + fade * known.writes
        )
        return read, written

    def to_state(self) -> list[Any]:
        """JSON-able, exact."""
        return [
            [*key, each.at, each.reads, each.read, each.writes, each.written]
            for key, each in self._shares.items()
        ]

    def from_state(self, state: list[Any]) -> None:
        """Take over a state of `to_state`."""
        self._shares.clear()
        for deployment, is_shared, *told in state:
            self._shares[deployment, is_shared] = _Shares(*told)


def _counted(count: float, total: float, share: float | None) -> tuple[float, float]:
    if share is None:
        return count, total
    fade = min(1.0, (MAX_COUNTED - 1.0) / count) if count else 1.0
    return count * fade + 1.0, total * fade + share


def _written(usage: Usage) -> int:
    return usage.cache_write_tokens + usage.cache_write_1h_tokens
