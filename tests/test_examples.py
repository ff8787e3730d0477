"""Every example of the documentation is taken at its word: read, parsed, run."""

from __future__ import annotations

import json
import os
import re
import runpy
import shlex
import signal
import subprocess
import sys
import time
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import tomli_w
import typer

from tests.process import free_port
from windsock.cli import app
from windsock.config.file import parse
from windsock.simulation.world.scenario import Scenario

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.DOTALL | re.MULTILINE)
IN_WORDS = re.compile(r"`(windsock [a-z][^`]*)`")
NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.py"))
RULES = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
COMMANDS = typer.main.get_command(app)


def blocks(language: str) -> Iterator[tuple[str, str]]:
    for page in PAGES:
        for found in BLOCK.finditer(page.read_text()):
            if found[1] == language:
                yield page.name, found[2]


def lines() -> Iterator[tuple[str, str]]:
    """What is typed, by the page where it stands; a line that goes on is one."""
    for page, block in blocks("sh"):
        for line in block.replace("\\\n", " ").splitlines():
            yield page, re.sub(r"\s{2,}#.*", "", line).strip()


LINES = [(page, line) for page, line in lines() if line]
SAID = [(page.name, words) for page in PAGES for words in IN_WORDS.findall(page.read_text())]


def test_there_are_examples() -> None:
    assert len(LINES) > 50 and len(SAID) > 50 and len(list(blocks("toml"))) > 12


@pytest.mark.parametrize(("page", "text"), list(blocks("toml")))
def test_a_configuration_is_one(page: str, text: str) -> None:
    body = tomllib.loads(text)
    if "tasks" in body:
        assert Scenario.model_validate(body)
        return
    for route in body.get("routes", {}).values():
        route.setdefault("candidates", ["openai/gpt-4o-mini"])
    variables: dict[str, str] = defaultdict(str)
    for name in re.findall(r"\$\{(\w+)", text):
        variables[name] = "https://hook.example/x" if "WEBHOOK" in name else "a-key-of-an-example"
    assert parse(tomli_w.dumps(body), variables, source=page)


def typed(words: list[str]) -> None:
    """Parse a command as it would be, and do nothing; raises click's own error."""
    command: Any = COMMANDS
    while hasattr(command, "commands"):
        if len(words) > 1 and words[1] == "--help":
            return
        name = words[1]
        assert name in command.commands, " ".join(words)
        command, words = command.commands[name], [" ".join(words[:2]), *words[2:]]
    command.make_context(words[0], words[1:])


@pytest.mark.parametrize(("page", "line"), LINES)
def test_a_command_is_one(page: str, line: str) -> None:
    words = shlex.split(line)
    while words and re.fullmatch(r"[A-Z_]+=\S*", words[0]):
        words = words[1:]
    if words[0] == "windsock":
        typed(words)
    elif words[0] == "make":
        assert {each for each in words[1:] if "=" not in each and not each.startswith(".")} <= {
            *RULES
        }, line
        for name in re.findall(r"tests/\S+?\.py", line):
            assert (ROOT / name).is_file(), name
        for name in re.findall(r'BENCH_ARGS="([^"]*)"', line):
            assert all((ROOT / f"tests/benchmarks/{each}.py").is_file() for each in name.split())
    elif words[:2] == ["python", "-m"]:
        assert (ROOT / f"{words[2].replace('.', '/')}.py").is_file()
    elif words[0] == "curl":
        body = words[words.index("-d") + 1] if "-d" in words else "{}"
        assert isinstance(json.loads(body), dict)
    elif words[0] in {"docker", "helm", "kubectl"}:
        assert all((ROOT / word).exists() for word in words if word.startswith("deploy/")), line
    else:
        assert words[0] in {".", "export", "pip", "git", "open"}, line


@pytest.mark.parametrize(("page", "words"), SAID)
def test_a_command_that_a_sentence_names_is_there(page: str, words: str) -> None:
    command: Any = COMMANDS
    for word in words.split()[1:]:
        if not hasattr(command, "commands"):
            break
        names = re.sub(r"[^a-z-]", " ", word).split()
        assert names and names[0] in command.commands, words
        command = command.commands[names[0]]
    known = {name for each in getattr(command, "params", ()) for name in each.opts}
    asked = {each.partition("=")[0].rstrip(".,;") for each in re.findall(r"--[a-z][a-z-]*", words)}
    assert asked <= known | {"--help"}, words


@pytest.fixture(scope="module")
def demo() -> Iterator[str]:
    """The demonstration, after some traffic."""
    port = free_port()
    command = [sys.executable, "-m", "windsock", "demo", "--port", str(port)]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    url, ends = f"http://127.0.0.1:{port}", time.monotonic() + 120
    try:
        while time.monotonic() < ends and requests_at(url) < 80:
            assert process.poll() is None
            time.sleep(0.3)
        yield url
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def requests_at(url: str) -> int:
    try:
        rows = httpx.get(f"{url}/v1/report?by=route").json()["data"]
    except httpx.TransportError:
        return 0
    return sum(row["requests"] for row in rows)


@pytest.mark.xdist_group("notebooks")
@pytest.mark.parametrize("script", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_and_says_what_it_is_for(script, demo, capsys, monkeypatch) -> None:
    monkeypatch.setenv("WINDSOCK_URL", demo)
    monkeypatch.delenv("WINDSOCK_API_KEY", raising=False)
    runpy.run_path(str(script), run_name="__main__")
    said = capsys.readouterr().out
    wanted = {
        "cut_a_bill": ("saved: ", "right answers"),
        "rehearse_a_shock": ("of the traffic", "as it is, $", "Not known:"),
        "find_a_model": ("on the frontier: ", "enough for 80%", "balanced"),
    }
    assert all(words in said for words in wanted[script.stem]), said


@pytest.mark.xdist_group("notebooks")
def test_calls_of_the_readme_are_answered(demo) -> None:
    """Those beside the newcomer's path, which `test_newcomer` walks."""
    environ = {**os.environ, "WINDSOCK_URL": demo, "COLUMNS": "80"}
    asked = [line for page, line in LINES if page == "README.md" and line.startswith("curl")]
    whatif = [line for line in asked if "whatif" in line or "weights" in line]
    assert len(whatif) >= 2
    for line in whatif:
        typed = line.replace("localhost:8787", demo.removeprefix("http://"))
        done = subprocess.run(["bash", "-c", f"{typed} -s"], capture_output=True, env=environ)
        assert json.loads(done.stdout)["data"], done.stderr
