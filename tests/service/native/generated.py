"""Requests in Messages, in Responses and in Gemini's API with every kind of field that their
references have, and some that they do not have yet; drawn by a seed."""

from __future__ import annotations

import json
from random import Random
from typing import Any

Body = dict[str, Any]

PNG = "iVBORw0KGgo="
WORDS = ["Grüezi", "雨", "a\u2028b", 'quo"te', "\\n", "🌧", "x" * 40]


def text(pick: Random) -> str:
    return " ".join(pick.choices(WORDS, k=pick.randint(1, 4)))


def some(pick: Random, fields: Body) -> Body:
    """About half of them."""
    return {name: value for name, value in fields.items() if pick.random() < 0.5}


def written(pick: Random, body: Body) -> bytes:
    """As one client or another would write it."""
    spaced = pick.choice([(",", ":"), (", ", ": ")])
    is_ascii = pick.random() < 0.5
    return json.dumps(body, separators=spaced, ensure_ascii=is_ascii).encode()


def mark(pick: Random) -> Body:
    lives: list[Body] = [{}, {"ttl": "5m"}, {"ttl": "1h"}]
    return {"cache_control": {"type": "ephemeral", **pick.choice(lives)}}


def marked(pick: Random, block: Body) -> Body:
    return block | (mark(pick) if pick.random() < 0.3 else {})


def message_blocks(pick: Random) -> list[Body]:
    source = pick.choice([
        {"type": "base64", "media_type": "image/png", "data": PNG},
        {"type": "url", "url": "https://pictures.example/a.png"},
        {"type": "file", "file_id": "file_011CNha8iCJcU1wXNR6q4V8w"},
    ])  # fmt: skip
    paper = pick.choice([
        {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0="},
        {"type": "text", "media_type": "text/plain", "data": text(pick)},
        {"type": "content", "content": [{"type": "text", "text": text(pick)}]},
        {"type": "file", "file_id": "file_011"},
    ])  # fmt: skip
    kinds: list[Body] = [
        {"type": "text", "text": text(pick)},
        {"type": "image", "source": source},
        {"type": "document", "source": paper, "title": text(pick), "context": "c",
         "citations": {"enabled": True}},
        {"type": "search_result", "source": "https://a.example", "title": "t",
         "content": [{"type": "text", "text": text(pick)}], "citations": {"enabled": False}},
        {"type": "container_upload", "file_id": "file_012"},
        {"type": "hologram", "angle": 1.50, "of": None},
    ]  # fmt: skip
    return [marked(pick, each) for each in pick.sample(kinds, pick.randint(1, 4))]


def message_turns(pick: Random) -> list[Body]:
    turns: list[Body] = []
    for number in range(pick.randint(0, 3)):
        call = f"toolu_01{number}"
        turns.append({"role": "user", "content": message_blocks(pick)})
        thoughts: list[Body] = [
            {"type": "thinking", "thinking": text(pick), "signature": "EqQBCgIYAhIM=="},
            {"type": "redacted_thinking", "data": "EmwKAhgBEgy3va3pzix"},
        ]
        searched: list[Body] = [
            {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search",
             "input": {"query": text(pick)}},
            {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": [
                {"type": "web_search_result", "url": "https://a.example", "title": "t",
                 "encrypted_content": "EqgfCioIARgBIiQ3", "page_age": None}]},
        ]  # fmt: skip
        cited: Body = {"type": "text", "text": text(pick), "citations": [
            {"type": "char_location", "cited_text": "c", "document_index": 0,
             "document_title": None, "start_char_index": 0, "end_char_index": 2}]}  # fmt: skip
        use: Body = {"type": "tool_use", "id": call, "name": "look", "input": {"n": 1.0, "o": {}}}
        turns.append({"role": "assistant", "content": [*thoughts[: pick.randint(0, 2)],
                      *(searched if pick.random() < 0.4 else []), cited, use]})  # fmt: skip
        turns.append({"role": "user", "content": [marked(pick, {
            "type": "tool_result", "tool_use_id": call, "is_error": pick.random() < 0.2,
            "content": pick.choice(["wet", message_blocks(pick)[:1]])})]})  # fmt: skip
    return [*turns, {"role": "user", "content": pick.choice([text(pick), message_blocks(pick)])}]


