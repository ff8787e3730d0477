"""Names of feeds and answers, resolved to deployments; nothing is guessed."""

from decimal import Decimal

import pytest

from windsock.core.model.catalog import Catalog, Deployment
from windsock.core.model.model_names import Alias, Identity, is_same_model, nearest, split_site
from windsock.providers.presets import provider_names


def identity(*ids: str, **facts) -> Identity:
    def deployment(name: str) -> Deployment:
        provider, _, model = name.partition("/")
        return Deployment(id=name, provider=provider, model=split_site(model)[0])

    return Identity(Catalog(deployment(name) for name in ids), provider_names(), **facts)


@pytest.mark.parametrize(
    ("deployment", "provider", "model"),
    [
        ("openai/gpt-4o", "openai", "gpt-4o"),
        ("openai/gpt-4o", "OpenAI", "GPT-4o"),
        ("google/gemini-2.5-pro", "gemini", "gemini-2.5-pro"),
        ("google/gemini-2.5-pro", "gemini", "gemini/gemini-2.5-pro"),
        ("google/gemini-2.5-pro", "google", "models/gemini-2.5-pro"),
        ("mistral/mistral-large-latest", "mistralai", "mistral-large-latest"),
        ("xai/grok-4.20", "x-ai", "grok-4.20"),
        ("fireworks/kimi-k3", "fireworks_ai", "accounts/fireworks/models/kimi-k3"),
        ("together/Qwen/Qwen3.5-9B", "together_ai", "Qwen/Qwen3.5-9B"),
        ("qwen/qwen-plus", "dashscope", "qwen-plus"),
        ("qwen/qwen-plus@cn", "alibaba-cn", "qwen-plus"),
        ("zai/glm-5", "z-ai", "glm-5"),
        ("zai/glm-5@cn", "zhipuai", "glm-5"),
        ("moonshot/kimi-k3@cn", "moonshotai-cn", "kimi-k3"),
        ("openrouter/openai/gpt-4@azure", "openrouter", "openai/gpt-4@azure"),
        ("openrouter/z/model:free", "openrouter", "z/model:free"),
        ("google-vertex/claude-opus-4-20250514", "vertex_ai", "claude-opus-4@20250514"),
        ("bedrock/openai.gpt-5.6-sol@us", "aws-bedrock", "us.openai.gpt-5.6-sol"),
        ("google-vertex/claude-sonnet-4-5@20250929", "vertex_ai", "claude-sonnet-4-5@20250929"),
        ("google-vertex/claude-sonnet-4-5@20250929", "vertex_ai", "claude-sonnet-4-5-20250929"),
        ("bedrock/us.anthropic.claude-x-v1:0", "bedrock_converse", "us.anthropic.claude-x-v1:0"),
        ("openai/ft:gpt-4o-mini-2024-07-18:acme::x1", "openai", "ft:gpt-4o-mini-2024-07-18"),
    ],
)
def test_a_feeds_name_means_the_deployment_itself(deployment, provider, model) -> None:
    assert identity(deployment).resolve(provider, model) == ((deployment, False),)


@pytest.mark.parametrize(
    ("deployment", "provider", "model"),
    [
        ("deepseek/deepseek-chat", "openrouter", "deepseek/deepseek-chat"),
        ("xai/grok-4.20", "openrouter", "x-ai/grok-4.20"),
        ("openrouter/openai/gpt-4@azure", "openrouter", "openai/gpt-4"),
        ("openrouter/openai/gpt-4", "openrouter", "openai/gpt-4@azure"),
        ("qwen/qwen-plus", "alibaba-cn", "qwen-plus"),
        ("qwen/qwen-plus@cn", "alibaba", "qwen-plus"),
        ("zai/glm-5", "zhipuai", "glm-5"),
    ],
)
def test_other_sites_hosts_and_resellers_corroborate_and_never_set(
    deployment, provider, model
) -> None:
    assert identity(deployment).resolve(provider, model) == ((deployment, True),)


@pytest.mark.parametrize(
    ("deployment", "provider", "model"),
    [
        ("deepseek/deepseek-chat", "openrouter", "deepseek/deepseek-chat:free"),
        ("openrouter/z/model", "openrouter", "z/model:free"),
        ("openai/gpt-4o", "openai", "gpt-4o-2024-05-13"),
        ("openai/gpt-4o-2024-08-06", "openai", "gpt-4o"),
        ("openai/gpt-4o", "openai", "gpt-4o-mini"),
        ("openrouter/auto", "openrouter", "codex/codex-auto-review"),
        ("openai/gpt-4o", "azure", "gpt-4o"),
        ("openai/ft:gpt-4o-mini-2024-07-18:acme::x1", "openai", "gpt-4o-mini-2024-07-18"),
        ("openai/gpt-4o-mini-2024-07-18", "openai", "ft:gpt-4o-mini-2024-07-18"),
    ],
)
def test_a_name_that_is_merely_similar_means_nobody(deployment, provider, model) -> None:
    assert identity(deployment).resolve(provider, model) == ()


