"""What becomes of a request that was refused: bodies of public reports, each with its source."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from windsock.core.model.calls import CallKind, Then
from windsock.core.model.requests import Unsupported
from windsock.core.model.unsupported import UnsupportedParameters
from windsock.providers.presets import error_rules
from windsock.wire.adaptation.adapt import adapted
from windsock.wire.adaptation.complaints import judged
from windsock.wire.adaptation.parameters import AS_IT_COMES, Parameters, taught
from windsock.wire.adaptation.refusals.ranges import range_in
from windsock.wire.formats.chat.reading import read_chat
from windsock.wire.request import UpstreamRequest
from windsock.wire.upstream_errors.reading import refusal_of

PATH = Path(__file__).parent / "demands.jsonl"
ROWS = [json.loads(line) for line in PATH.read_text(encoding="utf-8").splitlines()]
USER = {"role": "user", "content": "hi"}


def asked(messages: Any = None, **fields: Any) -> UpstreamRequest:
    body = {"model": "m", "messages": messages or [USER], **fields}
    return read_chat(json.dumps(body).encode(), namespace="default")


def refused(row: dict[str, Any]) -> tuple[Any, tuple[Unsupported, ...], UpstreamRequest]:
    request = asked(row.get("messages"), **row["sent"])
    body = row["body"]
    raw = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    refusal = refusal_of(row["status"], raw, {}, 0.0, error_rules("nobody"))
    return *judged(refusal.verdict, row["status"], raw, request), request


def told(request: UpstreamRequest, rules: Parameters) -> dict[str, Any]:
    return json.loads(adapted(request, rules)[0].raw)


def changes(request: UpstreamRequest, rules: Parameters) -> dict[str, Any]:
    """Fields as they are sent where that is not as they came; those left out are null."""
    came, sent = told(request, AS_IT_COMES), told(request, rules)
    return {
        name: sent.get(name)
        for name in (*came, *sent)
        if (name in came) != (name in sent) or came.get(name) != sent.get(name)
    }


@pytest.mark.parametrize("row", ROWS, ids=[row["id"] for row in ROWS])
def test_a_request_goes_on_as_the_refusal_wants_it_or_elsewhere(row) -> None:
    verdict, facts, request = refused(row)
    if "becomes" in row:
        assert verdict.then is Then.MENDED
        assert changes(request, taught(AS_IT_COMES, facts)) == row["becomes"]
        assert adapted(request, taught(AS_IT_COMES, facts))[1]
    else:
        assert verdict.then is Then.ELSEWHERE
        assert [fact.need for fact in facts if fact.need] == row["lacks"]


@pytest.mark.parametrize(
    "row", [row for row in ROWS if "becomes" in row], ids=lambda row: row["id"]
)
def test_the_question_itself_is_never_left_out(row) -> None:
    _, facts, request = refused(row)
    sent = told(request, taught(AS_IT_COMES, facts))
    assert sent["model"] == "m" and "hi" in json.dumps(sent["messages"])


@pytest.mark.parametrize(
    ("said", "allowed"),
    [
        ("temperature must be in the range (0.0, 1.0]", (0.01, 1.0)),
        ("between 0 and 1 inclusive", (0.0, 1.0)),
        ("from 1 (inclusive) to 17 (exclusive)", (1.0, 16.99)),
        ("must be <= 2", (None, 2.0)),
        ("must be strictly positive", (0.01, None)),
        ("must be greater than zero, got 0.0", (0.01, None)),
        ("不能大于 2", (None, 2.0)),
        ("must be a number", (None, None)),
    ],
)
def test_a_range_is_read_from_a_sentence(said: str, allowed: Any) -> None:
    assert range_in(said) == pytest.approx(allowed)


def test_what_a_value_keeps_to_is_not_what_is_wrong_with_it() -> None:
    body = {"error": {"message": "temperature must be between 0 and 2; seed must be set"}}
    row = {"status": 400, "body": body, "sent": {"temperature": 0.5}}
    assert refused(row)[1] == ()


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ("`seed` is immutable for this model", "seed"),
        ("'seed' and 'top_p' may not be given together", "top_p"),
        ("Tool 'seed' not found in request.tools", None),
        ("Invalid schema for function 'f': 'seed' is required", None),
        ("`seed` should be a valid integer", None),
        ("`seed` and `max_tokens` are wrong", None),
    ],
)
def test_the_only_field_that_is_named_is_blamed_where_no_words_are_known(said, field) -> None:
    sent = {"seed": 7, "top_p": 0.5, "max_tokens": 9}
    facts = refused({"status": 400, "body": {"error": {"message": said}}, "sent": sent})[1]
    assert [fact.field for fact in facts] == ([field] if field else [])


def test_a_demand_of_plain_calls_leaves_streams_alone() -> None:
    fact = Unsupported(field="enable_thinking", to=False, unless="stream")
    rules = taught(AS_IT_COMES, [fact])
    assert changes(asked(), rules) == {"enable_thinking": False}
    assert changes(asked(stream=True, enable_thinking=True), rules) == {}
    assert adapted(asked(), rules)[1] == ("enable_thinking",)


def test_facts_outlive_a_restart_also_those_of_before_there_were_demands() -> None:
    facts = [
        Unsupported(field="enable_thinking", to=False, unless="stream"),
        Unsupported(field="temperature", least=0.01),
        Unsupported(field="seed"),
    ]
    kept = UnsupportedParameters()
    kept.observe("a", facts, 5.0)
    anew = UnsupportedParameters()
    anew.from_state(json.loads(json.dumps(kept.to_state())))
    assert anew.of("a", 6.0) == tuple(facts)
    anew.from_state({"a": [["user", "", None, 64, 5.0]]})
    assert anew.of("a", 6.0) == (Unsupported(field="user", most=64),)


def test_tools_that_refuse_a_field_of_theirs_are_taken_all_the_same() -> None:
    said = "tools.0.custom.strict: Extra inputs are not permitted"
    row = {"status": 400, "body": {"error": {"message": said}}, "sent": {"tools": [TOOL]}}
    verdict, facts, _ = refused(row)
    assert verdict.kind is CallKind.CANNOT_SERVE and verdict.then is Then.MENDED
    assert [fact.need for fact in facts] == [None]


TOOL = {"type": "function", "function": {"name": "f", "strict": True, "parameters": {}}}
