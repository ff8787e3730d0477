"""A LiteLLM config becomes a windsock.toml that windsock itself accepts."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from windsock.app.catalog_parts import catalog_of, upstreams_of
from windsock.app.feed_parts import own_quotes
from windsock.cli.litellm_import import as_toml, read_litellm
from windsock.clock import SystemClock
from windsock.config.file import parse
from windsock.config.settings import Settings
from windsock.errors import ConfigError
from windsock.providers.presets import presets

CONFIG = """
model_list:
  - model_name: fast
    litellm_params: {model: gpt-4o-mini, api_key: os.environ/OPENAI_API_KEY}
  - model_name: fast
    litellm_params: {model: gemini/gemini-2.5-flash, api_key: os.environ/GEMINI_API_KEY}
  - model_name: fast
    litellm_params: {model: openai/gpt-4o-mini, api_key: os.environ/OPENAI_KEY_2}
  - model_name: "my model"
    litellm_params:
      model: openai/qwen3
      api_base: http://127.0.0.1:8123/v1
      api_key: none
      input_cost_per_token: 2.0e-07
      output_cost_per_token: 0.0000006
  - model_name: far
    litellm_params: {model: some_unknown/thing}
router_settings: {routing_strategy: simple-shuffle}
"""
SECRETS = {"OPENAI_API_KEY": "a", "GEMINI_API_KEY": "b", "OPENAI_KEY_2": "c"}


def imported(tmp_path: Path, text: str = CONFIG, environ: dict[str, str] | None = None) -> str:
    path = tmp_path / "config.yaml"
    path.write_text(text)
    return as_toml(read_litellm(path, environ or {}), path.name)


def settings(tmp_path: Path) -> Settings:
    return parse(imported(tmp_path), SECRETS, source="windsock.toml")


def test_entries_of_one_name_become_candidates_of_one_route(tmp_path) -> None:
    routes = settings(tmp_path).routes
    assert list(routes) == ["fast", "my model"]
    assert routes["fast"].candidates == (
        "openai/gpt-4o-mini",
        "google/gemini-2.5-flash",
        "openai-2/gpt-4o-mini",
    )


def test_addresses_keys_and_prices_are_kept_and_secrets_stay_outside(tmp_path) -> None:
    stated = settings(tmp_path)
    catalog = catalog_of(stated, presets())
    upstreams = upstreams_of(stated, presets(), SECRETS, catalog, SystemClock())
    assert upstreams["openai-2"].endpoint.base_url == "https://api.openai.com/v1"
    assert upstreams["openai-2"].endpoint.headers["authorization"] == "Bearer c"
    assert upstreams["local"].endpoint.base_url == "http://127.0.0.1:8123/v1"
    (price,) = own_quotes(stated, catalog, 0.0)
    assert [str(usd) for usd in price.usd_per_mtok.values()] == ["0.2", "0.6"]
    assert "${OPENAI_API_KEY}" in imported(tmp_path)


def test_what_has_no_counterpart_is_said_in_the_file(tmp_path) -> None:
    text = imported(tmp_path)
    assert "# - left out, as no address is known for the provider 'some_unknown'" in text
    assert "# - router_settings.routing_strategy: traffic follows price and success" in text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: [", "not valid YAML"),
        ("a: 1", "no model_list"),
        ("[]", "no model_list"),
        ("model_list: []", "GET /model/info"),
        ("model_list: [{model_name: x}]", "no entry of model_list can be carried"),
        ("model_list: [{litellm_params: {model: azure/}}]", "it names no model"),
    ],
)
def test_what_is_no_such_config_is_named(tmp_path, text, words) -> None:
    with pytest.raises(ConfigError, match=words):
        imported(tmp_path, text)


def carried(tmp_path: Path, params: str, more: str = "", **environ: str) -> dict[str, Any]:
    """The tables of one deployment named `m`, with these parameters."""
    text = f"model_list: [{{model_name: m, litellm_params: {{{params}}}}}]\n{more}"
    return tomllib.loads(imported(tmp_path, text, environ))


@pytest.mark.parametrize(
    ("params", "deployment"),
    [
        ("model: gpt-4o", "openai/gpt-4o"),
        ("model: claude-sonnet-4-5", "anthropic/claude-sonnet-4-5"),
        ("model: command-r", "cohere/command-r"),
        ("model: together_ai/meta-llama/Llama-3", "together/meta-llama/Llama-3"),
        ("model: azure/ours, api_base: 'https://x.openai.azure.com'", "azure/ours"),
        ("model: azure/responses/ours, api_base: 'https://x.openai.azure.com'", "azure/ours"),
        ("model: openai/responses/o3-pro", "openai-responses/o3-pro"),
        ("model: openai/ours, api_base: 'https://x.openai.azure.com/openai/v1'", "azure/ours"),
        ("model: openai/deepseek-chat, api_base: 'https://api.deepseek.com'",
         "deepseek/deepseek-chat"),
        ("model: openai/x/y, api_base: 'https://openrouter.ai/api/v1'", "openrouter/x/y"),
        ("model: openai/openai/x, api_base: 'https://openrouter.ai/api/v1'", "openrouter/openai/x"),
        ("model: bedrock/eu-west-1/openai.gpt-oss-20b-1:0", "bedrock/openai.gpt-oss-20b-1:0"),
        ("model: bedrock/converse/openai.gpt-oss-20b-1:0", "bedrock/openai.gpt-oss-20b-1:0"),
        ("model: vertex_ai/gemini-2.5-pro", "google-vertex/google/gemini-2.5-pro"),
        ("model: vertex_ai/meta/llama-4-maas", "google-vertex/meta/llama-4-maas"),
        ("model: gpt-4o, custom_llm_provider: openrouter", "openrouter/gpt-4o"),
        ("model: openai/q, api_base: 'https://llm.acme.com/v1'", "llm-acme-com/q"),
        ("model: openai/q, api_base: 'http://vllm:8000/v1'", "vllm/q"),
        ("model: openai/q, api_base: 'http://192.168.1.4:9/v1'", "local/q"),
        ("model: dashscope/qwen-plus", "qwen/qwen-plus"),
        ("model: litellm_proxy/x", "litellm/x"),
        ("model: huggingface/together/deepseek-ai/R1", "huggingface/deepseek-ai/R1:together"),
        ("model: nvidia_nim/meta/llama3", "nvidia_nim/meta/llama3"),
    ],
)  # fmt: skip
def test_whom_a_deployment_means(tmp_path, params, deployment) -> None:
    assert carried(tmp_path, params)["routes"]["m"]["candidates"] == [deployment]


@pytest.mark.parametrize(
    ("cost", "price"),
    [
        ("input_cost_per_token: 1e-5, output_cost_per_token: 3E-5", {"input": 10, "output": 30}),
        ("input_cost_per_token: 0.0000002, output_cost_per_token: '6e-7'",
         {"input": 0.2, "output": 0.6}),
        ("input_cost_per_token: 0, output_cost_per_token: 0.0",
         {"input": 0, "output": 0, "reason": "stated as free"}),
        ("input_cost_per_token: 1e-6, output_cost_per_token: 0,"
         "cache_read_input_token_cost: 1e-7, cache_creation_input_token_cost: 1.25e-6",
         {"input": 1, "output": 0, "cache_read": 0.1, "cache_write": 1.25}),
        ("input_cost_per_token: 1e-6, output_cost_per_token: 1e-6,"
         "input_cost_per_token_flex: 5e-7, output_cost_per_token_flex: 5e-7",
         {"input": 1, "output": 1, "service_tiers": {"flex": {"input": 0.5, "output": 0.5}}}),
    ],
)  # fmt: skip
def test_a_stated_price_is_per_million_however_it_is_written(tmp_path, cost, price) -> None:
    made = carried(tmp_path, f"model: openai/x, {cost}")
    assert made["deployments"]["openai/x"]["price"] == price


def test_half_a_price_is_no_price_and_is_said(tmp_path) -> None:
    params = "model: openai/x, input_cost_per_token: 1e-5"
    assert "deployments" not in carried(tmp_path, params)
    assert "state input and output" in imported(tmp_path, (tmp_path / "config.yaml").read_text())


def test_a_model_named_by_the_environment_is_the_one_that_it_names_now(tmp_path) -> None:
    made = carried(tmp_path, "model: os.environ/MODEL, api_key: os.environ/K", MODEL="groq/llama-x")
    assert made["routes"]["m"]["candidates"] == ["groq/llama-x"]
    assert made["providers"]["groq"]["api_key"] == "${K}"


def test_a_model_whose_provider_is_stated_may_be_named_later(tmp_path) -> None:
    made = carried(tmp_path, "model: os.environ/MODEL, custom_llm_provider: openai")
    assert made["routes"]["m"]["candidates"] == ["openai/${MODEL}"]


def test_included_files_and_named_credentials_are_read(tmp_path) -> None:
    (tmp_path / "models.yaml").write_text(
        "model_list: [{model_name: b, litellm_params: {model: groq/b, "
        "litellm_credential_name: mine}}]"
    )
    made = carried(
        tmp_path,
        "model: groq/a",
        "include: [models.yaml]\n"
        "credential_list: [{credential_name: mine, credential_values: {api_key: os.environ/MINE}}]",
    )
    assert made["routes"]["b"]["candidates"] == ["groq-2/b"]
    assert made["providers"]["groq-2"] == {"preset": "groq", "api_key": "${MINE}"}


def test_whoever_stands_behind_others_by_its_order_is_a_fallback(tmp_path) -> None:
    text = (
        "model_list:\n"
        "- {model_name: m, litellm_params: {model: groq/first, order: 1}}\n"
        "- {model_name: m, litellm_params: {model: groq/third, order: 3}}\n"
        "- {model_name: m, litellm_params: {model: groq/second, order: 2}}\n"
    )
    route = tomllib.loads(imported(tmp_path, text))["routes"]["m"]
    assert route == {"candidates": ["groq/first"], "fallbacks": ["groq/second", "groq/third"]}


def test_a_wildcard_stands_for_what_is_known_and_exact_names_are_stronger(tmp_path) -> None:
    text = (
        "model_list:\n"
        "- {model_name: '*', litellm_params: {model: 'openai/*'}}\n"
        "- {model_name: gpt-4o, litellm_params: {model: groq/mine}}\n"
        "- {model_name: 'gemini/*', litellm_params: {model: 'gemini/*'}}\n"
    )
    made = tomllib.loads(imported(tmp_path, text))
    assert made["routes"]["gpt-4o"]["candidates"] == ["groq/mine"]
    assert {"openai/gpt-4o", "openai/gpt-4o-mini"} <= made["deployments"].keys()
    assert not [each for each in made["deployments"] if each.endswith("-")]
    assert made["routes"]["gemini/gemini-2.5-flash"]["candidates"] == ["google/gemini-2.5-flash"]


def test_every_setting_of_the_file_is_carried_or_named(tmp_path) -> None:
    """Each leaf of the proxy's three tables is found again, as a value or in a note."""
    more = (
        "router_settings: {num_retries: 2, timeout: 30, stream_timeout: 5, invented_here: 1}\n"
        "litellm_settings: {json_logs: true, cache: true, cache_params: {ttl: 60, mode: off}, "
        "max_budget: 5, budget_duration: 2h}\n"
        "general_settings: {master_key: os.environ/MK, max_parallel_requests: 9, "
        "alerting: [slack]}\n"
        "guardrails: []\nunheard_of: {a: 1}\n"
    )
    made = carried(
        tmp_path, "model: gpt-4o, timeout: 40, rpm: 3, tpm: 4, weight: 2, top_p: 1", more
    )
    assert made["routes"]["m"] == {
        "candidates": ["openai/gpt-4o"], "answer_timeout": 40.0, "max_attempts": 3,
        "first_byte_timeout": 5.0,
    }  # fmt: skip
    assert made["server"] == {
        "keys": "required", "admin_token": "${MK}", "max_concurrent": 9, "log_format": "json",
    }  # fmt: skip
    assert made["cache"] == {"enabled": True, "ttl": 60.0}
    text = (tmp_path / "config.yaml").read_text()
    notes = imported(tmp_path, text)
    for name in (
        "rpm", "tpm", "weight", "top_p", "router_settings.invented_here", "guardrails",
        "litellm_settings.max_budget", "cache_params.mode", "general_settings.alerting",
        "unheard_of",
    ):  # fmt: skip
        assert f"# - {name}: " in notes, name


