"""In CI nothing may be skipped: what a test needs is installed there."""

import gc
import os
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import pytest_asyncio
import structlog
from _pytest.nodeid import NodeId
from hypothesis import settings

from tests import read_once
from windsock.observability import log

read_once.install()
gc.set_threshold(20_000, 20, 50)
"""Hundreds of services are built in one process: looking for garbage took a tenth of the time."""

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
"""How long an example takes is the machine's affair."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What shares a costly beginning goes to one worker.

    pytest-xdist 3.8 writes the group to a field that pytest 9.2 reads no more, and says nothing.
    """
    if not config.getoption("loadgroup", False):
        return
    for item in items:
        for mark in item.iter_markers("xdist_group"):
            item._id = NodeId.parse(f"{item.nodeid}@{mark.args[0]}")


def pytest_collection_finish() -> None:
    """What is imported and collected is never garbage, and the larger part of all objects."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def a_command_run_here_leaves_the_log_as_it_was() -> Iterator[None]:
    """A command logs to what was its standard error, which is closed after its test."""
    yield
    if structlog.is_configured():
        structlog.reset_defaults()
        log._bound.cache_clear()
        log._sheaf = None


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def one_chromium() -> AsyncIterator[Any]:
    """Started once a worker, by the first test that looks at a page."""
    from tests.service.test_dashboard import browser

    async with browser() as chromium:
        yield chromium


@pytest_asyncio.fixture(loop_scope="session")
async def chromium(one_chromium: Any) -> AsyncIterator[Any]:
    """The browser, in which nothing is left open after the test."""
    yield one_chromium
    for context in one_chromium.contexts:
        await context.close()


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    if os.environ.get("CI") != "true":
        return
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = reporter.stats.get("skipped", []) if reporter else []
    if skipped:
        for report in skipped:
            reporter.write_line(f"skipped in CI: {report.nodeid}: {report.longrepr}")
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
