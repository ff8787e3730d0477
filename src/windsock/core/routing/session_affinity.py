"""Warm conversations: where a session was answered last, and what leaving that place would cost.

Providers keep the beginning of a prompt for minutes and bill it at the price of a cached read. A
request of a session that goes elsewhere pays for all of it anew. It is drawn from the same weights
as any other, less the mass of deployments whose advantage does not cover that loss, which stays.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace

from windsock.core.model.decisions import ArmFacts, CascadeFacts, WeightTable
from windsock.core.model.requests import RouteRequest
from windsock.core.model.units import Meter, Prices, Usage, to_float

MAX_SESSIONS = 50_000
"""Conversations that are remembered; the one answered longest ago is forgotten first."""

MAX_ADJUSTED_TABLES = 1024

SessionKey = tuple[str, str, str]
"""(namespace, route, session)."""


@dataclass(frozen=True, slots=True)
class Warm:
    """tokens: of the prompt that the deployment has read, and may still hold, until then."""

    deployment: str
    tokens: int
    until: float

    def lost_usd(self, prices: Prices) -> float:
        """What the same tokens cost more where they are not held; 0 if caching is not priced.

        prices  of this deployment, USD per million tokens
        """
        full, cached = prices.get(Meter.INPUT), prices.get(Meter.CACHE_READ)
        if full is None or cached is None:
            return 0.0
        return self.tokens * max(0.0, to_float(full) - to_float(cached)) / 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class AdjustedWeights:
    """The weights of a table for one who is warm at one of its deployments.

    stays   deployments that are not worth the move; their mass goes to the warm one
    """

    weights: tuple[float, ...]
    stays: tuple[str, ...]


class SessionAffinity:
    """The most recent conversations; `keep_s` after its last answer a conversation is cold."""

    def __init__(self, *, keep_s: float = 300.0) -> None:
        self._keep_s = keep_s
        self._warm: OrderedDict[SessionKey, Warm] = OrderedDict()
        self._tables: dict[tuple[int, str, tuple[str, ...]], WeightTable] = {}

    def remember(self, key: SessionKey, deployment: str, usage: Usage | None, now: float) -> None:
        """An answer was given; its prompt, and the answer itself, will begin the next prompt."""
        if usage is None:
            return
        tokens = usage.prompt_tokens - usage.audio_input_tokens + usage.output_tokens
        self._warm[key] = Warm(deployment, tokens, now + self._keep_s)
        self._warm.move_to_end(key)
        if len(self._warm) > MAX_SESSIONS:
            self._warm.popitem(last=False)

    def find(self, key: SessionKey, now: float) -> Warm | None:
        """Where a conversation was answered last; None once that is too long ago."""
        warm = self._warm.get(key)
        return warm if warm is not None and now < warm.until else None

    def home(self, request: RouteRequest, route: str) -> str | None:
        """Where a session was answered last, however long ago; None if it is not remembered."""
        if request.session_id is None:
            return None
        warm = self._warm.get((request.namespace, route, request.session_id))
        return None if warm is None else warm.deployment

    def adjust(self, table: WeightTable, warm: Warm, prices: Prices) -> AdjustedWeights | None:
        """The table's weights for this conversation; None if they are the same."""
        names = table.deployments
        if table.value_usd is None or warm.deployment not in names:
            return None
        stays = _not_worth_a_move(table, warm, warm.lost_usd(prices), table.value_usd)
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

    def table_of(
        self,
        table: WeightTable,
        warm: Warm,
        adjusted: AdjustedWeights,
        make: Callable[[], WeightTable],
    ) -> WeightTable:
        """The table of these weights, made once.

        Such tables are few: one for each deployment and each set of those not worth a move.
        """
        key = (table.version, warm.deployment, adjusted.stays)
        found = self._tables.get(key)
        if found is None:
            if len(self._tables) >= MAX_ADJUSTED_TABLES:
                self._tables.clear()
            found = self._tables[key] = make()
        return found


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


def _not_worth_a_move(
    table: WeightTable, warm: Warm, lost_usd: float, value_usd: float
) -> tuple[str, ...]:
    """Deployments whose advantage over the warm one does not cover what a move loses."""
    if lost_usd <= 0:
        return ()
    benefits = {arm.deployment: _benefit(arm, value_usd) for arm in table.arms}
    home = benefits[warm.deployment]
    return tuple(
        name
        for name in table.deployments
        if name != warm.deployment and benefits[name] - home <= lost_usd
    )


def _benefit(arm: ArmFacts, value_usd: float) -> float:
    """Net dollars of one request."""
    return value_usd * arm.success_mean - arm.expected_usd
