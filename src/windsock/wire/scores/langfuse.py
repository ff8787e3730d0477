"""Scores as Langfuse writes them: its API's, its batches', its exports'.

Source: Langfuse's public API of November 2026 (`POST /api/public/scores`, `GET
/api/public/v2/scores`, `score-create` of `POST /api/public/ingestion`) in camel case, and the
scores/ files of its export to blob storage (JSON, JSON lines, CSV) in snake case. There is no
webhook for each score: an automation or a scheduled job of yours posts them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from windsock.wire.scores.score import (
    HUMAN,
    LeftOut,
    NoScore,
    Read,
    Scale,
    Score,
    names_of,
    own_names,
    records_in,
    stated,
)


def read_langfuse(document: Any) -> Iterator[Read]:
    """The scores in a document; of a batch those that create one."""
    for number, record in enumerate(records_in(document, ("data", "batch", "scores")), start=1):
        body = record.get("body") if isinstance(record, dict) and "body" in record else record
        if isinstance(record, dict) and record.get("type", "score-create") != "score-create":
            continue
        place = f"score {number}"
        if not isinstance(body, dict):
            yield LeftOut(place=place, reason="it is no object")
            continue
        try:
            yield _score({_snake(name): value for name, value in body.items()}, place)
        except NoScore as error:
            yield LeftOut(place=place, reason=str(error))


def _score(body: Mapping[str, Any], place: str) -> Score:
    own = own_names(body.get("metadata"))
    names = names_of(*own, body.get("observation_id"), body.get("trace_id"))
    if not names:
        of = next((name for name in ("session_id", "dataset_run_id") if body.get(name)), None)
        raise NoScore(f"it judges a {of[:-3]}, not an answer" if of else "it names no trace")
    metric = str(body.get("name") or "")
    is_human = body.get("source") == "ANNOTATION"
    version = body.get("updated_at") or body.get("timestamp") or ""
    return Score(
        names=names,
        metric=metric,
        source=HUMAN if is_human else f"langfuse:{metric}",
        id=f"{body.get('id') or ''} {version}".strip(),
        place=place,
        author=str(body.get("author_user_id") or "") if is_human else "",
        **{**_said(body), **_scale(body.get("config"))},
    )


def _said(body: Mapping[str, Any]) -> dict[str, Any]:
    """By its type; the number of a category is its place in a list, and says nothing."""
    kind, value = str(body.get("data_type") or "").upper(), body.get("value")
    words = body.get("string_value")
    if kind == "CORRECTION":
        text = words if isinstance(words, str) and words else value
        if not isinstance(text, str) or not text:
            raise NoScore("it is a correction without a text")
        return {"final_text": text}
    if kind == "TEXT":
        raise NoScore("it is a text, which has no value")
    if kind == "CATEGORICAL":
        text = words if words not in (None, "") else value
        return {"word": text} if isinstance(text, str) else stated(text)
    if kind == "BOOLEAN":
        said = stated(value if value not in (None, "") else words)
        return {**said, "is_truth": True}
    return stated(value if value not in (None, "") else words)


def _scale(config: Any) -> dict[str, Scale]:
    """Of a score's configuration, as a field of the score; nothing where none came with it."""
    ends = (config.get("minValue"), config.get("maxValue")) if isinstance(config, dict) else ()
    numbers = [float(each) for each in ends if isinstance(each, int | float)]
    is_scale = len(numbers) == 2 and numbers[0] < numbers[1]
    return {"scale": Scale(worst=numbers[0], best=numbers[1])} if is_scale else {}


def _snake(name: str) -> str:
    return "".join(f"_{each.lower()}" if each.isupper() else each for each in name)
