"""Every command that asks a service, once a key is needed: by --key and by WINDSOCK_API_KEY."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from tests.cli.test_terminal import COMMANDS
from tests.running import Running, config_of, running
from tests.upstream import Answer, completion, upstream
from windsock.cli import app
from windsock.observability import log

ADMIN = "an-admin-token-of-the-test"
ASKING = {name for name, each in COMMANDS.items() if "url" in {p.name for p in each.params}}
FACTS = {
    "whatif": ["--price", "acme/m=x2"],
    "learn": ["lesson.csv"],
    "prices show": ["acme/m"],
    "prices history": ["acme/m"],
    "prices approve": ["acme/m", "nobody"],
    "prices reject": ["acme/m", "nobody"],
    "alarms undo": ["acme/m"],
    "alarms silence": ["nobody"],
    "caps raise": ["daily", "--usd", "1"],
    "simulate": ["--from-log", "--seeds", "1", "--for", "1s", "--jobs", "1"],
}
REFUSED = {"prices approve", "prices reject", "alarms undo", "alarms silence", "simulate"}
"""There is nothing of that name here, or too little: they say so, and not that a key is missing."""


def asked(name: str, place: Path, **environ: str) -> Result:
    words = [*name.split(), *FACTS.get(name, []), "--json"]
    known = {"WINDSOCK_URL": None, "WINDSOCK_API_KEY": None, "COLUMNS": "80", **environ}
    words = [str(place / word) if word.endswith(".csv") else word for word in words]
    return CliRunner().invoke(app, words, env=known)


async def answered(it: Running) -> str:
    """A request, and the id of its decision."""
    body = {"model": "auto", "messages": [{"role": "user", "content": "hello"}]}
    headers = {"authorization": f"Bearer {ADMIN}"}
    answer = await it.http.post("/v1/chat/completions", json=body, headers=headers)
    await it.service.ledger.flushed()
    return str(answer.headers["x-windsock-decision-id"])


async def test_a_command_that_asks_a_service_takes_a_key(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    lesson = "task,deployment,success,count\nsql,acme/m,0.9,20\n"
    (tmp_path / "lesson.csv").write_text(lesson)
    config = config_of(("acme", "URL", 1.0)) + (
        f'[server]\nadmin_token = "{ADMIN}"\nkeys = "required"\n[caps.daily]\nusd = 5\n'
    )
    async with upstream(lambda _: Answer(completion())) as model:
        async with running(config.replace("URL", model.url), tmp_path) as it:
            log.configure(level="error")  # the service writes where commands print
            FACTS["explain"] = [await answered(it)]
            for name in sorted(ASKING):
                keyed = {"WINDSOCK_URL": it.url, "WINDSOCK_API_KEY": ADMIN}
                done = await asyncio.to_thread(asked, name, tmp_path, **keyed)
                bare = await asyncio.to_thread(asked, name, tmp_path, WINDSOCK_URL=it.url)
                assert bare.exit_code != 0 and "WINDSOCK_API_KEY" in str(bare.exception), name
                assert "WINDSOCK_API_KEY" not in f"{done.exception}{done.output}", name
                if name in REFUSED:
                    assert done.exit_code != 0 and str(done.exception), name
                else:
                    assert done.exit_code == 0, (name, done.exception)
                    assert json.loads(done.stdout) is not None, name


@pytest.mark.parametrize("name", sorted(ASKING))
def test_it_takes_both_by_name_and_from_the_environment(name) -> None:
    by_name = {each.name: each for each in COMMANDS[name].params}
    assert by_name["url"].envvar == "WINDSOCK_URL"
    assert by_name["key"].envvar == "WINDSOCK_API_KEY"
