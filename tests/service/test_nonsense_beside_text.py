"""Whatever is sent to the calls beside text, and whatever is answered there, nobody sees a 500."""

from __future__ import annotations

from random import Random
from typing import Any

from tests.running import running
from tests.service.test_calls_beside_text import CONFIG
from tests.upstream import Answer, upstream

VALUES: list[Any] = [None, True, 0, -1, 1.5, 10**30, "", "x", "ä\ud800"[:1], [], {}, [None], ["a"],
                     {"a": 1}, [[1]], "1" * 300, {"text": "x"}]  # fmt: skip
FIELDS = ("query", "documents", "input", "prompt", "n", "speed", "voice", "stream", "top_n",
          "response_format", "stream_format", "provider", "models", "metadata", "plugins",
          "file", "image", "usage", "transforms", "temperature")  # fmt: skip
ANSWERED = ("results", "data", "text", "usage", "meta", "duration", "model", "id", "error",
            "segments")  # fmt: skip
WHOLE = {
    "/rerank": {"model": "rerank-3", "query": "a", "documents": ["b"]},
    "/moderations": {"model": "omni-moderation-latest", "input": "a"},
    "/audio/speech": {"model": "tts-1", "input": "a", "voice": "b"},
    "/audio/transcriptions": {"model": "whisper-1"},
    "/audio/translations": {"model": "whisper-1"},
    "/images/generations": {"model": "dall-e-3", "prompt": "a"},
    "/images/edits": {"model": "dall-e-3", "prompt": "a"},
}
FORMS = ("/audio/transcriptions", "/audio/translations", "/images/edits")
GOOD = {"results": [{}], "data": [{}], "text": "a"}


def drawn(random: Random, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: random.choice(VALUES) for name in random.sample(names, random.randint(0, 2))}


async def test_nothing_that_is_sent_or_answered_is_an_error_of_ours(tmp_path) -> None:
    random = Random(7)

    def reply(_: dict[str, Any]) -> Answer:
        told: Any = {**GOOD, **drawn(random, ANSWERED)}
        told = random.choice([told, told, told, [told], "", "nonsense", 3, None])
        return Answer(told, status=random.choice([200] * 9 + [400, 404, 422]))

    async with (
        upstream(reply, *WHOLE) as model,
        running(CONFIG.format(url=model.url), tmp_path) as it,
    ):
        seen = set()
        for _ in range(100):
            path = random.choice(list(WHOLE))
            ask = {**WHOLE[path], **drawn(random, FIELDS)}
            if path in FORMS:
                texts = {name: str(value) for name, value in ask.items()}
                sent = {"data": texts, "files": {random.choice(["file", "image", "x"]): b"abc"}}
                answer = await it.http.post("/v1" + path, **sent)
            else:
                answer = await it.http.post("/v1" + path, json=ask)
            seen.add(answer.status_code)
            assert answer.status_code != 500, (path, ask, answer.text)
        assert {200, 400} <= seen