def message(pick: Random) -> Body:
    """A request to /v1/messages."""
    tools: list[Body] = [
        marked(pick, {"name": "look", "description": text(pick),
                      "input_schema": {"type": "object", "properties": {}}, "strict": True}),
        {"type": "web_search_20250305", "name": "web_search", "max_uses": 5},
        {"type": "bash_20250124", "name": "bash"},
        {"type": "code_execution_20250825", "name": "code_execution"},
        {"type": "mcp_toolset", "mcp_server_name": "m"},
    ]  # fmt: skip
    optional = some(pick, {
        "system": pick.choice([text(pick), [marked(pick, {"type": "text", "text": text(pick)})]]),
        "temperature": pick.choice([0, 0.0, 1, 0.30]),
        "top_p": 0.9, "top_k": 40,
        "stop_sequences": ["\n\nHuman:", "雨"],
        "metadata": {"user_id": text(pick)},
        "thinking": pick.choice([{"type": "enabled", "budget_tokens": 1024}, {"type": "disabled"},
                                 {"type": "adaptive", "display": "summarized"}]),
        "tools": pick.sample(tools, pick.randint(1, 5)),
        "tool_choice": pick.choice([{"type": "auto", "disable_parallel_tool_use": True},
                                    {"type": "any"}, {"type": "tool", "name": "look"}]),
        "context_management": {"edits": [{"type": "clear_tool_uses_20250919", "keep":
                                          {"type": "tool_uses", "value": 3}}]},
        "output_config": {"effort": pick.choice(["low", "max"])},
        "mcp_servers": [{"type": "url", "url": "https://m.example", "name": "m"}],
        "container": {"skills": [{"type": "anthropic", "skill_id": "pptx"}]},
        "service_tier": pick.choice(["auto", "standard_only"]),
        "inference_geo": "us", "cache_control": {"type": "ephemeral"},
        "field_of_tomorrow": {"a": [1, 2.50, -0.0, 1e3], "b": None},
    })  # fmt: skip
    return {"model": "auto", "max_tokens": pick.randint(1, 8000), "messages": message_turns(pick),
            **optional}  # fmt: skip


def response_items(pick: Random) -> list[Body]:
    items: list[Body] = [
        {"role": "user", "content": text(pick)},
        {"type": "message", "role": "developer", "content": [
            {"type": "input_text", "text": text(pick)},
            {"type": "input_image", "image_url": f"data:image/png;base64,{PNG}", "detail": "low"},
            {"type": "input_image", "file_id": "file-1"},
            {"type": "input_file", "file_data": "data:application/pdf;base64,JVBERi0=",
             "filename": "a.pdf"}]},
        {"type": "reasoning", "id": "rs_68af", "summary": [{"type": "summary_text", "text": "s"}],
         "encrypted_content": "gAAAAABoISQ24OyVRYbkYfukdJoqdzWT"},
        {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "look",
         "arguments": '{"n": 1.0}', "status": "completed"},
        {"type": "function_call_output", "call_id": "call_1", "output": pick.choice(
            ["wet", [{"type": "input_image", "image_url": "https://pictures.example/a.png"}]])},
        {"type": "custom_tool_call", "id": "ctc_1", "call_id": "call_2", "name": "patch",
         "input": text(pick)},
        {"type": "custom_tool_call_output", "call_id": "call_2", "output": "done"},
        {"type": "web_search_call", "id": "ws_1", "status": "completed",
         "action": {"type": "search", "query": text(pick)}},
        {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed",
         "content": [{"type": "output_text", "text": text(pick), "logprobs": [], "annotations": [
             {"type": "url_citation", "url": "https://a.example", "title": "t", "start_index": 0,
              "end_index": 1}]}], "phase": "commentary"},
        {"type": "item_reference", "id": "msg_2"},
        {"type": "compaction", "id": "cmp_1", "encrypted_content": "gAAA"},
        {"type": "hologram", "id": "h_1", "angle": 1.50},
    ]  # fmt: skip
    return pick.sample(items, pick.randint(1, len(items)))


def response(pick: Random) -> Body:
    """A request to /v1/responses."""
    tools: list[Body] = [
        {"type": "function", "name": "look", "parameters": {"type": "object"}, "strict": False},
        {"type": "custom", "name": "patch", "format": {"type": "grammar", "syntax": "lark",
                                                       "definition": "start: /.+/"}},
        {"type": "web_search", "search_context_size": "low", "filters": None},
        {"type": "file_search", "vector_store_ids": ["vs_1"]},
        {"type": "namespace", "name": "crm", "description": "d", "tools": [
            {"type": "function", "name": "get", "parameters": {}, "defer_loading": True}]},
        {"type": "mcp", "server_label": "m", "server_url": "https://m.example",
         "require_approval": "never"},
        {"type": "code_interpreter", "container": {"type": "auto"}},
    ]  # fmt: skip
    optional = some(pick, {
        "instructions": text(pick), "temperature": pick.choice([0, 1, 0.30]), "top_p": 0.9,
        "max_output_tokens": pick.randint(16, 9000), "max_tool_calls": 4,
        "store": pick.random() < 0.5, "include": ["reasoning.encrypted_content",
                                                  "message.output_text.logprobs"],
        "metadata": {"case": text(pick)},
        "reasoning": {"effort": "minimal", "summary": "auto"},
        "text": pick.choice([{"verbosity": "low"}, {"format": {
            "type": "json_schema", "name": "n", "schema": {"type": "object"}, "strict": True}}]),
        "tools": pick.sample(tools, pick.randint(1, 7)),
        "tool_choice": pick.choice(["auto", "required", {"type": "function", "name": "look"},
                                    {"type": "web_search"}]),
        "parallel_tool_calls": False, "truncation": "auto", "top_logprobs": 3,
        "previous_response_id": "resp_67ccd2bed1ec8190", "prompt_cache_key": "k",
        "prompt_cache_retention": "24h", "safety_identifier": "s", "user": "u",
        "service_tier": "flex", "background": False,
        "context_management": [{"type": "compaction", "compact_threshold": 1000}],
        "field_of_tomorrow": {"a": [1, 2.50, -0.0, 1e3], "b": None},
    })  # fmt: skip
    asked = pick.choice([text(pick), response_items(pick)])
    return {"model": "auto", "input": asked, **optional}