def test_a_filtered_request_goes_elsewhere_where_that_was_asked_for(tmp_path) -> None:
    more = "litellm_settings: {content_policy_fallbacks: [{m: [m2]}]}\n"
    text = (
        "model_list:\n- {model_name: m, litellm_params: {model: gpt-4o}}\n"
        "- {model_name: m2, litellm_params: {model: groq/x}}\n"
    )
    routes = tomllib.loads(imported(tmp_path, text + more))["routes"]
    assert routes["m"]["fallbacks"] == ["m2"]
    assert routes["m"]["content_filter"] == "elsewhere"
    assert "content_filter" not in routes["m2"]


def test_another_name_of_a_group_shares_what_it_learns_unless_it_falls_back_elsewhere(
    tmp_path,
) -> None:
    text = (
        "model_list:\n- {model_name: m, litellm_params: {model: gpt-4o}}\n"
        "- {model_name: m2, litellm_params: {model: groq/x}}\n"
        "router_settings:\n  model_group_alias: {a: m, b: m, hidden: {model: m2, hidden: true}}\n"
        "  fallbacks: [{b: [m2]}, {m2: [a]}]\n"
        "litellm_settings: {content_policy_fallbacks: [{m: [hidden]}]}\n"
    )
    routes = tomllib.loads(imported(tmp_path, text))["routes"]
    assert routes == {
        "m": {"candidates": ["openai/gpt-4o"], "aliases": ["a"], "fallbacks": ["m2"],
              "content_filter": "elsewhere"},
        "m2": {"candidates": ["groq/x"], "aliases": ["hidden"], "fallbacks": ["m"]},
        "b": {"candidates": ["openai/gpt-4o"], "fallbacks": ["m2"]},
    }  # fmt: skip
    secrets = {"OPENAI_API_KEY": "1", "GROQ_API_KEY": "2"}
    assert parse(imported(tmp_path, text), secrets, source="windsock.toml")


