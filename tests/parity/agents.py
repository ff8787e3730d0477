"""Coding agents as they are installed: one task each, with two calls of their shell at once."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.parity.provider.said import SAID

HOME = Path(__file__).parent.parent.parent / ".parity"
NODE = HOME / "agents-node" / "node_modules" / ".bin"
TIMEOUT_S = 180
TASK = "[[agent]] Write the proof."


@dataclass(frozen=True)
class Way:
    """How an agent is told where to call.

    files   by path below its home, which is also its work
    before  a command that is run first
    """

    command: list[str]
    environ: dict[str, str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    before: tuple[str, ...] = ()


def codex(url: str, key: str) -> Way:
    config = (
        'model = "gpt-5.1-codex"\nmodel_provider = "it"\n[model_providers.it]\nname = "it"\n'
        f'base_url = "{url}/v1"\nenv_key = "IT_KEY"\nwire_api = "responses"\n'
    )
    return Way(
        [str(NODE / "codex"), "exec", "--skip-git-repo-check",
         "--dangerously-bypass-approvals-and-sandbox", TASK],
        {"IT_KEY": key}, {".codex/config.toml": config},
    )  # fmt: skip


def claude_code(url: str, key: str) -> Way:
    return Way(
        [str(NODE / "claude"), "-p", TASK, "--allowedTools", "Bash"],
        {"ANTHROPIC_BASE_URL": url, "ANTHROPIC_API_KEY": key,
         "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1"},
    )  # fmt: skip


def opencode(url: str, key: str) -> Way:
    provider = {
        "npm": "@ai-sdk/openai-compatible",
        "options": {"baseURL": f"{url}/v1", "apiKey": key},
        "models": {"gpt-4.1-mini": {}},
    }
    config = {"provider": {"it": provider}, "autoupdate": False, "share": "disabled"}
    return Way(
        [str(NODE / "opencode"), "run", "-m", "it/gpt-4.1-mini", TASK],
        {"OPENCODE_DISABLE_MODELS_FETCH": "1"}, {"opencode.json": json.dumps(config)},
    )  # fmt: skip


def qwen_code(url: str, key: str) -> Way:
    return Way(
        [str(NODE / "qwen"), "--yolo", "--auth-type", "openai", "-p", TASK],
        {"OPENAI_BASE_URL": f"{url}/v1", "OPENAI_API_KEY": key, "OPENAI_MODEL": "gpt-4.1-mini"},
    )


def cline(url: str, key: str) -> Way:
    program = str(NODE / "cline")
    asked = (program, "auth", "-p", "openai", "-k", key, "-m", "gpt-4.1-mini", "-b", f"{url}/v1")
    return Way([program, "-P", "openai", "-m", "gpt-4.1-mini", TASK], before=asked)


def gemini_cli(url: str, key: str) -> Way:
    return Way(
        [str(NODE / "gemini"), "--yolo", "--skip-trust", "-m", "gemini-2.5-flash", "-p", TASK],
        {"GOOGLE_GEMINI_BASE_URL": url, "GEMINI_API_KEY": key},
        {
            ".gemini/settings.json": json.dumps(
                {
                    "security": {"auth": {"selectedType": "gemini-api-key"}},
                    "privacy": {"usageStatisticsEnabled": False},
                }
            )
        },
    )


def aider(url: str, key: str) -> Way:
    return Way(
        [str(HOME / "aider" / "bin" / "aider"), "--model", "openai/gpt-4.1-mini", "--yes-always",
         "--no-git", "--analytics-disable", "--no-check-update", "--edit-format", "whole",
         "--no-show-model-warnings", "--message", "[[aider]] Write the proof.", "proof.txt"],
        {"OPENAI_API_BASE": f"{url}/v1", "OPENAI_API_KEY": key},
    )  # fmt: skip


AGENTS: dict[str, Callable[[str, str], Way]] = {
    "Codex CLI": codex,
    "Claude Code": claude_code,
    "opencode": opencode,
    "qwen-code": qwen_code,
    "Cline CLI": cline,
    "Gemini CLI": gemini_cli,
    "aider": aider,
}


def end_what_stays(folder: str) -> None:
    """Ends the services that an agent leaves behind, known by its home in their command lines."""
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if folder.encode() in (process / "cmdline").read_bytes():
                os.kill(int(process.name), signal.SIGKILL)


async def result_of(name: str, url: str, key: str, *, words: bool = False) -> dict[str, Any]:
    """How its run ended: exit code, lines of proof that its shell wrote, whether it said so."""
    way = AGENTS[name](url, key)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        home = Path(folder)
        for path, text in way.files.items():
            (home / path).parent.mkdir(parents=True, exist_ok=True)
            (home / path).write_text(text)
        environ = {"PATH": os.environ["PATH"], "HOME": folder, "LANG": "C.UTF-8",
                   "NO_PROXY": "127.0.0.1", "TERM": "dumb", **way.environ}  # fmt: skip
        if way.before:
            first = await asyncio.create_subprocess_exec(
                *way.before, cwd=folder, env=environ, stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
            )  # fmt: skip
            await asyncio.wait_for(first.wait(), TIMEOUT_S)
        process = await asyncio.create_subprocess_exec(
            *way.command, cwd=folder, env=environ, stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        try:
            out, _ = await asyncio.wait_for(process.communicate(), TIMEOUT_S)
        except TimeoutError:
            process.kill()
            out, _ = await process.communicate()
        end_what_stays(folder)
        proof = home / "proof.txt"
        written = proof.read_text().split() if proof.exists() else []
    told = {
        "exit": process.returncode,
        "proof": written.count("windy"),
        "told": SAID["done"].text in out.decode() or name == "aider",
    }
    return told | ({"words": out.decode()[-2000:]} if words else {})
