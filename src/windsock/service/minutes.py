"""What was used of one limit within the last minute, second by second."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from windsock.core.replicas.rates import even_part

MINUTE_S = 60

AGAIN_S = 5.0
"""Within which one that was refused comes again: so long what it needs is wanted."""


@dataclass(slots=True)
class Minute:
    """What was used in the last 60 s, by second: within any minute never more than `limit`.

    `now` is of a clock that never steps back.

    told    of all that was ever used, what other processes know of
    most    that may be used at all replicas; 0: as here
    share   of it that was granted here; None: this replica's even part
    is_short    no more is granted before some of it has passed
    refused     since it was last claimed
    needed      most that any one request was refused of late
    open        requests under way that have still to tell what they use
    """

    limit: int
    used: int = 0
    told: int = 0
    most: int = 0
    share: int | None = None
    is_short: bool = False
    refused: int = 0
    needed: int = 0
    open: int = 0
    _needed_at: float = 0.0
    _sum: int = 0
    _by_second: deque[list[int]] = field(default_factory=deque)

    def free_in_s(self, amount: int, now: float) -> float:
        """Seconds until so much may be used, 0 if it may now; at most a minute."""
        self._forget(now)
        excess = self.used + min(amount, self.limit) - self.limit
        if excess <= 0:
            return 0.0
        for second, part in self._by_second:
            excess -= part
            if excess <= 0:
                return max(0.0, second + 1 + MINUTE_S - now)
        return float(MINUTE_S)

    def add(self, amount: int, now: float) -> None:
        """Use so much."""
        self._forget(now)
        self.used += amount
        self._sum += amount
        if self._by_second and self._by_second[-1][0] == int(now):
            self._by_second[-1][1] += amount
        else:
            self._by_second.append([int(now), amount])

    def give_back(self, amount: int, at: float) -> None:
        """Of what was used at `at`, if that is not over a minute ago."""
        for each in reversed(self._by_second):
            if each[0] == int(at):
                each[1] -= amount
                self.used -= amount
                self._sum -= amount
                return

    def refuse(self, amount: int, now: float) -> None:
        """So much would have been used."""
        self.refused += amount
        if now - self._needed_at > AGAIN_S or amount >= self.needed:
            self.needed, self._needed_at = amount, now

    def wanted(self, now: float) -> int:
        """Twice what was used of late and what was refused since; and room for whoever was."""
        used = self.used_at(now)
        needed = self.needed if now - self._needed_at <= AGAIN_S else 0
        return min(self.most, max(2 * used + self.refused, used + needed))

    def used_at(self, now: float) -> int:
        """Within the minute before."""
        self._forget(now)
        return self.used

    def is_idle(self, now: float) -> bool:
        """Whether a new one would be the same."""
        return not self.used_at(now) and not self.open and self.share is None

    def lease(self, share: int | None, replicas: int) -> None:
        """So much may be used here, None: the even part; one that comes alone in any case.

        A limit that was lowered since the share was granted is lower at once.
        """
        self.share = share
        part = even_part(self.most, replicas) if share is None else min(share, self.most)
        self.limit = max(1, part)

    def taken(self) -> int:
        """What was used since this was last asked, and is not told of; less than 0: given back."""
        amount, self.told = self._sum - self.told, self._sum
        return amount

    def _forget(self, now: float) -> None:
        while self._by_second and self._by_second[0][0] + 1 + MINUTE_S <= now:
            self.used -= self._by_second.popleft()[1]