def test_budgets_of_the_proxy_and_of_providers_are_caps(tmp_path) -> None:
    text = (
        "model_list:\n- {model_name: m, litellm_params: {model: gpt-4o, api_key: os.environ/A}}\n"
        "- {model_name: m, litellm_params: {model: gpt-4o, api_key: os.environ/B}}\n"
        "router_settings:\n  provider_budget_config:\n"
        "    openai: {budget_limit: 0.5, time_period: 1d}\n"
        "    groq: {budget_limit: 1, time_period: 1d}\n"
        "litellm_settings: {max_budget: 100, budget_duration: 30d}\n"
    )
    made = imported(tmp_path, text)
    assert tomllib.loads(made)["caps"] == {
        "all": {"usd": 100.0, "period": "month"},
        "openai": {"usd": 0.5, "period": "day", "providers": ["openai", "openai-2"]},
    }
    assert "# - router_settings.provider_budget_config.groq: none of the deployments" in made
    parse(made, {"A": "1", "B": "2"}, source="windsock.toml")


def test_a_model_that_is_not_at_the_endpoint_of_its_provider_is_named(tmp_path) -> None:
    text = (
        "model_list:\n- {model_name: m, litellm_params: {model: vertex_ai/claude-sonnet-4}}\n"
        "- {model_name: m, litellm_params: {model: vertex_ai/gemini-2.5-pro}}\n"
    )
    made = imported(tmp_path, text)
    assert tomllib.loads(made)["routes"]["m"]["candidates"] == [
        "google-vertex/google/gemini-2.5-pro"
    ]
    assert "left out, as it is not at the endpoint by which google-vertex is called" in made


