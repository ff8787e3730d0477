"""Tasks that nobody waits for, and whose end must not go unseen."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from windsock.observability.log import event_log


def start(name: str, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    """The task of this work; if it fails, the log says so as `task.failed`."""
    task = asyncio.create_task(work, name=name)
    task.add_done_callback(_tell)
    return task


def _tell(task: asyncio.Task[None]) -> None:
    error = None if task.cancelled() else task.exception()
    if error is not None:
        reason = f"{type(error).__name__}: {error}"
        event_log().error("task.failed", task=task.get_name(), error=reason, exc_info=error)
