"""Feeds in windsock.toml."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from windsock.config.value_types import Seconds
from windsock.resources.declared import Part, Share


class FeedOverride(Part):
    """What an operator may change of a shipped feed."""

    url: str | None = Field(default=None, repr=False)
    every: Seconds | None = None
    trust: Share | None = None
    copies: tuple[str, ...] | None = None
    api_key: str | None = Field(default=None, repr=False)
    allow_private: bool = False


class FeedsSettings(Part):
    """Which feeds are read.

    enabled     folder names; if left out, these and the status pages of the providers in use
    dirs        folders with feeds of your own
    offline     read packaged feeds only
    """

    enabled: tuple[str, ...] = ("genai-prices", "openrouter", "litellm", "models-dev")
    dirs: tuple[Path, ...] = ()
    override: dict[str, FeedOverride] = Field(default_factory=dict)
    offline: bool = False
