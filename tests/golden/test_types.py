"""Every answer of the matrix, and every event, is what the SDKs' own types say it is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from anthropic.types import ErrorResponse, Message, RawMessageStreamEvent
from openai.types import ErrorObject
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import BaseModel, TypeAdapter

from tests.golden.test_matrix import HERE


class OpenAIError(BaseModel):
    """The envelope of OpenAI's errors."""

    error: ErrorObject


TYPES: dict[str, tuple[Any, Any, Any]] = {
    "chat": (ChatCompletion, ChatCompletionChunk, OpenAIError),
    "messages": (Message, RawMessageStreamEvent, ErrorResponse),
    "responses": (Response, ResponseStreamEvent, OpenAIError),
}
"""(an answer, an event of a stream, an error), by the format in front."""


def parts_of(file: Path) -> tuple[int, Any, str]:
    """(status, what was told, what was streamed)."""
    _, told, streamed = file.read_text(encoding="utf-8").split("==> ")[1:]
    head, _, rest = told.partition("\n")
    return int(head[-3:]), json.loads(rest[rest.index("{") :]), streamed.partition("\n")[2]


def events_of(stream: str) -> Iterator[Any]:
    lines = (line[6:] for line in stream.splitlines() if line.startswith("data: "))
    events = (json.loads(line) for line in lines if line != "[DONE]")
    return (each for each in events if each.get("type") != "ping")  # of which SDKs know no type


@pytest.mark.parametrize("front", TYPES)
def test_answers_and_events_are_of_the_types_that_clients_read(front) -> None:
    answer, event, error = (TypeAdapter(each) for each in TYPES[front])
    files = sorted((HERE / front).rglob("*.txt"))
    assert files
    for file in files:
        status, told, stream = parts_of(file)
        try:
            (answer if status == 200 else error).validate_python(told)
            for each in events_of(stream):
                event.validate_python(each)
        except ValueError as wrong:
            pytest.fail(f"{file.relative_to(HERE)}: {wrong}")
