"""Other wire formats in front of the same routing: real SDKs, errors, broken streams."""

import json
from typing import Any

import anthropic
import pytest
from anthropic import AsyncAnthropic
from openai import APIError, AsyncOpenAI
from pydantic import BaseModel

from tests.running import config_of, running
from tests.upstream import Answer, chunk, completion, event, stream_of, upstream

TOOL_CALL = {
    "id": "call_1",
    "type": "function",
    "function": {"name": "get_weather", "arguments": '{"city": "Zürich"}'},
}
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
VECTORS = {
    "object": "list",
    "model": "served-model",
    "data": [{"object": "embedding", "index": 0, "embedding": [0.25, -1.5]}],
    "usage": {"prompt_tokens": 4, "total_tokens": 4},
}


class City(BaseModel):
    name: str
    people: int


def called(events: bool) -> Answer:
    """A text, then a tool call; its arguments split over two chunks if streamed."""
    if not events:
        message = {"role": "assistant", "content": "Let me look.", "tool_calls": [TOOL_CALL]}
        choice = {"index": 0, "message": message, "finish_reason": "tool_calls", "logprobs": None}
        return Answer(completion(choices=[choice]))
    first = {"index": 0, **TOOL_CALL, "function": {"name": "get_weather", "arguments": '{"city":'}}
    rest = {"index": 0, "function": {"arguments": ' "Zürich"}'}}
    return Answer(
        events=[
            event(chunk({"role": "assistant", "content": "Let me look."})),
            event(chunk({"tool_calls": [first]})),
            event(chunk({"tool_calls": [rest]})),
            event(chunk({}, "tool_calls")),
            event({**chunk({}), "choices": [], "usage": {"prompt_tokens": 12,
                                                         "completion_tokens": 3}}),
            b"data: [DONE]\n\n",
        ]
    )  # fmt: skip


def model(body: dict[str, Any]) -> Answer:
    if "input" in body:
        return Answer(VECTORS)
    last = body["messages"][-1]["content"]
    if last == "bad":
        error = {"message": "temperature is too hot", "type": "invalid_request_error"}
        return Answer({"error": error}, status=400)
    if last == "break":
        return Answer(events=stream_of(["half"], usage=False, done=False)[:2], cut=True)
    if last == "long":
        return Answer(completion("cut", choices=[{
            "index": 0, "message": {"role": "assistant", "content": "cut"},
            "finish_reason": "length"}]))  # fmt: skip
    if body.get("response_format"):
        return Answer(completion('{"name": "Bern", "people": 134000}'))
    if body.get("tools") and body["messages"][-1]["role"] != "tool":
        return called(bool(body.get("stream")))
    if body.get("stream"):
        whole = b"".join(stream_of(["Grüezi ", "mitenand ", "🌬"]))
        return Answer(events=[whole[i : i + 7] for i in range(0, len(whole), 7)])
    return Answer(completion("Grüezi"))


@pytest.fixture
async def world(tmp_path):
    """(service, what the provider saw)."""
    async with upstream(model) as acme:
        async with running(config_of(("acme", acme.url, 1.0)), tmp_path) as it:
            yield it, acme


@pytest.fixture
async def claude(world):
    async with AsyncAnthropic(base_url=world[0].url, api_key="none", max_retries=0) as client:
        yield client


@pytest.fixture
async def gpt(world):
    async with AsyncOpenAI(base_url=world[0].url + "/v1", api_key="none", max_retries=0) as client:
        yield client


ASK: dict[str, Any] = {"model": "auto", "max_tokens": 50,
                       "messages": [{"role": "user", "content": "hi"}]}  # fmt: skip
WEATHER = {"name": "get_weather", "description": "of a city", "input_schema": SCHEMA}


async def test_a_message_is_answered_with_text_and_counted_tokens(world, claude) -> None:
    got = await claude.messages.create(
        **ASK, system="be brief", stop_sequences=["x"], output_config={"effort": "xhigh"}
    )
    assert (got.role, got.content[0].text, got.stop_reason) == ("assistant", "Grüezi", "end_turn")
    assert (got.usage.input_tokens, got.usage.output_tokens) == (12, 3)
    (seen,) = world[1].seen
    assert seen["messages"][0] == {"role": "system", "content": "be brief"}
    assert (seen["stop"], seen["max_tokens"], seen["model"]) == (["x"], 50, "m")
    assert seen["reasoning_effort"] == "xhigh"


