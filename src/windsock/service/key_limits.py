"""What a key may use within a minute, requests and tokens, and what it may ask for by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from math import ceil

from windsock.core.model.requests import RouteRequest
from windsock.core.replicas.rates import Place
from windsock.core.routing.naming.patterns import matches
from windsock.core.routing.routes import Route
from windsock.errors import BadRequest, CallerError, LimitReached, UnknownRoute
from windsock.service.auth import Principal
from windsock.service.minutes import MINUTE_S, Minute

MORE_S = 2.0
"""Within which a replica is granted more of a limit of which others use less."""

KEPT_IDLE = 1024
"""Limits that are remembered at least, though nothing of them was used for a minute."""

TYPICAL_ANSWER_TOKENS = 500
"""Reserved for an answer whose length the caller leaves open."""

Headers = list[tuple[bytes, bytes]]

Resolve = Callable[[RouteRequest], Route]
"""The route of a request; raises UnknownRoute or BadRequest."""


class NotAllowed(CallerError):
    """The key may not ask for this name (status 403)."""

    def __init__(self, name: str, allowed: Iterable[str]) -> None:
        super().__init__(f"this key may not ask for {name!r}; it may ask for {', '.join(allowed)}")


@dataclass(slots=True, kw_only=True)
class Allowance:
    """One request's part of what its key may use: reserved when it comes, settled when it ends.

    spent   tells what it has used of tokens; None: nothing was asked of anybody
    most_tokens     that the key may use a minute, at whichever of several replicas; None: as here
    """

    requests: Minute | None
    tokens: Minute | None
    clock: Callable[[], float]
    spent: Callable[[], int] | None = None
    most_tokens: int | None = None
    _reserved: int = 0
    _at: float = 0.0
    _is_open: bool = False

    def reserve(self, prompt_tokens: int, answer_tokens: int | None) -> None:
        """Set tokens aside for a prompt and its answer; raises LimitReached.

        answer_tokens   the most that it may have, None where the caller does not say
        """
        if self.tokens is None:
            return
        limit, now = self.tokens.limit, self.clock()
        most = self.most_tokens or limit
        if prompt_tokens > most:
            raise LimitReached(
                f"the prompt has about {prompt_tokens} tokens, and this key may use {most} a "
                "minute; send less at a time"
            )
        wanted = prompt_tokens + (TYPICAL_ANSWER_TOKENS if answer_tokens is None else answer_tokens)
        amount = max(prompt_tokens, min(wanted, limit))
        _claim(self.tokens, amount, now, "tokens")
        self._reserved, self._at, self._is_open = amount, now, True
        self.tokens.open += 1

    def watch(self, spent: Callable[[], int]) -> None:
        """From now on this tells what has been used of tokens."""
        if self.tokens is not None:
            self.spent = spent

    def settle(self) -> None:
        """In place of what was set aside stands what was used."""
        if self.tokens is None:
            return
        more = (self.spent() if self.spent is not None else 0) - self._reserved
        if more > 0:
            self.tokens.add(more, self.clock())
        else:
            self.tokens.give_back(-more, self._at)
        self.tokens.open -= self._is_open
        self._reserved, self.spent, self._is_open = 0, None, False

    def headers(self) -> Headers:
        """How much is left, as OpenAI's clients read it."""
        return [
            *_told(b"requests", self.requests, self.clock()),
            *_told(b"tokens", self.tokens, self.clock()),
        ]


NO_LIMITS = Allowance(requests=None, tokens=None, clock=lambda: 0.0)


