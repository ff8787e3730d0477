"""Caps over several processes: one has the sums, and lends the others what they may reserve.

What is spent, reserved and lent never passes a cap, whoever reserves: a process gives back half of
what it has not used whenever it reports, and is lent its share of what is free. Beyond that stands
what stands for one process alone (`Account.has_room`): a call that is larger than what is left may
begin where nothing is reserved beside it. So a cap is passed by one reservation a process at most.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from windsock.core.model.events import Event
from windsock.core.routing.caps.account import NOTHING, Account
from windsock.core.routing.caps.book import FIRST_LEASE, CapBook

FINE = Decimal("1e-12")
"""Dollars to which leases are kept."""

QUIET = 25
"""Reports after which a lease that nobody uses is halved again."""


class Used(NamedTuple):
    """Of one sum, by a borrower.

    spent_usd   since its start
    held_usd    reserved by calls under way
    kept_usd    of its lease, that it keeps
    """

    cap: str
    of: str
    spent_usd: Decimal
    held_usd: Decimal
    kept_usd: Decimal


class Lent(NamedTuple):
    """The answer: so much more may be reserved, and so much is spent by all."""

    cap: str
    of: str
    more_usd: Decimal
    spent_usd: Decimal


@dataclass(slots=True)
class Borrower:
    """The side of a process that is lent what it may reserve. A `report` is answered by a `take`
    before the next one."""

    book: CapBook
    _told: dict[tuple[str, str], Used] = field(default_factory=dict)
    _quiet: dict[tuple[str, str], int] = field(default_factory=dict)

    def report(self, now: float) -> list[Used]:
        """What is new since the last one; half of each lease is given back by it."""
        found = [used for each in self.book.all_accounts(now) if (used := self._used(each))]
        self._told |= {(each.cap, each.of): each for each in found}
        return found

    def take(self, lent: Iterable[Lent], now: float) -> None:
        """What the lender answered."""
        for each in lent:
            account = self.book.account(each.cap, each.of)
            if account is not None:
                account.turn(now)
                account.lease_usd += each.more_usd
                account.spent_usd = each.spent_usd
                if not each.more_usd:
                    self._quiet.pop((each.cap, each.of), None)

    def start_anew(self) -> None:
        """There is another lender, which knows what was spent from the store, and of no lease."""
        for account in self.book.in_use():
            known = self._told.pop((account.cap.name, account.of), None)
            account.here_usd -= known.spent_usd if known else NOTHING
            account.lease_usd = min(account.lease_usd, FIRST_LEASE)
        self._quiet.clear()

    def _used(self, account: Account) -> Used | None:
        """None where nothing happened and there is something left."""
        name = account.cap.name, account.of
        spare, known = max(NOTHING, account.lease_usd), self._told.get(name)
        is_same = known is not None and known[2:4] == (account.here_usd, account.held_usd)
        quiet = self._quiet[name] = self._quiet.get(name, 0) + 1 if is_same and spare else 0
        if quiet % QUIET:
            return None
        kept = (spare / 2).quantize(FINE)
        account.lease_usd += kept - spare
        return Used(*name, account.here_usd, account.held_usd, kept)


@dataclass(slots=True)
class Lender:
    """The side of the process that has the sums."""

    book: CapBook
    _used: defaultdict[str, dict[tuple[str, str], Used]] = field(
        default_factory=lambda: defaultdict(dict)
    )

    def answer(
        self, borrower: str, used: Iterable[Used], now: float
    ) -> tuple[list[Lent], list[Event]]:
        """What a borrower may reserve from now on, and what should be told."""
        lent, news = [], []
        for each in used:
            account = self.book.account(each.cap, each.of)
            if account is not None:
                news += self._count(borrower, account, each, now)
                lent.append(self._lent(borrower, account, each, now))
        return lent, news

    def forget(self, borrower: str) -> None:
        """It has ended: what it reserved and was lent is free."""
        for name in self._used.pop(borrower, {}):
            account = self.book.account(*name)
            if account is not None:
                self._sum_up(account)

    def _count(self, borrower: str, account: Account, used: Used, now: float) -> list[Event]:
        before = self._used[borrower].get((used.cap, used.of))
        self._used[borrower][used.cap, used.of] = used
        account.turn(now)
        news = self.book.count_elsewhere(
            account, used.spent_usd - (before.spent_usd if before else NOTHING), now
        )
        self._sum_up(account)
        return news

    def _lent(self, borrower: str, account: Account, used: Used, now: float) -> Lent:
        """A share of what is free: the others, and this process, have theirs."""
        free = account.free_usd(now)
        more = max(NOTHING, free / (len(self._used) + 1)).quantize(FINE, rounding="ROUND_DOWN")
        name = used.cap, used.of
        self._used[borrower][name] = used._replace(kept_usd=used.kept_usd + more)
        self._sum_up(account)
        return Lent(*name, more, account.spent_usd)

    def _sum_up(self, account: Account) -> None:
        name = account.cap.name, account.of
        known = (each[name] for each in self._used.values() if name in each)
        account.elsewhere_usd = sum((u.held_usd + u.kept_usd for u in known), NOTHING)
