"""Who made a model is read from its name, wherever it is served."""

import pytest

from windsock.providers.makers import maker_of


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("gpt-4o", "openai/gpt-oss-120b"),
        ("o3-mini", "chatgpt-4o-latest"),
        ("claude-sonnet-4-20250514", "us.anthropic.claude-3-5-haiku-20241022-v1:0"),
        ("gemini-2.5-flash", "google/gemma-3-27b-it"),
        ("Meta-Llama-3.1-8B-Instruct-Turbo", "llama3:8b"),
        ("mistral-large-latest", "open-mixtral-8x22b"),
        ("Qwen/QwQ-32B", "qwen2.5-coder-7b"),
        ("moonshotai/kimi-k2", "moonshot-v1-8k"),
        ("my-own-model-1", "my-own-model-2"),
    ],
)
def test_models_of_one_maker(one: str, other: str) -> None:
    assert maker_of(one) == maker_of(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("gpt-5", "claude-opus-4"),
        ("deepseek-chat", "qwen-max"),
        ("command-r", "jamba-large"),
        ("alpha", "beta"),
    ],
)
def test_models_of_two_makers(one: str, other: str) -> None:
    assert maker_of(one) != maker_of(other)
