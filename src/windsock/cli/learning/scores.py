"""Scores from a file of another tool, sent to a running service."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

from windsock.cli.layout import show, terminal, wrapped
from windsock.cli.service_client import Client
from windsock.errors import BadRequest, ConfigError
from windsock.wire.scores.formats import FORMATS, read_scores
from windsock.wire.scores.rows import row_of, scale_of
from windsock.wire.scores.score import LeftOut, NoScore, Read, Scale, Score

AT_ONCE = 1_000
"""Scores in one call."""

TIMEOUT_S = 120.0
"""Of one call: what is old is looked up in the store."""

MOST_SHOWN = 10
"""Reasons that are printed."""


def learn_scores(
    service: Client,
    path: Path,
    *,
    name: str,
    scales: Iterable[str] = (),
    source: str | None = None,
    as_json: bool = False,
) -> bool:
    """Send the scores of a file; twice is once. True if any of them is known to count.

    name    one of FORMATS, or csv for rows
    scales  METRIC=WORST..BEST each
    source  in whose name they count, in place of what the file says

    raises  ConfigError for a file or a scale that is none, WindsockError
    """
    stated = dict(map(scale_option, scales))
    read = [_as_asked(each, stated, source) for each in _read(path, name)]
    scores = [each for each in read if isinstance(each, Score)]
    left_out = [each for each in read if isinstance(each, LeftOut)]
    if not read:
        raise ConfigError(f"{path}: holds no scores in the format {name}")
    told = _sum(_sent(service, scores), left_out)
    _show(told, path, as_json=as_json)
    return bool(told["learnt"] or told["duplicates"])


def scale_option(text: str) -> tuple[str, Scale]:
    """METRIC=WORST..BEST; raises ConfigError."""
    metric, _, ends = text.rpartition("=")
    try:
        return metric.strip(), scale_of(ends.split(".."))
    except NoScore:
        raise ConfigError(
            f"--scale {text!r} is none; write METRIC=WORST..BEST, such as helpfulness=1..5"
        ) from None


def _read(path: Path, name: str) -> list[Read]:
    known = {**{each: each for each in FORMATS}, "csv": "rows", "json": "rows"}
    if name not in known:
        raise ConfigError(f"--format {name!r} is not known; it is one of {', '.join(known)}")
    try:
        return read_scores(path.read_bytes(), known[name])
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}); check the name") from error
    except BadRequest as error:
        raise ConfigError(f"{path}: {error}") from error


def _as_asked(read: Read, scales: Mapping[str, Scale], source: str | None) -> Read:
    if isinstance(read, LeftOut):
        return read
    scale = scales.get(read.metric, read.scale)
    return replace(read, scale=scale, source=source or read.source)


def _sent(service: Client, scores: Sequence[Score]) -> Iterator[dict[str, Any]]:
    for begin in range(0, len(scores), AT_ONCE):
        body = {"scores": [row_of(each) for each in scores[begin : begin + AT_ONCE]]}
        yield service.ask("/v1/feedback/rows", method="POST", json=body, timeout=TIMEOUT_S)


def _sum(answers: Iterable[dict[str, Any]], left_out: Iterable[LeftOut]) -> dict[str, Any]:
    """What became of all parts, and of what was no score already here."""
    here = [{"place": each.place, "reason": each.reason} for each in left_out]
    known = list(answers)
    counts = {name: sum(each[name] for each in known) for name in ("learnt", "duplicates")}
    return {
        **counts,
        "left_out": sum(each["left_out"] for each in known) + len(here),
        "reasons": [*here, *chain.from_iterable(each["reasons"] for each in known)],
    }


def _show(told: dict[str, Any], path: Path, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(told, indent=2))
        return
    words = (
        f"{path.name}: {told['learnt']} scores learnt, {told['duplicates']} known before, "
        f"{told['left_out']} left out"
    )
    reasons = [f"{each['place']}: {each['reason']}" for each in told["reasons"][:MOST_SHOWN]]
    for line in (words, *reasons):
        show(terminal(), wrapped(line, width=terminal().width, indent=""))
