"""Whatever a client sends, adapting it raises nothing, and once is enough."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from windsock.core.model.requests import Unsupported
from windsock.errors import BadRequest
from windsock.providers.parameters import known_parameters, parameters_of
from windsock.providers.presets import known_providers
from windsock.wire.adaptation.adapt import adapted, uncarried
from windsock.wire.adaptation.conversation import START
from windsock.wire.adaptation.parameters import AS_IT_COMES, Parameters, taught
from windsock.wire.formats.chat.reading import read_chat
from windsock.wire.request import UpstreamRequest

MODELS = [
    ("openai", "gpt-5"), ("openai", "gpt-4o"), ("anthropic", "claude-opus-4-7"),
    ("google", "gemini-3-pro"), ("mistral", "mistral-large-latest"), ("deepseek", "deepseek-chat"),
    ("perplexity", "sonar"), ("moonshot", "kimi-k2.6"), ("groq", "llama-3.3-70b"), ("zai", "glm-5"),
]  # fmt: skip
WORDS = ["role", "content", "tool_calls", "tool_call_id", "name", "id", "function", "type", "text",
         "thinking", "reasoning_content", "extra_content", "assistant", "tool", "user", "system",
         "developer", "prefix", "google"]  # fmt: skip
ANY = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 10**6) | st.floats(allow_nan=False)
    | st.sampled_from(WORDS) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(WORDS), inner, max_size=5),
    max_leaves=12,
)  # fmt: skip
TURNS = st.lists(st.dictionaries(st.sampled_from(WORDS), ANY, max_size=6), max_size=5)
FIELDS = st.dictionaries(
    st.sampled_from(["user", "stop", "metadata", "seed", "top_p", "n_", "logit_bias", "store",
                     "presence_penalty", "tool_choice", "reasoning_effort", "service_tier_"]),
    ANY, max_size=6,
)  # fmt: skip


def asked(turns: Any = (), **fields: Any) -> UpstreamRequest:
    body = {"model": "m", "messages": list(turns) or [{"role": "user", "content": "hi"}], **fields}
    return read_chat(json.dumps(body).encode(), namespace="default")


def sent(request: UpstreamRequest, rules: Parameters) -> dict[str, Any]:
    return json.loads(adapted(request, rules)[0].raw)


@settings(max_examples=150)
@given(st.sampled_from(MODELS), TURNS, FIELDS)
def test_nothing_that_can_be_read_is_too_odd_to_be_adapted(model, turns, fields) -> None:
    try:
        request = asked(turns, **fields)
    except BadRequest:
        return
    before = request.raw
    first, names = adapted(request, parameters_of(*model))
    again, more = adapted(first, parameters_of(*model))
    assert request.raw == before
    assert json.loads(again.raw) == json.loads(first.raw), (names, more)


@pytest.mark.parametrize("name", known_parameters())
def test_parameters_are_those_of_known_providers(name) -> None:
    assert name in known_providers()


def test_a_deployment_of_which_nothing_is_known_gets_the_body_to_the_byte() -> None:
    request = asked(seed=1, user="u" * 300)
    assert adapted(request, AS_IT_COMES) == (request, ())
    assert adapted(request, parameters_of("nobody", "m"))[0].raw == request.raw


def test_a_long_name_of_a_user_stays_a_name_of_its_own() -> None:
    """Cut short, `user_…_session_1` and `user_…_session_2` would be one."""
    rules = Parameters(longest={"user": 64})
    users = [sent(asked(user="u" * 100 + str(number)), rules)["user"] for number in range(5)]
    assert len({*users}) == 5
    assert {len(each) for each in users} == {64}
    assert sent(asked(user="u" * 64), rules)["user"] == "u" * 64


def test_a_new_name_that_the_caller_used_as_well_is_the_callers() -> None:
    rules = Parameters(rename={"max_tokens": "max_completion_tokens"})
    body = sent(asked(max_tokens=9, max_completion_tokens=5), rules)
    assert body["max_completion_tokens"] == 5
    assert "max_tokens" not in body


def test_system_turns_become_one_in_order_with_all_that_they_hold() -> None:
    rules = Parameters(is_system_first=True)
    image = {"type": "image_url", "image_url": {"url": "data:"}}
    turns = [
        {"role": "system", "content": "a"},
        {"role": "user", "content": "hi"},
        {"role": "system", "content": [{"type": "text", "text": "b"}, image]},
    ]
    first, second = sent(asked(turns), rules)["messages"]
    assert first["content"] == [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}, image]
    assert second == turns[1]


@pytest.mark.parametrize(
    ("fact", "field", "value", "after"),
    [
        (Unsupported(field="seed"), "seed", 1, None),
        (Unsupported(field="max_tokens", instead="max_completion_tokens"), "max_tokens", 9, None),
        (Unsupported(field="max_tokens", most=50), "max_tokens", 99, 50),
        (Unsupported(field="user", most=8), "user", "u" * 20, "1e8a2175"),
        (Unsupported(field="stop", most=2), "stop", ["a", "b", "c"], ["a", "b"]),
        (Unsupported(field="reasoning_effort", value="minimal"), "reasoning_effort", "low", "low"),
        (Unsupported(field="reasoning_effort", value="xhigh"), "reasoning_effort", "xhigh", None),
    ],
)
def test_what_was_refused_is_sent_no_more(fact, field, value, after) -> None:
    assert sent(asked(**{field: value}), taught(AS_IT_COMES, [fact])).get(field) == after


def test_a_new_name_that_is_refused_as_well_is_given_up() -> None:
    known = Parameters(rename={"max_tokens": "max_completion_tokens"})
    rules = taught(known, [Unsupported(field="max_completion_tokens")])
    assert sent(asked(max_tokens=9), rules)["max_tokens"] == 9


def test_what_the_operator_says_is_taken_is_sent_whatever_was_refused() -> None:
    rules = Parameters(takes=("seed",)).over(Parameters(leave_out=("seed", "store")))
    body = sent(asked(seed=1, store=True), taught(rules, [Unsupported(field="seed")]))
    assert body["seed"] == 1
    assert "store" not in body


@pytest.mark.parametrize(
    ("provider", "turn", "fields", "left", "names"),
    [
        ("anthropic", {}, {"stop": ["a", " ", ""]}, {"stop": ["a"]}, ["stop"]),
        ("anthropic", {}, {"stop": "\n"}, {}, ["stop"]),
        ("anthropic", {}, {"stop": []}, {"stop": []}, []),
        ("bedrock", {}, {"stop": ["\n\n"]}, {}, ["stop"]),
        ("anthropic", {}, {"service_tier": "flex"}, {}, ["service_tier"]),
        ("anthropic", {}, {"service_tier": "priority"}, {"service_tier": "priority"}, []),
        ("bedrock", {}, {"service_tier": "scale"}, {}, ["service_tier"]),
        ("google-native", {}, {"service_tier": "flex"}, {"service_tier": "flex"}, []),
        ("anthropic", {"name": "ann"}, {}, {}, ["messages.name"]),
        ("openai-responses", {"name": "ann"}, {}, {}, ["messages.name"]),
        ("google-native", {"name": "ann"}, {}, {}, ["messages.name"]),
        ("openai", {"name": "ann"}, {}, {}, []),
    ],
)
def test_what_has_no_counterpart_is_left_out_and_named(provider, turn, fields, left, names) -> None:
    rules = parameters_of(provider, "m")
    made, changed = adapted(asked([{"role": "user", "content": "hi", **turn}], **fields), rules)
    body = json.loads(made.raw)
    assert {n: v for n, v in body.items() if n not in ("model", "messages")} == left
    assert [*changed] == names


@pytest.mark.parametrize(
    ("field", "value", "is_named"),
    [
        ("parallel_tool_calls", False, True),
        ("parallel_tool_calls", None, False),
        ("web_search_options", {}, True),
        ("web_search_options", None, False),
        ("seed", 0, True),
        ("enable_thinking", False, True),
        ("logit_bias", {}, False),
        ("store", False, False),
        ("logit_bias", {"1": 2}, True),
    ],
)
def test_what_asks_for_something_is_named_where_it_has_no_counterpart(
    field: str, value: Any, is_named: bool
) -> None:
    request = asked(**{field: value})
    assert (field in uncarried(request, frozenset({"model", "messages"}))) is is_named


def test_the_name_of_a_tools_result_stays_where_it_is_read() -> None:
    turn = {"role": "tool", "tool_call_id": "c1", "name": "look", "content": "42"}
    made = sent(asked([turn]), parameters_of("google-native", "m"))
    assert made["messages"] == [turn]


USER, SYSTEM = {"role": "user", "content": "hi"}, {"role": "system", "content": "Be brief."}
BEGUN = {"role": "user", "content": START}
GREETED = {"role": "assistant", "content": "Hello, how can I help?"}


@pytest.mark.parametrize(
    ("rules", "turns", "after"),
    [
        (parameters_of("bedrock", "m"), [GREETED, USER], [BEGUN, GREETED, USER]),
        (parameters_of("bedrock", "m"), [SYSTEM, GREETED], [SYSTEM, BEGUN, GREETED]),
        (parameters_of("bedrock", "m"), [SYSTEM, USER, GREETED], [SYSTEM, USER, GREETED]),
        (parameters_of("perplexity", "m"), [GREETED, USER], [BEGUN, GREETED, USER]),
        (parameters_of("anthropic", "m"), [GREETED, USER], [GREETED, USER]),
        (taught(AS_IT_COMES, [Unsupported(field="messages.opening")]),
         [GREETED, USER], [BEGUN, GREETED, USER]),
    ],
)  # fmt: skip
def test_the_user_begins_where_only_the_user_may(rules, turns, after) -> None:
    made, changed = adapted(asked(turns), rules)
    assert json.loads(made.raw)["messages"] == after
    assert ("messages.opening" in changed) == (after != turns)
