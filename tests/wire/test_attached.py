"""What stands in a prompt in base64 is no text, whatever its bytes."""

import base64
import json
from typing import Any

import pytest

from windsock.wire.formats.chat.attached import IMAGE_TOKENS
from windsock.wire.formats.chat.reading import read_chat
from windsock.wire.request import as_reserved

DATA = base64.b64encode(b"x" * 300_000).decode()
URL = f"data:image/png;base64,{DATA}"
WORDS: dict[str, Any] = {"type": "text", "text": "what is this? " * 50}


def image(url: str) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url}}


def sound(**order: str) -> dict[str, Any]:
    return {"type": "input_audio", "input_audio": order}


def tokens(*parts: dict[str, Any], **more: Any) -> tuple[int, int]:
    """(of the prompt, of what stands beside it)"""
    body = {"model": "auto", "messages": [{"role": "user", "content": [*parts]}], **more}
    for raw in (json.dumps(body), json.dumps(body).replace("/", "\\/")):
        asked = read_chat(raw.encode(), namespace="default")
        reserved = as_reserved(asked)
    return asked.request.prompt_tokens, reserved.beside_tokens


@pytest.mark.parametrize(
    ("parts", "more"),
    [
        ([image(URL)], IMAGE_TOKENS),
        ([image(URL), image(URL)], 2 * IMAGE_TOKENS),
        ([image("https://example.com/a.png?x=;base64,")], 0),
        ([image(f"data:image/png;base64,{DATA[:400]}")], 100),
        ([{"type": "file", "file": {"file_data": f"data:application/pdf;base64,{DATA}"}}], 20_000),
        ([sound(data=DATA, format="wav")], 800),
        ([sound(format="mp3", data=DATA), sound(data=DATA, format="mp3")], 1600),
        ([{**WORDS, "text": f"see {URL} there"}, image("https://a/b")], 108_000),
    ],
)
def test_data_count_as_what_they_are(parts: list[dict[str, Any]], more: int) -> None:
    said, _ = tokens(WORDS)
    with_data, beside = tokens(WORDS, *parts)
    assert with_data - said == pytest.approx(more, rel=0.01, abs=130)
    assert beside < 150


def test_what_stands_beside_an_image_is_reserved_as_ever() -> None:
    tools = [{"type": "function", "function": {"name": "f", "description": "d" * 40_000}}]
    _, plain = tokens(WORDS, tools=tools)
    _, beside = tokens(WORDS, image(URL), tools=tools)
    assert plain == pytest.approx(10_800, rel=0.02)
    assert beside == pytest.approx(plain, rel=0.02)
