"""Where a client is meant to see something else through windsock than directly, and why."""

from __future__ import annotations

from fnmatch import fnmatch

from tests.parity.rows import Row

MEANT: tuple[tuple[str, str, str, str], ...] = ()
"""(driver, what stands behind, case) as globs, and the reason."""


def reason(row: Row, behind: str, case: str) -> str | None:
    """Why this difference is meant, or None."""
    for *globs, why in MEANT:
        facts = (f"{row.driver} {row.way}", behind, case)
        if all(fnmatch(fact, glob) for fact, glob in zip(facts, globs, strict=True)):
            return why
    return None
