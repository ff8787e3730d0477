"""What a refusal says of a key, an account, a model or a limit, held against who is answered there.

A key may be refused for what one request asks: a tool, a file or a tier that is not the key's. And
where capacity is shared by all of a provider's customers, some calls are refused for a rate while
the next ones are answered.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from windsock.core.model.calls import FAILURES, LASTING, CallKind, CallResult

PROVEN_S = 10.0
"""For so long an answer proves key, account and model."""

DOUBTED_S = 60.0
"""For so long one request alone is not believed where others were answered before."""

LIMITS_BELIEVED = 3
"""Rate limits without a delay, nobody answered between, that are believed of who answers others; of
who has answered nobody of late, that end its being asked for want of others."""


class Proofs:
    """Who has answered when, and which request was told first since then that nobody is."""

    def __init__(self) -> None:
        self._answered_at: dict[str, float] = {}
        self._told_first: dict[str, tuple[int, float]] = {}
        self._limited: dict[str, int] = {}
        self._guessed: dict[str, tuple[int, float]] = {}

    def answered(self, deployment: str, now: float) -> None:
        """A whole answer came."""
        self._answered_at[deployment] = now
        if self._told_first:
            self._told_first.pop(deployment, None)
        if self._limited:
            self._limited.pop(deployment, None)
        if self._guessed:
            self._guessed.pop(deployment, None)

    def is_proven(self, deployment: str, now: float) -> bool:
        """True if it has answered so lately that a word against its key or model is doubted."""
        return now - self._answered_at.get(deployment, -math.inf) <= PROVEN_S

    def is_doubted(self, result: CallResult, account: Iterable[str], now: float) -> bool:
        """True if it is taken for the fault of the request, until others are told the same.

        account     other deployments that the refusal would take out with it
        """
        asked, name = result.about.asked, result.attempt.deployment
        if result.kind is CallKind.RATE_LIMITED:
            is_told = bool(result.retry_after_s)
            return not is_told and self.is_proven(name, now) and self._is_first(name)
        if result.kind not in LASTING or asked is None:
            return False
        last_at = max(self._answered_at.get(each, -math.inf) for each in (name, *account))
        if last_at == -math.inf:
            return False
        first, told_at = self._told_first.setdefault(name, (asked, now))
        is_one_alone = first == asked and now - told_at <= DOUBTED_S
        return is_one_alone or now - last_at <= PROVEN_S

    def may_pass(self, result: CallResult, now: float) -> bool:
        """True if a limit or an error met this call, and may well not meet the next.

        What is said of a delay is the provider's own word on a limit; with an error a proxy says
        it, of one server of many. Without one, how long a limit holds is a guess.
        """
        is_limited = result.kind is CallKind.RATE_LIMITED and not result.retry_after_s
        name = result.attempt.deployment
        if not (is_limited or result.kind in FAILURES):
            return False
        return self.is_proven(name, now) or (is_limited and self._is_guess(name, now))

    def _is_guess(self, name: str, now: float) -> bool:
        """True of the first rate limits in a row of who has answered nobody of late."""
        before, at = self._guessed.get(name, (0, now))
        in_a_row = 1 + (before if now - at <= DOUBTED_S else 0)
        self._guessed[name] = in_a_row, now
        return in_a_row < LIMITS_BELIEVED

    def _is_first(self, name: str) -> bool:
        """True of the first rate limits in a row."""
        in_a_row = self._limited.pop(name, 0) + 1
        if in_a_row < LIMITS_BELIEVED:
            self._limited[name] = in_a_row
        return in_a_row < LIMITS_BELIEVED
