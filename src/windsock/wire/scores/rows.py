"""Scores as rows: our own JSON, JSON lines, and CSV as spreadsheets write it."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from windsock.wire.scores.score import (
    HUMAN,
    LeftOut,
    NoScore,
    Read,
    Scale,
    Score,
    names_of,
    records_in,
    stated,
)

NAMES = ("decision_id", "response_id", "id", "inference_id", "request_id", "run_id",
         "observation_id", "span_id", "trace_id")  # fmt: skip
"""Of what is judged, the most exact first."""

VALUES = ("value", "score", "reward", "rating", "label", "success")
METRICS = ("metric", "metric_name", "name", "key")
DELIMITERS = ",;\t|"
MOST_CELL_CHARS = 1_000_000
"""Of one cell: a comment may be long, a file that is no CSV is one cell."""


def read_rows(document: Any) -> Iterator[Read]:
    """Rows in a document: objects that name an answer and its value."""
    for number, record in enumerate(records_in(document, ("scores", "data")), start=1):
        place = f"row {number}"
        yield (
            read_row(record, place)
            if isinstance(record, dict)
            else LeftOut(place=place, reason="it is no object")
        )


def read_row(record: Mapping[str, Any], place: str) -> Read:
    """One row; what is empty is not stated."""
    row = {str(name): value for name, value in record.items() if value not in (None, "")}
    names = row.get("names")
    stated_names = names if isinstance(names, list) else [row.get(name) for name in NAMES]
    try:
        said = _said(row)
    except NoScore as error:
        return LeftOut(place=place, reason=str(error))
    known = names_of(*stated_names)
    if not known:
        return LeftOut(place=place, reason=f"it names no answer; write one of {', '.join(NAMES)}")
    return Score(
        names=known,
        metric=str(next((row[name] for name in METRICS if name in row), "")),
        source=str(row.get("source") or HUMAN),
        id=str(row.get("score_id") or ""),
        author=str(row.get("author") or ""),
        place=str(row.get("place") or place),
        **said,
    )


def _said(row: Mapping[str, Any]) -> dict[str, Any]:
    value = next((row[name] for name in VALUES if name in row), None)
    said = stated(value)
    if isinstance(row.get("label"), str) and "number" in said:
        said["word"] = row["label"]
    if isinstance(row.get("word"), str):
        said["word"] = row["word"]
    if isinstance(row.get("scale"), list | tuple):
        said["scale"] = replace(scale_of(row["scale"]), words=_words(row.get("words")))
    if (reach := _reach(row.get("reach"))) is not None:
        said["reach"] = reach
    if isinstance(text := row.get("final_text"), str):
        said["final_text"] = text
    return said


def _reach(stated: Any) -> tuple[float, float] | None:
    is_pair = isinstance(stated, list | tuple) and len(stated) == 2
    if not is_pair or not all(isinstance(each, int | float) for each in stated):
        return None
    low, high = stated
    return float(low), float(high)


def _words(stated: Any) -> dict[str, float]:
    known = stated if isinstance(stated, dict) else {}
    return {
        word: value
        for word, value in known.items()
        if isinstance(value, int | float) and 0 <= value <= 1
    }


def scale_of(ends: Any) -> Scale:
    """[worst, best] as a scale; raises NoScore if that is none."""
    try:
        worst, best = map(float, ends)
    except (TypeError, ValueError):
        worst = best = math.nan
    if not math.isfinite(best - worst):
        raise NoScore(f"{ends!r} is no scale; write [worst, best]")
    if worst == best:
        raise NoScore("a scale goes from its worst to its best, and these are the same")
    return Scale(worst=worst, best=best)


def row_of(score: Score) -> dict[str, Any]:
    """A score as a row that `read_row` reads; what it does not state is left out.

    A word stands as one: the category "1" is no number.
    """
    scale = None if score.scale is None else [score.scale.worst, score.scale.best]
    is_truth = score.is_truth and score.number is not None
    row = {
        "names": list(score.names),
        "metric": score.metric,
        "value": bool(score.number) if is_truth else score.number,
        "word": score.word,
        "scale": scale,
        "words": dict(score.scale.words) if score.scale is not None else None,
        "reach": score.reach,
        "source": score.source,
        "score_id": score.id,
        "author": score.author,
        "place": score.place,
        "final_text": score.final_text,
    }
    return {name: each for name, each in row.items() if each not in (None, "", {})}


def csv_rows(text: str) -> list[dict[str, Any]]:
    """The rows of a CSV by the names in its header; the separator is what its header uses most.

    Where that is a semicolon, a comma in a number is its point, as such spreadsheets write it.

    raises  NoScore if it is none
    """
    head = text.partition("\n")[0]
    delimiter = max(DELIMITERS, key=head.count)
    csv.field_size_limit(MOST_CELL_CHARS)
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        rows = [{_header(name): cell for name, cell in row.items() if name} for row in reader]
    except csv.Error as error:
        raise NoScore(f"it is no CSV ({error})") from error
    if delimiter == ";":
        return [{name: _point(cell) for name, cell in row.items()} for row in rows]
    return rows


def _header(name: str) -> str:
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    return "_".join(re.sub(r"[.\-]", " ", parted).lower().split())


def _point(cell: Any) -> Any:
    bare = cell.strip().removeprefix("-").replace(",", "", 1) if isinstance(cell, str) else ""
    return cell.replace(",", ".") if bare.isdigit() else cell
