"""What stands in a prompt in base64 is no text, whatever its bytes."""

import base64
import json
import struct
from dataclasses import replace
from typing import Any

import pytest

from tests.builders import START, deployment
from windsock.core.model.catalog import Catalog
from windsock.wire.formats.chat.attached import (
    IMAGE_TOKENS,
    MOST_PAGES,
    PAGE_TOKENS,
    SOUND_TOKENS_PER_S,
)
from windsock.wire.formats.chat.reading import read_chat
from windsock.wire.formats.openai_embeddings import read_embedding
from windsock.wire.formats.tasks.reading import read_task
from windsock.wire.request import Operation, as_reserved

DATA = base64.b64encode(b"x" * 300_000).decode()
RATE = 192_000
HEAD = b"RIFF\0\0\0\0WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 2, RATE // 4, RATE, 4, 16)
WAV = base64.b64encode(HEAD + bytes(10 * RATE - len(HEAD))).decode()
"""Ten seconds."""

URL = f"data:image/png;base64,{DATA}"
WORDS: dict[str, Any] = {"type": "text", "text": "what is this? " * 50}


def image(url: str) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url}}


def sound(**order: str) -> dict[str, Any]:
    return {"type": "input_audio", "input_audio": order}


def file(data: str) -> dict[str, Any]:
    return {"type": "file", "file": {"filename": "a.pdf", "file_data": data}}


def body(*parts: dict[str, Any], **more: Any) -> bytes:
    messages = [{"role": "user", "content": [*parts]}]
    return json.dumps({"model": "auto", "messages": messages, **more}).encode()


def tokens(*parts: dict[str, Any], **more: Any) -> tuple[int, int]:
    """(of the prompt, of what stands beside it)"""
    raw = body(*parts, **more)
    found = set()
    for each in (raw, raw.replace(b"/", b"\\/")):
        reserved = as_reserved(read_chat(each, namespace="default"))
        found.add((reserved.prompt_tokens // 100, reserved.beside_tokens // 100))
    assert len(found) == 1
    return reserved.prompt_tokens, reserved.beside_tokens


@pytest.mark.parametrize(
    ("parts", "more"),
    [
        ([image(URL)], IMAGE_TOKENS),
        ([image(URL), image(URL)], 2 * IMAGE_TOKENS),
        ([image("https://example.com/a.png?x=;base64,")], 0),
        ([image(f"data:image/png;base64,{DATA[:400]}")], 100),
        ([file(f"data:application/pdf;base64,{DATA}")], 7 * PAGE_TOKENS),
        ([file(DATA)], 7 * PAGE_TOKENS),
        ([file(f"data:application/pdf;base64,{DATA * 20}")], MOST_PAGES * PAGE_TOKENS),
        ([file(f"data:application/pdf;base64,{DATA[:4000]}")], 1000),
        ([file(f"data:text/csv;name=a.csv;base64,{DATA}")], 81_000),
        ([sound(format="mp3", data=DATA), sound(data=DATA, format="mp3")], 1200),
        ([sound(data=WAV, format="wav")], 10 * SOUND_TOKENS_PER_S),
        ([{"type": "video_url", "video_url": {"url": f"data:video/mp4;base64,{DATA}"}}], 360),
        ([{**WORDS, "text": f"see {URL} there"}, image("https://a/b")], 108_000),
    ],
)
def test_data_count_as_what_they_are_and_fill_no_context_window(
    parts: list[dict[str, Any]], more: int
) -> None:
    said, _ = tokens(WORDS)
    with_data, beside = tokens(WORDS, *parts)
    assert with_data - said == pytest.approx(more, rel=0.01, abs=130)
    assert beside < 150
    small = deployment("acme/m", context_tokens=2500, vision=True, audio=True)
    asked = read_chat(body(WORDS, *parts), namespace="default").request
    is_text = "text" in {each["type"] for each in parts}
    assert bool(Catalog([small]).ruled_out(small.id, asked, START)) == is_text


def test_what_stands_beside_an_image_is_reserved_as_ever() -> None:
    tools = [{"type": "function", "function": {"name": "f", "description": "d" * 40_000}}]
    _, plain = tokens(WORDS, tools=tools)
    _, beside = tokens(WORDS, image(URL), tools=tools)
    assert plain == pytest.approx(10_800, rel=0.02)
    assert beside == pytest.approx(plain, rel=0.02)


@pytest.mark.parametrize(
    ("given", "more", "fits"),
    [
        ([{"content": [WORDS, image(URL)]}], IMAGE_TOKENS, True),
        ([URL, "hi"], IMAGE_TOKENS, True),
        (["hi " * 4000, URL], IMAGE_TOKENS + 3000, False),
        (URL, IMAGE_TOKENS, True),
        ("hi " * 4000, 3000, False),
    ],
)
def test_images_are_no_text_of_what_is_embedded_or_moderated_either(
    given: Any, more: int, fits: bool
) -> None:
    raw = json.dumps({"model": "acme/m", "input": given}).encode()
    small = deployment("acme/m", context_tokens=2000)
    for asked in (
        read_embedding(raw, namespace="default"),
        read_task(Operation.MODERATION, raw, namespace="default"),
    ):
        assert asked.request.prompt_tokens == pytest.approx(more, abs=300)
        assert as_reserved(asked).beside_tokens < 50
        request = replace(asked.request, needs=frozenset())
        assert (Catalog([small]).ruled_out("acme/m", request, START) is None) == fits


def test_an_image_among_documents_is_no_text() -> None:
    raw = json.dumps({"model": "acme/m", "query": "cats", "documents": [URL, "dogs " * 1000]})
    request = read_task(Operation.RERANK, raw.encode(), namespace="default").request
    assert request.prompt_tokens == pytest.approx(IMAGE_TOKENS + 1350, abs=50)
    assert request.longest_tokens == pytest.approx(1350, abs=50)
