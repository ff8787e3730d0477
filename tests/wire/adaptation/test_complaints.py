"""What refusals call unsupported: bodies of public reports, each with its source."""

from __future__ import annotations

import json
from dataclasses import astuple
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from windsock.providers.presets import error_rules
from windsock.wire.adaptation.complaints import COMPLAINING, complaints_of
from windsock.wire.upstream_errors.reading import refusal_of

ROWS = [
    json.loads(line)
    for line in (Path(__file__).parent / "complaints.jsonl")
    .read_text(encoding="utf-8")
    .splitlines()
]
NAMES = ["max_tokens", "max_completion_tokens", "temperature", "top_p", "seed", "stop", "user",
         "store", "metadata", "stream_options", "presence_penalty", "frequency_penalty", "logprobs",
         "reasoning_effort", "reasoning", "enable_thinking", "tools", "n"]  # fmt: skip
SENT = {**dict.fromkeys(NAMES, b"1"), "response_format": b'{"type": "json_schema"}'}


def raw(body: object) -> bytes:
    return body.encode() if isinstance(body, str) else json.dumps(body).encode()


@pytest.mark.parametrize("row", ROWS, ids=[f"{row['source']}" for row in ROWS])
def test_a_refusal_says_which_fields_are_not_taken(row) -> None:
    found = complaints_of(row["status"], raw(row["body"]), SENT)
    assert [list(astuple(each))[:4] for each in found] == row["says"]


@pytest.mark.parametrize("row", [row for row in ROWS if row["says"]], ids=str)
def test_a_field_that_was_not_sent_is_not_at_fault(row) -> None:
    found = complaints_of(row["status"], raw(row["body"]), {"model": b'"m"', "messages": b"[]"})
    assert all(each.field.startswith("messages.") for each in found)


def test_what_the_caller_said_complains_of_nothing() -> None:
    said = {"input": "temperature is not supported", "msg": "too bad", "loc": ["body", "messages"]}
    assert complaints_of(422, raw({"detail": [said]}), SENT) == ()
    said["msg"], said["input"] = said["input"], said["msg"]
    assert complaints_of(422, raw({"detail": [said]}), SENT) != ()


def test_a_monstrous_body_is_looked_at_as_far_as_is_reasonable() -> None:
    complaint = {"message": "temperature is not supported"}
    monster = [{"message": "_" * 4000}] * 99
    assert complaints_of(400, raw([complaint, *monster]), SENT) != ()
    assert complaints_of(400, raw([*monster, complaint]), SENT) == ()


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_any_body_is_read(body) -> None:
    complaints_of(400, body, SENT)


@pytest.mark.parametrize("row", [row for row in ROWS if row["says"]], ids=lambda row: row["source"])
def test_a_complaint_is_taken_for_nothing_else(row) -> None:
    """Not for a prompt that is too long, a key or a model that is gone."""
    refusal = refusal_of(row["status"], raw(row["body"]), {}, 0.0, error_rules("nobody"))
    assert refusal.verdict.kind in COMPLAINING


OF_SOMETHING_ELSE = [
    "Invalid schema for response_format 'x': 'minLength' is not permitted.",
    "previous_response_id is not available with zero data retention",
    "max_tokens must be set when it is not set by the model",
    "temperature: value 3 is not supported, expected a number between 0 and 2",
    "The seed file could not be fetched",
    "tool 'reasoning_helper' does not exist",
    "store_hours is not a supported tool name",
]
"""Sentences with a name that was sent, which do not say that it is not taken."""


@pytest.mark.parametrize("said", OF_SOMETHING_ELSE)
def test_a_name_in_a_sentence_is_no_complaint_of_it(said: str) -> None:
    sent = {**SENT, "previous_response_id": b'"r"'}
    assert complaints_of(400, raw({"error": {"message": said}}), sent) == ()


def test_the_field_that_is_named_first_is_the_one_that_is_refused() -> None:
    said = {"error": {"message": "temperature may not be set together with reasoning_effort"}}
    assert [each.field for each in complaints_of(400, raw(said), SENT)] == ["temperature"]
