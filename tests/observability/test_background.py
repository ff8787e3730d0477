"""What runs beside the requests never ends unseen."""

import asyncio
import io
import json

from windsock.observability import background, log


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
