"""Gemini's requests told as chat completions, and chat completions told as Gemini's answers."""

import json
from base64 import b64encode
from typing import Any

import pytest

from tests.upstream import chunk, completion
from windsock.errors import BadRequest
from windsock.wire.formats.generate_content.content import (
    GenerateContent,
    StreamGenerateContent,
)
from windsock.wire.formats.generate_content.embeddings import BatchEmbedContents

HI = {"role": "user", "parts": [{"text": "hi"}]}
CALLED = {"functionCall": {"name": "f", "args": {"a": 1}}}
PNG = {"mimeType": "image/png", "data": "aGk="}


def asked(**body: Any) -> dict[str, Any]:
    """The chat body of a request, less what every one has."""
    chat = GenerateContent("auto").asked({"contents": [HI], **body})
    assert chat.pop("model") == "auto"
    if "contents" not in body and "systemInstruction" not in body:
        del chat["messages"]
    return chat


def said(*contents: dict[str, Any]) -> list[dict[str, Any]]:
    messages = asked(contents=list(contents))["messages"]
    assert isinstance(messages, list)
    return messages


@pytest.mark.parametrize(
    ("config", "fields"),
    [
        ({}, {}),
        ({"temperature": 0.5, "topP": 1, "topK": 40.0, "maxOutputTokens": 5, "candidateCount": 2,
          "seed": 7, "presencePenalty": 1, "frequencyPenalty": -1, "stopSequences": ["x"]},
         {"temperature": 0.5, "top_p": 1, "top_k": 40, "max_tokens": 5, "n": 2, "seed": 7,
          "presence_penalty": 1, "frequency_penalty": -1, "stop": ["x"]}),
        ({"max_output_tokens": 5, "stop_sequences": ["x"]}, {"max_tokens": 5, "stop": ["x"]}),
        ({"responseLogprobs": True, "logprobs": 3}, {"logprobs": True, "top_logprobs": 3}),
        ({"responseMimeType": "application/json"}, {"response_format": {"type": "json_object"}}),
        ({"responseMimeType": "text/plain", "responseModalities": ["TEXT"]}, {}),
        ({"thinkingConfig": {"thinkingLevel": "LOW"}}, {"reasoning_effort": "low"}),
        ({"thinkingConfig": {"thinkingBudget": 0}}, {"reasoning_effort": "none"}),
        ({"thinkingConfig": {"thinkingBudget": -1, "includeThoughts": True}}, {}),
        ({"thinkingConfig": {"thinkingBudget": 8192}}, {"reasoning_effort": "medium"}),
        ({"thinkingConfig": {"thinkingBudget": 8193}}, {"reasoning_effort": "high"}),
    ],
)  # fmt: skip
def test_settings_have_chats_names(config, fields) -> None:
    assert asked(generationConfig=config) == fields
    assert asked(generation_config=config) == fields


@pytest.mark.parametrize(
    ("schema", "told"),
    [
        ({"type": "OBJECT", "properties": {"b": {"type": "STRING", "nullable": True},
                                           "a": {"type": "ARRAY", "minItems": "1",
                                                 "items": {"type": "INTEGER"}}},
          "propertyOrdering": ["a", "b"], "required": ["a"]},
         {"type": "object", "required": ["a"],
          "properties": {"a": {"type": "array", "minItems": 1, "items": {"type": "integer"}},
                         "b": {"type": ["string", "null"]}}}),
        ({"type": "STRING", "format": "enum", "enum": ["x", "y"], "description": "d"},
         {"type": "string", "format": "enum", "enum": ["x", "y"], "description": "d"}),
        ({"anyOf": [{"type": "NUMBER", "minimum": 0}, {"type": "NULL"}]},
         {"anyOf": [{"type": "number", "minimum": 0}, {"type": "null"}]}),
        ({"type": "OBJECT", "any_of": [{"type": "STRING", "min_length": "2"}], "max_properties": 3,
          "properties": {"type": {"type": "STRING", "enum": ["STRING"]}}},
         {"type": "object", "anyOf": [{"type": "string", "minLength": 2}], "maxProperties": 3,
          "properties": {"type": {"type": "string", "enum": ["STRING"]}}}),
    ],
)  # fmt: skip
def test_a_schema_of_googles_is_a_json_schema(schema, told) -> None:
    config = {"responseMimeType": "application/json", "responseSchema": schema}
    mixed = asked(generationConfig={"responseJsonSchema": schema})["response_format"]
    assert mixed["json_schema"]["schema"] == told
    form = asked(generationConfig=config)["response_format"]["json_schema"]
    assert (form["schema"], form["strict"]) == (told, False)
    assert list(form["schema"].get("properties", ())) == list(told.get("properties", ()))
    declared = {"name": "f", "description": "d", "parameters": schema}
    (tool,) = asked(tools=[{"functionDeclarations": [declared]}])["tools"]
    assert tool["function"] == {"name": "f", "description": "d", "parameters": told}


