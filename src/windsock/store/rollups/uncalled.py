"""Requests that no provider was asked for."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


class UncalledKind(StrEnum):
    """Why no provider was asked: the request was refused, or its answer was kept."""

    REFUSED = "refused"
    CACHED = "cached"


@dataclass(frozen=True, slots=True, kw_only=True)
class Uncalled:
    """As many as came in about a second; see `UncalledRow`."""

    at: float
    kind: UncalledKind
    namespace: str
    route: str
    task: str
    key_id: str | None
    deployment: str = ""
    cause: str = ""
    requests: int = 1
    saved_usd: Decimal = Decimal(0)
