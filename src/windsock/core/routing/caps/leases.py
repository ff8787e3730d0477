"""Caps over the processes at one port: one has the sums, and grants the others what they may spend.

What is granted is never more than a cap, whoever spends it: a process gives back half of what it
has not used whenever it reports, and is granted its share of what is free. Beyond that stands what
stands for one process alone (`Account.has_room`): a call that is larger than what is left may begin
where nothing is reserved beside it. So a cap is passed by one reservation a process at most.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import ROUND_DOWN, Decimal
from typing import Any, NamedTuple

from windsock.core.model.events import Event
from windsock.core.routing.caps.account import NOTHING, UNASKED, Account
from windsock.core.routing.caps.book import CapBook

FINE = Decimal("1e-12")
"""Dollars to which grants are kept."""

QUIET = 25
"""Reports after which what nobody uses is given back by half again."""


class Place(NamedTuple):
    """A sum of a cap: its name, whose it is, and when its period began, unix s."""

    cap: str
    of: str
    begins_at: float


class Used(NamedTuple):
    """Of one sum, by a process: spent in the period, and granted, all in all; dollars."""

    place: Place
    own_usd: Decimal
    granted_usd: Decimal


class Grant(NamedTuple):
    """The answer: so much more may be spent, and so much is spent by all."""

    place: Place
    more_usd: Decimal
    spent_usd: Decimal


@dataclass(slots=True)
class Borrower:
    """The side of a process that is granted what it may spend. A `report` is answered by a `take`
    before the next one."""

    book: CapBook
    _told: dict[Place, Used] = field(default_factory=dict)
    _quiet: dict[Place, int] = field(default_factory=dict)

    def report(self, now: float) -> list[Used]:
        """What is new since the last one; half of what is left of each grant is given back."""
        shared = [each for each in self.book.all_accounts(now) if each.is_shared]
        found = [used for each in shared if (used := self._used(each, now)) is not None]
        self._told |= {each.place: each for each in found}
        forget_over((self._told, self._quiet), shared)
        return found

    def take(self, grants: Iterable[Grant], now: float) -> None:
        """What the other side answered."""
        accounts = {place_of(each): each for each in self.book.all_accounts(now)}
        for each in grants:
            account = accounts.get(each.place)
            if account is not None and account.granted_usd is not None:
                elsewhere = max(NOTHING, each.spent_usd - account.own_usd)
                account.take_share(elsewhere, account.granted_usd + each.more_usd)

    def start_anew(self) -> None:
        """There is another leader, which knows what was spent from the store, and of no grant."""
        for account in self.book.all_accounts(-1e18):
            account.elsewhere_usd, account.granted_usd = account.spent_usd, None
        self._told.clear()
        self._quiet.clear()

    def _used(self, account: Account, now: float) -> Used | None:
        """None where nothing happened and there is something left."""
        place = place_of(account)
        granted = account.granted_usd
        if granted is None:
            granted = account.limit_usd(now) * UNASKED
        taken = account.own_usd + account.held_usd
        left, known = max(NOTHING, granted - taken), self._told.get(place)
        is_same = known is not None and known.own_usd == account.own_usd and not account.held_usd
        quiet = self._quiet[place] = self._quiet.get(place, 0) + 1 if is_same and left else 0
        if quiet % QUIET:
            return None
        account.granted_usd = max(granted, taken) - left + (left / 2).quantize(FINE, ROUND_DOWN)
        return Used(place, account.own_usd, account.granted_usd)


@dataclass(slots=True)
class Lender:
    """The side of the process that has the sums."""

    book: CapBook
    _used: defaultdict[str, dict[Place, Used]] = field(default_factory=lambda: defaultdict(dict))
    _before: dict[Place, Decimal] = field(default_factory=dict)

    def answer(
        self, borrower: str, used: Iterable[Used], now: float
    ) -> tuple[list[Grant], list[Event]]:
        """What a borrower may spend from now on, and what should be told."""
        accounts = {place_of(each): each for each in self.book.all_accounts(now) if each.is_shared}
        grants: list[Grant] = []
        news: list[Event] = []
        for each in used:
            account = self._opened(each.place, accounts)
            if account is not None:
                self._used[borrower][each.place] = each
                self._share_out(account, now)
                grants.append(self._granted(borrower, account, each, now))
                news += account.news(now)
        return grants, news

    def share_out(self, now: float) -> None:
        """What this process may spend of every sum: all that is granted to no other."""
        shared = [each for each in self.book.all_accounts(now) if each.is_shared]
        for account in shared:
            self._share_out(account, now)
        forget_over((self._before, *self._used.values()), shared)

    def forget(self, borrower: str, now: float) -> None:
        """It has ended: what it was granted and has not spent is free."""
        for place, used in self._used.pop(borrower, {}).items():
            self._before[place] = self._before.get(place, NOTHING) + used.own_usd
        self.share_out(now)

    def _opened(self, place: Place, accounts: dict[Place, Account]) -> Account | None:
        """The sum, made here where only the borrower knows it yet."""
        if place not in accounts and self.book.cap(place.cap) is not None:
            made = self.book.open(place.cap, place.of)
            accounts[place_of(made)] = made
        return accounts.get(place)

    def _share_out(self, account: Account, now: float) -> None:
        place = place_of(account)
        if account.granted_usd is None and place not in self._before:
            self._before[place] = account.elsewhere_usd
        before = self._before.get(place, NOTHING)
        known = [each[place] for each in self._used.values() if place in each]
        others = before + sum((each.own_usd for each in known), NOTHING)
        granted = before + sum((each.granted_usd for each in known), NOTHING)
        account.take_share(others, max(NOTHING, account.limit_usd(now) - granted))

    def _granted(self, borrower: str, account: Account, used: Used, now: float) -> Grant:
        """A share of what is free: the others, and this process, have theirs."""
        free = account.room_usd(now) - account.spent_usd - account.held_usd
        more = (max(NOTHING, free) / (len(self._used) + 1)).quantize(FINE, ROUND_DOWN)
        place = used.place
        self._used[borrower][place] = used._replace(granted_usd=used.granted_usd + more)
        self._share_out(account, now)
        return Grant(place, more, account.spent_usd)


def place_of(account: Account) -> Place:
    """Which sum it is."""
    return Place(account.cap.name, account.of, max(account.begins_at, 0.0))


def forget_over(known: Iterable[dict[Place, Any]], accounts: Iterable[Account]) -> None:
    """Of periods that have ended, and caps that are gone, nothing need be known."""
    places = {place_of(each) for each in accounts}
    for each in known:
        for place in each.keys() - places:
            del each[place]