def test_a_json_schema_goes_as_it_came() -> None:
    schema = {"type": "object", "properties": {"type": {"type": "string"}}, "$defs": {}}
    config = {"responseMimeType": "application/json", "responseJsonSchema": schema}
    assert asked(generationConfig=config)["response_format"]["json_schema"]["schema"] == schema
    declared = {"name": "f", "parametersJsonSchema": schema}
    (tool,) = asked(tools=[{"function_declarations": [declared]}])["tools"]
    assert tool["function"]["parameters"] == schema


@pytest.mark.parametrize(
    ("config", "choice", "names"),
    [
        ({"mode": "AUTO"}, "auto", ["f", "g"]),
        ({"mode": "any"}, "required", ["f", "g"]),
        ({"mode": "VALIDATED"}, "auto", ["f", "g"]),
        ({"mode": "NONE"}, "none", ["f", "g"]),
        ({"mode": "ANY"}, "required", ["f", "g"]),
        ({"mode": "ANY", "allowedFunctionNames": ["f", "g"]}, "required", ["f", "g"]),
        ({"mode": "ANY", "allowed_function_names": ["g"]},
         {"type": "function", "function": {"name": "g"}}, ["g"]),
        ({}, None, ["f", "g"]),
    ],
)  # fmt: skip
def test_who_may_be_called(config, choice, names) -> None:
    tools = [{"functionDeclarations": [{"name": "f"}]}, {"functionDeclarations": [{"name": "g"}]}]
    chat = asked(tools=tools, toolConfig={"functionCallingConfig": config})
    assert [each["function"]["name"] for each in chat["tools"]] == names
    assert chat.get("tool_choice") == choice


@pytest.mark.parametrize(
    ("body", "names"),
    [
        ({"tools": [{"googleSearch": {}}, {"code_execution": {}}, {"urlContext": {}}]},
         ["tools.googleSearch", "tools.code_execution", "tools.urlContext"]),
        ({"safetySettings": [{}], "labels": {"a": "b"}}, ["safetySettings", "labels"]),
        ({"generationConfig": {"mediaResolution": "HIGH", "speech_config": {}}},
         ["generationConfig.mediaResolution", "generationConfig.speech_config"]),
        ({"toolConfig": {"retrievalConfig": {}}}, ["toolConfig.retrievalConfig"]),
        ({"contents": [HI, {"role": "model", "parts": [{"inlineData": PNG}]}]},
         ["contents.model.inlineData"]),
    ],
)  # fmt: skip
def test_what_has_no_counterpart_is_left_out_and_named(body, names) -> None:
    dialect = GenerateContent("auto")
    chat = dialect.asked({"contents": [HI], **body})
    assert dialect.left_out == names
    assert chat == {"model": "auto", "messages": [{"role": "user", "content": "hi"}]}


def test_turns_of_a_conversation() -> None:
    seen = GenerateContent("auto").asked(
        {
            "system_instruction": {"parts": [{"text": "a"}, {"text": "b"}]},
            "contents": [
                HI,
                {"role": "model", "parts": [{"text": "hm", "thought": True}, {"text": "we"},
                                            {"text": "ll"}, CALLED,
                                            {**CALLED, "thoughtSignature": "c2ln"}]},
                {"role": "user", "parts": [
                    {"functionResponse": {"name": "f", "response": {"output": "1"}}},
                    {"functionResponse": {"name": "f", "response": {"x": 2}}},
                    {"text": "and?"}]},
            ],
        }
    )["messages"]  # fmt: skip
    system, user, turn, first, second, last = seen
    assert system == {"role": "system", "content": "a\nb"}
    assert user == {"role": "user", "content": "hi"}
    assert (turn["content"], turn["reasoning_content"]) == ("well", "hm")
    ids = [each["id"] for each in turn["tool_calls"]]
    assert ids == ["call_0_f", "call_1_f"]
    assert "extra_content" not in turn["tool_calls"][0]
    assert turn["tool_calls"][1]["extra_content"] == {"google": {"thought_signature": "c2ln"}}
    assert [each["tool_call_id"] for each in (first, second)] == ids
    assert (first["content"], second["content"]) == ("1", '{"x":2}')
    assert last == {"role": "user", "content": "and?"}


