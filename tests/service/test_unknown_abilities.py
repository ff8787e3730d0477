"""Of a server of one's own nobody says what it can: it is tried, and what it refuses is learnt.

The refusals are those of vLLM, Ollama, llama.cpp, LM Studio, SGLang and gateways before them, as
their sources and public reports have them.
"""

import pytest

from tests.running import running
from tests.upstream import Answer, completion, upstream
from windsock.clock import ManualClock
from windsock.core.model.unsupported import KEEP_S

PICTURE = {
    "role": "user",
    "content": [
        {"type": "text", "text": "what is this"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
    ],
}
SOUND = {
    "role": "user",
    "content": [{"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}],
}
TOOLS = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]
SEEN = {"messages": [PICTURE]}
HEARD = {"messages": [SOUND]}
CALLED = {"messages": [{"role": "user", "content": "x"}], "tools": TOOLS}
PLAIN = {"messages": [{"role": "user", "content": "x"}]}


def config(url: str, other: str, preset: str = "") -> str:
    named = f'preset = "{preset}"\n' if preset else ""
    return (
        f'[providers.box]\nbase_url = "{url}"\n{named}'
        'price = { input = 0, output = 0, reason = "local" }\n'
        f'[providers.cloud]\nbase_url = "{other}"\nprice = {{ input = 9, output = 9 }}\n'
        '[deployments."cloud/m"]\n'
        "capabilities = { vision = true, audio = true, tools = true }\n"
        '[routes.auto]\ncandidates = ["box/m"]\nfallbacks = ["cloud/m"]\n'
    )


@pytest.mark.parametrize("ask", [SEEN, HEARD, CALLED], ids=["images", "audio", "tools"])
@pytest.mark.parametrize("preset", ["", "vllm", "ollama"])
async def test_what_nobody_knows_is_tried(tmp_path, ask, preset) -> None:
    async with upstream(lambda _: Answer(completion())) as box:
        async with running(config(box.url, box.url, preset), tmp_path) as it:
            answer = await it.http.post("/v1/chat/completions", json={"model": "auto", **ask})
    assert answer.json()["provider"] == "box"


async def test_what_the_owner_denies_is_not_tried(tmp_path) -> None:
    async with upstream(lambda _: Answer(completion())) as box:
        text = config(box.url, box.url) + '[deployments."box/m"]\ncapabilities.vision = false\n'
        async with running(text, tmp_path) as it:
            answer = await it.http.post("/v1/chat/completions", json={"model": "auto", **SEEN})
    assert answer.json()["provider"] == "cloud"


def said(message: str, status: int = 400) -> Answer:
    return Answer({"error": {"message": message, "type": "invalid_request_error"}}, status=status)


REFUSALS = [
    # vLLM (entrypoints/chat_utils.py and multimodal limits)
    (SEEN, Answer({"object": "error", "message": "Qwen/Qwen3-8B is not a multimodal model",
                   "type": "BadRequestError", "param": None, "code": 400}, status=400)),
    (SEEN, said("At most 0 image(s) may be provided in one request.")),
    (HEARD, said("At most 0 audio(s) may be provided in one prompt.")),
    (CALLED, said('"auto" tool choice requires --enable-auto-tool-choice and '
                  "--tool-call-parser to be set")),
    # llama.cpp, its server
    (SEEN, said("image input is not supported - hint: if this is unexpected, you may need to "
                "provide the mmproj", status=500)),
    (HEARD, said("audio input is not supported - hint: if this is unexpected, you may need to "
                 "provide the mmproj", status=500)),
    # Ollama (github.com/ollama/ollama/issues/17301 and its source)
    (SEEN, said("this model does not support image input (ref: b8bd630e)")),
    (SEEN, said("this model is missing data required for image input", status=500)),
    (CALLED, said("registry.ollama.ai/library/gemma:latest does not support tools")),
    # LM Studio
    (SEEN, said("Model does not support images. Please use a model that does.")),
    # DeepSeek's deserializer, behind a gateway
    (SEEN, said("Failed to deserialize the JSON body into the target type: messages[0]: unknown "
                "variant `image_url`, expected `text` at line 1 column 90")),
    # gateways before text models
    (SEEN, said("messages.content.type is invalid, allowed values: ['text']")),
    (SEEN, said("No endpoints found that support image input", status=404)),
]  # fmt: skip


@pytest.mark.parametrize(("ask", "refusal"), REFUSALS)
async def test_a_refusal_is_learnt_and_the_request_is_answered_elsewhere(
    tmp_path, ask, refusal
) -> None:
    def text_only(body: dict) -> Answer:
        is_plain = isinstance(body["messages"][0]["content"], str) and "tools" not in body
        return Answer(completion()) if is_plain else refusal

    cloud_answers = upstream(lambda _: Answer(completion()))
    async with upstream(text_only) as box, cloud_answers as cloud:
        async with running(config(box.url, cloud.url), tmp_path) as it:
            answers = [
                await it.http.post("/v1/chat/completions", json={"model": "auto", **each})
                for each in (ask, ask, PLAIN, ask, PLAIN)
            ]
    assert [each.status_code for each in answers] == [200] * 5
    assert [each.json()["provider"] for each in answers] == [
        "cloud", "cloud", "box", "cloud", "box",
    ], "what was refused is asked elsewhere, all else goes on where it was"  # fmt: skip
    assert len(box.seen) == 3, "refused once, not asked again"


async def test_what_was_learnt_is_told_and_grows_old(tmp_path) -> None:
    clock = ManualClock(1_790_000_000.0)
    refusal, is_up = REFUSALS[0][1], []

    def learns(_: dict) -> Answer:
        return Answer(completion()) if is_up else refusal

    async with upstream(learns) as box, upstream(lambda _: Answer(completion())) as cloud:
        async with running(config(box.url, cloud.url), tmp_path, clock=clock) as it:
            ask = {"model": "auto", **SEEN}
            await it.http.post("/v1/chat/completions", json=ask)
            alone = await it.http.post("/v1/chat/completions", json={**ask, "model": "box/m"})
            is_up.append(True)
            clock.advance_to(clock.now() + KEEP_S + 1)
            later = await it.http.post("/v1/chat/completions", json=ask)
    assert alone.status_code == 422
    assert "does not take images" in alone.json()["error"]["message"]
    assert later.json()["provider"] == "box"


async def test_a_refusal_that_speaks_of_images_teaches_nothing_where_none_was_sent(
    tmp_path,
) -> None:
    refusal = said("this model does not support image output")
    is_down = [True]

    def once(_: dict) -> Answer:
        return refusal if is_down.pop() else Answer(completion())

    async with upstream(lambda body: once(body) if is_down else Answer(completion())) as box:
        async with running(config(box.url, box.url), tmp_path) as it:
            await it.http.post("/v1/chat/completions", json={"model": "auto", **PLAIN})
            answer = await it.http.post("/v1/chat/completions", json={"model": "auto", **SEEN})
    assert answer.json()["provider"] == "box"
