"""`make prove`: Google's and Mistral's own SDKs read the fake as they read their provider.

Beside the suite, since the two bring thirty packages that nothing else here needs.
"""

import json

import pytest
from google import genai
from google.genai import errors, types
from mistralai.client import Mistral

from tests.providers.fake import ARGUMENTS, TEXT, fake
from tests.providers.test_every_provider import HELLO, TOOLS


async def test_googles_sdk() -> None:
    declared = types.FunctionDeclaration(name="get_weather")
    config = types.GenerateContentConfig(tools=[types.Tool(function_declarations=[declared])])
    async with fake() as it:
        url = it.base_url("google-native").removesuffix("/v1beta")
        options = types.HttpOptions(base_url=url, api_version="v1beta")
        client = genai.Client(api_key="k", vertexai=False, http_options=options).aio
        plain = await client.models.generate_content(model="m", contents="hi")
        called = await client.models.generate_content(model="m", contents="hi", config=config)
        stream = await client.models.generate_content_stream(model="m", contents="hi")
        parts = [part async for part in stream]
        with pytest.raises(errors.ClientError) as refused:
            await client.models.generate_content(model="e2", contents="hi")
        await client.aclose()
    assert plain.text == "".join(part.text or "" for part in parts) == "".join(TEXT)
    assert plain.usage_metadata and plain.usage_metadata.thoughts_token_count == 100
    assert parts[-1].usage_metadata and parts[-1].usage_metadata.total_token_count == 2306
    assert called.function_calls and called.function_calls[0].args == json.loads(ARGUMENTS)
    assert refused.value.code == 404


async def test_mistrals_sdk() -> None:
    async with fake() as it:
        url = it.base_url("mistral").removesuffix("/v1")
        async with Mistral(api_key="k", server_url=url) as client:
            plain = await client.chat.complete_async(model="m", messages=HELLO)
            called = await client.chat.complete_async(model="m", messages=HELLO, tools=TOOLS)
            stream = await client.chat.stream_async(model="m", messages=HELLO)
            parts = [part.data async for part in stream]
    texts = [part.choices[0].delta.content or "" for part in parts]
    assert plain.choices[0].message.content == "".join(texts) == "".join(TEXT)
    assert parts[-1].usage and parts[-1].usage.total_tokens == plain.usage.total_tokens == 1100
    calls = called.choices[0].message.tool_calls
    assert calls and calls[0].function.arguments == ARGUMENTS