def test_a_result_is_of_the_call_it_names_whatever_the_order() -> None:
    calls = [{"functionCall": {"name": "f", "args": {}, "id": name}} for name in "ab"]
    results = [{"functionResponse": {"name": "f", "id": name, "response": {"result": name}}}
               for name in "ba"]  # fmt: skip
    _, _, first, second = said(HI, {"role": "model", "parts": calls},
                               {"role": "function", "parts": results})  # fmt: skip
    assert [(each["tool_call_id"], each["content"]) for each in (first, second)] == [
        ("b", "b"), ("a", "a")]  # fmt: skip


def test_a_result_under_a_name_of_its_own_is_of_the_first_call_that_waits() -> None:
    calls = [{"functionCall": {"name": name, "args": {}}} for name in "fg"]
    results = [{"functionResponse": {"name": name, "response": {"result": name}}}
               for name in ("4a7c-uuid", "g")]  # fmt: skip
    _, _, first, second = said(HI, {"role": "model", "parts": calls},
                               {"role": "user", "parts": results})  # fmt: skip
    assert [(each["tool_call_id"], each["content"]) for each in (first, second)] == [
        ("call_0_f", "4a7c-uuid"), ("call_1_g", "g")]  # fmt: skip


def test_calls_of_the_same_name_in_two_turns_have_ids_of_their_own() -> None:
    result = {"functionResponse": {"name": "f", "response": {"result": "1"}}}
    turn = [{"role": "model", "parts": [CALLED]}, {"role": "user", "parts": [result]}]
    messages = said(HI, *turn, *turn)
    assert [each["tool_call_id"] for each in messages if each["role"] == "tool"] == [
        "call_0_f", "call_1_f"]  # fmt: skip


@pytest.mark.parametrize(
    ("part", "told"),
    [
        ({"inlineData": PNG},
         {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}}),
        ({"inline_data": {"mime_type": "image/png", "data": "_-8="}},
         {"type": "image_url", "image_url": {"url": "data:image/png;base64,/+8="}}),
        ({"inlineData": {"mimeType": "audio/mpeg", "data": "aGk="}},
         {"type": "input_audio", "input_audio": {"data": "aGk=", "format": "mp3"}}),
        ({"inlineData": {"mimeType": "application/pdf", "data": "aGk=", "displayName": "a.pdf"}},
         {"type": "file", "file": {"filename": "a.pdf",
                                   "file_data": "data:application/pdf;base64,aGk="}}),
        ({"inlineData": {"mimeType": "video/mp4", "data": "aGk="}},
         {"type": "video_url", "video_url": {"url": "data:video/mp4;base64,aGk="}}),
        ({"fileData": {"mimeType": "image/png", "fileUri": "https://x.test/a.png"}},
         {"type": "image_url", "image_url": {"url": "https://x.test/a.png"}}),
    ],
)  # fmt: skip
def test_media_are_parts_of_a_chat(part, told) -> None:
    ((message),) = said({"role": "user", "parts": [{"text": "see"}, part]})
    assert message["content"] == [{"type": "text", "text": "see"}, told]


def test_a_document_of_text_is_its_text_and_code_that_was_run_is_told_in_words() -> None:
    text = {"inlineData": {"mimeType": "text/plain", "data": b64encode("Zürich".encode()).decode()}}
    code = {"executableCode": {"language": "PYTHON", "code": "1+1"}}
    ran = {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "2"}}
    user, model = said({"parts": [text]}, {"role": "model", "parts": [code, ran]})[:2]
    assert user["content"] == "Zürich"
    assert model["content"].startswith("```python\n1+1")


