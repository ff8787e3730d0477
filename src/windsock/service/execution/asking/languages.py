"""Which formats of clients a provider was heard to have no call for, though it was to speak them.

A request may be answered so for what it asks: a file, a container, a beta that is not the key's. So
one request alone takes the format from nobody else, nor do several where others are answered in it.
"""

from __future__ import annotations

import math
from collections import OrderedDict

from windsock.core.model.unsupported import SURE
from windsock.core.resilience.errors.proofs import PROVEN_S
from windsock.wire.request import NativeRequest

SILENT_S = 3600.0
"""For so long a provider is not asked in a format that it has no call for."""

DOUBTED_S = 60.0
"""The same, of one that has answered in it since the start."""

MOST = 64
"""Requests of each format that are remembered to have been told so."""

Key = tuple[str, str]
"""(provider, language)."""


class Languages:
    """By provider and format: when it last answered, and whom it told that it has no such call."""

    def __init__(self) -> None:
        self._answered_at: dict[Key, float] = {}
        self._told: dict[Key, OrderedDict[int, float]] = {}
        self._silent_until: dict[Key, float] = {}

    def answered(self, provider: str, native: NativeRequest, now: float) -> None:
        """A whole answer came in the client's own format."""
        key = provider, native.language
        self._answered_at[key] = now
        self._silent_until.pop(key, None)

    def refused(self, provider: str, native: NativeRequest, now: float) -> None:
        """It says that there is no such call."""
        key = provider, native.language
        told = self._told.setdefault(key, OrderedDict())
        asked = hash(native.raw)
        told[asked] = now
        told.move_to_end(asked)
        if len(told) > MOST:
            told.popitem(last=False)
        answered_at = self._answered_at.get(key, -math.inf)
        since = max(answered_at, now - SILENT_S)
        if now - answered_at > PROVEN_S and sum(at >= since for at in told.values()) >= SURE:
            has_spoken = key in self._answered_at
            self._silent_until[key] = now + (DOUBTED_S if has_spoken else SILENT_S)

    def is_silent(self, provider: str, native: NativeRequest, now: float) -> bool:
        """True if this request is not to be asked in its own format there."""
        key = provider, native.language
        if now < self._silent_until.get(key, -math.inf):
            return True
        told = self._told.get(key)
        return told is not None and now - told.get(hash(native.raw), -math.inf) <= SILENT_S
