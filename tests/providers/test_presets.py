"""What presets.toml says of providers holds together."""

from collections import Counter

from tests.running import config_of, running
from tests.upstream import Answer, completion, upstream
from windsock.providers.presets import known_providers, presets, provider_names
from windsock.wire.registry import FORMATS


def test_every_provider_speaks_a_format_that_is_known() -> None:
    assert {each.format for each in known_providers().values()} <= FORMATS.keys()


def test_a_name_means_one_provider() -> None:
    stated = [
        alias.partition("@")[0] for each in known_providers().values() for alias in each.aliases
    ]
    names = Counter([*stated, *known_providers()])
    assert [name for name, times in names.items() if times > 1] == []


def test_who_is_known_to_feeds_only_cannot_be_called_without_an_address() -> None:
    assert "bedrock" in known_providers()
    assert "bedrock" not in presets()
    assert provider_names().split_region("zhipuai") == ("zai", "cn")


async def test_the_routers_own_fields_reach_only_who_understands_them(tmp_path) -> None:
    ask = {
        "model": "auto",
        "session_id": "s",
        "messages": [{"role": "user", "content": "hi"}],
    }
    async with upstream(lambda _: Answer(completion())) as acme:
        config = config_of(("acme", acme.url, 1.0))
        knowing = config.replace("[providers.acme]", '[providers.acme]\npreset = "openrouter"')
        for text in (config, knowing):
            async with running(text, tmp_path) as it:
                await it.http.post("/v1/chat/completions", json=ask)
    assert ["session_id" in body for body in acme.seen] == [False, True]
