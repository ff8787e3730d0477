"""`make prove`: Google's own SDK reads windsock as it reads its provider, whoever answers."""

import json

import pytest
from google import genai
from google.genai import errors, types

from tests.providers.fake import ARGUMENTS, fake
from tests.running import running
from tests.service.native.test_as_it_comes import provider, route
from tests.service.test_translation import model
from tests.upstream import upstream

DECLARED = types.FunctionDeclaration(
    name="get_weather",
    parameters=types.Schema(
        type="OBJECT", properties={"city": types.Schema(type="STRING", nullable=True)}
    ),
)
CONFIG = types.GenerateContentConfig(
    tools=[types.Tool(function_declarations=[DECLARED])],
    tool_config=types.ToolConfig(
        function_calling_config=types.FunctionCallingConfig(
            mode=types.FunctionCallingConfigMode.ANY
        )
    ),
    temperature=1.0,
    top_k=40,
    max_output_tokens=50,
    stop_sequences=["x"],
    system_instruction="be brief",
)


def client(url: str, version: str = "v1beta") -> genai.client.AsyncClient:
    options = types.HttpOptions(base_url=url, api_version=version)
    return genai.Client(api_key="k", vertexai=False, http_options=options).aio


async def objects(it: genai.client.AsyncClient, name: str) -> list[str]:
    """What it gives for a plain call, one of tools and a stream, as JSON."""
    plain = await it.models.generate_content(model=name, contents="hi")
    called = await it.models.generate_content(model=name, contents="hi", config=CONFIG)
    stream = await it.models.generate_content_stream(model=name, contents="hi")
    parts = [part async for part in stream]
    await it.aclose()
    kept = {"sdk_http_response"}
    return [each.model_dump_json(exclude=kept) for each in (plain, called, *parts)]


async def test_through_windsock_the_same_objects_come_as_directly(tmp_path) -> None:
    async with fake() as there:
        url = there.base_url("google-native")
        config = provider("google-native", url).replace("sk-upstream-secret", "k")
        async with running(config + route("google-native/m"), tmp_path) as it:
            direct = await objects(client(url.removesuffix("/v1beta")), "m")
            through = await objects(client(it.url), "auto")
    assert through == direct


@pytest.mark.parametrize("version", ["v1beta", "v1"])
async def test_who_speaks_chat_answers_as_gemini_does(tmp_path, version) -> None:
    async with upstream(model) as acme:
        config = provider("acme", acme.url) + route("acme/m")
        config += '[deployments."acme/m".capabilities]\nvision = true\n'
        async with running(config, tmp_path) as it:
            google = client(it.url, version)
            models = google.models
            stream = await models.generate_content_stream(model="auto", contents="hi")
            parts = [part async for part in stream]
            called = await models.generate_content(model="auto", contents="hi", config=CONFIG)
            assert called.candidates and called.candidates[0].content
            turns = [
                types.Content(
                    role="user",
                    parts=[types.Part.from_bytes(data=b"\xfb\xff", mime_type="image/png")],
                ),
                called.candidates[0].content,
                types.Content(
                    role="user",
                    parts=[
                        types.Part.from_function_response(
                            name="get_weather", response={"result": "18 °C"}
                        )
                    ],
                ),
            ]
            await models.generate_content(model="auto", contents=turns, config=CONFIG)
            counted = await models.count_tokens(model="auto", contents="word " * 100)
            vectors = await models.embed_content(model="acme/m", contents=["a"])
            names = [each.name async for each in await models.list()]
            with pytest.raises(errors.ClientError) as unknown:
                await models.generate_content(model="no/such", contents="hi")
            with pytest.raises(errors.ServerError, match="broke off"):
                async for _ in await models.generate_content_stream(model="auto", contents="break"):
                    pass
            await google.aclose()
    assert "".join(part.text or "" for part in parts) == "Grüezi mitenand 🌬"
    assert parts[-1].usage_metadata and parts[-1].usage_metadata.total_token_count == 15
    assert called.function_calls and called.function_calls[0].args == json.loads(ARGUMENTS)
    asked, spoken, result = acme.seen[2]["messages"][1:]
    assert asked["content"][0]["image_url"]["url"] == "data:image/png;base64,+/8="
    assert (spoken["tool_calls"][0]["id"], result["content"]) == ("call_1", "18 °C")
    assert counted.total_tokens and 100 < counted.total_tokens < 200
    assert vectors.embeddings and vectors.embeddings[0].values == [0.25, -1.5]
    assert names == ["models/auto", "models/acme/m"]
    assert (unknown.value.code, unknown.value.status) == (404, "NOT_FOUND")
