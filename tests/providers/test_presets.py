"""What presets.toml says of providers holds together."""

from collections import Counter

import pytest

from tests.running import config_of, running
from tests.upstream import Answer, completion, upstream
from windsock.app.catalog_parts import catalog_of
from windsock.app.default_settings import with_defaults
from windsock.config.file import parse
from windsock.config.settings import Settings
from windsock.core.model.model_names import Identity
from windsock.errors import ConfigError
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


def test_a_site_of_a_provider_is_known_by_its_own_name() -> None:
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


def test_a_providers_other_site_is_priced_as_that_site_is() -> None:
    stated = parse(
        '[providers.qwen]\nregion = "cn"\n[providers.kimi]\npreset = "moonshot"\n'
        '[routes.auto]\ncandidates = ["qwen/qwen-plus", "kimi/kimi-k2.6"]\n',
        {},
        source="windsock.toml",
    )
    names = Identity(catalog_of(stated, presets()), provider_names())
    direct = (("qwen/qwen-plus", False),)
    assert names.resolve("alibaba-cn", "qwen-plus") == direct
    assert names.resolve("alibaba", "qwen-plus") == (("qwen/qwen-plus", True),), "indirect only"
    assert names.resolve("moonshotai", "kimi-k2.6") == (("kimi/kimi-k2.6", False),)


def test_vertex_writes_googles_name_before_googles_models_and_lists_do_not() -> None:
    names = provider_names()
    assert names.parse("google-vertex", "google/gemini-2.5-flash") == names.parse(
        "vertex_ai", "gemini-2.5-flash"
    )


def test_a_preset_that_is_none_is_named_with_the_nearest() -> None:
    text = '[providers.x]\npreset = "opnai"\n[routes.auto]\ncandidates = ["x/m"]\n'
    with pytest.raises(ConfigError, match="no preset is named 'opnai'; did you mean 'openai'"):
        catalog_of(parse(text, {}, source="windsock.toml"), presets())


LIVE_ONLY = {"qwen", "deepinfra", "tokenmix", "vercel", "requesty", "sambanova", "nebius"}
"""The packaged list has no prices of these providers; feeds that are polled have."""


async def test_default_candidates_are_priced_before_any_feed_was_polled(tmp_path) -> None:
    environ = {each.key: "k" for each in presets().values() if each.key} | {
        "AWS_REGION": "us-west-2"
    }
    config = '[feeds]\nenabled = ["genai-prices"]\noffline = true\n'
    async with running(config, tmp_path, **environ) as it:
        book, names = it.service.router.book, list(it.service.router.catalog.deployments)
        unpriced = [name for name in names if book.in_force(name, it.service.clock.now()) is None]
    assert len(names) > 25
    assert {name.partition("/")[0] for name in unpriced} <= LIVE_ONLY


def test_keys_alone_make_a_route_over_who_can_be_reached() -> None:
    environ = {"OPENROUTER_API_KEY": "k", "GITHUB_TOKEN": "k", "AWS_BEARER_TOKEN_BEDROCK": "k"}
    made = with_defaults(Settings(), presets(), environ).routes["auto"].candidates
    assert {name.partition("/")[0] for name in made} == {"openrouter"}
    made = with_defaults(Settings(), presets(), {**environ, "AWS_REGION": "us-east-1"})
    assert "bedrock/openai.gpt-oss-120b-1:0" in made.routes["auto"].candidates


def test_caches_are_as_providers_document_them_and_as_usual_elsewhere() -> None:
    caches = {name: each.cache for name, each in known_providers().items()}
    assert (caches["openai"].ttl_s, caches["openai"].min_tokens) == (300.0, 1024)
    assert (caches["deepseek"].ttl_s, caches["deepseek"].min_tokens) == (7200.0, 64)
    assert caches["groq"].ttl_s == 7200.0 and caches["google"].min_tokens == 2048
    assert 0 < caches["anthropic"].write_share < 1, "it depends on what the client marks"
    assert caches["anthropic-compatible"].hit_rate == 0.0
    for cache in caches.values():
        assert cache.ttl_s > 0 and cache.min_tokens > 0 and 0 <= cache.hit_rate <= 1
