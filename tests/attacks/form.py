"""The form of a row of the attack table in docs/reliability.md: an attack, and what happens.

A test of an attack runs over a real socket against a running service, and stands in this folder:

    @attack("a guess of keys", "each waits a second from the 21st on")
    async def test_guesses(world): ...

    @pytest.mark.parametrize("sent", [row("two lengths", "400, closed", b"...")])
    async def test_framing(world, sent): ...

`python -m tests.attacks` writes the table anew; `test_table.py` holds it to the tests.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

SHARED = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.xdist_group("attacks")]
"""Marks of a module whose rows share the service `world` (see `world.py`)."""


def attack(name: str, then: str) -> pytest.MarkDecorator:
    """A test that is a row: what is tried, and what happens then."""
    return pytest.mark.attack(name, then)


def row(name: str, then: str, *values: Any) -> Any:
    """One of several rows that share a test: a parameter set."""
    return pytest.param(*values, id=name, marks=attack(name, then))


class Rows:
    """A plugin of pytest that collects the rows of tests, and tests that have none."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.without: list[str] = []

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Every test that was found, in order."""
        for item in session.items:
            mark = item.get_closest_marker("attack")
            place = item.nodeid.removeprefix("tests/attacks/").partition("[")[0]
            if mark is not None:
                self.lines.append(f"| {mark.args[0]} | {mark.args[1]} | `{place}` |")
            elif "no_attack" not in item.keywords:
                self.without.append(item.nodeid)


def rows_of(paths: Iterable[str]) -> Rows:
    """Of the tests below these paths; call it in a process of its own."""
    found = Rows()
    pytest.main(["--collect-only", "-qq", "-n", "0", *paths], plugins=[found])
    return found
