"""What each provider takes of a request, read once from parameters.toml."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from importlib.resources import files
from typing import Any

from windsock.wire.adaptation.parameters import Parameters, ProviderParameters

NOTHING_KNOWN = ProviderParameters()


@cache
def known_parameters() -> Mapping[str, ProviderParameters]:
    """By provider; of one that is missing nothing is known."""
    text = files("windsock.providers").joinpath("parameters.toml").read_text(encoding="utf-8")
    tables = tomllib.loads(text)
    return {name: _provider(body, tables) for name, body in tables.items()}


def parameters_of(provider: str, model: str) -> Parameters:
    """What a provider takes for one of its models."""
    return known_parameters().get(provider, NOTHING_KNOWN).of(model)


def parameters_from(body: Mapping[str, Any]) -> Parameters:
    """From a table as TOML has it; raises TypeError for an unknown key."""
    return Parameters(**{name: _frozen(value) for name, value in body.items()})


def _provider(body: Mapping[str, Any], tables: Mapping[str, Any]) -> ProviderParameters:
    """Its own table over that of the provider it is like."""
    base = _provider(tables[body["like"]], tables) if "like" in body else NOTHING_KNOWN
    own = {name: value for name, value in body.items() if name not in ("like", "models")}
    models = tuple(
        (tuple(each["names"]), parameters_from({k: v for k, v in each.items() if k != "names"}))
        for each in body.get("models", ())
    )
    return replace(base, all=parameters_from(own).over(base.all), models=(*base.models, *models))


def _frozen(value: Any) -> Any:
    """Lists as tuples, also those in a table."""
    if isinstance(value, dict):
        return {name: _frozen(each) for name, each in value.items()}
    return tuple(value) if isinstance(value, list) else value