def test_no_account_takes_the_region_of_another(tmp_path) -> None:
    arn = "arn:aws:bedrock:us-east-2:1:application-inference-profile/a"
    text = "model_list:\n" + "".join(
        f"- {{model_name: m, litellm_params: {{model: 'bedrock/{name}'}}}}\n"
        for name in ("here", "eu-central-1/there", arn)
    )
    made = tomllib.loads(imported(tmp_path, text))
    assert made["routes"]["m"]["candidates"] == [
        "bedrock/here", "bedrock-2/there", f"bedrock-3/{arn}",
    ]  # fmt: skip
    assert {name: facts["region"] for name, facts in made["providers"].items()} == {
        "bedrock-2": "eu-central-1", "bedrock-3": "us-east-2",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("params", "address"),
    [
        ("model: azure/d, api_base: 'https://x.openai.azure.com/openai/deployments/d/'",
         "https://x.openai.azure.com"),
        ("model: azure/d, api_base: 'https://x.openai.azure.com/openai/v1', api_version: preview",
         "https://x.openai.azure.com/openai/v1"),
        ("model: azure_ai/d, api_base: "
         "'https://x.services.ai.azure.com/models/chat/completions?api-version=2024-05-01-preview'",
         "https://x.services.ai.azure.com"),
        ("model: azure/d", "${AZURE_API_BASE}"),
        ("model: ollama/q", "${OLLAMA_API_BASE:-http://127.0.0.1:11434/v1}"),
        ("model: huggingface/a/b, api_base: 'https://x.endpoints.huggingface.cloud'",
         "https://x.endpoints.huggingface.cloud/v1"),
        ("model: bedrock/b, aws_bedrock_runtime_endpoint: 'https://vpce.example.com'",
         "https://vpce.example.com"),
        ("model: nvidia_nim/n", "https://integrate.api.nvidia.com/v1"),
    ],
)  # fmt: skip
def test_an_address_is_the_one_that_litellm_would_call(tmp_path, params, address) -> None:
    (facts,) = carried(tmp_path, params)["providers"].values()
    assert facts["base_url"] == address
    assert "api_version" not in facts


