"""`windsock init`: three questions, and a file that a service starts with."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from windsock.app.bootstrap import build
from windsock.cli.first_steps.init import init
from windsock.cli.first_steps.starter_file import PURPOSES
from windsock.config.file import load
from windsock.errors import ConfigError

KEYS = {"OPENAI_API_KEY": "sk-of-openai", "DEEPSEEK_API_KEY": "sk-of-deepseek"}


def made(to: Path, *answers: str, environ: dict[str, str] = KEYS, **facts) -> tuple[str, list[str]]:
    """What was written, and what was asked and told; "" takes what is usual."""
    waiting, told = list(answers), []

    def ask(question: str, usual: str) -> str:
        told.append(question)
        return waiting.pop(0) or usual

    init(to, environ, ask=ask if answers else None, tell=told.append, **facts)
    return to.read_text(), told


def test_three_questions_and_a_service_that_starts(tmp_path) -> None:
    text, told = made(tmp_path / "windsock.toml", "deepseek", "code", "$12.50")
    body = tomllib.loads(text)
    assert list(body["providers"]) == ["deepseek"]
    assert body["providers"]["deepseek"]["api_key"] == "${DEEPSEEK_API_KEY}"
    assert body["routes"]["auto"]["quality"] == "high"
    assert body["caps"]["all"]["usd"] == 12.5
    assert sum("?" in line for line in told) == 3
    body["store"]["url"] = f"sqlite:///{tmp_path}/w.db"
    settings = load(tmp_path / "windsock.toml", KEYS)
    store = settings.store.model_copy(update={"url": f"sqlite:///{tmp_path}/w.db"})
    service = build(settings.model_copy(update={"store": store}), KEYS)
    assert all(name.startswith("deepseek/") for name in service.router.routes["auto"].candidates)
    service.ledger.close()
    service.engine.dispose()


@pytest.mark.parametrize("purpose", list(PURPOSES))
def test_nobody_there_to_answer_takes_what_is_usual(purpose, tmp_path) -> None:
    text, told = made(tmp_path / "w.toml", purpose=purpose)
    body = tomllib.loads(text)
    assert set(body["providers"]) == {"openai", "deepseek"}
    assert body["routes"]["auto"]["quality"] == PURPOSES[purpose].quality
    assert "caps" not in body
    assert "sk-of-openai" not in text + "".join(told), "keys stay where they are"
    assert load(tmp_path / "w.toml", KEYS).routes["auto"].candidates


@pytest.mark.parametrize("usual", [("", "", "")])
def test_pressing_return_three_times_is_enough(usual, tmp_path) -> None:
    text, _ = made(tmp_path / "w.toml", *usual)
    assert tomllib.loads(text)["routes"]["auto"]["quality"] == "balanced"


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"environ": {}}, "windsock demo"),
        ({"use": ["anthropic"]}, "none of the providers whose key is set"),
        ({"purpose": "fun"}, "there are everything, extraction, code"),
        ({"budget": "-3"}, "no sum in dollars"),
        ({"budget": "nan"}, "no sum in dollars"),
        ({"budget": "lots"}, "no sum in dollars"),
    ],
)
def test_what_cannot_be_is_told_and_writes_nothing(facts, words, tmp_path) -> None:
    with pytest.raises(ConfigError, match=words):
        made(tmp_path / "w.toml", **facts)
    assert not (tmp_path / "w.toml").exists()


def test_a_file_that_is_there_is_not_written_over(tmp_path) -> None:
    path = tmp_path / "w.toml"
    path.write_text("mine")
    with pytest.raises(ConfigError, match="--force"):
        made(path)
    assert path.read_text() == "mine"
    assert "[routes.auto]" in made(path, force=True)[0]


def test_the_command_asks_in_the_terminal(tmp_path) -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("windsock"), "init"],
        input="openai\nextraction\n5\n", cwd=tmp_path, capture_output=True, text=True,
        env={"PATH": os.environ["PATH"], **KEYS}, check=True,
    )  # fmt: skip
    assert tomllib.loads((tmp_path / "windsock.toml").read_text())["caps"]["all"]["usd"] == 5
    assert "windsock doctor" in done.stdout and "windsock serve" in done.stdout
