"""A form is read in place; what is sent on differs in the texts that must, and in nothing else."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from windsock.errors import BadRequest
from windsock.wire.formats.chat.attached import seconds_of
from windsock.wire.formats.tasks.form import form_of

KIND = "multipart/form-data; boundary=wind"
NAMES = st.sampled_from(["file", "prompt", "model", "image[]", "language"])
CONTENT = st.one_of(st.binary(max_size=40), st.sampled_from(
    [b"", b"\r\n", b"--win", b"\r\n--", b"-- wind", b"\r\n\r\n", b"\r\n--vind\r\n"]
))  # fmt: skip
PARTS = st.lists(st.tuples(NAMES, st.booleans(), CONTENT), max_size=6)


def built(parts: list[tuple[str, bool, bytes]]) -> bytes:
    raw = b""
    for name, is_file, content in parts:
        file = '; filename="ä.wav"' if is_file else ""
        head = f'Content-Disposition: form-data; name="{name}"{file}\r\nX-Own: 1'
        raw += b"--wind\r\n" + head.encode() + b"\r\n\r\n" + content + b"\r\n"
    return raw + b"--wind--\r\n"


@given(PARTS)
def test_only_the_model_changes(parts) -> None:
    form = form_of(built(parts), KIND)
    assert [(part.name, part.is_file) for part in form.parts] == [each[:2] for each in parts]
    assert [form.raw[part.content : part.end] for part in form.parts] == [p[2] for p in parts]
    told, seen = [], False
    for name, is_file, content in parts:
        told.append((name, is_file, content if name != "model" or seen else b"m"))
        seen = seen or name == "model"
    made = form_of(form.with_texts({"model": "m"}, ()), KIND)
    got = [(p.name, p.is_file, made.raw[p.content : p.end]) for p in made.parts]
    assert got == (told if seen else [*told, ("model", False, b"m")])


@given(PARTS)
def test_what_is_the_routers_stays_here(parts) -> None:
    raw = built([*parts, ("models[]", False, b"a"), ("provider", False, b"{}")])
    kept = form_of(form_of(raw, KIND).with_texts({}, ("models", "provider", "image")), KIND)
    assert {part.name for part in kept.parts} == {n for n, _, _ in parts if n != "image[]"}


@given(st.binary(max_size=200), st.integers(min_value=0, max_value=400))
def test_nothing_that_is_no_form_is_read_as_one(noise, cut) -> None:
    whole = built([("model", False, b"m"), ("file", True, noise)])
    for raw in (noise, whole[:cut] + noise, whole[cut:]):
        try:
            form_of(raw, KIND)
        except BadRequest as error:
            assert "form" in str(error)


@pytest.mark.parametrize("kind", ["", "application/json", "multipart/form-data",
                                  "multipart/mixed; boundary=wind"])  # fmt: skip
def test_a_form_says_how_it_is_bounded(kind: str) -> None:
    with pytest.raises(BadRequest, match="boundary"):
        form_of(built([]), kind)


def test_a_sound_is_as_long_as_its_head_says() -> None:
    head = struct.pack("<4sI4s4sIHHIIHH4sI", b"RIFF", 0, b"WAVE", b"fmt ", 16, 1, 1, 8000, 16000,
                       2, 16, b"data", 0)  # fmt: skip
    assert seconds_of(head, 16000 * 90) == 90
    assert seconds_of(head[:20], 16000 * 90) == seconds_of(b"ID3", 16000 * 90) == 90
    assert seconds_of(head[:28] + bytes(16), 44) == seconds_of(b"", 0) == 1
