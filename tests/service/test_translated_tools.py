"""What agents send beside functions: tools of every kind, images and documents in results."""

import json
import re
from typing import Any

import pytest
from anthropic import AsyncAnthropic
from openai import AsyncOpenAI

from tests.running import config_of, running
from tests.upstream import Answer, chunk, completion, event, upstream
from windsock.wire.formats.responses.responses import Responses

SEES = '[deployments."acme/m".capabilities]\nvision = true\n'
PNG = "data:image/png;base64,aGk="
PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}}
LOOK = {"type": "function", "name": "look", "parameters": PARAMETERS, "strict": False}
PATCH = {"type": "custom", "name": "apply_patch", "description": "Edits files.",
         "format": {"type": "grammar", "syntax": "lark", "definition": "start: begin"}}  # fmt: skip
FILES = {"type": "namespace", "name": "mcp__files__", "description": "files", "tools": [
    {"type": "function", "name": "read", "parameters": PARAMETERS}]}  # fmt: skip
CODEX = [LOOK, PATCH, FILES, {"type": "local_shell"}, {"type": "web_search"},
         {"type": "image_generation", "output_format": "png"}]  # fmt: skip


def calling(name: str, arguments: Any, is_stream: bool) -> Answer:
    """With arguments in two deltas of a stream; what is no text comes in one."""
    call = {"id": "call_1", "type": "function", "function": {"name": name, "arguments": arguments}}
    if is_stream:
        parts = (arguments[:7], arguments[7:]) if isinstance(arguments, str) else (arguments, None)
        first = {**call, "index": 0, "function": {"name": name, "arguments": parts[0]}}
        rest = {"index": 0, "function": {"arguments": parts[1]}}
        return Answer(events=[event(chunk({"tool_calls": [first]})),
                              event(chunk({"tool_calls": [rest]})),
                              event(chunk({}, "tool_calls")), b"data: [DONE]\n\n"])  # fmt: skip
    told = {"role": "assistant", "content": None, "tool_calls": [call]}
    return Answer(
        completion(choices=[{"index": 0, "message": told, "finish_reason": "tool_calls"}])
    )


def allowed(mode: str, *tools: dict[str, Any]) -> dict[str, Any]:
    return {"type": "allowed_tools", "mode": mode, "tools": list(tools)}


async def asked_of_chat(tmp_path, path: str, **body: Any) -> tuple[Any, dict[str, Any]]:
    """(the answer, what the provider was asked)."""
    async with upstream(lambda _: Answer(completion("yes"))) as acme:
        async with running(config_of(("acme", acme.url, 1.0)) + SEES, tmp_path) as it:
            answer = await it.http.post(path, json={"model": "auto", "max_tokens": 50, **body})
    assert answer.status_code == 200, answer.text
    return answer, acme.seen[0]


@pytest.mark.parametrize("is_stream", [False, True])
@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("look", '{"city": "Bern"}', {"type": "function_call", "name": "look"}),
        ("apply_patch", '{"input": "*** Begin\\n"}',
         {"type": "custom_tool_call", "name": "apply_patch", "input": "*** Begin\n"}),
        ("look", {"city": "Bern"}, {"type": "function_call", "arguments": '{"city":"Bern"}'}),
        ("apply_patch", "*** no JSON",
         {"type": "custom_tool_call", "name": "apply_patch", "input": "*** no JSON"}),
        ("mcp__files__read", '{"city": "x"}',
         {"type": "function_call", "name": "read", "namespace": "mcp__files__"}),
        ("local_shell", '{"command": ["ls"]}',
         {"type": "local_shell_call",
          "action": {"type": "exec", "command": ["ls"], "env": {}}}),
        ("nobodys", "{}", {"type": "function_call", "name": "nobodys"}),
    ],
)  # fmt: skip
async def test_a_call_is_told_as_the_tool_its_caller_knows(
    tmp_path, name, arguments, expected, is_stream
) -> None:
    async with upstream(lambda body: calling(name, arguments, bool(body.get("stream")))) as acme:
        async with running(config_of(("acme", acme.url, 1.0)), tmp_path) as it:
            client = AsyncOpenAI(base_url=it.url + "/v1", api_key="none", max_retries=0)
            async with client:
                if is_stream:
                    async with client.responses.stream(
                        model="auto", input="hi", tools=CODEX
                    ) as stream:
                        done = [each.item async for each in stream
                                if each.type == "response.output_item.done"]  # fmt: skip
                        got = await stream.get_final_response()
                    assert [each.id for each in done] == [each.id for each in got.output]
                else:
                    got = await client.responses.create(model="auto", input="hi", tools=CODEX)
            back = [
                {"role": "user", "content": "hi"},
                got.output[0].model_dump(exclude_none=True),
                {"type": "function_call_output", "call_id": "call_1", "output": "done"},
            ]
            answer = await it.http.post(
                "/v1/responses", json={"model": "auto", "input": back, "tools": CODEX}
            )
    assert answer.status_code == 200
    (item,) = got.output
    told = item.model_dump(exclude_none=True)
    assert {key: told.get(key) for key in expected} == expected
    assert told["call_id"] == "call_1"
    _, called, result = acme.seen[1]["messages"]
    assert called["tool_calls"][0]["function"]["name"] == name
    assert json.loads(called["tool_calls"][0]["function"]["arguments"]) is not None
    assert result == {"role": "tool", "tool_call_id": "call_1", "content": "done"}


