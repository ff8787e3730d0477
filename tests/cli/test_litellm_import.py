"""A LiteLLM config becomes a windsock.toml that windsock itself accepts."""

from pathlib import Path

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
      api_base: http://127.0.0.1:8000/v1
      api_key: none
      input_cost_per_token: 2.0e-07
      output_cost_per_token: 0.0000006
  - model_name: far
    litellm_params: {model: some_unknown/thing}
router_settings: {routing_strategy: simple-shuffle}
"""
SECRETS = {"OPENAI_API_KEY": "a", "GEMINI_API_KEY": "b", "OPENAI_KEY_2": "c"}


def imported(tmp_path: Path, text: str = CONFIG) -> str:
    path = tmp_path / "config.yaml"
    path.write_text(text)
    return as_toml(read_litellm(path), path.name)


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
    assert upstreams["openai-3"].endpoint.base_url == "http://127.0.0.1:8000/v1"
    (price,) = own_quotes(stated, catalog, 0.0)
    assert [str(usd) for usd in price.usd_per_mtok.values()] == ["0.2", "0.6"]
    assert "${OPENAI_API_KEY}" in imported(tmp_path)


def test_what_has_no_counterpart_is_said_in_the_file(tmp_path) -> None:
    text = imported(tmp_path)
    assert "# left out far: no address is known for the provider 'some_unknown'" in text
    assert "# router_settings has no counterpart" in text


@pytest.mark.parametrize(
    ("text", "words"),
    [("a: [", "not valid YAML"), ("a: 1", "no model_list"), ("[]", "no model_list")],
)
def test_what_is_no_such_config_is_named(tmp_path, text, words) -> None:
    with pytest.raises(ConfigError, match=words):
        imported(tmp_path, text)
