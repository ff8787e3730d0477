"""Feedback as LangSmith writes it: its API's, its exports', the webhooks of its rules.

Source: LangSmith's feedback data format and `POST /api/v1/feedback` of November 2026 (`run_id`,
`trace_id`, `key`, `score`, `value`, `feedback_source`, `feedback_config`); webhook notifications
for rules (`runs`, each with `feedback_stats`: n, avg and values by key).
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


def read_langsmith(document: Any) -> Iterator[Read]:
    """The feedback in a document; of runs what was said of each."""
    if isinstance(document, dict) and isinstance(document.get("runs"), list):
        yield from _of_runs(document)
        return
    for number, record in enumerate(records_in(document, ("feedback", "feedbacks")), start=1):
        place = f"feedback {number}"
        if not isinstance(record, dict):
            yield LeftOut(place=place, reason="it is no object")
        elif "feedback_stats" in record and "key" not in record:
            yield from _of_run(record, record.get("feedback_stats"), place)
        else:
            yield _read(record, place)


def _of_runs(document: Mapping[str, Any]) -> Iterator[Read]:
    runs = document["runs"]
    of_all = document.get("feedback_stats") if len(runs) == 1 else None
    for number, run in enumerate(runs, start=1):
        if isinstance(run, dict):
            yield from _of_run(run, run.get("feedback_stats") or of_all, f"run {number}")


def _of_run(run: Mapping[str, Any], stats: Any, place: str) -> Iterator[Read]:
    """A run's means by key, or its one category."""
    if not isinstance(stats, dict):
        yield LeftOut(place=place, reason="nothing was said of this run")
        return
    for key, each in stats.items():
        if not isinstance(each, dict):
            continue
        values = each.get("values")
        value = next(iter(values)) if isinstance(values, dict) and len(values) == 1 else None
        said = {
            "run_id": run.get("id"),
            "trace_id": run.get("trace_id"),
            "key": key,
            "score": each.get("avg"),
            "value": value,
            "extra": run.get("extra"),
            "outputs": run.get("outputs"),
            "modified_at": f"{each.get('n')}",
        }
        yield _read(said, f"{place} {key!r}")


def _read(record: Mapping[str, Any], place: str) -> Read:
    try:
        return _score(record, place)
    except NoScore as error:
        return LeftOut(place=place, reason=str(error))


def _score(record: Mapping[str, Any], place: str) -> Score:
    metric = str(record.get("key") or "")
    names = names_of(*_own(record), record.get("run_id"), record.get("trace_id"))
    if not names:
        raise NoScore("it names no run; feedback on an experiment judges no answer")
    if record.get("comparative_experiment_id"):
        raise NoScore("it compares two experiments, and is no value of an answer")
    source = record.get("feedback_source")
    stated_by = (
        source
        if isinstance(source, dict)
        else {name: record.get(f"feedback_source_{name}") for name in ("type", "user_id")}
    )
    is_human = stated_by.get("type") == "app"
    version = record.get("modified_at") or record.get("created_at") or ""
    return Score(
        names=names,
        metric=metric,
        source=HUMAN if is_human else f"langsmith:{metric}",
        id=f"{record.get('id') or ''} {version}".strip(),
        place=place,
        author=str(stated_by.get("user_id") or "") if is_human else "",
        **{**_said(record), **_scale(record)},
    )


def _said(record: Mapping[str, Any]) -> dict[str, Any]:
    said = stated(record.get("score"))
    value = record.get("value")
    if "number" in said:
        return {**said, "word": value} if isinstance(value, str) else said
    return said if said else _of_value(value, record)


def _of_value(value: Any, record: Mapping[str, Any]) -> dict[str, Any]:
    """A category alone, or the text that should have stood there."""
    correction = record.get("correction")
    if value is None and correction:
        text = correction if isinstance(correction, str) else _text_in(correction)
        if text:
            return {"final_text": text}
    return stated(value)


def _text_in(correction: Any) -> str | None:
    """Of an object that holds one text, that text."""
    held = list(correction.values()) if isinstance(correction, dict) else []
    return held[0] if len(held) == 1 and isinstance(held[0], str) else None


def _own(record: Mapping[str, Any]) -> list[Any]:
    """Names in metadata, and the answer's own id where the run kept it."""
    extra, outputs = record.get("extra"), record.get("outputs")
    metadata = extra.get("metadata") if isinstance(extra, dict) else None
    own = own_names(metadata)
    return [*own, outputs.get("id") if isinstance(outputs, dict) else None]


def _scale(record: Mapping[str, Any]) -> dict[str, Scale]:
    """Of the key's configuration, as a field of the score; nothing where none came with it."""
    config = record.get("feedback_config")
    if not isinstance(config, dict):
        return {}
    listed = config.get("categories")
    categories = [
        each for each in (listed if isinstance(listed, list) else ()) if isinstance(each, dict)
    ]
    values = {
        str(each.get("label") or each["value"]): float(each["value"])
        for each in categories
        if isinstance(each.get("value"), int | float)
    }
    ends = sorted(values.values()) if len(set(values.values())) > 1 else _ends(config)
    if ends is None:
        return {}
    worst, best = ends[0], ends[-1]
    if record.get("is_lower_score_better") or config.get("is_lower_score_better"):
        worst, best = best, worst
    words = {label: (value - worst) / (best - worst) for label, value in values.items()}
    return {"scale": Scale(worst=worst, best=best, words=words)}


def _ends(config: Mapping[str, Any]) -> list[float] | None:
    low, high = config.get("min"), config.get("max")
    if not isinstance(low, int | float) or not isinstance(high, int | float) or low >= high:
        return None
    return [float(low), float(high)]