async def test_tools_that_run_at_openai_are_left_out_and_named(tmp_path) -> None:
    answer, seen = await asked_of_chat(
        tmp_path, "/v1/responses", tools=CODEX, tool_choice="auto",
        input=[{"type": "item_reference", "id": "msg_1"}, {"role": "user", "content": "hi"}],
    )  # fmt: skip
    assert [each["function"]["name"] for each in seen["tools"]] == [
        "look", "apply_patch", "mcp__files__read", "local_shell"]  # fmt: skip
    patch = seen["tools"][1]["function"]
    assert (
        patch["description"].startswith("Edits files.") and "start: begin" in patch["description"]
    )
    assert patch["parameters"]["required"] == ["input"]
    assert answer.headers["x-windsock-adapted"] == (
        "tools.web_search, tools.image_generation, input.item_reference, max_tokens"
    )


@pytest.mark.parametrize(
    ("choice", "names", "sent"),
    [
        (allowed("required", {"type": "function", "name": "look"}), ["look"], "required"),
        (allowed("auto", {"type": "custom", "name": "apply_patch"}, {"type": "local_shell"}),
         ["apply_patch", "local_shell"], "auto"),
        ({"type": "custom", "name": "apply_patch"}, None, "apply_patch"),
        ({"type": "function", "name": "read", "namespace": "mcp__files__"}, None,
         "mcp__files__read"),
        ({"type": "web_search"}, None, None),
    ],
)  # fmt: skip
async def test_which_tool_may_be_called(tmp_path, choice, names, sent) -> None:
    _, seen = await asked_of_chat(
        tmp_path, "/v1/responses", tools=CODEX, tool_choice=choice, input="hi"
    )
    got = [each["function"]["name"] for each in seen["tools"]]
    assert got == (names or ["look", "apply_patch", "mcp__files__read", "local_shell"])
    chosen = seen.get("tool_choice")
    assert (chosen["function"]["name"] if isinstance(chosen, dict) else chosen) == sent


async def test_with_no_tool_left_there_is_no_choice(tmp_path) -> None:
    answer, seen = await asked_of_chat(
        tmp_path, "/v1/responses", tools=[{"type": "web_search\r\nx: y"}], tool_choice="required",
        input="hi", parallel_tool_calls=True,
    )  # fmt: skip
    assert not {"tools", "tool_choice", "parallel_tool_calls"} & seen.keys()
    assert answer.headers["x-windsock-adapted"] == "tools.web_search__x__y, max_tokens"
    answer, seen = await asked_of_chat(
        tmp_path, "/v1/messages", messages=[{"role": "user", "content": "hi"}],
        tools=[{"type": "web_search_20250305", "name": "web_search"}],
        tool_choice={"type": "tool", "name": "web_search"},
    )  # fmt: skip
    assert not {"tools", "tool_choice"} & seen.keys()
    assert answer.headers["x-windsock-adapted"] == (
        "tools.web_search_20250305, tool_choice.web_search"
    )


async def test_long_names_of_namespaces_fit_and_stay_apart(tmp_path) -> None:
    long = "mcp__" + "x" * 60
    tools = [{"type": "namespace", "name": long, "tools": [
        {"type": "function", "name": name} for name in ("read", "write", "a.b")]}]  # fmt: skip
    _, seen = await asked_of_chat(tmp_path, "/v1/responses", tools=tools, input="hi")
    names = [each["function"]["name"] for each in seen["tools"]]
    assert len(set(names)) == 3 and all(len(name) <= 64 for name in names)


SHOWN = [{"type": "input_text", "text": "a chart"}, {"type": "input_image", "image_url": PNG}]