def test_a_server_that_only_a_variable_names_is_not_taken_for_free(tmp_path) -> None:
    made = carried(tmp_path, "model: databricks/dbrx, api_base: os.environ/B, api_key: k")
    assert "price" not in made["providers"]["databricks"]
    assert "nothing is sent where no price is known" in imported(
        tmp_path, (tmp_path / "config.yaml").read_text()
    )


@pytest.mark.parametrize(
    ("retries", "attempts"), [("num_retries: 0", 3), ("num_retries: 2", 5), ("timeout: 9", None)]
)
def test_retries_leave_calls_for_every_fallback(tmp_path, retries, attempts) -> None:
    text = "model_list:\n" + "".join(
        f"- {{model_name: {name}, litellm_params: {{model: groq/{name}}}}}\n" for name in "abc"
    )
    text += f"router_settings: {{{retries}, fallbacks: [{{a: [b, c]}}]}}\n"
    assert tomllib.loads(imported(tmp_path, text))["routes"]["a"].get("max_attempts") == attempts


def test_a_price_per_second_is_carried_and_not_said_to_be_lost(tmp_path) -> None:
    params = "model: whisper-1, input_cost_per_second: 0.0001"
    text = (
        f"model_list: [{{model_name: m, litellm_params: {{{params}}}, "
        "model_info: {mode: audio_transcription}}]\n"
    )
    made = imported(tmp_path, text)
    price = tomllib.loads(made)["deployments"]["openai/whisper-1"]["price"]
    assert price["input_second"] == 100
    assert "per_second" not in made


def test_a_discount_and_the_size_of_requests_are_carried(tmp_path) -> None:
    more = (
        "litellm_settings: {cost_discount_config: {openai: 0.05, groq: 0.1}}\n"
        "general_settings: {max_request_size_mb: 7}\n"
    )
    made = carried(tmp_path, "model: gpt-4o", more)
    assert made["providers"]["openai"]["discount"] == 0.05
    assert made["server"] == {"max_body_mb": 7.0}
    notes = imported(tmp_path, (tmp_path / "config.yaml").read_text())
    assert "cost_discount_config.groq: none of the deployments" in notes


def test_a_cache_in_redis_whose_address_is_not_in_the_file_is_said(tmp_path) -> None:
    made = carried(tmp_path, "model: gpt-4o", "litellm_settings: {cache: true}\n")
    assert made["cache"] == {"enabled": True}
    notes = imported(tmp_path, (tmp_path / "config.yaml").read_text())
    assert "state it in [cache] url" in notes
    assert "kept are answers at temperature 0" in notes
