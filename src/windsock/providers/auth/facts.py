"""What a kind of sign-in is made from."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any

from windsock.clock import Clock
from windsock.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthFacts:
    """What is known where a provider has no key of its own.

    provider    its name in the configuration, for errors
    scope       what is asked for: a token's scope, or the service that a signature is for
    region      of the provider, where signatures depend on it; empty if none was stated
    """

    provider: str
    scope: str
    region: str
    clock: Clock


def library(name: str, extra: str, provider: str) -> Any:
    """A module of an optional dependency; raises ConfigError naming the extra that brings it."""
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"provider {provider!r} has no key and signs in by a library that is not installed; "
            f"run: pip install 'windsock[{extra}]', or add [providers.{provider}] api_key"
        ) from error