async def test_a_streamed_message_carries_umlauts_and_usage(claude) -> None:
    async with claude.messages.stream(**ASK) as stream:
        text = "".join([part async for part in stream.text_stream])
        whole = await stream.get_final_message()
    assert text == "Grüezi mitenand 🌬"
    assert (whole.stop_reason, whole.usage.output_tokens) == ("end_turn", 3)
    assert whole.usage.input_tokens == 12


@pytest.mark.parametrize("is_stream", [False, True])
async def test_tools_are_called_and_their_results_go_back(world, claude, is_stream) -> None:
    asked = {**ASK, "tools": [WEATHER], "tool_choice": {"type": "any"}}
    if is_stream:
        async with claude.messages.stream(**asked) as stream:
            got = await stream.get_final_message()
    else:
        got = await claude.messages.create(**asked)
    text, call = got.content
    assert (text.text, got.stop_reason) == ("Let me look.", "tool_use")
    assert (call.name, call.input, call.id) == ("get_weather", {"city": "Zürich"}, "call_1")
    seen = world[1].seen[-1]
    assert seen["tool_choice"] == "required"
    assert seen["tools"][0]["function"]["parameters"] == SCHEMA
    result = {"type": "tool_result", "tool_use_id": call.id, "content": "18 °C"}
    turns = [
        *ASK["messages"],
        {"role": "assistant", "content": [block.model_dump() for block in got.content]},
        {"role": "user", "content": [result, {"type": "text", "text": "and now?"}]},
    ]
    asked_back = [*turns[:2], {"role": "user", "content": [result]}]
    await claude.messages.create(**{**asked, "messages": asked_back})
    said = world[1].seen[-1]["messages"]
    assert said[1]["tool_calls"][0]["function"]["name"] == "get_weather"
    assert said[2] == {"role": "tool", "tool_call_id": "call_1", "content": "18 °C"}
    await claude.messages.create(**{**asked, "messages": turns})
    assert [each["role"] for each in world[1].seen[-1]["messages"]] == [
        "user", "assistant", "tool", "user"]  # fmt: skip


async def test_tokens_are_estimated_from_the_size_of_the_prompt(claude) -> None:
    short, long = [
        await claude.messages.count_tokens(
            model="auto", messages=[{"role": "user", "content": "word " * count}]
        )
        for count in (10, 1000)
    ]
    assert 10 < short.input_tokens < 40
    assert 1000 < long.input_tokens < 2000


async def test_images_go_as_data_urls_to_models_that_see(tmp_path) -> None:
    source = {"type": "base64", "media_type": "image/png", "data": "aGk="}
    turn = {"role": "user", "content": [{"type": "image", "source": source},
                                        {"type": "text", "text": "what is it?"}]}  # fmt: skip
    async with upstream(model) as acme:
        config = (
            config_of(("acme", acme.url, 1.0))
            + '[deployments."acme/m".capabilities]\nvision = true\n'
        )
        async with running(config, tmp_path) as it:
            answer = await it.http.post("/v1/messages", json={**ASK, "messages": [turn]})
    assert answer.status_code == 200
    image, _ = acme.seen[0]["messages"][0]["content"]
    assert image["image_url"]["url"] == "data:image/png;base64,aGk="


async def test_errors_of_messages_are_anthropics(world, claude) -> None:
    with pytest.raises(anthropic.BadRequestError, match="too hot"):
        await claude.messages.create(**{**ASK, "messages": [{"role": "user", "content": "bad"}]})
    with pytest.raises(anthropic.NotFoundError) as unknown:
        await claude.messages.create(**{**ASK, "model": "no/such"})
    assert unknown.value.body["error"]["type"] == "not_found_error"
    odd = {"type": "hologram", "source": {"type": "url", "url": "http://x"}}
    with pytest.raises(anthropic.BadRequestError, match="'hologram' cannot be routed"):
        await claude.messages.create(**{**ASK, "messages": [{"role": "user", "content": [odd]}]})
    broken = await world[0].http.post("/v1/messages", content=b"{")
    assert (broken.status_code, broken.json()["type"]) == (400, "error")


async def test_a_message_that_breaks_off_ends_with_an_error_and_no_stop(world, claude) -> None:
    asked = {**ASK, "stream": True, "messages": [{"role": "user", "content": "break"}]}
    raw = (await world[0].http.post("/v1/messages", json=asked)).text
    assert "half" in raw and "event: error" in raw and "message_stop" not in raw
    del asked["stream"]
    with pytest.raises(anthropic.APIError):
        async with claude.messages.stream(**asked) as stream:
            await stream.get_final_message()


