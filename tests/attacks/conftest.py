"""Under no attack does the process grow by 64 MB: neither the service nor, where a test runs it
within, the test's own."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.attacks.world import World, world_in

MOST_MB = 64.0


class Memory:
    """The memory of a process, from now on."""

    def __init__(self, pid: int) -> None:
        self._status = Path(f"/proc/{pid}/status")
        Path(f"/proc/{pid}/clear_refs").write_text("5")
        self._before = self._peak_mb()

    @property
    def growth_mb(self) -> float:
        """The most there was since, more than at first."""
        return self._peak_mb() - self._before

    def _peak_mb(self) -> float:
        text = self._status.read_text()
        return int(text.partition("VmHWM:")[2].split()[0]) / 1000


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """One for all rows: `pytestmark = SHARED` in their modules."""
    async with world_in(tmp_path_factory.mktemp("world")) as made:
        yield made


@pytest.fixture(autouse=True)
def bounded(request: pytest.FixtureRequest) -> Iterator[None]:
    """Holds every test of an attack to the bound."""
    if request.node.get_closest_marker("attack") is None:
        yield
        return
    shared = next((name for name in ("world", "apart") if name in request.fixturenames), None)
    world = request.getfixturevalue(shared) if shared else None
    memory = Memory(os.getpid() if world is None else world.process.process.pid)
    yield
    assert memory.growth_mb < MOST_MB
