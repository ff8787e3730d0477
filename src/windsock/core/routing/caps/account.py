"""One sum of a cap in its running period: what is spent, and what calls under way may cost."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from math import inf

from windsock.core.model.events import Event, EventKind
from windsock.core.model.units import to_float
from windsock.core.routing.caps.cap import Cap
from windsock.core.routing.caps.periods import span

NOTHING = Decimal(0)

TOLD_AT = (Decimal("0.5"), Decimal("0.8"), Decimal(1))
"""Parts of a cap at which an event tells that so much is spent; once in a period each."""

UNASKED = Decimal(1) / 64
"""Of a cap, what a replica may spend before it was granted anything."""

EASED = 0.9
"""Of the cap, that will be spent at the pace so far, below which there is room again."""

LEAST_ELAPSED, LEAST_SPENT = 0.01, Decimal("0.1")
"""Parts of a period and of its cap before which the pace tells nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Raise:
    """More money for a while.

    of      the account it is for; None: every account of the cap
    until   unix s
    """

    cap: str
    usd: Decimal
    until: float
    of: str | None = None


def raise_of(facts: Mapping[str, object]) -> Raise:
    """A raise as an event tells of it."""
    of = facts.get("of")
    return Raise(
        cap=str(facts["cap"]),
        usd=Decimal(str(facts["usd"])),
        until=float(str(facts["until"])),
        of=None if of is None else str(of),
    )


def alone() -> int:
    """Processes that spend, where there is one."""
    return 1


