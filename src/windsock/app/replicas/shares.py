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
from windsock.core.model.events import Event
from windsock.core.routing.caps.account import Account
from windsock.core.routing.caps.book import CapBook
from windsock.core.routing.caps.periods import span
from windsock.store.replicas.shares import Place, Share, accounts_of, give_back, sync

AHEAD_S = 90.0
"""Of spending at the pace so far that is granted in advance: a database that is away for a minute
stops nobody."""

LEAST_PART = Decimal(1) / 64
SHORT_PART = Decimal(1) / 8
"""Of a cap that is granted at least, while there is so much; and where calls were refused."""

QUIET_S = 2.0
"""After which an account is looked at of which nothing is spent here."""


@dataclass(slots=True, kw_only=True)
class ShareKeeper:
    """Brings the accounts of a cap book in line with what others have spent and were granted.

    is_read     whether it is known what was spent of a cap before; until then nothing is asked for
    publish     told what follows from what all have spent
    """

    book: CapBook
    engine: Engine
    clock: Clock
    replica: str
    is_read: Callable[[str], bool]
    publish: Callable[[Event], object]
    _before: dict[Place, tuple[Decimal, float]] = field(default_factory=dict)
    _pace: dict[Place, float] = field(default_factory=dict)
    _refused: dict[Place, int] = field(default_factory=dict)
    _looked_at: float = -1e9

    async def sync(self, replicas: int, *, leads: bool = False) -> None:
        """Tell what was spent here, and take what may be; raises StoreError.

        leads   it tells what is spent for all, also of what it spends nothing of itself
        """
        now = self.clock.now()
        if leads:
            await self._open_all(now)
        shared = (each for each in self.book.all_accounts(now) if each.is_shared)
        accounts = {_place(each): each for each in shared if self.is_read(each.cap.name)}
        self._forget(self._before.keys() - accounts.keys())
        due = {place: each for place, each in accounts.items() if self._is_due(place, each)}
        if not due:
            return
        wanted = {place: self._wanted(place, each, now) for place, each in due.items()}
        found = await asyncio.to_thread(sync, self.engine, self.replica, wanted, replicas)
        for place, share in found.items():
            account = accounts[place]
            if _place(account) == place:
                account.take_share(share.elsewhere_usd, share.granted_usd)
                for event in account.news(self.clock.now()):
                    self.publish(event)

    def give_back(self) -> None:
        """Nothing more is spent here; it blocks, and raises StoreError."""
        give_back(self.engine, self.replica)

    async def _open_all(self, now: float) -> None:
        """Accounts of which others alone spend, looked for once in a while."""
        if self.clock.elapsed() - self._looked_at < QUIET_S:
            return
        self._looked_at = self.clock.elapsed()
        caps = [cap for cap in self.book.caps() if not cap.beside]
        periods = {(cap.name, max(span(cap.period, cap.timezone, now)[0], 0.0)) for cap in caps}
        if periods:
            for cap, of in await asyncio.to_thread(accounts_of, self.engine, periods):
                if self.book.cap(cap) is not None:
                    self.book.open(cap, of)

    def _is_due(self, place: Place, account: Account) -> bool:
        """Something has happened, or nothing for a while."""
        own, at = self._before.get(place, (None, 0.0))
        is_same = own == account.own_usd and account.refused == self._refused.get(place)
        return not is_same or bool(account.held_usd) or self.clock.elapsed() - at >= QUIET_S

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
        return Share(
            limit_usd=limit, told_usd=own, granted_usd=most, elsewhere_usd=account.elsewhere_usd
        )

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
