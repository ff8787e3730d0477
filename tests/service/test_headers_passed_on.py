"""Which headers of a client reach the provider: a stated list, and never a key or a cookie."""

import pytest

from tests.running import config_of, running
from tests.upstream import Answer, completion, stream_of, upstream
from windsock.config.file import parse
from windsock.errors import ConfigError

ASK = {"model": "auto", "messages": [{"role": "user", "content": "hi"}]}
TRACED = {
    "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    "tracestate": "congo=t61rcWkgMzE",
    "HTTP-Referer": "https://app.example/é",
    "X-Title": "My App",
}
SECRET = {
    "Authorization": "Bearer sk-client",
    "x-api-key": "sk-client",
    "Cookie": "session=1",
    "x-windsock-task": "t",
    "x-own": "1",
}


async def sent(tmp_path, headers: dict[str, str], config: str = "", path: str = "", **ask):
    """Headers that the provider saw of a request with these."""
    reply = Answer(events=stream_of(["a"])) if ask.get("stream") else Answer(completion())
    async with (
        upstream(lambda _: reply) as model,
        running(config_of(("acme", model.url, 1.0)) + config, tmp_path) as it,
    ):
        raw = {name: text.encode("latin-1") for name, text in headers.items()}
        path = path or "/v1/chat/completions"
        answer = await it.http.post(path, json={**ASK, **ask}, headers=raw)
        assert answer.status_code == 200
        return model.headers[-1]


@pytest.mark.parametrize(
    ("path", "more"),
    [("/v1/chat/completions", {}), ("/v1/chat/completions", {"stream": True}),
     ("/v1/messages", {"max_tokens": 9})],
)  # fmt: skip
async def test_traces_and_the_application_reach_the_provider(tmp_path, path, more) -> None:
    seen = await sent(tmp_path, {**TRACED, **SECRET}, path=path, **more)
    assert {name: seen[name.lower()].encode("utf-8", "surrogateescape") for name in TRACED} == {
        name: text.encode("latin-1") for name, text in TRACED.items()
    }
    assert seen["authorization"] == "Bearer sk-upstream-acme-secret"
    assert seen["content-type"] == "application/json"
    assert not {"cookie", "x-api-key", "x-windsock-task", "x-own"} & seen.keys()


async def test_the_list_is_the_owners(tmp_path) -> None:
    config = '[server]\npass_headers = ["X-Own", "baggage"]\n'
    seen = await sent(tmp_path, {**TRACED, **SECRET, "baggage": "a=b"}, config)
    assert (seen["x-own"], seen["baggage"]) == ("1", "a=b")
    assert "x-title" not in seen


async def test_a_header_that_the_owner_states_for_a_provider_is_stronger(tmp_path) -> None:
    config = '[providers.acme.headers]\nX-Title = "The house"\n'
    assert (await sent(tmp_path, TRACED, config))["x-title"] == "The house"


@pytest.mark.parametrize(
    "name",
    ["Authorization", "cookie", "x-api-key", "X-Goog-Api-Key", "x-auth-token", "api-key",
     "Content-Type", "host", "Transfer-Encoding", "Proxy-Authorization", "X-Client-Secret",
     "x-windsock-task", "a b", ""],
)  # fmt: skip
def test_no_list_may_name_a_secret_or_what_is_of_one_connection(name: str) -> None:
    with pytest.raises(ConfigError, match="pass_headers"):
        parse(f'[server]\npass_headers = ["{name}"]\n', {}, source="windsock.toml")


async def test_names_that_no_header_can_hold_cost_nobody_the_answer(tmp_path) -> None:
    """A deployment in another script, and a field whose name would be a header of its own."""
    reply = Answer({
        "id": "msg_1", "type": "message", "role": "assistant", "model": "m",
        "stop_reason": "end_turn", "content": [{"type": "text", "text": "hi"}],
        "usage": {"input_tokens": 1, "output_tokens": 1},
    })  # fmt: skip
    async with upstream(lambda _: reply, "/messages") as model:
        config = (
            f'[providers."客户"]\npreset = "anthropic"\nbase_url = "{model.url}"\napi_key = "k"\n'
        )
        config += 'price = { input = 1, output = 1 }\n[routes.auto]\ncandidates = ["客户/m"]\n'
        async with running(config, tmp_path) as it:
            body = {**ASK, "a\r\nset-cookie: b": 1, **dict.fromkeys(map(str, range(9999)), 1)}
            answer = await it.http.post("/v1/chat/completions", json=body)
    assert answer.json()["choices"][0]["message"]["content"] == "hi"
    assert answer.headers["x-windsock-deployment"] == "客户/m"
    assert answer.headers["x-windsock-adapted"].startswith("a__set-cookie__b, 0, 1, 2, ")
    assert len(answer.headers["x-windsock-adapted"]) < 100
    assert "set-cookie" not in answer.headers