async def test_images_in_the_results_of_functions_follow_all_results(tmp_path) -> None:
    calls = [{"type": "function_call", "call_id": f"c{n}", "name": "look", "arguments": "{}"}
             for n in (1, 2)]  # fmt: skip
    _, seen = await asked_of_chat(tmp_path, "/v1/responses", tools=[LOOK], input=[
        {"role": "user", "content": "hi"}, *calls,
        {"type": "function_call_output", "call_id": "c1", "output": SHOWN},
        {"type": "function_call_output", "call_id": "c2", "output": SHOWN[1:]},
        {"role": "user", "content": "go on"}])  # fmt: skip
    roles = [each["role"] for each in seen["messages"]]
    assert roles == ["user", "assistant", "tool", "tool", "user", "user"]
    first, second, shown = seen["messages"][2:5]
    assert (first["content"], second["content"]) == ("a chart", "(shown in the next message)")
    images = [each for each in shown["content"] if each["type"] == "image_url"]
    assert [each["image_url"]["url"] for each in images] == [PNG, PNG]


ODD = "files.read:" + "x" * 60


@pytest.mark.parametrize("is_stream", [False, True])
@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1beta/models/auto:",
         {"contents": [{"role": "user", "parts": [{"text": "hi"}]}],
          "tools": [{"functionDeclarations": [{"name": ODD}]}],
          "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": [ODD]}}}),
        ("/v1/messages",
         {"model": "auto", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 9,
          "tools": [{"name": ODD, "input_schema": PARAMETERS}],
          "tool_choice": {"type": "tool", "name": ODD}}),
    ],
)  # fmt: skip
async def test_a_name_that_not_all_take_is_told_in_their_letters_and_back(
    tmp_path, path, body, is_stream
) -> None:
    def reply(asked: dict[str, Any]) -> Answer:
        return calling(asked["tools"][0]["function"]["name"], "{}", bool(asked.get("stream")))

    call = "streamGenerateContent?alt=sse" if is_stream else "generateContent"
    asked = body if path.startswith("/v1beta") else {**body, "stream": is_stream}
    async with upstream(reply) as acme:
        async with running(config_of(("acme", acme.url, 1.0)), tmp_path) as it:
            where = path + call if path.endswith(":") else path
            answer = await it.http.post(where, json=asked)
    (seen,) = acme.seen
    name = seen["tools"][0]["function"]["name"]
    assert re.fullmatch(r"files_read_x+_[a-zA-Z0-9]{8}", name) and len(name) == 64
    assert seen["tool_choice"]["function"]["name"] == name
    assert answer.status_code == 200 and f'"{ODD}"' in answer.text and name not in answer.text


def test_an_image_that_was_made_is_shown_and_one_that_is_kept_elsewhere_is_named() -> None:
    drawn = {"type": "image_generation_call", "id": "ig_1", "output_format": "webp"}
    dialect = Responses()
    told = dialect.asked({"model": "m", "input": [
        {"role": "user", "content": "draw"}, {**drawn, "result": "aGk="},
        {"role": "assistant", "content": "there"},
        {"role": "user", "content": "bluer"}]})  # fmt: skip
    first, said, shown, last = told["messages"]
    assert (first["content"], said["content"], last["content"]) == ("draw", "there", "bluer")
    assert shown["role"] == "user"
    assert shown["content"][1]["image_url"] == {"url": "data:image/webp;base64,aGk="}
    assert dialect.left_out == []
    dialect.asked({"model": "m", "input": [drawn, {"role": "user", "content": "bluer"}]})
    assert dialect.left_out == ["input.image_generation_call"]


async def test_images_in_tool_results_follow_all_results(tmp_path) -> None:
    source = {"type": "base64", "media_type": "image/png", "data": "aGk="}
    results = [
        {"type": "tool_result", "tool_use_id": "c1", "is_error": True, "content": [
            {"type": "text", "text": "a chart"}, {"type": "image", "source": source}]},
        {"type": "tool_result", "tool_use_id": "c2", "content": "none"}]  # fmt: skip
    calls = [{"type": "tool_use", "id": f"c{n}", "name": "look", "input": {}} for n in (1, 2)]
    _, seen = await asked_of_chat(tmp_path, "/v1/messages", messages=[
        {"role": "user", "content": "hi"}, {"role": "assistant", "content": calls},
        {"role": "user", "content": [*results, {"type": "text", "text": "go on"}]}])  # fmt: skip
    _, _, first, second, shown, rest = seen["messages"]
    assert (first["content"], second["content"]) == ("error: a chart", "none")
    assert shown["content"][1]["image_url"]["url"] == PNG
    assert rest == {"role": "user", "content": "go on"}


