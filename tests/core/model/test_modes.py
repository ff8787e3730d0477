"""Which kind of model a name, a feed or an owner says that it is, and who is asked for what."""

import pytest

from windsock.core.model.abilities.modes import FIRST_UNITS, modes_stated, off_mode
from windsock.providers.modes import modes_of


@pytest.mark.parametrize(
    ("name", "mode"),
    [
        ("rerank-v3.5", "rerank"), ("BAAI/bge-reranker-v2-m3", "rerank"),
        ("omni-moderation-latest", "moderation"), ("mistral-moderation-2411", "moderation"),
        ("whisper-large-v3-turbo", "audio_transcription"),
        ("openai/gpt-4o-mini-transcribe", "audio_transcription"),
        ("tts-1-hd", "audio_speech"), ("gpt-4o-mini-tts", "audio_speech"),
        ("gemini-2.5-flash-preview-tts", "audio_speech"), ("dall-e-3", "image_generation"),
        ("gpt-image-1-mini", "image_generation"),
        ("black-forest-labs/FLUX.1-dev", "image_generation"),
        ("text-embedding-3-small", "embedding"), ("mistral-embed", "embedding"),
        ("bge-m3", "embedding"), ("gpt-4o", None), ("gpt-4o-audio-preview", None),
        ("claude-haiku-4-5", None), ("gemini-2.5-flash", None), ("llama-guard-4", None),
    ],
)  # fmt: skip
def test_a_name_says_what_a_model_is_for(name: str, mode: str | None) -> None:
    assert modes_of(name) == (frozenset() if mode is None else {mode})


def test_what_a_feed_calls_an_image_model_may_chat_as_well() -> None:
    assert modes_stated("image_generation") == {"image_generation", "chat"}
    assert modes_stated("rerank") == {"rerank"}
    for silent in (None, "chat", "video_generation"):
        assert modes_stated(silent) == frozenset()


ASKS = [
    ({"rerank"}, {"rerank"}, False, True),
    ({"rerank"}, set(), False, False),
    ({"rerank"}, set(), True, True),
    ({"rerank"}, {"chat"}, True, False),
    ({"embedding"}, set(), False, True),
    ({"tools"}, set(), False, True),
    ({"tools"}, {"rerank"}, True, False),
    (set(), {"image_generation", "chat"}, False, True),
    ({"audio_transcription", "audio_translation"}, {"audio_transcription"}, False, True),
]


@pytest.mark.parametrize(("needs", "modes", "tries_unknown", "is_asked"), ASKS)
def test_only_a_model_of_the_kind_is_asked(needs, modes, tries_unknown, is_asked) -> None:
    found = off_mode(modes, needs, tries_unknown=tries_unknown)
    assert (found is None) == is_asked
    assert found is None or "model that" in found.text


def test_every_first_use_counts_one_request() -> None:
    assert all(min(units.values()) > 0 and "request" in units for units in FIRST_UNITS.values())
