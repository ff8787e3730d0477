"""What people read of a chat, whatever its format, whole or streamed."""

from decimal import Decimal

import orjson
import pytest

from tests.service.native import test_gemini_as_it_comes as gemini
from tests.service.native.test_as_it_comes import EVENTS, MESSAGE, RESPONSE
from tests.store.samples import decision
from tests.upstream import chunk, completion, event, stream_of
from windsock.core.model.calls import Outcome
from windsock.service.texts.answered import AnsweredTexts
from windsock.service.texts.reading import MOST_CHARS, Said, answer_of, prompt_of, shortened

DONE = Outcome(decision=decision(1), results=(), served="acme/m", ok=True, cost_usd=Decimal(0),
               finished_at=0.0)  # fmt: skip


def texts(answer: object, language: str = "", *, asked: object = None) -> AnsweredTexts:
    """Of an answer as an object, or as the events of a stream."""
    is_stream = isinstance(answer, list)
    return AnsweredTexts(
        outcome=DONE,
        asked=orjson.dumps(asked or {"messages": []}),
        answer=b"".join(answer) if isinstance(answer, list) else orjson.dumps(answer),
        is_stream=is_stream,
        language=language,
    )


WHOLE_GEMINI = gemini.part([{"text": "Hm.", "thought": True}, {"text": "wet"}], finishReason="STOP")
CALLS = [
    chunk({"tool_calls": [{"index": 0, "id": "a", "function": {"name": "go", "arguments": ""}}]}),
    chunk({"tool_calls": [{"index": 0, "function": {"arguments": '{"to":'}}]}),
    chunk({"tool_calls": [{"index": 0, "function": {"arguments": ' "sea"}'}}]}),
    chunk({"tool_calls": [{"index": 1, "id": "b", "function": {"name": "stop"}}]}),
]


@pytest.mark.parametrize(
    ("answer", "language", "text"),
    [
        (completion("wet"), "", "wet"),
        (stream_of(["w", "et"]), "", "wet"),
        (MESSAGE, "messages", "wet"),
        (EVENTS["messages"], "messages", "wet"),
        (RESPONSE, "responses", "wet"),
        (EVENTS["responses"], "responses", "wet"),
        (WHOLE_GEMINI, "generate_content", "wet"),
        ([gemini.THOUGHT, gemini.SAID, gemini.LAST], "generate_content", "wet"),
        ([*map(event, CALLS)], "", 'go({"to": "sea"})\nstop()'),
        ([b": a goes on for b\n\n", *stream_of(["wet"])], "", "wet"),
        ([event({"choices": [{"index": 1, "delta": {"content": "b"}},
                             {"index": 0, "delta": {"content": "a"}}]})], "", "a\n\nb"),
    ],
)  # fmt: skip
def test_the_answer_is_read_in_every_format(answer: object, language: str, text: str) -> None:
    assert answer_of(texts(answer, language)) == text


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ({"role": "user", "content": "hi"}, "hi"),
        ({"role": "user", "content": [{"type": "text", "text": "see"}, {"type": "image_url"}]},
         "see\n[image_url]"),
        ({"role": "assistant", "content": None, "refusal": "I will not"}, "I will not"),
        ({"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": "{}"}}]},
         "f({})"),
        ({"role": "assistant", "tool_calls": [{"function": "odd"}, "odd"]}, "None(None)"),
        ({"role": "tool", "content": "x" * (MOST_CHARS + 2)}, "x" * (MOST_CHARS + 2)),
        ({"role": "user", "content": 7}, ""),
    ],
)  # fmt: skip
def test_a_message_is_read_whatever_it_holds(message: dict, text: str) -> None:
    read = prompt_of(texts({}, asked={"messages": [message, "no message"]}))
    assert read == [Said(message["role"], text)]


def test_people_are_shown_so_much_of_a_message() -> None:
    assert shortened("x" * (MOST_CHARS + 2)) == "x" * MOST_CHARS + "\n… 2 characters more"
    assert shortened("x" * MOST_CHARS) == "x" * MOST_CHARS


@pytest.mark.parametrize("language", ["", "messages", "responses", "generate_content"])
@pytest.mark.parametrize("answer", [[b"data: {oops\n\n"], [], "text", {}, {"choices": [7]}])
def test_what_cannot_be_read_is_no_answer(answer: object, language: str) -> None:
    assert answer_of(texts(answer, language)) is None
    assert prompt_of(texts(answer, language, asked=["odd"])) == []
