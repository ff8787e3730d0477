"""`windsock import litellm`: a LiteLLM proxy's `model_list` as windsock.toml."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tomli_w

from windsock.errors import ConfigError
from windsock.providers.presets import presets, provider_names

USD_PER_TOKEN = {
    "input_cost_per_token": "input",
    "output_cost_per_token": "output",
    "cache_read_input_token_cost": "cache_read",
    "cache_creation_input_token_cost": "cache_write",
}


@dataclass(slots=True)
class Imported:
    """What was read. notes: what has no counterpart here, in words for the reader."""

    routes: dict[str, list[str]] = field(default_factory=dict)
    providers: dict[str, dict[str, str]] = field(default_factory=dict)
    prices: dict[str, dict[str, float]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def read_litellm(path: Path) -> Imported:
    """Routes, providers and prices of a LiteLLM config; raises ConfigError."""
    try:
        import yaml
    except ModuleNotFoundError as error:
        raise ConfigError(
            "reading YAML needs one more package; run: pip install 'windsock[litellm]'"
        ) from error
    try:
        body = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror})") from error
    except yaml.YAMLError as error:
        reason = str(error).splitlines()[0]
        raise ConfigError(f"{path}: not valid YAML: {reason}") from error
    models = body.get("model_list") if isinstance(body, dict) else None
    if not isinstance(models, list) or not models:
        raise ConfigError(f"{path}: has no model_list; is it a LiteLLM proxy's config?")
    found = Imported()
    for entry in models:
        _take(found, entry)
    for name in sorted(set(body) - {"model_list"}):
        found.notes.append(f"{name} has no counterpart; see the documentation of windsock.toml")
    return found


def as_toml(found: Imported, source: str) -> str:
    """The text of a windsock.toml; keys stay references to the environment."""
    notes = [f"# Made from {source} by 'windsock import litellm'."]
    notes += [f"# {note}" for note in found.notes]
    prices = {name: {"price": price} for name, price in found.prices.items()}
    routes = {name: {"candidates": names} for name, names in found.routes.items()}
    tables = {"providers": found.providers, "deployments": prices, "routes": routes}
    body = {name: table for name, table in tables.items() if table}
    return "\n".join(notes) + "\n\n" + tomli_w.dumps(body)


def _take(found: Imported, entry: Any) -> None:
    """One deployment of the list; entries of one model_name become candidates of one route."""
    stated = entry.get("litellm_params") if isinstance(entry, dict) else None
    if not isinstance(stated, Mapping) or "model" not in stated:
        found.notes.append(f"left out, as it names no model: {entry!r:.80}")
        return
    name = str(entry.get("model_name") or stated["model"])
    provider, model = _named(str(stated["model"]))
    base_url = stated.get("api_base") or stated.get("base_url")
    if base_url is None and provider not in presets():
        found.notes.append(f"left out {name}: no address is known for the provider {provider!r}")
        return
    deployment = f"{_provider(found, provider, base_url, stated.get('api_key'))}/{model}"
    candidates = found.routes.setdefault(name, [])
    if deployment not in candidates:
        candidates.append(deployment)
    price = _price({**stated, **(entry.get("model_info") or {})})
    if {"input", "output"} <= price.keys():
        found.prices[deployment] = price


def _named(model: str) -> tuple[str, str]:
    """LiteLLM's `provider/model` in the words used here; a bare name is OpenAI's."""
    provider, _, rest = model.partition("/")
    if not rest:
        return "openai", model
    return provider_names().split_region(provider)[0], rest


def _provider(found: Imported, name: str, base_url: Any, key: Any) -> str:
    """The provider under a name of its own for each address and key."""
    facts = {}
    if base_url:
        facts["base_url"] = _secret(str(base_url))
    if key:
        facts["api_key"] = _secret(str(key))
    if not facts:
        return name
    made, count = name, 1
    while found.providers.setdefault(made, facts) != facts:
        count += 1
        made = f"{name}-{count}"
        if name in presets():
            facts["preset"] = name
    return made


def _price(stated: Mapping[str, Any]) -> dict[str, float]:
    """Prices stated in the file, USD per million, to a millionth of a dollar."""
    found = {}
    for key, meter in USD_PER_TOKEN.items():
        value = stated.get(key)
        if isinstance(value, int | float) and value > 0:
            found[meter] = round(value * 1e6, 6)
    return found


def _secret(text: str) -> str:
    """`os.environ/NAME` as `${NAME}`."""
    return f"${{{text.removeprefix('os.environ/')}}}" if text.startswith("os.environ/") else text