class KeyLimits:
    """Requests and tokens a minute of every key that has such limits. In memory only.

    What nobody has used of for a minute is forgotten, once it is half of what is kept.

    Processes at one port tell each other what they let in (`take`, `hear`): a limit is passed by
    what the others let in between two such words.

    Among replicas each has an even part of a limit, or a share of it that it was granted
    (`service/rate_shares.py`).

    clock       seconds that never step back
    replicas    that are there
    """

    def __init__(self, clock: Callable[[], float], replicas: Callable[[], int] = lambda: 1) -> None:
        self._clock = clock
        self._replicas = replicas
        self._minutes: dict[Place, Minute] = {}
        self._room = KEPT_IDLE

    def take(self) -> list[tuple[str, str, int]]:
        """(key, what, how much) was used here since the last time."""
        used = [(*name, minute.taken()) for name, minute in self._minutes.items()]
        return [each for each in used if each[2]]

    def hear(self, used: Iterable[tuple[str, str, int]]) -> None:
        """So much was used by another process."""
        for key_id, kind, amount in used:
            minute = self._of((key_id, kind))
            minute.add(amount, self._clock())
            minute.told += amount

    def enter(self, caller: Principal) -> Allowance:
        """Count one request of this caller; raises LimitReached with when to come again."""
        if caller.key_id is None or not caller.is_limited:
            return NO_LIMITS
        requests = self._minute(caller.key_id, "requests", caller.rpm)
        if requests is not None:
            _claim(requests, 1, self._clock(), "requests")
        tokens = self._minute(caller.key_id, "tokens", caller.tpm)
        return Allowance(
            requests=requests, tokens=tokens, clock=self._clock, most_tokens=caller.tpm
        )

    def minute(self, place: Place, most: int) -> Minute:
        """A key's own, with its limit as it is now."""
        minute = self._of(place)
        minute.most = most
        minute.lease(minute.share, self._replicas())
        return minute

    def minutes(self) -> Iterable[tuple[Place, Minute]]:
        """All of them that are limited here."""
        return [each for each in self._minutes.items() if each[1].most]

    def _of(self, place: Place) -> Minute:
        minute = self._minutes.get(place)
        if minute is None:
            if len(self._minutes) >= self._room:
                self._forget_idle()
            minute = self._minutes[place] = Minute(0)
        return minute

    def _forget_idle(self) -> None:
        now = self._clock()
        kept = {place: each for place, each in self._minutes.items() if not each.is_idle(now)}
        self._minutes, self._room = kept, max(KEPT_IDLE, 2 * len(kept))

    def _minute(self, key_id: str, kind: str, limit: int | None) -> Minute | None:
        return None if limit is None else self.minute((key_id, kind), limit)


def check_names(caller: Principal, names: Iterable[str], resolve: Resolve) -> None:
    """Raises NotAllowed for the first of these names that the key may not ask for."""
    if caller.models:
        for name in names:
            if not may_name(caller, name, resolve):
                raise NotAllowed(name, caller.models)


def may_name(caller: Principal, name: str, resolve: Resolve) -> bool:
    """Whether a key lists a name, or the route that it means."""
    if not caller.models or any(matches(glob, name) for glob in caller.models):
        return True
    try:
        route = resolve(RouteRequest(model=name)).name
    except (UnknownRoute, BadRequest):
        return False
    return any(matches(glob, route) for glob in caller.models)


def _claim(minute: Minute, amount: int, now: float, what: str) -> None:
    is_more = amount > minute.limit
    wait_s = float(MINUTE_S) if is_more else minute.free_in_s(amount, now)
    if wait_s:
        minute.refuse(amount, now)
        is_part = minute.limit < minute.most
        if is_part and not minute.is_short:
            wait_s = min(wait_s, MORE_S)
        here = f", {minute.limit} of them at this replica just now" if is_part else ""
        has = f"this needs {amount}" if is_more else "and has"
        raise LimitReached(
            f"this key may use {max(minute.limit, minute.most)} {what} a minute{here}, {has}; "
            f"try again in {ceil(wait_s)} s",
            retry_after_s=wait_s,
        )
    minute.add(amount, now)


def _told(kind: bytes, minute: Minute | None, now: float) -> Iterator[tuple[bytes, bytes]]:
    if minute is None:
        return
    whole_in_s = minute.free_in_s(minute.limit, now)
    left = max(0, minute.limit - minute.used)
    yield b"x-ratelimit-limit-" + kind, b"%d" % max(minute.limit, minute.most)
    yield b"x-ratelimit-remaining-" + kind, b"%d" % left
    yield b"x-ratelimit-reset-" + kind, b"%ds" % ceil(whole_in_s)