def contents(pick: Random) -> list[Body]:
    turns: list[Body] = []
    for number in range(pick.randint(0, 3)):
        media: list[Body] = [
            {"text": text(pick)},
            {"inlineData": {"mimeType": "image/png", "data": PNG}},
            {"fileData": {"mimeType": "application/pdf", "fileUri":
                          "https://generativelanguage.googleapis.com/v1beta/files/a"}},
            {"fileData": {"fileUri": "https://www.youtube.com/watch?v=9hE5-98ZeCg"},
             "videoMetadata": {"startOffset": "10s", "fps": 1.0}},
            {"inline_data": {"mime_type": "audio/ogg", "data": "T2dnUw=="}},
            {"hologram": {"angle": 1.50}, "mediaResolution": {"level": "MEDIA_RESOLUTION_HIGH"}},
        ]  # fmt: skip
        turns.append({"role": "user", "parts": pick.sample(media, pick.randint(1, 4))})
        said: list[Body] = [
            {"text": "Hm.", "thought": True},
            {"text": text(pick), "thoughtSignature": "EqQBCqEB"},
            {"executableCode": {"language": "PYTHON", "code": "1/3"}},
            {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "0.3"}},
        ]
        call: Body = {"functionCall": {"name": "look", "args": {"n": 1.0, "o": None}}}
        call["functionCall"] |= {"id": f"c{number}"} if pick.random() < 0.5 else {}
        call |= {"thoughtSignature": "EsMBCsAB"} if pick.random() < 0.5 else {}
        turns.append({"role": "model", "parts": [*pick.sample(said, pick.randint(0, 3)), call]})
        result: Body = {"name": "look", "response": {"output": text(pick), "n": 2.50}}
        turns.append({"role": "user", "parts": [{"functionResponse": result}]})
    return [*turns, {"role": "user", "parts": [{"text": text(pick)}]}]


def content(pick: Random) -> Body:
    """A request to models/{model}:generateContent."""
    tools: list[Body] = [
        {"functionDeclarations": [{"name": "look", "description": text(pick),
                                   "behavior": "BLOCKING", "parameters": {
                                       "type": "OBJECT", "properties": {
                                           "a": {"type": "STRING", "nullable": True}}}}]},
        {"functionDeclarations": [{"name": "see", "parametersJsonSchema": {"type": "object"},
                                   "response": {"type": "STRING"}}]},
        {"googleSearch": {"timeRangeFilter": {}}}, {"codeExecution": {}}, {"urlContext": {}},
        {"google_maps": {"enable_widget": True}},
        {"fileSearch": {"fileSearchStoreNames": ["fileSearchStores/a"]}},
    ]  # fmt: skip
    config = some(pick, {
        "temperature": pick.choice([0, 0.0, 1, 0.30]), "topP": 0.90, "topK": 40.0, "seed": 7,
        "maxOutputTokens": pick.randint(1, 9000), "stopSequences": ["雨"], "candidateCount": 1,
        "responseMimeType": pick.choice(["application/json", "text/x.enum"]),
        "responseSchema": {"type": "STRING", "enum": ["a", "b"]},
        "responseModalities": ["TEXT", "IMAGE"], "imageConfig": {"aspectRatio": "16:9"},
        "speechConfig": {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": "Kore"}}},
        "thinkingConfig": pick.choice([{"thinkingBudget": -1, "includeThoughts": True},
                                       {"thinkingLevel": "low"}]),
        "mediaResolution": "MEDIA_RESOLUTION_LOW", "presencePenalty": 0.50,
    })  # fmt: skip
    optional = some(pick, {
        pick.choice(["systemInstruction", "system_instruction"]): {"parts": [{"text": text(pick)}]},
        pick.choice(["generationConfig", "generation_config"]): config,
        "tools": pick.sample(tools, pick.randint(1, 5)),
        "toolConfig": {"functionCallingConfig": {"mode": "VALIDATED"}, "retrievalConfig": {
            "latLng": {"latitude": 47.40, "longitude": 8.5}}, "includeServerSideToolInvocations":
            True},
        "safetySettings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}],
        "cachedContent": "cachedContents/4oq9m1", "serviceTier": "flex", "labels": {"a": "b"},
        "store": False, "field_of_tomorrow": {"a": [1, 2.50, -0.0, 1e3], "b": None},
    })  # fmt: skip
    return {"contents": contents(pick), **optional}