@dataclass(slots=True, kw_only=True)
class Account:
    """A sum of `cap`; `of` names whose it is where each has its own.

    begins_at, ends_at  of the period that `spent_usd` is for, unix s
    held_usd            reserved by calls under way, of whichever period they began in
    beside_usd          spent in the period by the route beside which it is spent
    refused             calls that found no room, since the start of the service
    raises              those in force or past, shared by all accounts of the cap
    told                how many of TOLD_AT were told in this period
    is_alarmed          it was told that all is spent, or will be, and not that there is room again
    is_shared           other replicas spend of it as well: here only what was granted
    elsewhere_usd       of `spent_usd`, what others have spent
    granted_usd         may be spent here, in all; None: nothing was said yet
    among               processes among which a sum beside a route is divided evenly
    """

    cap: Cap
    of: str
    raises: Sequence[Raise] = ()
    namespace: str | None = None
    begins_at: float = -inf
    ends_at: float = -inf
    spent_usd: Decimal = NOTHING
    held_usd: Decimal = NOTHING
    beside_usd: Decimal = NOTHING
    refused: int = 0
    told: int = 0
    is_pace_told: bool = field(default=False)
    is_alarmed: bool = field(default=False)
    is_shared: bool = False
    elsewhere_usd: Decimal = NOTHING
    granted_usd: Decimal | None = None
    among: Callable[[], int] = alone

    def turn(self, now: float) -> None:
        """Begin the period of `now`, if it is a later one: a clock set back brings none back."""
        if now < self.ends_at:
            return
        self.begins_at, self.ends_at = span(self.cap.period, self.cap.timezone, now)
        self.spent_usd, self.told, self.is_pace_told = NOTHING, 0, False
        self.beside_usd = self.elsewhere_usd = NOTHING
        self.granted_usd = None

    @property
    def own_usd(self) -> Decimal:
        """Spent by this replica."""
        return self.spent_usd - self.elsewhere_usd

    def take_share(self, elsewhere_usd: Decimal, granted_usd: Decimal) -> None:
        """Others have spent so much, and so much may be spent here."""
        self.spent_usd += elsewhere_usd - self.elsewhere_usd
        self.elsewhere_usd, self.granted_usd = elsewhere_usd, granted_usd

    def room_usd(self, now: float) -> Decimal:
        """What may be spent by now in all: the limit, or less where others may spend of it."""
        limit = self.limit_usd(now)
        if not self.is_shared:
            return limit
        granted = limit * UNASKED if self.granted_usd is None else self.granted_usd
        return min(limit, self.elsewhere_usd + granted)

    def limit_usd(self, now: float) -> Decimal:
        """The cap with what it is raised by for now."""
        cap, usd = self.cap, self.cap.usd
        if cap.beside:
            usd /= self.among()
        if cap.share is not None:
            usd = min(usd, cap.share * self.beside_usd)
        return usd + self.raised_usd(now) if self.raises else usd

    def raised_usd(self, now: float) -> Decimal:
        """By how much it is raised for now."""
        mine = (each for each in self.raises if now < each.until and each.of in (None, self.of))
        return sum((each.usd for each in mine), NOTHING)

    def has_room(self, usd: Decimal, now: float) -> bool:
        """Whether a call that may cost so much may begin.

        Calls side by side never reserve more than is left. One that nothing is reserved beside may
        begin while anything is left, or no call would whose bound is far above what it will cost:
        so a cap is passed by one reservation at most, and never where windsock itself asks. What
        costs nothing is always let through.
        """
        self.turn(now)
        if not usd:
            return True
        room = self.room_usd(now)
        if self.spent_usd + self.held_usd + usd <= room:
            return True
        return not self.cap.beside and not self.held_usd and self.spent_usd < room

    def is_spent(self, now: float) -> bool:
        """Whether waiting for calls under way is no use."""
        self.turn(now)
        return self.spent_usd >= self.limit_usd(now)

    def spend(self, usd: Decimal, now: float) -> None:
        """So much has been spent by `now`."""
        self.turn(now)
        self.spent_usd += usd

    def earn(self, usd: Decimal, now: float) -> None:
        """So much has been spent by `now` by the route beside which this is spent."""
        self.turn(now)
        self.beside_usd += usd

    def news(self, now: float) -> Iterator[Event]:
        """What should be told of it that was not told in this period."""
        if not self.spent_usd or self.cap.beside:
            return
        limit, told = self.limit_usd(now), self.told
        self.told = max(told, sum(self.spent_usd >= part * limit for part in TOLD_AT))
        if self.told > told:
            is_spent = self.told == len(TOLD_AT)
            self.is_alarmed |= is_spent
            kind = EventKind.CAP_SPENT if is_spent else EventKind.CAP_NEARED
            yield self._event(kind, now, share=to_float(TOLD_AT[self.told - 1]))
        elif not self.is_pace_told and (at := self.spent_at(now)) is not None:
            self.is_pace_told = self.is_alarmed = True
            yield self._event(EventKind.CAP_OUTPACED, now, spent_at=at)

    def renewed(self, now: float) -> Event | None:
        """That there is room again where it was told that there is none, or soon will be; once."""
        if not self.is_alarmed or self.is_spent(now) or self._pace(now) >= EASED:
            return None
        self.is_alarmed = False
        self.told = sum(self.spent_usd >= part * self.limit_usd(now) for part in TOLD_AT)
        return self._event(EventKind.CAP_RENEWED, now)

    def _pace(self, now: float) -> float:
        """Part of the cap that is spent by the end of the period at its mean pace so far."""
        elapsed_s, length_s = now - self.begins_at, self.ends_at - self.begins_at
        if length_s == inf or not elapsed_s:
            return 0.0
        return to_float(self.spent_usd / self.limit_usd(now)) * length_s / elapsed_s

    def spent_at(self, now: float) -> float | None:
        """When all will be spent at the mean pace of this period, unix s; None if not within it."""
        elapsed_s, limit = now - self.begins_at, self.limit_usd(now)
        length_s = self.ends_at - self.begins_at
        is_early = length_s == inf or elapsed_s < LEAST_ELAPSED * length_s
        if is_early or not LEAST_SPENT * limit <= self.spent_usd < limit:
            return None
        at = self.begins_at + elapsed_s * to_float(limit / self.spent_usd)
        return at if now <= at < self.ends_at else None

    def _event(self, kind: EventKind, now: float, **facts: object) -> Event:
        known = {
            "cap": self.cap.name,
            "usd": to_float(self.limit_usd(now)),
            "spent_usd": to_float(self.spent_usd),
            "period": self.cap.period.value,
            "namespace": self.namespace,
            **facts,
        }
        if self.cap.each:
            known[self.cap.each] = self.of
        return Event(kind=kind, deployment="", at=now, facts=known)
