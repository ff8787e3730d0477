"""What a client may call a route: its name, aliases, globs, suffixes; else the nearest is told."""

import pytest

from tests.running import config_of, running
from tests.upstream import Answer, completion, upstream
from windsock.config.file import parse
from windsock.errors import ConfigError

TURN = [{"role": "user", "content": "hi"}]

ROUTES = """
[routes."claude-*"]
candidates = ["acme/big"]
[routes."claude-haiku-*"]
candidates = ["acme/tiny"]
aliases = ["gpt-4o-mini", "gemini-?.5-flash", "o[1]-mini"]
[routes.rest]
candidates = ["bolt/last"]
[routes.own]
candidates = ["bolt/llama3:8b"]
"""


def config(url: str) -> str:
    sellers = config_of(("acme", url, 2.0), ("bolt", url, 1.0)).replace(
        "[routes.auto]", "[routes.auto]\n"
    )
    return f'default_route = "rest"\n{sellers}{ROUTES}'


async def asked(it, model: str, path: str = "/v1/chat/completions", **fields):
    body = {"model": model, "messages": TURN, "max_tokens": 9, **fields}
    return await it.http.post(path, json=body)


@pytest.mark.parametrize(
    ("name", "deployment"),
    [
        ("claude-sonnet-4-5", "acme/big"),
        ("claude-haiku-4-5-20251001", "acme/tiny"),
        ("claude-haiku-4:floor", "acme/tiny"),
        ("gpt-4o-mini", "acme/tiny"),
        ("gpt-4o-mini:nitro", "acme/tiny"),
        ("gemini-2.5-flash", "acme/tiny"),
        ("o[1]-mini", "acme/tiny"),
        ("acme/big", "acme/big"),
        ("big", "acme/big"),
        ("llama3:8b", "bolt/llama3:8b"),
        ("llama3:8b:floor", "bolt/llama3:8b"),
        ("gemini-22.5-flash", "bolt/last"),
        ("o1-mini", "bolt/last"),
        ("nobody/knows-this", "bolt/last"),
        ("auto:floor", "bolt/m"),
    ],
)
async def test_a_name_finds_its_route(tmp_path, name, deployment) -> None:
    async with (
        upstream(lambda _: Answer(completion())) as model,
        running(config(model.url), tmp_path) as it,
    ):
        for path in ("/v1/chat/completions", "/v1/messages"):
            answer = await asked(it, name, path)
            assert answer.headers["x-windsock-deployment"] == deployment
        assert model.seen[-1]["model"] == deployment.partition("/")[2]


async def test_a_default_stands_in_only_where_no_name_of_the_list_is_known(tmp_path) -> None:
    async with (
        upstream(lambda _: Answer(completion())) as model,
        running(config(model.url), tmp_path) as it,
    ):
        answer = await asked(it, "gone", models=["claude-opus-4"])
        assert answer.headers["x-windsock-deployment"] == "acme/big"
        answer = await asked(it, "gone:floor", models=["gone-too:floor"])
        assert answer.headers["x-windsock-deployment"] == "bolt/last"


async def test_a_route_named_by_a_star_is_the_default(tmp_path) -> None:
    star = '[routes."*"]\ncandidates = ["acme/m"]\n'
    async with upstream(lambda _: Answer(completion())) as model:
        only = config_of(("acme", model.url, 1.0)) + star
        async with running(only, tmp_path) as it:
            assert (await asked(it, "whatever/you-like")).status_code == 200
            assert (await asked(it, "clears\x1b[2J")).status_code == 404


async def test_what_a_suffix_asks_for_is_kept_to_or_refused(tmp_path) -> None:
    free = (
        '[providers.gift]\nbase_url = "{}"\nprice = {{ input = 0, output = 0, reason = "local" }}\n'
    )
    async with upstream(lambda _: Answer(completion())) as model:
        text = config_of(("acme", model.url, 2.0)) + free.format(model.url)
        text = text.replace('["acme/m"]', '["acme/m", "gift/m"]')
        async with running(text, tmp_path) as it:
            for _ in range(8):
                answer = await asked(it, "auto:free")
                assert answer.headers["x-windsock-deployment"] == "gift/m"
            answer = await asked(it, "acme/m:free")
            assert answer.status_code == 422
            assert "above the caller's $0" in answer.json()["error"]["message"]
            answer = await asked(it, "auto:online")
            assert answer.status_code == 400
            assert "web_search_options" in answer.json()["error"]["message"]
            answer = await asked(it, "auto:floor", provider={"order": ["acme"]})
            assert answer.headers["x-windsock-deployment"] == "acme/m"


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("atuo", "did you mean 'auto'?"),
        ("atuo:floor", "did you mean 'auto'?"),
        ("AUTO", "did you mean 'auto'?"),
        ("acme/n", "did you mean 'acme/m'?"),
        ("quick-2099-01-01-preview", "did you mean 'quick'?"),
        ("zzzz", "GET /v1/models lists all"),
        ("auto:extended", "did you mean 'auto'?"),
    ],
)
async def test_an_unknown_name_is_told_with_what_to_do(tmp_path, name, hint) -> None:
    alias = 'aliases = ["quick"]\n'
    async with (
        upstream(lambda _: Answer(completion())) as model,
        running(config_of(("acme", model.url, 1.0)) + alias, tmp_path) as it,
    ):
        answer = await asked(it, name)
        assert answer.status_code == 404
        assert answer.json()["error"]["code"] == "model_not_found"
        assert hint in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ('default_route = "rset"\n', "did you mean 'rest'"),
        ('default_route = "rest"\n[routes."*"]\ncandidates = ["acme/m"]\n', "a name of routes.*"),
        ('[routes.b]\ncandidates = ["acme/m"]\naliases = ["rest"]\n', "a name of routes.rest"),
        ('[routes.b]\ncandidates = ["acme/m"]\naliases = [""]\n', "is empty"),
    ],
)
def test_a_name_that_stands_for_two_routes_or_for_none_is_refused(more, words) -> None:
    text = (
        more + '[routes.rest]\ncandidates = ["acme/m"]\n[providers.acme]\nbase_url = "http://x"\n'
    )
    with pytest.raises(ConfigError, match=words.replace("*", "[*]")):
        parse(text, {}, source="windsock.toml")
