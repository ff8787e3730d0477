"""What this replica may spend of each cap: leased in advance, so that no request has to ask.

A replica spends what it was granted, and all grants together are no more than the cap. It is
granted what it is likely to spend in the next minute and a half, and gives back what it does not.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Set
from dataclasses import dataclass, field
from decimal import Decimal

from sqlalchemy import Engine

from windsock.clock import Clock
from windsock.core.routing.caps.account import Account
from windsock.core.routing.caps.book import CapBook
from windsock.store.replicas.shares import Place, Share, give_back, sync

AHEAD_S = 90.0
"""Of spending at the pace so far that is granted in advance: a database that is away for a minute
stops nobody."""

LEAST_PART = Decimal(1) / 64
SHORT_PART = Decimal(1) / 8
"""Of a cap that is granted at least, while there is so much; and where calls were refused."""


@dataclass(slots=True, kw_only=True)
class ShareKeeper:
    """Brings the accounts of a cap book in line with what others have spent and were granted.

    is_read     whether it is known what was spent of a cap before; until then nothing is asked for
    """

    book: CapBook
    engine: Engine
    clock: Clock
    replica: str
    is_read: Callable[[str], bool]
    _before: dict[Place, tuple[Decimal, float]] = field(default_factory=dict)
    _pace: dict[Place, float] = field(default_factory=dict)
    _refused: dict[Place, int] = field(default_factory=dict)

    async def sync(self, replicas: int) -> None:
        """Tell what was spent here, and take what may be; raises StoreError."""
        now = self.clock.now()
        shared = (each for each in self.book.all_accounts(now) if each.is_shared)
        accounts = {_place(each): each for each in shared if self.is_read(each.cap.name)}
        if not accounts:
            return
        wanted = {place: self._wanted(place, each, now) for place, each in accounts.items()}
        self._forget(self._before.keys() - accounts.keys())
        found = await asyncio.to_thread(sync, self.engine, self.replica, wanted, replicas)
        for place, share in found.items():
            account = accounts[place]
            if _place(account) == place:
                account.take_share(share.elsewhere_usd, share.granted_usd)

    def give_back(self) -> None:
        """Nothing more is spent here; it blocks, and raises StoreError."""
        give_back(self.engine, self.replica)

    def _forget(self, over: Set[Place]) -> None:
        """Periods that have ended, and caps that are gone."""
        for place in over:
            del self._before[place], self._refused[place]
            self._pace.pop(place, None)

    def _wanted(self, place: Place, account: Account, now: float) -> Share:
        """What is given back is not spent from now on, before others are granted it."""
        own, limit = account.own_usd, account.limit_usd(now)
        ahead = Decimal(self._paced(place, own)) * Decimal(AHEAD_S)
        part = SHORT_PART if account.refused > self._refused.get(place, 0) else LEAST_PART
        self._refused[place] = account.refused
        most = own + 2 * account.held_usd + max(ahead, limit * part)
        if account.granted_usd is not None:
            account.granted_usd = min(account.granted_usd, most)
        return Share(limit_usd=limit, told_usd=own, granted_usd=most,
                     elsewhere_usd=account.elsewhere_usd)  # fmt: skip

    def _paced(self, place: Place, own: Decimal) -> float:
        """Dollars a second, the last quarter of a minute counting most."""
        elapsed = self.clock.elapsed()
        before, at = self._before.get(place, (own, elapsed))
        self._before[place] = own, elapsed
        if elapsed > at:
            part = min(1.0, (elapsed - at) / 15.0)
            latest = float(own - before) / (elapsed - at)
            known = self._pace.get(place, 0.0)
            self._pace[place] = known + part * (latest - known)
        return max(0.0, self._pace.get(place, 0.0))


def _place(account: Account) -> Place:
    return account.cap.name, account.of, max(account.begins_at, 0.0)
