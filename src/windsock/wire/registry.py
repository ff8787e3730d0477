"""The wire formats that providers can be called in, by the name `presets.toml` uses."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from windsock.errors import ConfigError
from windsock.wire.format import Format, Formats, ProviderTraits
from windsock.wire.formats.anthropic.messages import AnthropicMessages
from windsock.wire.formats.anthropic.native import NativeMessages
from windsock.wire.formats.converse.content import Converse
from windsock.wire.formats.gemini.content import GeminiContent
from windsock.wire.formats.gemini.embeddings import (
    GeminiEmbeddings,
    NativeBatch,
    NativeEmbedding,
)
from windsock.wire.formats.gemini.native import NativeContent
from windsock.wire.formats.openai_chat import OpenAIChat
from windsock.wire.formats.openai_embeddings import OpenAIEmbeddings
from windsock.wire.formats.openai_responses.native import NativeResponses
from windsock.wire.formats.openai_responses.responses import OpenAIResponses
from windsock.wire.formats.tasks.format import task_formats
from windsock.wire.formats.tasks.kinds import TASKS
from windsock.wire.request import Operation


def _openai(traits: ProviderTraits) -> Formats:
    return {
        Operation.CHAT: OpenAIChat(traits),
        Operation.EMBEDDING: OpenAIEmbeddings(traits),
        **task_formats(traits),
    }


def _anthropic(traits: ProviderTraits) -> Formats:
    return {Operation.CHAT: AnthropicMessages(traits)}


def _responses(traits: ProviderTraits) -> Formats:
    return {Operation.CHAT: OpenAIResponses(traits)}


def _gemini(traits: ProviderTraits) -> Formats:
    return {Operation.CHAT: GeminiContent(traits), Operation.EMBEDDING: GeminiEmbeddings(traits)}


def _converse(traits: ProviderTraits) -> Formats:
    return {Operation.CHAT: Converse(traits)}


FORMATS: dict[str, Callable[[ProviderTraits], Formats]] = {
    "openai_chat": _openai,
    "anthropic_messages": _anthropic,
    "openai_responses": _responses,
    "gemini_content": _gemini,
    "converse": _converse,
}


def _native_messages(traits: ProviderTraits) -> Format:
    return NativeMessages(traits)


def _native_responses(traits: ProviderTraits) -> Format:
    return NativeResponses(traits)


def _native_content(traits: ProviderTraits) -> Format:
    return NativeContent(traits)


def _native_embedding(traits: ProviderTraits) -> Format:
    return NativeEmbedding(traits)


def _native_batch(traits: ProviderTraits) -> Format:
    return NativeBatch(traits)


LANGUAGES: dict[str, Callable[[ProviderTraits], Format]] = {
    "messages": _native_messages,
    "responses": _native_responses,
    "generate_content": _native_content,
    "embed_content": _native_embedding,
    "batch_embed_contents": _native_batch,
}
"""Formats that clients speak beside chat completions, as they pass to who speaks them too."""

KEPT_IN = frozenset({"responses"})
"""Those in which a request may go on from an answer by its id, where it was given."""

SPOKEN_BY = {
    "anthropic_messages": ("messages",),
    "openai_responses": ("responses",),
    "gemini_content": ("generate_content", "embed_content", "batch_embed_contents"),
}
"""The languages that a wire format is."""


def languages_of(name: str, speaks: Iterable[str], traits: ProviderTraits) -> Mapping[str, Format]:
    """By language, of a provider with this wire format that speaks others besides; raises
    ConfigError if one of these is none."""
    own = SPOKEN_BY.get(name, ())
    for each in speaks:
        if each not in LANGUAGES:
            known = ", ".join(LANGUAGES)
            raise ConfigError(f"speaks: no format is named {each!r}; known are {known}")
    return {each: LANGUAGES[each](traits) for each in dict.fromkeys((*own, *speaks))}


def calls_of(name: str) -> frozenset[str]:
    """The calls beside text that a wire format has, as needs of requests."""
    if FORMATS.get(name) is not _openai:
        return frozenset()
    return frozenset(need for task in TASKS.values() for need in task.needs)


def formats_of(name: str, traits: ProviderTraits) -> Formats:
    """A provider's formats; raises ConfigError if none has this name."""
    make = FORMATS.get(name)
    if make is None:
        raise ConfigError(f"no wire format is named {name!r}; known are {', '.join(FORMATS)}")
    return make(traits)
