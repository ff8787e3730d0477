"""Open Responses' own types read every answer that /v1/responses gives in the matrix."""

from __future__ import annotations

from openresponses_types import ResponseResource

from tests.golden.test_matrix import HERE
from tests.golden.test_types import parts_of


def test_answers_are_of_the_types_of_open_responses() -> None:
    """Of a schema in `text.format` they say that it is null, which no client of OpenAI's reads."""
    files = [file for file in (HERE / "responses").rglob("*.txt") if file.stem != "JSON schema"]
    assert files
    for file in files:
        status, told, _ = parts_of(file)
        if status == 200:
            ResponseResource.model_validate(told)
