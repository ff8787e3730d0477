"""What a provider is shown and what expires: fetched beside the requests, renewed in time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from windsock.clock import Clock
from windsock.providers.transport import Unreachable, said

T = TypeVar("T")

FAILED_S = 10.0
"""After a failed attempt nobody tries again for so long: requests do not queue up for it."""

AHEAD_S = 300.0
"""Before its end a lease is renewed, or in its last quarter if it is short."""


class NoCredential(Unreachable):
    """There is nothing to show to the provider: it cannot be asked."""


@dataclass(frozen=True, slots=True)
class Lease(Generic[T]):
    """What may be shown, for `lives_s` seconds from when it was fetched.

    renew_s     seconds after which to ask for the next one; None: shortly before the end
    """

    value: T
    lives_s: float
    renew_s: float | None = None


class Renewed(Generic[T]):
    """The lease in force.

    what    names it in errors: "the Entra token of providers.azure"
    fetch   gets a new one; called in a worker thread, since libraries wait for a network in it
    """

    def __init__(self, what: str, fetch: Callable[[], Lease[T]], clock: Clock) -> None:
        self._what = what
        self._fetch = fetch
        self._clock = clock
        self._lease: Lease[T] | None = None
        self._since = 0.0
        self._failure: NoCredential | None = None
        self._failed_at = float("-inf")
        self._turn = asyncio.Lock()

    @property
    def last(self) -> T | None:
        """The value fetched last, valid or not."""
        return self._lease.value if self._lease else None

    @property
    def is_due(self) -> bool:
        """It should be renewed now."""
        age_s = self._clock.elapsed() - self._since
        return not self._has_failed() and (self._lease is None or age_s >= _renew_s(self._lease))

    async def renew(self) -> None:
        """Fetch a new one if it is due; raises NoCredential."""
        async with self._turn:
            if self.is_due:
                await self._fetched()

    async def current(self) -> T:
        """The value in force, waited for only where there is none yet; raises NoCredential."""
        if not self._is_valid():
            await self.renew()
        if self._lease is None or not self._is_valid():
            raise self._failure or NoCredential(f"{self._what} has expired")
        return self._lease.value

    async def _fetched(self) -> None:
        try:
            lease = await asyncio.to_thread(self._fetch)
        except Exception as error:  # whatever a library raises, the provider cannot be asked
            self._failed_at = self._clock.elapsed()
            self._failure = NoCredential(f"{self._what} cannot be had: {said(error)}")
            raise self._failure from error
        self._lease, self._since, self._failure = lease, self._clock.elapsed(), None

    def _is_valid(self) -> bool:
        lease = self._lease
        return lease is not None and self._clock.elapsed() < self._since + lease.lives_s

    def _has_failed(self) -> bool:
        is_recent = self._clock.elapsed() < self._failed_at + FAILED_S
        return self._failure is not None and is_recent


def _renew_s(lease: Lease[T]) -> float:
    if lease.renew_s is not None:
        return lease.renew_s
    return max(lease.lives_s * 0.75, lease.lives_s - AHEAD_S)