def test_a_picture_in_a_result_is_shown_after_it() -> None:
    result = {"name": "f", "response": {"result": "ok"}, "parts": [{"inlineData": PNG}]}
    *_, told, shown = said(HI, {"role": "model", "parts": [CALLED]},
                           {"role": "user", "parts": [{"functionResponse": result}]})  # fmt: skip
    assert (told["role"], told["content"]) == ("tool", "ok")
    assert shown["content"][-1]["image_url"]["url"] == "data:image/png;base64,aGk="


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"contents": "hi"}, "contents must be a list"),
        ({"contents": [{"role": "assistant", "parts": []}]}, "role 'assistant' is unknown"),
        ({"contents": [{"parts": "x"}]}, "parts must be a list"),
        ({"generationConfig": []}, "generationConfig must be an object"),
        ({"generationConfig": {"maxOutputTokens": -5}},
         "generationConfig.maxOutputTokens must be a whole number from 1"),
        ({"generationConfig": {"candidateCount": 10**9}}, "generationConfig.candidateCount must"),
        ({"generationConfig": {"temperature": 3}}, "generationConfig.temperature must be a number"),
        ({"generationConfig": {"topP": "x"}}, "generationConfig.topP must be a number"),
        ({"toolConfig": {"functionCallingConfig": {"mode": "MAYBE"}},
          "tools": [{"functionDeclarations": [{"name": "f"}]}]}, "mode 'MAYBE' is unknown"),
        ({"contents": [{"parts": [{"inlineData": {"mimeType": "text/plain", "data": "?"}}]}]},
         "no base64"),
    ],
)  # fmt: skip
def test_a_bad_request_is_told_in_googles_names(body, words) -> None:
    with pytest.raises(BadRequest, match=words):
        GenerateContent("auto").asked({"contents": [HI], **body})


BLOCKS = [{"type": "thinking", "thinking": "hm", "signature": "s1"},
          {"type": "redacted_thinking", "data": "d"}]  # fmt: skip
CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}
THINKING = {"generationConfig": {"thinkingConfig": {"includeThoughts": True}}}


def answered(message: dict[str, Any], finish: str = "stop", **body: Any) -> dict[str, Any]:
    dialect = GenerateContent("auto")
    dialect.asked({"contents": [HI], **body})
    choice = {"index": 0, "message": message, "finish_reason": finish}
    return dialect.answered(completion(choices=[choice]))


def parts_of(body: dict[str, Any]) -> list[dict[str, Any]]:
    return [each for candidate in body["candidates"] for each in candidate["content"]["parts"]]


def test_what_another_provider_thought_comes_back_to_it() -> None:
    message = {"content": None, "thinking_blocks": BLOCKS, "tool_calls": [CALL]}
    made = answered(message, "tool_calls", **THINKING)
    thought, call = parts_of(made)
    assert thought == {"text": "hm", "thought": True}
    assert call["functionCall"] == {"id": "c1", "name": "f", "args": {"a": 1}}
    kept = {"role": "model", "parts": [call]}
    _, turn = said(HI, kept)
    assert turn["thinking_blocks"] == BLOCKS
    assert turn["tool_calls"][0]["id"] == "c1" and "extra_content" not in turn["tool_calls"][0]


def test_calls_of_another_model_may_be_gone_on_with_by_gemini() -> None:
    calls = [CALL, {**CALL, "id": "c2"}]
    first, second = parts_of(answered({"content": None, "tool_calls": calls}, "tool_calls"))
    assert first["thoughtSignature"] == "skip_thought_signature_validator"
    assert "thoughtSignature" not in second
    signed = {**CALL, "extra_content": {"google": {"thought_signature": "c2ln"}}}
    (own,) = parts_of(answered({"content": None, "tool_calls": [signed]}, "tool_calls"))
    assert own["thoughtSignature"] == "c2ln"


def test_a_mark_for_no_signature_is_none() -> None:
    part = {**CALLED, "thoughtSignature": "skip_thought_signature_validator"}
    _, turn = said(HI, {"role": "model", "parts": [part]})
    assert "extra_content" not in turn["tool_calls"][0]


def test_thoughts_are_told_to_who_asks_for_them() -> None:
    message = {"content": "well", "reasoning_content": "hm"}
    assert parts_of(answered(message)) == [{"text": "well"}]
    assert parts_of(answered(message, **THINKING)) == [
        {"text": "hm", "thought": True}, {"text": "well"}]  # fmt: skip


@pytest.mark.parametrize(
    ("message", "finish", "told"),
    [
        ({"content": "x"}, "stop", "STOP"),
        ({"content": "x"}, "length", "MAX_TOKENS"),
        ({"content": None, "tool_calls": [CALL]}, "tool_calls", "STOP"),
        ({"content": None}, "content_filter", "SAFETY"),
        ({"content": None, "refusal": "no"}, "stop", "STOP"),
        ({"content": "x"}, "malformed_function_call", "MALFORMED_FUNCTION_CALL"),
        ({"content": "x"}, "eos_token", "STOP"),
        ({"content": "x"}, "pause_turn", "OTHER"),
    ],
)
def test_why_an_answer_ended(message, finish, told) -> None:
    assert answered(message, finish)["candidates"][0]["finishReason"] == told


