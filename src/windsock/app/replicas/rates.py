"""Claims this replica's shares of limits a minute, and takes what it is granted."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Engine

from windsock.clock import Clock
from windsock.core.replicas.rates import Place
from windsock.errors import StoreError
from windsock.service.rate_shares import QUIET_S, RateShares
from windsock.store.replicas.rates import MaybeClaimed, claim, claimed


@dataclass(slots=True, kw_only=True)
class RateKeeper:
    """is_called     others need what is not used here: it is looked for at once"""

    shares: RateShares
    engine: Engine
    clock: Clock
    replica: str
    is_called: bool = False
    _looked_at: float = -1e9

    async def sync(self, there: Collection[str]) -> None:
        """Claim what is needed, give back what is not; raises StoreError.

        there   replicas that are; nothing is claimed unless this one is among several
        """
        if len(there) < 2 or self.replica not in there:
            return
        claims = self.shares.claims(await self._elsewhere())
        if not claims:
            return
        try:
            found = await asyncio.to_thread(claim, self.engine, self.replica, claims, there=there)
        except MaybeClaimed:  # others may have by now what was given back
            raise
        except StoreError:
            self.shares.take_back()
            raise
        self.shares.take(found, claims)

    async def _elsewhere(self) -> list[tuple[Place, int]]:
        now = self.clock.elapsed()
        if not self.is_called and now - self._looked_at < QUIET_S:
            return []
        self.is_called, self._looked_at = False, now
        return list((await asyncio.to_thread(claimed, self.engine)).items())
