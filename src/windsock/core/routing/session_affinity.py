"""Warm conversations: where a session was answered last, and what leaving that place would cost.

Providers keep the beginning of a prompt for minutes and bill it at the price of a cached read. A
request of a session that goes elsewhere pays for all of it anew. It is drawn from the same weights
as any other, less the mass of deployments whose advantage does not cover that loss, which stays.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from windsock.core.model.decisions import ArmFacts, CascadeFacts, WeightTable
from windsock.core.model.units import Meter, Usage, to_float

MAX_SESSIONS = 50_000
MAX_SEATS = 1024
Prices = Mapping[Meter, Decimal]


@dataclass(frozen=True, slots=True)
class Warm:
    """tokens: of the prompt that the deployment has read, and may still hold, until then."""

    deployment: str
    tokens: int
    until: float

    def lost_usd(self, prices: Prices) -> float:
        """What the same tokens cost more where they are not held; 0 if caching is not priced."""
        full, cached = prices.get(Meter.INPUT), prices.get(Meter.CACHE_READ)
        if full is None or cached is None:
            return 0.0
        return self.tokens * max(0.0, to_float(full) - to_float(cached)) / 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class AdjustedWeights:
    """The weights of a table for one who is warm at one of its deployments."""

    weights: tuple[float, ...]
    stays: tuple[str, ...]


class SessionAffinity:
    """By (namespace, route, session), the most recent; `keep_s` after the last answer all cools."""

    def __init__(self, *, keep_s: float = 300.0) -> None:
        self._keep_s = keep_s
        self._warm: OrderedDict[tuple[str, str, str], Warm] = OrderedDict()
        self._seats: dict[tuple[int, str, tuple[str, ...]], WeightTable] = {}

    def remember(
        self, key: tuple[str, str, str], deployment: str, usage: Usage | None, now: float
    ) -> None:
        """An answer was given; its prompt, and the answer itself, will begin the next prompt."""
        if usage is None:
            return
        read = usage.input_tokens + usage.cache_read_tokens + usage.cache_write_tokens
        self._warm[key] = Warm(deployment, read + usage.output_tokens, now + self._keep_s)
        self._warm.move_to_end(key)
        if len(self._warm) > MAX_SESSIONS:
            self._warm.popitem(last=False)

    def find(self, key: tuple[str, str, str], now: float) -> Warm | None:
        warm = self._warm.get(key)
        return warm if warm is not None and now < warm.until else None

    def seat(self, table: WeightTable, warm: Warm, prices: Prices) -> AdjustedWeights | None:
        """The table's weights for this session; None if they are the same."""
        names = table.deployments
        if table.value_usd is None or warm.deployment not in names:
            return None
        lost_usd = warm.lost_usd(prices)
        arms = dict(zip(names, table.arms, strict=True))
        home = _benefit(arms[warm.deployment], table.value_usd)
        stays = tuple(
            name
            for name in names
            if name != warm.deployment
            and _benefit(arms[name], table.value_usd) - home <= lost_usd > 0
        )
        if not stays:
            return None
        pairs = list(zip(names, table.weights, strict=True))
        kept = sum(weight for name, weight in pairs if name in stays)
        return AdjustedWeights(
            weights=tuple(
                weight + kept if name == warm.deployment else 0.0 if name in stays else weight
                for name, weight in pairs
            ),
            stays=stays,
        )

    def known(self, table: WeightTable, warm: Warm, seat: AdjustedWeights) -> WeightTable | None:
        return self._seats.get((table.version, warm.deployment, seat.stays))

    def keep(
        self, table: WeightTable, warm: Warm, seat: AdjustedWeights, made: WeightTable
    ) -> None:
        """Such tables are few: one for each deployment and each set of those not worth a move."""
        if len(self._seats) >= MAX_SEATS:
            self._seats.clear()
        self._seats[table.version, warm.deployment, seat.stays] = made


def cascades_of(table: WeightTable, weights: tuple[float, ...]) -> tuple[CascadeFacts, ...] | None:
    """The table's cascades, each as much of its deployment's weight as before."""
    if table.cascades is None:
        return None
    share = {
        name: new / old if old > 0 else 0.0
        for name, old, new in zip(table.deployments, table.weights, weights, strict=True)
    }
    return tuple(
        replace(each, weight=each.weight * share[each.deployment]) for each in table.cascades
    )


def _benefit(arm: ArmFacts, value_usd: float) -> float:
    """Net dollars of one request."""
    return value_usd * arm.success_mean - arm.expected_usd
