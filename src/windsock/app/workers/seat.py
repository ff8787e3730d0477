"""Where processes that serve at one port meet."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from pathlib import Path

EXCHANGE_S = 0.2
"""Between two words of what a process has learnt, and what it has used of caps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """One process's, by number; 0 leads.

    folder  of the sockets by which the processes speak; nobody else may enter it
    name    of this process, unlike that of any before it
    """

    number: int
    folder: Path
    name: str = field(default_factory=lambda: secrets.token_hex(8))

    @property
    def exchange_path(self) -> Path:
        """Of the socket for what is learnt, used and to be stored."""
        return self.folder / "exchange"

    def http_path(self, number: int | None = None) -> Path:
        """Of the socket at which one of them answers what others ask; by default this one."""
        return self.folder / f"http-{self.number if number is None else number}"
