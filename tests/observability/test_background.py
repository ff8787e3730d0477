"""What runs beside the requests never ends unseen."""

import asyncio
import io
import json

from windsock.observability import background, log
from windsock.observability.background import TaskState


async def failing() -> None:
    raise KeyError("gone")


async def test_a_task_that_fails_is_told_in_the_log() -> None:
    out = io.StringIO()
    log.configure(stream=out)
    task = background.start("pruning", failing())
    await asyncio.wait([task])
    await asyncio.sleep(0)
    (line,) = [json.loads(each) for each in out.getvalue().splitlines()]
    assert (line["event"], line["task"]) == ("task.failed", "pruning")
    assert line["error"] == "KeyError: 'gone'"


async def test_a_task_that_was_ended_says_nothing() -> None:
    out = io.StringIO()
    log.configure(stream=out)
    task = background.start("pruning", asyncio.sleep(60))
    task.cancel()
    await asyncio.wait([task])
    await asyncio.sleep(0)
    assert out.getvalue() == ""


def test_a_task_is_down_when_it_failed_or_is_stuck_and_not_for_having_nothing_to_do() -> None:
    assert not TaskState(turned_at=0.0).is_down(1e6)
    assert TaskState(turned_at=0.0, error="it failed").is_down(1.0)
    hourly = TaskState(turned_at=0.0, period_s=3600.0)
    assert not hourly.is_down(2 * 3600.0)
    assert hourly.is_down(4 * 3600.0)
