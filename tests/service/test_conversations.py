"""Conversations over HTTP, on a fresh install: where they stay, what is told, what is kept."""

import pytest

from tests.running import Running, config_of, running
from tests.upstream import Answer, completion, upstream
from windsock.clock import ManualClock

START = 1_790_000_000.0
PREFIX = "All that was ever said about winds. " * 600
CLAUDE = f"user_{'a' * 64}_account__session_57a121ec-f78c-48c3-a745-e3036a3ecc33"


def caching(kept: dict[str, int]):
    """A provider that holds the last prompt of a conversation, whoever it is."""

    def answer(body: dict) -> Answer:
        size = sum(len(str(each["content"])) for each in body["messages"]) // 4
        held = min(kept.get("tokens", 0), size)
        kept["tokens"] = size
        usage = {
            "prompt_tokens": size,
            "completion_tokens": 20,
            "total_tokens": size + 20,
            "prompt_tokens_details": {"cached_tokens": held},
        }
        return Answer(completion(usage=usage))

    return answer


def config(acme: str, bolt: str) -> str:
    plain = config_of(("acme", acme, 1.0), ("bolt", bolt, 1.1))
    return plain.replace("output = 4.0 }", "output = 4.0, cache_read = 0.1 }").replace(
        "output = 4.4 }", "output = 4.4, cache_read = 0.11 }"
    )


async def talk(
    it: Running,
    clock: ManualClock,
    turns: int,
    *,
    path="/v1/chat/completions",
    headers=None,
    **said,
):
    """The deployments and propensities of so many turns, a minute apart."""
    messages = [{"role": "user", "content": PREFIX}]
    found = []
    for _ in range(turns):
        body = {"model": "auto", "messages": messages, "max_tokens": 50, **said}
        answer = await it.http.post(path, json=body, headers=headers or {})
        assert answer.status_code == 200, answer.text
        found.append(answer)
        messages = [*messages, {"role": "assistant", "content": "hello"},
                    {"role": "user", "content": "And then?"}]  # fmt: skip
        clock.advance_to(clock.now() + 60.0)
    return found


NAMES = {
    "session_id": {"session_id": "s"},
    "x-session-id": {"headers": {"x-session-id": "s"}},
    "x-claude-code-session-id": {"headers": {"x-claude-code-session-id": "s"}},
    "metadata.session_id": {"metadata": {"session_id": "s"}},
    "prompt_cache_key": {"prompt_cache_key": "app"},
    "user": {"user": "tenant"},
    "claude code": {"path": "/v1/messages", "metadata": {"user_id": CLAUDE}},
    "nothing": {},
}


@pytest.mark.parametrize("name", NAMES)
async def test_no_conversation_moves_without_a_reason_however_it_is_named(tmp_path, name) -> None:
    clock = ManualClock(START)
    async with upstream(caching({})) as acme, upstream(caching({})) as bolt:
        async with running(config(acme.url, bolt.url), tmp_path, clock=clock) as it:
            answers = await talk(it, clock, 11, **NAMES[name])
    homes = {answer.headers["x-windsock-deployment"] for answer in answers}
    assert len(homes) == 1
    last = float(answers[-1].headers["x-windsock-propensity"])
    assert last == 1.0
    assert "prompt cache" in answers[-1].headers["x-windsock-note"]


async def test_the_name_of_a_session_is_for_us_and_goes_no_further(tmp_path) -> None:
    clock = ManualClock(START)
    async with upstream(caching({})) as acme:
        async with running(config_of(("acme", acme.url, 1.0)), tmp_path, clock=clock) as it:
            await talk(it, clock, 1, session_id="s", user="u")
        assert "session_id" not in acme.seen[0] and acme.seen[0]["user"] == "u"


async def test_what_a_conversation_costs_where_is_explained(tmp_path) -> None:
    clock = ManualClock(START)
    async with upstream(caching({})) as acme, upstream(caching({})) as bolt:
        async with running(config(acme.url, bolt.url), tmp_path, clock=clock) as it:
            answers = await talk(it, clock, 4, session_id="private name")
            await it.service.ledger.flushed()
            name = answers[-1].headers["x-windsock-decision-id"]
            told = (await it.http.get(f"/v1/decisions/{name}")).json()
            found, here = told["conversation"], told["deployment"]
            assert (found["turn"], found["kind"], found["home"]) == (4, "session_id", here)
            assert "private" not in str(told)
            home, other = found["seats"]
            assert home["held_tokens"] > 5000 and other["held_tokens"] == 0
            assert home["turn_usd"] < other["turn_usd"] and home["saved_usd"] > 0
            assert told["draw"]["gives"] == told["deployment"]
            prices = {here: {"input": 9.0, "cache_read": 0.9, "output": 36.0}}
            ask = {"prices": prices, "conversation": found["session"], "route": "auto"}
            then = (await it.http.post("/v1/whatif", json=ask)).json()["data"][0]
            [there] = {"acme/m", "bolt/m"} - {here}
            assert then["weights_now"][here] == 1.0 and then["weights_then"][there] == 1.0
            missing = await it.http.post("/v1/whatif", json={**ask, "conversation": "x"})
            assert missing.status_code == 400 and "no conversation 'x'" in missing.text


async def test_a_restart_moves_nobody(tmp_path) -> None:
    clock = ManualClock(START)
    async with upstream(caching({})) as acme, upstream(caching({})) as bolt:
        config_text = config(acme.url, bolt.url)
        async with running(config_text, tmp_path, clock=clock) as it:
            first = await talk(it, clock, 3, session_id="s")
        async with running(config_text, tmp_path, clock=clock) as it:
            again = await talk(it, clock, 1, session_id="s")
            await it.service.ledger.flushed()
            name = again[0].headers["x-windsock-decision-id"]
            told = (await it.http.get(f"/v1/decisions/{name}")).json()
    assert told["conversation"]["turn"] == 4
    assert told["conversation"]["home"] == first[-1].headers["x-windsock-deployment"]
