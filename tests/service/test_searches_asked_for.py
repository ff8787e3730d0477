"""A search that a request asks for is counted with the size asked for, where no answer tells."""

import pytest

from windsock.core.model.catalog import Capabilities
from windsock.core.model.units import Usage
from windsock.service.execution.call_usage import usage_facts
from windsock.wire.format import AnswerFacts
from windsock.wire.formats.chat.reading import read_chat

COUNTED = {"input_tokens": 10, "output_tokens": 5}


@pytest.mark.parametrize(
    ("options", "told", "expected"),
    [
        ('{"search_context_size":"low"}', {}, {"low_web_searches": 1}),
        ('{"search_context_size":"high"}', {"web_searches": 3}, {"high_web_searches": 3}),
        ('{"search_context_size":"vast"}', {}, {"web_searches": 1}),
        ("{}", {}, {"web_searches": 1}),
        ("{}", {"medium_web_searches": 2}, {"medium_web_searches": 2}),
        ("null", {}, {}),
        ("null", {"web_searches": 2}, {"web_searches": 2}),
    ],
)
def test_a_search_is_of_the_size_asked_for_unless_the_answer_tells(options, told, expected) -> None:
    body = f'{{"model":"auto","messages":[],"web_search_options":{options}}}'.encode()
    said = AnswerFacts(usage=Usage(**COUNTED, **told))
    found = usage_facts(said, read_chat(body, namespace=""), 5, Capabilities())["usage"]
    assert found == Usage(**COUNTED, **expected)
