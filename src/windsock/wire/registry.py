"""The wire formats that providers can be called in, by the name `presets.toml` uses."""

from __future__ import annotations

from collections.abc import Callable

from windsock.errors import ConfigError
from windsock.wire.format import Formats, ProviderTraits
from windsock.wire.formats.anthropic.messages import AnthropicMessages
from windsock.wire.formats.converse.content import Converse
from windsock.wire.formats.gemini.content import GeminiContent
from windsock.wire.formats.openai_chat import OpenAIChat
from windsock.wire.formats.openai_embeddings import OpenAIEmbeddings
from windsock.wire.request import Operation


def _openai(traits: ProviderTraits) -> Formats:
    return {Operation.CHAT: OpenAIChat(traits), Operation.EMBEDDING: OpenAIEmbeddings(traits)}


def _anthropic(traits: ProviderTraits) -> Formats:
    return {Operation.CHAT: AnthropicMessages(traits)}


def _gemini(traits: ProviderTraits) -> Formats:
    return {Operation.CHAT: GeminiContent(traits)}


def _converse(traits: ProviderTraits) -> Formats:
    return {Operation.CHAT: Converse(traits)}


FORMATS: dict[str, Callable[[ProviderTraits], Formats]] = {
    "openai_chat": _openai,
    "anthropic_messages": _anthropic,
    "gemini_content": _gemini,
    "converse": _converse,
}


def formats_of(name: str, traits: ProviderTraits) -> Formats:
    """A provider's formats; raises ConfigError if none has this name."""
    make = FORMATS.get(name)
    if make is None:
        raise ConfigError(f"no wire format is named {name!r}; known are {', '.join(FORMATS)}")
    return make(traits)
