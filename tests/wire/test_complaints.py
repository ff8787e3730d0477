"""What is wrong with a body, in one sentence that says what, where and how to mend it."""

import pytest

from windsock.errors import BadRequest
from windsock.wire.formats.chat.reading import read_chat

USUAL = '"model": "auto", "messages": []'
FAULTS = {
    b"": "the body is empty; send a JSON object",
    b" \n": "the body is empty; send a JSON object",
    b"null": "the body must be a JSON object, not null",
    b'["model"]': "the body must be a JSON object, not a list",
    b"true": "the body must be a JSON object, not true or false",
    b'{"model": "auto"}': "messages is missing; add it",
    b'{"model": null, "messages": []}': "model must be a string, not null",
    b'{"model": ["auto"], "messages": []}': "model must be a string, not a list",
    b'{"stream": 1, ' + USUAL.encode() + b"}": "stream must be true or false or null",
    b'{"metadata": "sql", ' + USUAL.encode() + b"}": "metadata must be a JSON object or null",
    b'{"user": "\\ud83d", ' + USUAL.encode() + b"}": "the escape at byte 10 of the body is half",
    b'{"user": "\\ude00", ' + USUAL.encode() + b"}": "the escape at byte 10 of the body is half",
    b'{"user": "\\ud83d\\ude00", "seed": }': "the body is not valid JSON: ",
    b'{"user": "\\\\ud83d", "seed": }': "the body is not valid JSON: ",
    b'{"user": "\\n\\ud83d\\ude00\\u0041\\ud83dx"}': "the escape at byte 30 of the body is half",
    b'{"user": "\\ud8': "the body is not valid JSON: ",
    b'{"user": "\\': "the body is not valid JSON: ",
}


@pytest.mark.parametrize("body", FAULTS, ids=lambda body: body.decode() or "empty")
def test_a_body_that_cannot_be_read_is_told_in_a_sentence(body) -> None:
    with pytest.raises(BadRequest) as told:
        read_chat(body, namespace="default")
    assert str(told.value).startswith(FAULTS[body])
