"""A newcomer's path: the README's own commands, from one key to a priced answer and its report.

What differs from what a newcomer types: the key, the port, and where the provider is reached.
"""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import subprocess
import sys
import time
from pathlib import Path

import httpx

from tests.process import free_port
from tests.upstream import Answer, completion, upstream

ROOT = Path(__file__).parents[1]
PATH_SECTION = re.compile(r"^## Use it\n.*?^```sh\n(.*?)^```", re.DOTALL | re.MULTILINE)
KEY = "sk-a-key-of-a-newcomer"
MOST_S = 300.0
"""The path is done in less, of commands' time."""


def commands() -> list[str]:
    """As they stand in the README, without what is said of them."""
    found = PATH_SECTION.search((ROOT / "README.md").read_text())
    assert found is not None
    return [re.sub(r"\s{2,}#.*", "", line) for line in found[1].splitlines()]


class Newcomer:
    """Types what is written, in a folder, and reads what comes."""

    def __init__(self, folder: Path, provider: str, environ: dict[str, str]) -> None:
        self.folder, self.provider, self.environ = folder, provider, environ
        self.port, self.decision = free_port(), ""
        self.serving: subprocess.Popen[bytes] | None = None
        self.said: dict[str, str] = {}
        self.spent_s = 0.0

    def type(self, command: str) -> None:
        """One command; what it printed is kept by its first two words."""
        began = time.monotonic()
        words = shlex.split(command)
        if words[0] == "export":
            name, _, _ = words[1].partition("=")
            self.environ[name] = KEY
        elif words[:2] == [".", ".venv/bin/activate"]:
            self.environ["PATH"] = f"{self.folder}/.venv/bin:{self.environ['PATH']}"
        elif words[:2] == ["windsock", "serve"]:
            self.serve(words)
        else:
            self.said[" ".join(words[:2])] = self.run(command)
        if words[:2] == ["windsock", "init"]:
            self.settle()
        self.spent_s += time.monotonic() - began

    def run(self, command: str) -> str:
        typed = command.replace("DECISION", self.decision).replace("8787", str(self.port))
        done = subprocess.run(
            ["bash", "-c", typed], cwd=self.folder, env=self.environ, capture_output=True,
            text=True, timeout=MOST_S, check=False,
        )  # fmt: skip
        lenient = command.startswith("windsock doctor")  # price lists may be out of reach here
        assert done.returncode == 0 or lenient, f"{command}: {done.stdout}{done.stderr}"
        found = re.search(r"x-windsock-decision-id: (\S+)", done.stdout)
        self.decision = found[1] if found else self.decision
        return done.stdout

    def settle(self) -> None:
        """The provider is on loopback, and the service on a port that is free."""
        file = self.folder / "windsock.toml"
        keyed = 'api_key = "${OPENAI_API_KEY}"'
        text = file.read_text().replace("8787", str(self.port))
        file.write_text(text.replace(keyed, f'{keyed}\nbase_url = "{self.provider}"'))
        self.environ["WINDSOCK_URL"] = f"http://127.0.0.1:{self.port}"

    def serve(self, words: list[str]) -> None:
        with (self.folder / "log").open("wb") as log:
            self.serving = subprocess.Popen(
                words, cwd=self.folder, env=self.environ, stderr=log, stdout=log
            )
        ends = time.monotonic() + 60
        while time.monotonic() < ends and self.serving.poll() is None:
            try:
                if httpx.get(f"{self.environ['WINDSOCK_URL']}/readyz").status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(0.1)
        raise AssertionError((self.folder / "log").read_text())

    def leave(self) -> None:
        if self.serving is not None:
            self.serving.terminate()
            self.serving.wait(30)


async def walked(folder: Path, path: list[str], environ: dict[str, str]) -> Newcomer:
    """Somebody who has typed all of it."""
    listed = {"object": "list", "data": [{"id": "gpt-4o-mini"}, {"id": "gpt-4o"}]}
    answer = completion("positive", model="gpt-4o-mini")
    async with upstream(lambda asked: Answer(answer if "messages" in asked else listed)) as model:
        newcomer = Newcomer(folder, model.url, environ)
        try:
            for command in path:
                await asyncio.to_thread(newcomer.type, command)
        finally:
            await asyncio.to_thread(newcomer.leave)
    return newcomer


def check(newcomer: Newcomer) -> None:
    """An answer with a price, its explanation, a report; no key in what was written."""
    answer, explained = newcomer.said["curl -si"], newcomer.said["windsock explain"]
    assert "200 OK" in answer and "positive" in answer
    cost = re.search(r"x-windsock-cost-usd: (\S+)", answer)
    assert cost is not None and float(cost[1]) > 0
    assert "credited" in newcomer.said["curl -s"] or "deployment" in newcomer.said["curl -s"]
    assert "openai/gpt-4o" in explained and "sentiment" in explained
    assert "openai/gpt-4o" in newcomer.said["windsock report"]
    assert "mend provider openai" not in newcomer.said["windsock doctor"]
    assert KEY not in (newcomer.folder / "windsock.toml").read_text()
    assert KEY not in (newcomer.folder / "log").read_text()
    assert newcomer.spent_s < MOST_S


def plain_environ(folder: Path) -> dict[str, str]:
    """Nothing of what is set here."""
    kept = ("PATH", "LANG", "PIP_INDEX_URL", "PIP_CONFIG_FILE", "PIP_CERT", "SSL_CERT_FILE")
    known = {name: os.environ[name] for name in kept if name in os.environ}
    return {**known, "HOME": str(folder), "COLUMNS": "80"}


def test_the_readme_has_the_whole_path() -> None:
    first = [" ".join(shlex.split(line)[:2]) for line in commands()]
    assert first[0] == "make install"
    for wanted in ("windsock init", "windsock doctor", "windsock serve", "curl -si", "curl -s",
                   "windsock explain", "windsock report"):  # fmt: skip
        assert wanted in first


async def test_from_a_key_to_a_report_with_what_is_installed_here(tmp_path) -> None:
    environ = plain_environ(tmp_path)
    environ["PATH"] = f"{Path(sys.executable).parent}:{environ['PATH']}"
    skipped = ("make ", ". ")
    path = [line for line in commands() if not line.startswith(skipped)]
    check(await walked(tmp_path, path, environ))