def test_several_answers_logprobs_and_what_was_used() -> None:
    token = {"token": "x", "logprob": -0.5, "top_logprobs": [{"token": "y", "logprob": -1.0}]}
    choices = [{"index": n, "message": {"content": str(n)}, "finish_reason": "stop",
                "logprobs": {"content": [token]}} for n in (0, 1)]  # fmt: skip
    usage = {"prompt_tokens": 10, "completion_tokens": 7, "total_tokens": 17,
             "prompt_tokens_details": {"cached_tokens": 4},
             "completion_tokens_details": {"reasoning_tokens": 5}}  # fmt: skip
    made = GenerateContent("auto").answered(completion(choices=choices, usage=usage))
    assert [each["index"] for each in made["candidates"]] == [0, 1]
    assert parts_of(made) == [{"text": "0"}, {"text": "1"}]
    first = made["candidates"][0]
    assert first["avgLogprobs"] == -0.5
    assert first["logprobsResult"]["topCandidates"] == [
        {"candidates": [{"token": "y", "logProbability": -1.0}]}]  # fmt: skip
    used = made["usageMetadata"]
    assert (used["promptTokenCount"], used["cachedContentTokenCount"]) == (10, 4)
    assert (used["candidatesTokenCount"], used["thoughtsTokenCount"]) == (2, 5)
    assert used["totalTokenCount"] == 17


def test_a_stream_of_mixed_calls_has_each_whole_and_in_order() -> None:
    def part(index: int, text: str, **more: Any) -> dict[str, Any]:
        function = {"arguments": text} | ({"name": f"f{index}"} if more else {})
        return chunk({"tool_calls": [{"index": index, "function": function, **more}]})

    dialect = StreamGenerateContent("auto")
    dialect.asked({"contents": [HI]})
    chunks = [chunk({"content": "we"}), chunk({"content": "ll"}), part(0, '{"a"', id="c0"),
              part(1, '{"b"', id="c1"), part(0, ": 1}"), part(1, ": 2}"),
              chunk({}, "tool_calls")]  # fmt: skip
    events = [event for each in chunks for event in dialect.streamed(each)]
    events += dialect.ended()
    told = [part for event in events for part in parts_of(event)]
    assert [each["text"] for each in told if each.get("text")] == ["we", "ll"]
    calls = [each["functionCall"] for each in told if "functionCall" in each]
    assert [(each["id"], each["args"]) for each in calls] == [("c0", {"a": 1}), ("c1", {"b": 2})]
    finishes = [c.get("finishReason") for event in events for c in event["candidates"]]
    assert finishes[-1] == "STOP" and not any(finishes[:-1])


def test_an_errors_details_are_of_googles_types() -> None:
    error = {"message": "wait", "code": "rate_limited", "param": "model", "retry_after": "7"}
    told = GenerateContent("auto").refused(429, error)["error"]
    assert (told["code"], told["status"], told["message"]) == (429, "RESOURCE_EXHAUSTED", "wait")
    kinds = {each["@type"].rpartition(".")[2]: each for each in told["details"]}
    assert kinds["ErrorInfo"]["reason"] == "RATE_LIMITED"
    assert kinds["BadRequest"]["fieldViolations"][0]["field"] == "model"
    assert kinds["RetryInfo"]["retryDelay"] == "7s"


def test_texts_to_embed() -> None:
    requests = [{"model": "models/x", "content": {"parts": [{"text": text}]}, "taskType": "T",
                 "outputDimensionality": 3} for text in "ab"]  # fmt: skip
    dialect = BatchEmbedContents("x")
    assert dialect.asked({"requests": requests}) == {
        "model": "x", "input": ["a", "b"], "dimensions": 3}  # fmt: skip
    assert dialect.left_out == ["requests.taskType", "requests.taskType"]
    requests[0]["outputDimensionality"] = 4
    dialect.asked({"requests": requests})
    assert dialect.refusal is not None and "same in all" in str(dialect.refusal)
    dialect.asked({"requests": [{"content": {"parts": [{"inlineData": PNG}]}}]})
    assert dialect.refusal is not None and "parts of text" in str(dialect.refusal)
    with pytest.raises(BadRequest, match="at least one part"):
        dialect.asked({"requests": [{"content": {}}]})


def test_json_is_never_broken_by_arguments_that_are_none() -> None:
    call = {**CALL, "function": {"name": "f", "arguments": "{oops"}}
    (part,) = parts_of(answered({"content": None, "tool_calls": [call]}, "tool_calls"))
    assert part["functionCall"]["args"] == {"arguments": "{oops"}
    json.dumps(part)
