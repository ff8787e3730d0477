"""All caps and what is spent of them: whether a call may begin, what it holds, what it cost."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field, replace
from decimal import Decimal
from math import inf

from windsock.core.model.events import Event, EventKind
from windsock.core.model.requests import DEFAULT_NAMESPACE, owner_key
from windsock.core.model.units import to_float
from windsock.core.routing.caps.account import NOTHING, Account, Raise, alone
from windsock.core.routing.caps.cap import EVERYTHING, Cap, Charge

MAX_CHARGES = 65_536
"""Kinds of calls whose accounts are remembered."""


Dollars = tuple[Decimal, Decimal, Decimal]
"""(limit, spent, reserved)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyHolder:
    """What caps need to know of a key; `cap` is its own budget."""

    name: str
    namespace: str
    cap: Cap | None = None


@dataclass(slots=True)
class CapBook:
    """Called from one thread only; nothing is awaited between a look and a hold.

    is_idle     nothing is capped: no call needs to ask
    is_shared   other replicas spend of the same caps
    among       processes, this one among them, that spend beside routes, each its even part
    elsewhere   what other processes at this port say of what they spend beside routes, by process
    """

    is_idle: bool = True
    is_shared: bool = False
    among: Callable[[], int] = alone
    elsewhere: dict[str, Mapping[str, Dollars]] = field(default_factory=dict)
    _caps: dict[str, Cap] = field(default_factory=dict)
    _holders: dict[str, KeyHolder] = field(default_factory=dict)
    _accounts: dict[tuple[str, str], Account] = field(default_factory=dict)
    _raises: dict[str, list[Raise]] = field(default_factory=dict)
    _known: dict[Charge, tuple[Account, ...]] = field(default_factory=dict)
    _by_route: dict[str, tuple[Account, ...]] = field(default_factory=dict)
    _key_names: dict[str, str] = field(default_factory=dict)
    _spent: dict[int, Account] = field(default_factory=dict)
    _looked_at: float = -inf

    def adopt(self, caps: Iterable[Cap]) -> list[Cap]:
        """These caps in place of those declared before; those that nothing is known of yet.

        What is spent of a cap stays, where only its dollars were changed.
        """
        before, self._caps = self._caps, {cap.name: cap for cap in caps}
        return self._take_over(before, self._caps)

    def adopt_keys(self, holders: Mapping[str, KeyHolder]) -> list[Cap]:
        """The keys there are, by id; the budgets among theirs that nothing is known of yet."""
        if holders == self._holders:
            return []
        before = _budgets(self._holders)
        self._holders = dict(holders)
        self._key_names = {key_id: holder.name for key_id, holder in holders.items()}
        return self._take_over(before, _budgets(holders))

    def accounts(self, charge: Charge) -> tuple[Account, ...]:
        """Every sum that such a call counts against."""
        known = self._known.get(charge)
        if known is None:
            if len(self._known) >= MAX_CHARGES:
                self._known.clear()
            payer = charge._replace(key_id=owner_key(charge.key_id))
            known = self._known[charge] = tuple(
                self._account(cap, cap.account_of(payer)) for cap in self._covering(payer)
            )
        return known

    def all_accounts(self, now: float) -> list[Account]:
        """As they stand: caps that nothing was spent of yet have theirs, where it is shared."""
        for cap in self._caps.values():
            if not cap.each:
                self._account(cap, EVERYTHING)
        for holder in self._holders.values():
            if holder.cap is not None:
                self._account(holder.cap, EVERYTHING)
        for account in self._accounts.values():
            account.turn(now)
        return list(self._accounts.values())

    def account(self, name: str, now: float) -> Account | None:
        """The sum of a cap that all share, as it stands; None where there is no such cap."""
        cap = self.cap(name)
        if cap is None or cap.each:
            return None
        found = self._account(cap, EVERYTHING)
        found.turn(now)
        return found

    def beside(self, now: float) -> dict[str, Dollars]:
        """What this process spends beside routes, by cap."""
        accounts = (self._account(cap, EVERYTHING) for cap in self._caps.values() if cap.beside)
        return {each.cap.name: _dollars(each, now) for each in accounts}

    def whole(self, account: Account, now: float) -> Dollars:
        """Of a sum, with what other processes at this port spend beside the same route."""
        limit, spent, held = _dollars(account, now)
        for each in self.elsewhere.values() if account.cap.beside else ():
            more = each.get(account.cap.name, (NOTHING, NOTHING, NOTHING))
            limit, spent, held = limit + more[0], spent + more[1], held + more[2]
        return limit, spent, held

    def found(self, name: str, of: str, now: float) -> Account | None:
        """A sum as it stands, if there is one."""
        account = self._accounts.get((name, of))
        if account is not None:
            account.turn(now)
        return account

    def open(self, name: str, of: str) -> Account:
        """A sum of a cap, which must be known."""
        cap = self.cap(name)
        assert cap is not None
        return self._account(cap, of)

    def cap(self, name: str) -> Cap | None:
        """The cap of this name."""
        return self._caps.get(name) or _budgets(self._holders).get(name)

    def caps(self) -> list[Cap]:
        """Those declared, then the budgets of keys."""
        return [*self._caps.values(), *_budgets(self._holders).values()]

    def raise_for_now(self, more: Raise, now: float) -> Event:
        """Have a cap be higher for a while. The cap must be known."""
        self._raises.setdefault(more.cap, []).append(more)
        facts = {"cap": more.cap, "of": more.of, "usd": to_float(more.usd), "until": more.until}
        namespace = {"namespace": DEFAULT_NAMESPACE}
        return Event(kind=EventKind.CAP_RAISED, deployment="", at=now, facts={**facts, **namespace})

    def hear_raise(self, more: Raise) -> None:
        """Another replica says so; what the store told already counts once."""
        known = self._raises.setdefault(more.cap, [])
        if more not in known:
            known.append(more)

    def restore_raises(self, told: Iterable[Raise]) -> None:
        """These raises, in place of those known."""
        for known in self._raises.values():
            known.clear()
        for more in told:
            self._raises.setdefault(more.cap, []).append(more)

    def restore(self, names: Set[str], spent: Iterable[tuple[Charge, Decimal]], now: float) -> None:
        """What was spent on such calls in the running period of these caps; nobody is told.

        What is known of them since may stand in it already, hence the larger is taken.
        """
        sums: dict[int, tuple[Account, Decimal]] = {}
        for charge, usd in spent:
            for account in self.accounts(charge):
                if account.cap.name in names:
                    before = sums.get(id(account), (account, NOTHING))[1]
                    sums[id(account)] = account, before + usd
        for account, usd in sums.values():
            account.turn(now)
            more = max(NOTHING, usd - account.spent_usd)
            self._spend(account, more, now)
            if account.is_shared and account.granted_usd is None:
                account.elsewhere_usd += more
            deque(account.news(now), maxlen=0)

    def restore_beside(self, names: Set[str], route: str, usd: Decimal, now: float) -> None:
        """What a route has spent in the running period of these caps; the larger is taken."""
        for account in self._beside(route):
            if account.cap.name in names:
                account.turn(now)
                account.earn(max(NOTHING, usd - account.beside_usd), now)

    def earn(self, route: str, usd: Decimal, now: float) -> None:
        """A call for a caller of this route has cost so much."""
        for account in self._beside(route):
            account.earn(usd, now)

    def has_spent(self, now: float) -> bool:
        """Whether any cap is spent; known anew once a second."""
        if self._spent and not 0 <= now - self._looked_at < 1.0:
            self._looked_at = now
            self._spent = {key: each for key, each in self._spent.items() if each.is_spent(now)}
        return bool(self._spent)

    def settle(
        self, accounts: Iterable[Account], held_usd: Decimal, usd: Decimal, now: float
    ) -> list[Event]:
        """A call for which so much was held cost so much; what should be told of it."""
        news: list[Event] = []
        for account in accounts:
            account.held_usd = max(NOTHING, account.held_usd - held_usd)
            if usd:
                self._spend(account, usd, now)
                news += account.news(now)
        return news

    def renewed(self, now: float) -> list[Event]:
        """Which caps have room again, of those that were told to have none, or soon none."""
        alarmed = [each for each in self._accounts.values() if each.is_alarmed]
        return [event for each in alarmed if (event := each.renewed(now)) is not None]

    def _spend(self, account: Account, usd: Decimal, now: float) -> None:
        account.spend(usd, now)
        if account.is_spent(now) and not account.cap.beside:
            self._spent[id(account)] = account

    def _take_over(self, before: Mapping[str, Cap], caps: Mapping[str, Cap]) -> list[Cap]:
        """Keep the accounts of caps that are the same but for their dollars, drop the others."""
        kept = {
            name
            for name, cap in caps.items()
            if name in before and replace(before[name], usd=cap.usd, share=cap.share) == cap
        }
        for key, account in list(self._accounts.items()):
            if key[0] in kept:
                account.cap = caps[key[0]]
            elif key[0] in before:
                del self._accounts[key]
        self._known.clear()
        self._by_route.clear()
        self.is_idle = not self._caps and not any(each.cap for each in self._holders.values())
        return [cap for name, cap in caps.items() if name not in kept]

    def _beside(self, route: str) -> tuple[Account, ...]:
        """The sums of what windsock itself spends beside the requests of a route."""
        known = self._by_route.get(route)
        if known is None:
            caps = (each for each in self._caps.values() if each.beside == route)
            known = tuple(self._account(each, EVERYTHING) for each in caps)
            self._by_route[route] = known
        return known

    def _covering(self, charge: Charge) -> Iterator[Cap]:
        holder = self._holders.get(charge.key_id)
        if holder is not None and holder.cap is not None:
            yield holder.cap
        yield from (c for c in self._caps.values() if c.covers(charge, self._key_names))

    def _account(self, cap: Cap, of: str) -> Account:
        found = self._accounts.get((cap.name, of))
        if found is None:
            raises = self._raises.setdefault(cap.name, [])
            namespace = self._namespace(cap, of)
            is_shared = self.is_shared and not cap.beside
            found = Account(
                cap=cap,
                of=of,
                raises=raises,
                namespace=namespace,
                is_shared=is_shared,
                among=self.among,
            )
            self._accounts[cap.name, of] = found
        return found

    def _namespace(self, cap: Cap, of: str) -> str:
        """Whose business an account is: that of its key, else that of who runs the service."""
        key_id = of if cap.each == "key" else next((k for k in cap.keys if k in self._holders), "")
        holder = self._holders.get(key_id)
        is_ones = cap.each == "key" or len(cap.keys) == 1
        return holder.namespace if holder is not None and is_ones else DEFAULT_NAMESPACE


def _dollars(account: Account, now: float) -> Dollars:
    account.turn(now)
    return account.limit_usd(now), account.spent_usd, account.held_usd


def hold(accounts: Iterable[Account], usd: Decimal) -> None:
    """A call that may cost so much begins."""
    for account in accounts:
        account.held_usd += usd


def _budgets(holders: Mapping[str, KeyHolder]) -> dict[str, Cap]:
    return {each.cap.name: each.cap for each in holders.values() if each.cap is not None}