def test_a_moving_alias_means_what_it_meant_at_the_time() -> None:
    moved = 1_727_827_200.0
    dated = (
        Alias(provider="openai", alias="gpt-4o", target="gpt-4o-2024-05-13", until=moved),
        Alias(provider="openai", alias="gpt-4o", target="gpt-4o-2024-08-06", since=moved),
    )
    names = identity("openai/gpt-4o-2024-05-13", "openai/gpt-4o-2024-08-06", dated=dated)
    assert names.resolve("openai", "gpt-4o", moved - 1) == (("openai/gpt-4o-2024-05-13", False),)
    assert names.resolve("openai", "gpt-4o", moved) == (("openai/gpt-4o-2024-08-06", False),)
    assert names.resolve("openai", "gpt-4o") == ()


def test_a_configured_price_name_counts_like_the_own_name() -> None:
    priced = Deployment(id="azure/prod", provider="azure", model="prod", price_names=("azure/o3",))
    names = Identity(Catalog([priced]), provider_names())
    assert names.resolve("azure", "o3") == (("azure/prod", False),)
    assert names.resolve("azure_ai", "prod") == (("azure/prod", False),)


def test_one_row_may_price_two_deployments() -> None:
    first = Deployment(id="openai/gpt-4o", provider="openai", model="gpt-4o")
    second = Deployment(id="proxy/gpt-4o", provider="proxy", model="gpt-4o",
                        price_names=("openai/gpt-4o",))  # fmt: skip
    found = Identity(Catalog([first, second]), provider_names()).resolve("openai", "gpt-4o")
    assert found == (("openai/gpt-4o", False), ("proxy/gpt-4o", False))


@pytest.mark.parametrize(
    ("asked", "served"),
    [
        ("gpt-4o", "gpt-4o-2024-08-06"),
        ("claude-haiku-4-5", "claude-haiku-4-5-20251001"),
        ("mistral-large-latest", "mistral-large-latest"),
        ("deepseek/deepseek-chat", "deepseek-chat"),
        ("models/gemini-2.5-pro", "gemini-2.5-pro"),
        ("Qwen/Qwen3-32B", "qwen3-32b"),
        ("ft:gpt-4o-mini:acme::x1", "ft:gpt-4o-mini:acme::x1"),
    ],
)
def test_a_snapshot_of_what_was_asked_is_no_redirect(asked, served) -> None:
    assert is_same_model(asked, served)


def test_a_retired_model_served_by_a_dearer_one_is_noticed_and_named() -> None:
    names = identity("xai/grok-4-1-fast", "xai/grok-4.3")
    assert names.served_by("xai/grok-4-1-fast", "grok-4-1-fast") is None
    assert names.served_by("xai/grok-4-1-fast", "grok-4.3") == "xai/grok-4.3"
    assert names.served_by("xai/grok-4-1-fast", "grok-5") == "xai/grok-5"
    assert not is_same_model("gpt-4o", "gpt-4o-mini-2024-07-18")
    assert not is_same_model("ft:gpt-4o-mini:acme::x1", "ft:gpt-4.1:acme::x1")


def test_the_names_nearest_to_one_share_its_words() -> None:
    seen = ["gemini/gemini-2.5-flash", "gemini/gemini-flash-lite-2.5", "openai/gpt-4o", "a/b"]
    near = nearest("google/gemini-2.5-flash-lite", seen)
    assert {"gemini/gemini-2.5-flash", "gemini/gemini-flash-lite-2.5"} <= set(near)
    assert nearest("x/y", ["p/q"]) == []


def test_what_follows_an_at_is_a_site_unless_it_is_a_date() -> None:
    assert split_site("acme/m@us") == ("acme/m", "us")
    assert split_site("acme/m@20250929") == ("acme/m@20250929", "")
    assert split_site("acme/m") == ("acme/m", "")


