"""How answers and streams end: bodies and events of public reports, and what each comes to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from windsock.core.evidence.answer_ends import AnswerEnd
from windsock.core.model.requests import RouteRequest
from windsock.errors import ProviderError
from windsock.providers.presets import error_rules
from windsock.wire.format import AnswerFacts, ProviderTraits
from windsock.wire.registry import formats_of
from windsock.wire.request import Operation, UpstreamRequest
from windsock.wire.upstream_errors.reading import refusal_of

PATH = Path(__file__).parent / "ends.jsonl"
ROWS = [json.loads(line) for line in PATH.read_text(encoding="utf-8").splitlines()]
ASKED = UpstreamRequest(raw=b"{}", request=RouteRequest(model="m"), wants_usage=True)


def kind_of(facts: AnswerFacts) -> str:
    used = facts.usage.completion_tokens if facts.usage else None
    end = AnswerEnd(finish_reason=facts.finish_reason, is_empty=facts.is_empty, output_tokens=used)
    return end.kind(takes_content_elsewhere=True).value


def error_of(raw: bytes) -> str:
    return "E:" + refusal_of(None, raw, {}, 0.0, error_rules("nobody")).verdict.kind.value


def ended(row: dict[str, Any]) -> tuple[str, str | None]:
    spoken = formats_of(row["form"], ProviderTraits())[Operation.CHAT]
    if "answer" in row:
        answer = spoken.answer(json.dumps(row["answer"]).encode(), ASKED)
        assert answer is not None
        if answer.error is not None:
            return error_of(answer.error), None
        return kind_of(answer.facts), answer.facts.finish_reason
    scanner = spoken.scanner(ASKED)
    events = (e if isinstance(e, str) else f"data: {json.dumps(e)}\n\n" for e in row["stream"])
    try:
        list(scanner.feed("".join(events).encode()))
        list(scanner.rest())
    except ProviderError:
        return "broken", None
    if scanner.error is not None:
        return error_of(scanner.error), None
    facts = scanner.facts()
    return kind_of(facts) if scanner.is_complete else "broken", facts.finish_reason


@pytest.mark.parametrize("row", ROWS, ids=[row["id"] for row in ROWS])
def test_an_answer_comes_to_what_its_end_says(row) -> None:
    """E: an error within it, and what that means; broken: it never came to its end."""
    kind, finish_reason = ended(row)
    assert kind == row["ends"]
    assert finish_reason == row.get("finish_reason", finish_reason)
