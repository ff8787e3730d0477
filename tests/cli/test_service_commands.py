"""Every command that asks a running service sends the key it is given."""

import asyncio
import socket
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from tests.running import config_of, running
from tests.upstream import Answer, completion, upstream
from windsock.cli import app
from windsock.errors import WindsockError

TOKEN = "root-of-all"

COMMANDS = (
    ["weights"],
    ["explain", "DECISION"],
    ["prices", "list"],
    ["prices", "history", "acme/m"],
    ["prices", "quarantine"],
    ["alarms", "list"],
    ["label"],
    ["learn", "OUTCOMES"],
    ["learn", "--undo", "1"],
)
REFUSED = (
    (["prices", "approve", "acme/m", "own"], "no quote"),
    (["prices", "reject", "acme/m", "own"], "no quote"),
    (["alarms", "undo", "acme/m"], "no alarm"),
    (["learn", "OUTCOMES", "--strength", "nan"], "no numbers to ask by"),
    (["report", "--by", "farbe"], "is none of route, task"),
)
"""Commands that have nothing to do at the service, or nothing that can be asked."""


def run(command: list[str], *options: str, **environ: str | None):
    environ = {"WINDSOCK_URL": None, "WINDSOCK_API_KEY": None, **environ}
    return CliRunner().invoke(app, [*command, *options], env=environ)


async def test_every_command_that_asks_a_service_takes_a_key(tmp_path) -> None:
    outcomes = tmp_path / "outcomes.csv"
    outcomes.write_text("task,deployment,success,count\nsql,acme/m,0.9,20\n")
    async with upstream(lambda _: Answer(completion())) as model:
        config = config_of(("acme", model.url, 1.0))
        config += f'[server]\nkeys = "required"\nadmin_token = "{TOKEN}"\n'
        async with running(config, tmp_path) as it:
            ask = {"model": "auto", "messages": [{"role": "user", "content": "hi"}]}
            headers = {"authorization": f"Bearer {TOKEN}"}
            answer = await it.http.post("/v1/chat/completions", json=ask, headers=headers)
            await it.service.ledger.flushed()
            names = {
                "DECISION": answer.headers["x-windsock-decision-id"],
                "OUTCOMES": str(outcomes),
            }
            for command in COMMANDS:
                args = [names.get(word, word) for word in command]
                bare = await asyncio.to_thread(run, args, "--url", it.url)
                assert isinstance(bare.exception, WindsockError), command
                assert "--key or WINDSOCK_API_KEY" in str(bare.exception), command
                given = await asyncio.to_thread(run, args, "--url", it.url, "--key", TOKEN)
                assert given.exit_code == 0, (command, given.exception)
            for command, words in REFUSED:
                args = [names.get(word, word) for word in command]
                given = await asyncio.to_thread(run, args, "--url", it.url, "--key", TOKEN)
                assert words in str(given.exception), command
            told = {"WINDSOCK_URL": it.url, "WINDSOCK_API_KEY": TOKEN}
            by_name = await asyncio.to_thread(lambda: run(["prices", "list"], **told))
            assert by_name.exit_code == 0
            assert "acme/m" in by_name.output


async def test_something_else_that_answers_is_one_sentence() -> None:
    async with upstream(lambda _: Answer(b"<html>hello</html>")) as page:
        done = await asyncio.to_thread(run, ["weights"], "--url", page.url)
    assert isinstance(done.exception, WindsockError)
    assert "is no windsock" in str(done.exception)


def test_one_that_takes_its_time_is_not_taken_for_none(monkeypatch) -> None:
    monkeypatch.setattr("windsock.cli.service_client.TIMEOUT_S", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        done = run(["weights"], "--url", f"http://127.0.0.1:{silent.getsockname()[1]}")
    assert "did not answer within 0.05 s: it is busy" in str(done.exception)


@pytest.mark.parametrize(
    ("url", "words"), [("http://[", "no windsock answers"), ("nonsense", "--url is an address")]
)
def test_an_address_that_is_none_is_one_sentence(url, words) -> None:
    done = run(["weights"], "--url", url)
    assert isinstance(done.exception, WindsockError)
    assert words in str(done.exception)


@pytest.mark.parametrize(
    ("stated", "told"),
    [
        ("[server]\nport = 9912\n", "by windsock.toml it is at http://127.0.0.1:9912"),
        ("[server]\n", ""),
        ("server = 3\n", ""),
        ("no toml", ""),
    ],
)
def test_where_the_file_here_names_another_port_that_is_told(
    stated, told, tmp_path, monkeypatch
) -> None:
    (tmp_path / "windsock.toml").write_text(stated)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("windsock.cli.service_client.HERE", "http://127.0.0.1:9")
    done = run(["weights"], "--url", "http://127.0.0.1:9")
    assert str(done.exception).endswith(f"name it with --url{told and '; '}{told}")


def test_a_command_that_asks_a_service_does_not_load_one() -> None:
    asking = "import sys, windsock.cli.tables, windsock.cli.weights, windsock.cli.service_client"
    loaded = "print([each for each in sys.modules if each.startswith('windsock.app')])"
    command = [sys.executable, "-c", f"{asking}; {loaded}"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "[]\n"
