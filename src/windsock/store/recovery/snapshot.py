"""What a restart begins from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StateSnapshot:
    """The router's whole state, taken at `at`.

    body    the bytes, or what makes them of it, in the writer's thread
    """

    at: float
    body: bytes | Callable[[], bytes]

    @property
    def written(self) -> bytes:
        """The bytes; where they are yet to be made, each call makes them."""
        return self.body if isinstance(self.body, bytes) else self.body()
