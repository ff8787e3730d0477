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
    _quiet: dict[int, tuple[Decimal, int]] = field(default_factory=dict)

    def report(self, now: float) -> list[Used]:
        """What is new since the last one; half of what is left of each grant is given back."""
        shared = [each for each in self.book.all_accounts(now) if each.is_shared]
        stirred = [each for each in shared if not self._is_quiet(each)]
        if len(self._quiet) > len(shared):
            self._quiet = {id(each): self._quiet[id(each)] for each in shared}
        return [self._used(each, now) for each in stirred]

    def take(self, grants: Iterable[Grant], now: float) -> None:
        """What the other side answered."""
        for each in grants:
            account = at_place(self.book, each.place, now)
            if account is not None and account.granted_usd is not None:
                elsewhere = max(NOTHING, each.spent_usd - account.own_usd)
                account.take_share(elsewhere, account.granted_usd + each.more_usd)

    def start_anew(self) -> None:
        """There is another leader, which knows what was spent from the store, and of no grant."""
        for account in self.book.all_accounts(-1e18):
            account.elsewhere_usd, account.granted_usd = account.spent_usd, None
        self._quiet.clear()

    def _is_quiet(self, account: Account) -> bool:
        """Nothing has happened since it was told of, and there is something left."""
        granted, own = account.granted_usd, account.own_usd
        told, turns = self._quiet.get(id(account), (None, 0))
        is_same = granted is not None and told == own and not account.held_usd and granted > own
        turns = turns + 1 if is_same else 0
        self._quiet[id(account)] = own, turns
        return turns % QUIET > 0

    def _used(self, account: Account, now: float) -> Used:
        granted = account.granted_usd
        if granted is None:
            granted = account.limit_usd(now) * UNASKED
        taken = account.own_usd + account.held_usd
        left = max(NOTHING, granted - taken)
        account.granted_usd = max(granted, taken) - left + (left / 2).quantize(FINE, ROUND_DOWN)
        return Used(place_of(account), account.own_usd, account.granted_usd)


@dataclass(slots=True)
class Lender:
    """The side of the process that has the sums."""

    book: CapBook
    _used: defaultdict[str, dict[Place, Used]] = field(default_factory=lambda: defaultdict(dict))
    _before: dict[Place, Decimal] = field(default_factory=dict)
    _limits: dict[int, Decimal] = field(default_factory=dict)

    def answer(
        self, borrower: str, used: Iterable[Used], now: float
    ) -> tuple[list[Grant], list[Event]]:
        """What a borrower may spend from now on, and what should be told."""
        grants: list[Grant] = []
        news: list[Event] = []
        for each in used:
            account = self._opened(each.place, now)
            if account is not None:
                self._used[borrower][each.place] = each
                self._share_out(account, now)
                grants.append(self._granted(borrower, account, each, now))
                news += account.news(now)
        return grants, news

    def share_out(self, now: float) -> None:
        """What this process may spend of every sum: all that is granted to no other.

        What others report is shared out when it comes; here what is new, or has another limit.
        """
        shared = [each for each in self.book.all_accounts(now) if each.is_shared]
        for account in shared:
            limit = account.limit_usd(now)
            if account.granted_usd is None or self._limits.get(id(account)) != limit:
                self._limits[id(account)] = limit
                self._share_out(account, now)
        known: list[dict[Place, Any]] = [self._before, *self._used.values()]
        if max(len(self._limits), *map(len, known)) > len(shared):
            forget_over(known, shared)
            self._limits = {id(each): each.limit_usd(now) for each in shared}

    def forget(self, borrower: str, now: float) -> None:
        """It has ended: what it was granted and has not spent is free."""
        for place, used in self._used.pop(borrower, {}).items():
            self._before[place] = self._before.get(place, NOTHING) + used.own_usd
        self._limits.clear()
        self.share_out(now)

    def _opened(self, place: Place, now: float) -> Account | None:
        """The sum, made here where only the borrower knows it yet."""
        if self.book.found(place.cap, place.of, now) is None and self.book.cap(place.cap):
            self.book.open(place.cap, place.of)
        account = at_place(self.book, place, now)
        return account if account is not None and account.is_shared else None

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


def at_place(book: CapBook, place: Place, now: float) -> Account | None:
    """The sum, if its period is still that one."""
    account = book.found(place.cap, place.of, now)
    return account if account is not None and place_of(account) == place else None


def forget_over(known: Iterable[dict[Place, Any]], accounts: Iterable[Account]) -> None:
    """Of periods that have ended, and caps that are gone, nothing need be known."""
    places = {place_of(each) for each in accounts}
    for each in known:
        for place in each.keys() - places:
            del each[place]
