"""Configurations as people have them, in the forms of public repositories: imported, then served.

Each file says where its kinds come from. What is written loads as it is; for the test only the
addresses are turned to a server on loopback.
"""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import tomli_w

from tests.running import running
from tests.upstream import Answer, completion, upstream
from windsock.cli.litellm_import import as_toml, read_litellm
from windsock.config.file import parse

FILES = sorted((Path(__file__).parent / "litellm").glob("*.yaml"))
AT_IMPORT = {"LITELLM_MODEL": "gpt-4o-mini"}
AT_START = {"LITELLM_EMBEDDING_MODEL": "text-embedding-3-small"}
UNPRICED = {"many_kinds": {"somewhere"}, "clouds": {"vertex-flash"}}
"""Groups that nothing is sent to: no list can have a price, as the notes say, or, of Vertex, only
lists that are polled."""

CHAT = {"bedrock": "bedrock-openai", "anthropic": "anthropic-compatible"}
"""Who has a language of its own, which the server of the test does not speak."""
EMBEDDING = {"text-embedding-ada-002", "embedding", "research-embedding-v1"}

VECTORS = {"data": [{"embedding": [1.0]}], "model": "m", "usage": {"prompt_tokens": 3}}


class Environment(dict[str, str]):
    """Every variable is set."""

    def get(self, name: str, default: Any = None) -> Any:
        return AT_IMPORT.get(name, default) if name.endswith("_NOT_SET") else f"{name.lower()}-1"


def written(path: Path) -> str:
    return as_toml(read_litellm(path, AT_IMPORT), path.name)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_file_that_is_written_loads(path) -> None:
    text = written(path)
    stated = parse(text, Environment(), source="windsock.toml")
    assert stated.routes or stated.deployments
    assert text.startswith(f"# Made from {path.name}")


def turned(text: str, url: str) -> str:
    """The same, with every provider at `url`, without TLS, and only the packaged prices."""
    body = tomllib.loads(text)
    names = {c.partition("/")[0] for r in body.get("routes", {}).values() for c in r["candidates"]}
    names |= {d.partition("/")[0] for d in body.get("deployments", {})}
    providers = body.setdefault("providers", {})
    for name in names:
        stated = providers.setdefault(name, {})
        stated["base_url"] = url
        if chat := CHAT.get(stated.get("preset", name)):
            stated["preset"] = chat
    body["feeds"] = {"enabled": ["genai-prices"], "offline": True}
    body.get("cache", {}).pop("url", None)
    return tomli_w.dumps(body)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
async def test_what_was_imported_serves_every_group(path, tmp_path) -> None:
    text = written(path)
    async with upstream(reply) as server:
        async with running(turned(text, server.url), tmp_path, **variables(text)) as it:
            answers = {group: await asked(it.http, group, text) for group in groups(text)}
    failed = {group: each.text for group, each in answers.items() if each.status_code != 200}
    assert failed.keys() == UNPRICED.get(path.stem, set()), failed


def groups(text: str) -> list[str]:
    """What clients may ask for: routes, else deployments that a wildcard stands for."""
    body = tomllib.loads(text)
    return list(body.get("routes", {})) or ["gpt-4o-mini", "openai/gpt-4.1"]


def reply(body: dict[str, Any]) -> Answer:
    return Answer(VECTORS if "input" in body else completion())


def variables(text: str) -> dict[str, str]:
    """What the written file names, each with a value of its own."""
    names = re.findall(r"\$\{(\w+)\}", text)
    return {name: AT_START.get(name, f"{name.lower()}-1") for name in names}


async def asked(http: Any, group: str, text: str) -> Any:
    """An answer of one group, with the master key if the file has one."""
    token = tomllib.loads(text).get("server", {}).get("admin_token", "none")
    key = variables(text).get(token.strip("${}"), token)
    headers = {"authorization": f"Bearer {key}"}
    if group in EMBEDDING:
        return await http.post(
            "/v1/embeddings", headers=headers, json={"model": group, "input": "x"}
        )
    ask = {"model": group, "messages": [{"role": "user", "content": "hi"}]}
    return await http.post("/v1/chat/completions", headers=headers, json=ask)


async def test_without_the_master_key_nobody_is_served(tmp_path) -> None:
    text = written(next(path for path in FILES if path.stem == "chain"))
    async with upstream(reply) as server:
        async with running(turned(text, server.url), tmp_path, **variables(text)) as it:
            ask = {"model": "default", "messages": []}
            answer = await it.http.post("/v1/chat/completions", json=ask)
    assert answer.status_code == 401


async def test_chains_in_a_circle_are_followed_once_around(tmp_path) -> None:
    """Of three sellers two are down: the third answers, whoever is asked first."""
    text = written(next(path for path in FILES if path.stem == "chain"))

    def only_together(body: dict[str, Any]) -> Answer:
        is_up = body["model"].startswith("meta-llama/Llama-4")
        return Answer(completion()) if is_up else Answer({"error": {"message": "x"}}, status=503)

    async with upstream(only_together) as server:
        async with running(turned(text, server.url), tmp_path, **variables(text)) as it:
            answers = [
                await asked(it.http, group, text)
                for group in ("default", "groq/maverick", "together/maverick")
            ]
    assert [each.status_code for each in answers] == [200] * 3
    assert {each.json()["provider"] for each in answers} == {"together"}