@pytest.mark.parametrize("is_stream", [False, True])
@pytest.mark.parametrize("path", ["/v1/messages", "/v1/responses"])
async def test_half_of_a_surrogate_pair_breaks_no_answer(tmp_path, path, is_stream) -> None:
    def reply(_: dict[str, Any]) -> Answer:
        if is_stream:
            return Answer(events=stream_of(["half \ud83d", " rest"]))
        return Answer(completion("half \ud83d rest"))

    body = {"model": "auto", "stream": is_stream, "input": "hi", "max_tokens": 9,
            "messages": [{"role": "user", "content": "hi"}]}  # fmt: skip
    async with upstream(reply) as acme:
        async with running(config_of(("acme", acme.url, 1.0)), tmp_path) as it:
            answer = await it.http.post(path, json=body)
    assert answer.status_code == 200
    assert "\\ud83d" in answer.text and "rest" in answer.text
    if is_stream:
        assert "message_stop" in answer.text or "response.completed" in answer.text


async def test_a_key_is_asked_for_before_a_body_is_read(tmp_path) -> None:
    async with upstream(model) as acme:
        config = config_of(("acme", acme.url, 1.0)) + '[server]\nkeys = "required"\n'
        async with running(config, tmp_path) as it:
            answer = await it.http.post("/v1/messages", content=b"{")
    assert answer.status_code == 401
    assert answer.json()["error"]["type"] == "authentication_error"


async def test_a_response_is_answered_with_text_and_usage(world, gpt) -> None:
    got = await gpt.responses.create(
        model="auto", input="hi", instructions="be brief", max_output_tokens=50,
        reasoning={"effort": "low"},
    )  # fmt: skip
    assert (got.output_text, got.status, got.object) == ("Grüezi", "completed", "response")
    assert (got.usage.input_tokens, got.usage.output_tokens, got.usage.total_tokens) == (12, 3, 15)
    (seen,) = world[1].seen
    assert [each["role"] for each in seen["messages"]] == ["system", "user"]
    assert (seen["max_tokens"], seen["reasoning_effort"]) == (50, "low")
    assert got.instructions == "be brief"


async def test_a_streamed_response_tells_every_event_in_order(gpt) -> None:
    stream = await gpt.responses.create(model="auto", input="hi", stream=True)
    events = [each async for each in stream]
    assert [each.sequence_number for each in events] == list(range(len(events)))
    kinds = [each.type for each in events]
    assert kinds[:4] == ["response.created", "response.in_progress", "response.output_item.added",
                         "response.content_part.added"]  # fmt: skip
    assert kinds[-4:] == ["response.output_text.done", "response.content_part.done",
                          "response.output_item.done", "response.completed"]  # fmt: skip
    deltas = [each.delta for each in events if each.type == "response.output_text.delta"]
    assert "".join(deltas) == "Grüezi mitenand 🌬" == events[-1].response.output_text
    assert events[-1].response.usage.output_tokens == 3


@pytest.mark.parametrize("is_stream", [False, True])
async def test_a_response_calls_functions_and_takes_their_outputs(world, gpt, is_stream) -> None:
    tool: dict[str, Any] = {"type": "function", "name": "get_weather", "parameters": SCHEMA,
                            "strict": True}  # fmt: skip
    asked: dict[str, Any] = {"model": "auto", "input": "weather?", "tools": [tool]}
    if is_stream:
        async with gpt.responses.stream(**asked) as stream:
            got = await stream.get_final_response()
    else:
        got = await gpt.responses.create(**asked)
    said, call = got.output
    assert (said.content[0].text, call.call_id) == ("Let me look.", "call_1")
    assert json.loads(call.arguments) == {"city": "Zürich"}
    back = [{"role": "user", "content": "weather?"}, *[each.model_dump() for each in got.output],
            {"type": "function_call_output", "call_id": call.call_id, "output": "18"}]  # fmt: skip
    await gpt.responses.create(**{**asked, "input": back})
    turns = world[1].seen[-1]["messages"]
    assert [each["role"] for each in turns] == ["user", "assistant", "tool"]
    assert turns[1]["tool_calls"][0]["id"] == "call_1" and turns[1]["content"] == "Let me look."


async def test_a_response_keeps_a_schema_and_says_where_it_was_cut(gpt) -> None:
    parsed = await gpt.responses.parse(model="auto", input="which?", text_format=City)
    assert parsed.output_parsed == City(name="Bern", people=134000)
    cut = await gpt.responses.create(model="auto", input="long")
    assert (cut.status, cut.incomplete_details.reason) == ("incomplete", "max_output_tokens")