def test_a_worldwide_price_speaks_of_sites_that_add_a_share_to_it() -> None:
    sold = identity("bedrock/us.anthropic.x", "bedrock/anthropic.x", "bedrock/anthropic.x@eu")
    found = dict(sold.uplifted("bedrock_converse", "anthropic.x"))
    assert found == {
        "bedrock/us.anthropic.x": Decimal("0.1"),
        "bedrock/anthropic.x@eu": Decimal("0.1"),
    }
    assert dict(sold.uplifted("bedrock_converse", "global.anthropic.x")) == found
    assert dict(sold.uplifted("bedrock_converse", "us.anthropic.x")) == {}
    assert dict(sold.uplifted("anthropic", "anthropic.x")) == {}


def test_a_model_that_is_named_like_its_provider_is_another_than_the_bare_one() -> None:
    sold = identity("acme/m")
    assert sold.resolve("acme", "acme/m") == (("acme/m", False),)
    assert sold.resolve("acme", "acme/acme/m") == ()


@pytest.mark.parametrize(
    ("deployment", "provider", "model"),
    [
        ("bedrock/anthropic.claude-opus-5@eu", "bedrock_converse", "eu.anthropic.claude-opus-5"),
        ("bedrock/eu.anthropic.claude-opus-5", "aws", "eu.anthropic.claude-opus-5"),
        ("bedrock/us.deepseek.r1-v1:0", "bedrock", "converse/us.deepseek.r1-v1:0"),
        ("bedrock/anthropic.claude-v2", "bedrock", "invoke/anthropic.claude-v2"),
        ("bedrock/anthropic.claude-v2@us-east-1", "bedrock", "us-east-1/anthropic.claude-v2"),
        ("bedrock/us-gov-west-1/meta.llama3-v1:0", "aws", "us-gov-west-1/meta.llama3-v1:0"),
        ("bedrock/in.moonshotai.kimi-k3", "bedrock_converse", "in.moonshotai.kimi-k3"),
        ("bedrock/jp.anthropic.claude-sonnet-5", "amazon-bedrock", "jp.anthropic.claude-sonnet-5"),
        ("azure/gpt-4o@eu", "azure", "eu/gpt-4o"),
        ("azure/eu/gpt-4o", "azure", "eu/gpt-4o"),
        ("azure/us/gpt-4.1-2025-04-14", "azure", "us/gpt-4.1-2025-04-14"),
        ("azure/gpt-5.1@global", "azure", "global/gpt-5.1"),
        ("azure/gpt-4o-mini@global", "azure", "global-standard/gpt-4o-mini"),
        ("azure/gpt-5.4@us-gov", "azure", "us-gov/gpt-5.4"),
        ("google-vertex/claude-opus-4-1@20250805", "vertex_ai", "claude-opus-4-1@20250805"),
        ("google-vertex/claude-haiku-4-5-20251001", "vertex_ai", "claude-haiku-4-5@20251001"),
        ("mistral/mistral-large-latest", "mistral", "mistral-large-latest"),
        ("openrouter/qwen/qwen3-coder:free", "openrouter", "qwen/qwen3-coder:free"),
        ("together/meta-llama/Llama-3.3-70B-Instruct-Turbo", "together_ai",
         "meta-llama/Llama-3.3-70B-Instruct-Turbo"),
        ("xai/grok-4-latest", "x-ai", "grok-4-latest"),
    ],
)  # fmt: skip
def test_regions_dates_and_endpoints_in_names_of_clouds_are_read(
    deployment, provider, model
) -> None:
    assert identity(deployment).resolve(provider, model) == ((deployment, False),)


@pytest.mark.parametrize(
    ("deployment", "provider", "model"),
    [
        ("azure/gpt-4o@eu", "azure", "us/gpt-4o"),
        ("azure/gpt-4o", "azure", "eu/gpt-4o"),
        ("bedrock/anthropic.claude-v2@us-east-1", "bedrock", "us-west-2/anthropic.claude-v2"),
    ],
)
def test_another_region_of_a_cloud_only_corroborates(deployment, provider, model) -> None:
    assert identity(deployment).resolve(provider, model) == ((deployment, True),)


def test_a_word_before_a_slash_that_is_no_region_belongs_to_the_name() -> None:
    ours = identity("azure/hd/1024-x-1024/dall-e-3", "together/us-ai/small-1")
    assert ours.resolve("azure", "hd/1024-x-1024/dall-e-3") == (
        ("azure/hd/1024-x-1024/dall-e-3", False),
    )
    assert ours.resolve("azure", "dall-e-3") == ()
    assert ours.resolve("together", "us-ai/small-1") == (("together/us-ai/small-1", False),)
