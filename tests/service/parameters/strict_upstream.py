"""Loopback servers that refuse what providers refuse; `strictness.toml` says what."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

from tests.upstream import Answer, completion, stream_of

HERE = Path(__file__).parent
STRICTNESS: dict[str, dict[str, Any]] = tomllib.loads(
    (HERE / "strictness.toml").read_text(encoding="utf-8")
)

Body = dict[str, Any]


def server(deployment: str) -> Callable[[Body], Answer]:
    """Answers as this deployment would: refuses its first fault, else says hello."""
    rules = STRICTNESS[deployment]

    def reply(body: Body) -> Answer:
        field = next(faults(body, rules), None)
        if field is not None:
            return REFUSALS[rules["style"]](field, body)
        return Answer(events=stream_of(["hi"])) if body.get("stream") else Answer(completion("hi"))

    return reply


def faults(body: Body, rules: dict[str, Any]) -> Iterator[str]:
    """The fields of a request that are refused, each as it is called there."""
    yield from (name for name in rules.get("refused", ()) if name in body)
    for name, values in rules.get("values", {}).items():
        if body.get(name, values[0]) not in values:
            yield name
    for name, (least, most) in rules.get("range", {}).items():
        if not least <= body.get(name, least) <= most:
            yield name
    yield from (f for f, bound in rules.get("below", {}).items() if body.get(f, 0) >= bound)
    for limits in ("longest", "most"):
        yield from (f for f, most in rules.get(limits, {}).items() if len(body.get(f) or "") > most)
    for name, other in rules.get("only_with", {}).items():
        if name in body and not body.get(other):
            yield name
    if rules.get("one_answer") and body.get("n", 1) != 1:
        yield "n"
    if (body.get("response_format") or {}).get("type") in rules.get("refused_forms", ()):
        yield "response_format"
    if rules.get("refused_choice") and body.get("tool_choice") not in (None, "auto", "none"):
        yield "tool_choice"
    if rules.get("refused_tools") and "tools" in body:
        yield "tools"
    assert not any(body.get(f) for f in rules.get("ignored", ())), "it would ignore what was asked"
    yield from turn_faults(body["messages"], rules.get("turns", {}))


def turn_faults(turns: list[Body], rules: dict[str, Any]) -> Iterator[str]:
    roles = [turn["role"] for turn in turns]
    if "roles" in rules and not {*roles} <= {*rules["roles"]}:
        yield "messages.role"
    if rules.get("system_first") and "system" in roles[1:]:
        yield "messages.system"
    if rules.get("alternating") and any(a == b for a, b in pairwise(roles) if a != "system"):
        yield "messages.turns"
    is_open = turns[-1]["role"] == "assistant"
    if is_open and (rules.get("last") == "user" or (
        rules.get("last") == "prefix" and not turns[-1].get("prefix"))):  # fmt: skip
        yield "messages.last"
    for turn in turns:
        yield from one_turn_faults(turn, rules)


def one_turn_faults(turn: Body, rules: dict[str, Any]) -> Iterator[str]:
    if "fields" in rules:
        yield from (f"messages.{name}" for name in turn if name not in rules["fields"])
    calls = turn.get("tool_calls") or ()
    ids = [*(call["id"] for call in calls), *filter(None, [turn.get("tool_call_id")])]
    if "tool_id" in rules and not all(re.fullmatch(rules["tool_id"], each) for each in ids):
        yield "messages.tool_call_id"
    if rules.get("needs_reasoning") and calls and turn.get("reasoning_content") is None:
        yield "messages.no_reasoning"
    if rules.get("names_tools") and turn["role"] == "tool" and not turn.get("name"):
        yield "messages.no_name"
    if rules.get("signature") and calls:
        google = (calls[0].get("extra_content") or {}).get("google") or {}
        if not google.get("thought_signature"):
            yield "messages.no_signature"


def openai(field: str, body: Body) -> Answer:
    words = f"Unsupported parameter: '{field}' is not supported with this model."
    error = {"message": words, "type": "invalid_request_error", "param": field,
             "code": "unsupported_parameter"}  # fmt: skip
    return Answer({"error": error}, status=400)


def pydantic(field: str, body: Body) -> Answer:
    fault = {"type": "extra_forbidden", "loc": ["body", *field.split(".")],
             "msg": "Extra inputs are not permitted"}  # fmt: skip
    return Answer({"object": "error", "message": {"detail": [fault]}}, status=422)


def google(field: str, body: Body) -> Answer:
    words = f'Invalid JSON payload received. Unknown name "{field}": Cannot find field.'
    error = {"code": 400, "message": words, "status": "INVALID_ARGUMENT"}
    return Answer([{"error": error}], status=400)


def in_words(words: str) -> Callable[[str, Body], Answer]:
    def refusal(field: str, body: Body) -> Answer:
        return Answer({"error": {"message": words.format(field)}}, status=400)

    return refusal


def xai(field: str, body: Body) -> Answer:
    name = re.sub(r"_(\w)", lambda match: match[1].upper(), field)
    words = f"Model m does not support parameter {name}."
    return Answer({"code": "invalid argument", "error": words}, status=400)


REFUSALS: dict[str, Callable[[str, Body], Answer]] = {
    "openai": openai,
    "pydantic": pydantic,
    "google": google,
    "xai": xai,
    "anthropic": in_words("`{}` is deprecated for this model."),
    "groq": in_words("property '{}' is unsupported"),
    "cerebras": in_words("property '{}' is unsupported"),
    "fireworks": in_words("Extra inputs are not permitted, field: '{}'"),
    "plain": in_words("invalid {}: only 1 is allowed for this model"),
}