async def test_a_response_that_needs_what_is_not_stored_is_refused(world, gpt) -> None:
    for more, words in (
        ({"previous_response_id": "resp_1"}, "nothing is stored here"),
        ({"input": [{"type": "hologram", "id": "x"}]}, "'hologram' cannot be routed"),
        ({"tool_choice": {"name": "x"}}, "tool_choice must be"),
    ):
        answer = await world[0].http.post(
            "/v1/responses", json={"model": "auto", "input": "hi", **more}
        )
        assert answer.status_code == 400
        assert words in answer.json()["error"]["message"]


async def test_a_response_that_breaks_off_raises_in_the_sdk(gpt) -> None:
    with pytest.raises(APIError, match="broke off"):
        async for _ in await gpt.responses.create(model="auto", input="break", stream=True):
            pass


async def test_embeddings_are_routed_and_billed_like_answers(world, gpt) -> None:
    got = await gpt.embeddings.create(model="auto", input="hi", encoding_format="float")
    assert got.data[0].embedding == [0.25, -1.5]
    raw = await world[0].http.post("/v1/embeddings", json={"model": "auto", "input": ["a", "b"]})
    assert raw.headers["x-windsock-cost-usd"] == "0.000004"
    assert raw.json()["provider"] == "acme"
    none = await world[0].http.post("/v1/embeddings", json={"model": "auto"})
    assert (none.status_code, none.json()["error"]["param"]) == (400, "input")


async def test_feedback_finds_an_answer_in_any_dialect_by_its_decision(world) -> None:
    for path, body in (
        ("/v1/messages", ASK),
        ("/v1/responses", {"model": "auto", "input": "hi"}),
        ("/v1/embeddings", {"model": "auto", "input": "hi"}),
    ):
        answer = await world[0].http.post(path, json=body)
        said = {"decision_id": answer.headers["x-windsock-decision-id"], "value": True}
        credit = await world[0].http.post("/v1/feedback", json=said)
        assert credit.json()["deployment"] == "acme/m"


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/responses"])
async def test_an_answer_that_no_dialect_can_tell_is_the_providers_fault(tmp_path, path) -> None:
    calls = [{"id": "1"}, {"id": "2", "function": {"name": "look", "arguments": "{}"}}]
    odd = {"index": 0, "message": {"content": None, "tool_calls": calls}}
    said = Answer(completion(choices=[odd]))
    ask = {"model": "auto", "max_tokens": 5, "input": "x",
           "messages": [{"role": "user", "content": "x"}]}  # fmt: skip
    async with upstream(lambda _: said) as acme:
        async with running(config_of(("acme", acme.url, 1.0)), tmp_path) as it:
            answer = await it.http.post(path, json=ask)
    assert answer.status_code == 502
    assert "shape of a chat completion" in answer.json()["error"]["message"]


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/responses"])
async def test_an_event_of_a_stream_that_is_no_chunk_is_passed_over(tmp_path, path) -> None:
    begun, *rest = stream_of(["Hel", "lo"])
    odd = [b"data: not json\n\n", b"data: [1]\n\n", event({"choices": [3]})]
    ask = {"model": "auto", "max_tokens": 5, "input": "x", "stream": True,
           "messages": [{"role": "user", "content": "x"}]}  # fmt: skip
    async with upstream(lambda _: Answer(events=[begun, *odd, *rest])) as acme:
        async with running(config_of(("acme", acme.url, 1.0)), tmp_path) as it:
            answer = await it.http.post(path, json=ask)
    assert answer.status_code == 200
    assert "Hel" in answer.text
    assert "message_stop" in answer.text or "response.completed" in answer.text


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/v1/messages", {"tool_choice": "auto"}),
        ("/v1/messages", {"output_config": 5}),
        ("/v1/responses", {"text": "json"}),
        ("/v1/responses", {"reasoning": "high"}),
    ],
)
async def test_a_field_of_another_shape_is_named(tmp_path, path, field) -> None:
    ask = {"model": "auto", "max_tokens": 5, "input": "x",
           "messages": [{"role": "user", "content": "x"}], **field}  # fmt: skip
    async with running(config_of(("acme", "http://127.0.0.1:1", 1.0)), tmp_path) as it:
        answer = await it.http.post(path, json=ask)
    assert answer.status_code == 400
    assert f"{next(iter(field))} must be an object" in answer.text