async def test_documents_and_files_are_carried(tmp_path) -> None:
    pdf = "data:application/pdf;base64,aGk="
    blocks = [
        {"type": "document", "title": "a.pdf",
         "source": {"type": "base64", "media_type": "application/pdf", "data": "aGk="}},
        {"type": "document", "source": {"type": "url", "url": "https://x.test/b.pdf"}},
        {"type": "document", "title": "notes",
         "source": {"type": "text", "media_type": "text/plain", "data": "hello"}},
        {"type": "document", "source": {"type": "content",
                                        "content": [{"type": "text", "text": "inner"}]}},
        {"type": "search_result", "title": "T", "source": "S",
         "content": [{"type": "text", "text": "found"}]}]  # fmt: skip
    _, seen = await asked_of_chat(
        tmp_path, "/v1/messages", messages=[{"role": "user", "content": blocks}]
    )
    assert seen["messages"][0]["content"] == [
        {"type": "file", "file": {"filename": "a.pdf", "file_data": pdf}},
        {"type": "file", "file": {"filename": "document.pdf", "file_data": "https://x.test/b.pdf"}},
        {"type": "text", "text": "notes\nhello"},
        {"type": "text", "text": "inner"},
        {"type": "text", "text": "T\nS\nfound"},
    ]
    files = [{"type": "input_file", "filename": "a.pdf", "file_data": pdf},
             {"type": "input_file", "file_url": "https://x.test/b.pdf"},
             {"type": "input_file", "file_id": "file-1"}]  # fmt: skip
    _, seen = await asked_of_chat(
        tmp_path, "/v1/responses", input=[{"role": "user", "content": files}]
    )
    assert [each["file"] for each in seen["messages"][0]["content"]] == [
        {"file_data": pdf, "filename": "a.pdf"}, {"file_data": "https://x.test/b.pdf"},
        {"file_id": "file-1"}]  # fmt: skip


async def test_a_result_without_its_call_is_told_as_text(tmp_path) -> None:
    _, seen = await asked_of_chat(tmp_path, "/v1/responses", tools=[LOOK], input=[
        {"role": "user", "content": "hi"}, {"type": "item_reference", "id": "fc_1"},
        {"type": "function_call_output", "call_id": "c1", "output": "18"}])  # fmt: skip
    assert seen["messages"][1] == {"role": "user", "content": "The tool call c1 gave: 18"}


async def test_thoughts_between_parallel_calls_part_no_call_from_its_result(tmp_path) -> None:
    thought = {"type": "reasoning", "summary": [],
               "content": [{"type": "reasoning_text", "text": "hm."}]}  # fmt: skip
    calls = [{"type": "function_call", "call_id": f"c{n}", "name": "look", "arguments": "{}"}
             for n in (1, 2)]  # fmt: skip
    outputs = [{"type": "function_call_output", "call_id": f"c{n}", "output": "18"}
               for n in (1, 2)]  # fmt: skip
    _, seen = await asked_of_chat(tmp_path, "/v1/responses", tools=[LOOK], input=[
        {"role": "user", "content": "hi"}, thought, calls[0], thought, calls[1], *outputs,
        {"type": "reasoning", "summary": [], "encrypted_content": "from elsewhere"}])  # fmt: skip
    assert [each["role"] for each in seen["messages"]] == ["user", "assistant", "tool", "tool"]
    assert seen["messages"][1]["reasoning_content"] == "hm.hm."
    assert len(seen["messages"][1]["tool_calls"]) == 2


async def test_shell_outputs_are_found_by_the_id_of_their_item(tmp_path) -> None:
    action = {"type": "exec", "command": ["ls"], "env": {}}
    _, seen = await asked_of_chat(
        tmp_path, "/v1/responses", tools=[{"type": "local_shell"}], input=[
            {"role": "user", "content": "hi"},
            {"type": "local_shell_call", "id": "lsh_1", "call_id": "c1", "action": action,
             "status": "completed"},
            {"type": "local_shell_call_output", "id": "lsh_1", "output": "a.txt"}])  # fmt: skip
    assert seen["messages"][2] == {"role": "tool", "tool_call_id": "c1", "content": "a.txt"}


async def test_claude_reads_what_it_sent_of_its_own_tools(tmp_path) -> None:
    own = [{"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {}},
           {"type": "web_search_tool_result", "tool_use_id": "s1", "content": []},
           {"type": "text", "text": "found"}]  # fmt: skip
    async with upstream(lambda _: Answer(completion("yes"))) as acme:
        async with running(config_of(("acme", acme.url, 1.0)), tmp_path) as it:
            async with AsyncAnthropic(base_url=it.url, api_key="none", max_retries=0) as client:
                raw = await client.messages.with_raw_response.create(
                    model="auto", max_tokens=9, messages=[
                        {"role": "user", "content": "hi"}, {"role": "assistant", "content": own},
                        {"role": "user", "content": "and?"}])  # fmt: skip
    assert [each["content"] for each in acme.seen[0]["messages"]] == ["hi", "found", "and?"]
    assert raw.headers["x-windsock-adapted"] == (
        "messages.server_tool_use, messages.web_search_tool_result"
    )
