"""Programs of models are run against tests, apart from everything."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import orjson

from windsock.service.checking.sandbox_child import UNREADABLE

CHILD = Path(__file__).with_name("sandbox_child.py")

CPU_S, WALL_S, MEGABYTES = 5, 10.0, 512
"""That a program and its tests may take."""


async def passes(program: str, tests: str, *, wall_s: float = WALL_S) -> bool | None:
    """True if the tests pass; None if they are no Python, or nothing can be run here.

    The process has an empty environment and folder, bounded time and memory, no files but Python's
    own to read, none to write, and no network; what reaches for more fails. Enough for mistakes of
    models, not for an attacker: allow it where the service itself runs contained.
    """
    word = secrets.token_hex(16)
    asked = {
        "program": program,
        "tests": tests,
        "word": word,
        "seconds": CPU_S,
        "megabytes": MEGABYTES,
    }
    with tempfile.TemporaryDirectory(prefix="windsock-") as folder, _pipe() as (told, out):
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-I",
                "-S",
                "-B",
                str(CHILD),
                cwd=folder,
                env={},
                stdin=asyncio.subprocess.PIPE,
                stdout=out,
                stderr=asyncio.subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError:
            return None
        try:
            await asyncio.wait_for(process.communicate(orjson.dumps(asked) + b"\n"), wall_s)
        except TimeoutError:
            return False
        finally:
            await _end(process)
        if process.returncode == UNREADABLE:
            return None
        return _read(told, len(word) + 1) == word.encode()


@contextlib.contextmanager
def _pipe() -> Iterator[tuple[int, int]]:
    """A pipe's ends, to read and to write. Nobody reads it while a program runs: one that floods it
    waits, and holds as much as a pipe does. A pipe of asyncio's own would take it all into memory,
    and never end where that is too much."""
    ends = os.pipe()
    os.set_blocking(ends[0], False)
    try:
        yield ends
    finally:
        for each in ends:
            os.close(each)


def _read(end: int, most: int) -> bytes:
    try:
        return os.read(end, most)
    except BlockingIOError:
        return b""


async def _end(process: asyncio.subprocess.Process) -> None:
    """It, and whatever it has started."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    await process.wait()
