"""Two real versions at a time over one PostgreSQL: `make versions`.

A wheel of an earlier commit serves as two replicas under load. The schema is upgraded beside them,
a replica of today joins, those of before end one after the other. Nothing fails, nothing is lost,
and while both are there they weigh alike. BEFORE names the commit; without it, the last one before
the newest revision of the schema.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import tarfile
import zipfile
from io import BytesIO
from pathlib import Path

from tests.replicas.group import Group, group_of
from tests.replicas.trial import MOST_APART, Quality, until
from tests.store.conftest import own_postgres
from windsock.store.engine import open_engine
from windsock.store.migrations import HEAD, revision_of

ROOT = Path(__file__).parents[2]
REVISIONS = "src/windsock/store/migrations/versions"
CLIENTS = 3


def git(*arguments: str) -> bytes:
    return subprocess.run(["git", *arguments], cwd=ROOT, check=True, capture_output=True).stdout


def before() -> str:
    """The commit of the earlier version."""
    (newest,) = (ROOT / REVISIONS).glob(f"rev_{HEAD}_*.py")
    added = ("log", "--diff-filter=A", "--format=%H", "--", str(newest.relative_to(ROOT)))
    return os.environ.get("BEFORE") or git(*added).decode().split()[-1] + "^"


def installed(commit: str, folder: Path) -> Path:
    """The wheel of a commit, unpacked."""
    source, wheels, made = (folder / name for name in ("source", "wheels", "installed"))
    with tarfile.open(fileobj=BytesIO(git("archive", commit))) as archive:
        archive.extractall(source, filter="data")
    code = f"from hatchling.build import build_wheel; build_wheel({str(wheels)!r})"
    subprocess.run([sys.executable, "-c", code], cwd=source, check=True, capture_output=True)
    (wheel,) = wheels.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(made)
    return made


def revision(it: Group) -> str | None:
    engine = open_engine(it.postgres.url(it.database))
    try:
        with engine.connect() as connection:
            return revision_of(connection)
    finally:
        engine.dispose()


async def upgraded(it: Group) -> None:
    """`windsock db upgrade` of today, beside those that run."""
    config = it.folder / "upgrade.toml"
    text = it.text.replace("NAME", "upgrade").replace("PORT", str(it.postgres.port))
    config.write_text(text)
    command = [sys.executable, "-m", "windsock", "db", "upgrade", "--config", str(config)]
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()


async def ended(it: Group, number: int, tasks: list[asyncio.Task[None]]) -> None:
    """As in a rolling update: nobody asks it any more, then it is told to end."""
    it.unasked.add(number)
    await asyncio.gather(*tasks[number * CLIENTS : (number + 1) * CLIENTS])
    await asyncio.sleep(0.5)
    process = it.processes[number].process
    process.send_signal(signal.SIGTERM)
    assert await asyncio.to_thread(process.wait, 30) == 0


async def test_two_versions_serve_side_by_side_through_an_upgrade(tmp_path: Path) -> None:
    older = {"PYTHONPATH": str(installed(before(), tmp_path))}
    judged, folder = Quality(), tmp_path / "group"
    folder.mkdir()
    with own_postgres() as postgres:
        async with group_of(postgres, folder, count=2, under=older) as it:
            at_first = revision(it)
            tasks = [loaded(it, number, judged) for number in (0, 1) for _ in range(CLIENTS)]
            await asyncio.sleep(3.0)
            await upgraded(it)
            assert at_first != revision(it) == HEAD
            await it.ready(await it.start())
            tasks += [loaded(it, 2, judged) for _ in range(CLIENTS)]
            await asyncio.sleep(3.0)
            apart_s = await until_alike(it, 0, 1, 2)
            await ended(it, 0, tasks)
            await asyncio.sleep(2.0)
            await ended(it, 1, tasks)
            await asyncio.sleep(3.0)
            it.is_loaded = False
            await asyncio.gather(*tasks, return_exceptions=True)
            await until(lambda: it.unwritten() <= 0, 20)
            ((requests,),) = it.rows("SELECT count(*) FROM request")
            ((feedback,),) = it.rows("SELECT count(*) FROM feedback")
            versions = it.rows("SELECT name, version FROM replica ORDER BY name")
            print(f"{at_first} to {HEAD}: {requests} requests, {feedback} judgements, "
                  f"{len(it.failed)} failed, alike after {apart_s:.1f} s; {versions}")  # fmt: skip
            assert it.failed == []
            assert sum(it.answered.values()) <= requests
            assert it.told("answered") == requests
            assert it.told("judged") == feedback
            assert [name for name, _ in versions] == ["r0", "r1", "r2"]


def loaded(it: Group, number: int, judged: Quality) -> asyncio.Task[None]:
    return asyncio.create_task(it.load(number, every_s=0.05, judged=judged))


async def until_alike(it: Group, *numbers: int) -> float:
    """Seconds until replicas of both versions weigh alike."""
    for tenths in range(100):
        if await it.spread(*(it.processes[number] for number in numbers)) < MOST_APART:
            return tenths / 10
        await asyncio.sleep(0.1)
    raise AssertionError("they never weighed alike")
