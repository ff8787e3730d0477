"""This replica's shares of limits a minute: what it claims, what it was granted, for how long.

Where no claim stands each replica has its even part, and the database knows of nothing. A share
holds for LEASE_S without a word from the database, so that one that is away for a minute stops
nobody; then it is no more than the even part, and an even part again when all that others were
granted before has passed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from windsock.core.replicas.rates import LEASE_S, OVER_S, Claim, Place, Share, even_part
from windsock.service.key_limits import KeyLimits
from windsock.service.minutes import Minute

QUIET_S = 2.0
"""After which a share is claimed anew of which nothing is used."""


class RateShares:
    """Called from the event loop only.

    clock       seconds that never step back
    replicas    that are there
    """

    def __init__(
        self, limits: KeyLimits, clock: Callable[[], float], replicas: Callable[[], int]
    ) -> None:
        self._limits = limits
        self._clock = clock
        self._replicas = replicas
        self._told: dict[Place, tuple[Minute, Claim | None, float]] = {}
        self._claimed_at = 0.0

    def claims(self, elsewhere: Iterable[tuple[Place, int]] = ()) -> dict[Place, Claim]:
        """What there is to tell. What is given back is not used from now on.

        elsewhere   places that others claim, and what all may use there
        """
        now, found = self._clock(), {}
        self._claimed_at = now
        for place, most in elsewhere:
            minute = self._limits.minute(place, most)
            if minute.share is None:
                even = even_part(most, self._replicas())
                self._told[place] = minute, None, now
                self._lease(minute, max(minute.used_at(now), min(even, minute.wanted(now))))
        for place, minute in self._limits.minutes():
            claim = self._claim(minute, now)
            if claim is not None and self._is_news(place, claim, now):
                found[place] = claim
                minute.refused = 0
        return found

    def take_back(self) -> None:
        """What `claims` found last was not told to anybody: what was given back is not."""
        for place, (minute, claim, at) in list(self._told.items()):
            if claim is None and at == self._claimed_at:
                del self._told[place]
                self._lease(minute, None)

    def take(self, granted: Mapping[Place, Share | None], claims: Mapping[Place, Claim]) -> None:
        """The answer to what `claims` found last."""
        now = self._clock()
        for place, share in granted.items():
            claim = claims[place]
            minute = self._limits.minute(place, claim.most)
            minute.is_short = share is not None and share.aim < claim.wanted
            if share is None:
                self._told.pop(place, None)
                self._lease(minute, None)
            else:
                self._told[place] = minute, claim, self._claimed_at
                self._lease(minute, min(share.share, max(share.aim, minute.used_at(now))))

    def age(self) -> None:
        """Let go of what was not granted anew for long."""
        now = self._clock()
        for place, (minute, _, at) in list(self._told.items()):
            if now - at > OVER_S:
                del self._told[place]
                self._lease(minute, None)
            elif now - at > LEASE_S and minute.share is not None:
                self._lease(minute, min(minute.share, even_part(minute.most, self._replicas())))

    def _claim(self, minute: Minute, now: float) -> Claim | None:
        """None: its even part will do."""
        wanted, even = minute.wanted(now), even_part(minute.most, self._replicas())
        if minute.share is None and (wanted <= even or even == minute.most):
            return None
        share = even if minute.share is None else minute.share
        return Claim(most=minute.most, share=max(share, minute.used_at(now)), wanted=wanted)

    def _is_news(self, place: Place, claim: Claim, now: float) -> bool:
        _, told, at = self._told.get(place, (None, None, 0.0))
        return claim != told or claim.share < claim.wanted or now - at >= QUIET_S

    def _lease(self, minute: Minute, share: int | None) -> None:
        minute.lease(share, self._replicas())
