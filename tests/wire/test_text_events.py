"""Events of a stream that differ by their text alone are told apart from the others in one go."""

from random import Random

from windsock.wire.formats.passing.text_events import TEXT, Shape

HEAD, TAIL = b'data: {"n":1,"content":"', b'"}\n\n'
TEXTS = (b"a", b"two words", b"\\n", b'\\"', b"\\u00e9", b"\xc3\xa9")
OTHERS = (b"", b"\\", b"\\u12", b"\\ud83d", b'x"}\n\n', b'","content":"', b"\n", HEAD, TAIL)


def until(held: bytes) -> tuple[int, int]:
    """One event after another."""
    count = end = 0
    while held.startswith(HEAD, end):
        begin = end + len(HEAD)
        close = held.find(TAIL, begin)
        if close <= begin or TEXT.fullmatch(held, begin, close) is None:
            break
        count, end = count + 1, close + len(TAIL)
    return count, end


def test_events_of_one_shape_end_where_the_first_of_another_begins_or_one_is_cut() -> None:
    chance, found = Random(1), set()
    for _ in range(4000):
        texts = chance.choices(TEXTS, k=chance.randrange(5))
        if chance.random() < 0.5:
            texts.insert(chance.randrange(len(texts) + 1), chance.choice(OTHERS))
        held = b"".join(HEAD + text + TAIL for text in texts)
        held += chance.choice((b"", b"data: [DONE]\n\n", HEAD, HEAD + b"cut", b"da"))
        held = held[: len(held) - chance.choice((0, 0, 1, 3))]
        assert Shape(HEAD, TAIL).until(held) == until(held), held
        found.add(until(held)[0])
    assert found >= {0, 1, 2, 3, 4}, "every number of events was tried"
