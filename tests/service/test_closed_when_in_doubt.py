"""Once a key existed nobody comes in without one, whatever becomes of the key or the store."""

import asyncio
import os
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.running import Running, config_of, running
from tests.upstream import Answer, completion, upstream
from windsock.service.auth import is_loopback, new_key
from windsock.store.keys import VirtualKey, add_key, revoke_key

BODY = {"model": "auto", "messages": [{"role": "user", "content": "hi"}]}
DOORS = (("POST", "/v1/chat/completions"), ("POST", "/v1/learn"), ("GET", "/v1/weights"))


async def statuses(it: Running, key: str | None = None) -> set[int]:
    headers = {"authorization": f"Bearer {key}"} if key else {}
    answers = [await it.http.request(m, path, json=BODY, headers=headers) for m, path in DOORS]
    return {answer.status_code for answer in answers}


def made_key(it: Running) -> tuple[str, str]:
    key, public, digest = new_key()
    add_key(
        it.service.engine,
        VirtualKey(
            id=public, name="n", sha256=digest, namespace="default",
            scopes=("infer", "read", "admin"), created_at=1.0,
        ),
    )  # fmt: skip
    return key, public


async def test_the_only_key_revoked_closes_the_door_for_good(tmp_path: Path) -> None:
    async with upstream(lambda _: Answer(completion())) as model:
        config = config_of(("acme", model.url, 1.0))
        async with running(config, tmp_path) as it:
            key, public = made_key(it)
            await it.service.housekeeping.read_keys()
            assert await statuses(it) == {401}
            revoke_key(it.service.engine, public, 2.0)
            await it.service.housekeeping.read_keys()
            assert await statuses(it) == await statuses(it, key) == {401}
            said = (await it.http.post(DOORS[0][1], json=BODY)).json()["error"]["message"]
            assert "windsock keys create" in said
        async with running(config, tmp_path) as it:
            assert await statuses(it) == {401}


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def deleted(path: Path) -> None:
    path.unlink()


def replaced_by_text(path: Path) -> None:
    path.write_text("see the wiki for where the database went\n" * 50)


def rows_deleted(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("DELETE FROM virtual_key")


@pytest.mark.parametrize("harm", [emptied, deleted, replaced_by_text, rows_deleted])
async def test_a_store_that_lost_its_keys_lets_nobody_in(
    tmp_path: Path, harm: Callable[[Path], None]
) -> None:
    async with upstream(lambda _: Answer(completion())) as model:
        config = config_of(("acme", model.url, 1.0))
        async with running(config, tmp_path) as it:
            made_key(it)
        harm(tmp_path / "windsock.db")
        for log in tmp_path.glob("windsock.db-*"):
            log.unlink()
        async with running(config, tmp_path) as it:
            assert await statuses(it) == {401}
            key, _ = made_key(it)
            await it.service.housekeeping.read_keys()
            assert 401 not in await statuses(it, key)


async def test_keys_lost_while_serving_are_known_no_more_and_nobody_else_comes_in(
    tmp_path: Path,
) -> None:
    async with upstream(lambda _: Answer(completion())) as model:
        async with running(config_of(("acme", model.url, 1.0)), tmp_path) as it:
            key, _ = made_key(it)
            await it.service.housekeeping.read_keys()
            rows_deleted(tmp_path / "windsock.db")
            await it.service.housekeeping.read_keys()
            assert await statuses(it) == await statuses(it, key) == {401}


async def test_open_says_so_and_stays_open(tmp_path: Path) -> None:
    async with upstream(lambda _: Answer(completion())) as model:
        config = config_of(("acme", model.url, 1.0)) + '\n[server]\nkeys = "open"\n'
        async with running(config, tmp_path) as it:
            made_key(it)
            await it.service.housekeeping.read_keys()
            assert 401 not in await statuses(it)


@pytest.mark.parametrize(
    ("host", "is_inside"),
    [("127.0.0.1", True), ("127.8.9.1", True), ("::1", True), ("[::1]", True), ("LOCALHOST", True),
     ("0.0.0.0", False), ("::", False), ("10.0.0.4", False), ("windsock.internal", False),
     ("", False)],
)  # fmt: skip
def test_what_only_this_machine_reaches(host: str, is_inside: bool) -> None:
    assert is_loopback(host) is is_inside


async def served(tmp_path: Path, *arguments: str, command: str = "serve") -> tuple[int | None, str]:
    """(exit code, None while it serves after four seconds; what it said)"""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "windsock", command, *arguments, cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    try:
        said, _ = await asyncio.wait_for(process.communicate(), 60)
    except TimeoutError:
        process.terminate()
        said, _ = await process.communicate()
        return None, said.decode()
    return process.returncode, said.decode()


async def test_an_exposed_host_without_a_key_does_not_start_and_doctor_says_why(
    tmp_path: Path,
) -> None:
    config = config_of(("acme", "http://127.0.0.1:9", 1.0)) + (
        '\n[feeds]\nenabled = []\n[server]\nhost = "0.0.0.0"\nport = 0\n'
    )
    (tmp_path / "windsock.toml").write_text(config)
    code, said = await served(tmp_path)
    assert code == 2
    assert "windsock keys create" in said and 'keys = "open"' in said
    _, found = await served(tmp_path, command="doctor")
    assert "can be reached from other machines" in " ".join(found.split())


async def test_an_exposed_host_stays_closed_should_a_store_turn_out_to_have_no_key(
    tmp_path: Path,
) -> None:
    async with upstream(lambda _: Answer(completion())) as model:
        async with running(config_of(("acme", model.url, 1.0)), tmp_path) as it:
            it.service.access.is_exposed = True
            assert await statuses(it) == {401}


async def test_keys_that_could_not_be_read_yet_are_a_reason_to_stay_away(tmp_path: Path) -> None:
    async with upstream(lambda _: Answer(completion())) as model:
        async with running(config_of(("acme", model.url, 1.0)), tmp_path) as it:
            it.service.access.are_keys_known = False
            assert await statuses(it) == {503}
            answer = await it.http.get("/readyz")
            assert (answer.status_code, answer.json()["status"]) == (
                503, "the keys cannot be read",
            )  # fmt: skip
