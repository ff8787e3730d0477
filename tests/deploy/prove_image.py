"""`make image`: the steps of deploy/Dockerfile in a root of their own, and what they make serves.

As user 10001, with a read-only root, over a PostgreSQL and with the configuration of compose.yaml.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.running import config_of
from tests.store.conftest import Postgres
from tests.store.conftest import postgres as postgres
from tests.upstream import Answer, completion, upstream

ROOT = Path(__file__).parents[2]
CONFIG = "/etc/windsock/windsock.toml"


def command(work: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "tests.deploy.image", str(work), *arguments]


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("image")
    (folder / "etc").mkdir()
    subprocess.run(command(folder, "build"), cwd=ROOT, check=True, timeout=900)
    return folder


def said(work: Path, *arguments: str, **environ: str) -> str:
    done = subprocess.run(
        command(work, "run", *arguments), cwd=ROOT, env={**os.environ, **environ},
        stdout=subprocess.PIPE, text=True, timeout=60, check=True,
    )  # fmt: skip
    return done.stdout


@contextmanager
def serving(work: Path, *arguments: str, **environ: str) -> Iterator[None]:
    process = subprocess.Popen(
        command(work, "run", *arguments), cwd=ROOT, env={**os.environ, **environ}
    )
    until = time.monotonic() + 60
    check = command(work, "run", "--healthcheck")
    while subprocess.run(check, cwd=ROOT, stderr=subprocess.DEVNULL, check=False).returncode:
        assert process.poll() is None and time.monotonic() < until
        time.sleep(0.2)
    yield
    process.terminate()
    assert process.wait(timeout=60) == 0, "a clean end"


def test_it_holds_what_serves_and_no_tool_to_install_more(work: Path) -> None:
    assert said(work, "--entrypoint", "id", "-u") == "10001\n"
    assert said(work, "version")
    libraries = "import psycopg, redis, opentelemetry.sdk, botocore, azure.identity, google.auth"
    said(work, "--entrypoint", "python", "-c", libraries)
    assert not (work / "last" / "root" / "opt" / "windsock" / "bin" / "pip").exists()
    write = (
        "for each in /opt/windsock/x /etc/x /usr/x /x; do touch $each 2>&1 && exit 1; done; exit 0"
    )
    said(work, "--entrypoint", "sh", "-c", write)
    said(work, "--entrypoint", "touch", "/var/lib/windsock/x", "/tmp/x")


async def test_it_migrates_serves_and_drains_as_compose_has_it(
    work: Path, postgres: Postgres
) -> None:
    environ = {"WINDSOCK_STORE_URL": postgres.new_database(), "PGPASSWORD": "unused"}
    file = work / "etc" / "windsock.toml"
    async with upstream(lambda _: Answer(completion())) as model:
        beginning = (ROOT / "deploy" / "windsock.toml").read_text()
        file.write_text(
            f"{beginning}\n[feeds]\nenabled = []\n{config_of(('acme', model.url, 1.0))}"
        )
        assert "schema" in said(work, "db", "upgrade", "--config", CONFIG, **environ)
        key = said(work, "keys", "create", "first", "--json", "--config", CONFIG, **environ)
        secret = next(each for each in key.split('"') if each.startswith("sk-"))
        serve = ("serve", "--host", "0.0.0.0", "--port", "8787", "--config", CONFIG)
        with serving(work, *serve, **environ):
            headers = {"authorization": f"Bearer {secret}"}
            async with httpx.AsyncClient(base_url="http://127.0.0.1:8787", headers=headers) as http:
                assert (await http.get("/readyz")).status_code == 200
                body = {"model": "auto", "messages": [{"role": "user", "content": "hi"}]}
                assert (await http.post("/v1/chat/completions", json=body)).status_code == 200
                refused = await http.post(
                    "/v1/chat/completions", json=body, headers={"authorization": ""}
                )
                assert refused.status_code == 401


def test_without_a_configuration_it_says_how_to_make_the_first_key(work: Path) -> None:
    environ = {**os.environ, "OPENAI_API_KEY": "unused"}
    done = subprocess.run(
        command(work, "run"), cwd=ROOT, env=environ, capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip
    assert done.returncode == 2 and "windsock keys create" in done.stderr
