"""An evaluation as a table for people and JSON for programs."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from rich.console import Console

from windsock.evaluation.estimators import Estimate
from windsock.evaluation.evaluation import HEADLINE, Evaluation, Value
from windsock.resources import text_lines
from windsock.resources.text_lines import Entry, lines, wrapped
from windsock.simulation.reporting.text_report import rounded
from windsock.simulation.reporting.wording import dollars, percent, points

MOST_TOLD = 50
"""Tasks that people are told of one by one, those with most requests."""

ESTIMATORS = {"ips": "IPS", "snips": "SNIPS", "dr": "doubly robust", "switch_dr": "switch-DR"}


def as_json(found: Evaluation, *, policy: str, prices: Sequence[str]) -> str:
    """Means with intervals of 95 %, per request and per success."""
    body = {
        "policy": policy,
        "prices": list(prices),
        "refusal": found.refusal,
        "requests": found.requests,
        "since": found.since,
        "until": found.until,
        "left_out": found.left_out,
        "unpriced": found.unpriced,
        "overlap": {
            "effective_requests": found.samples,
            "effective_judged": found.judged,
            "share_never_logged": found.unseen,
            "largest_weight": found.largest_weight,
        },
        "logged": _value(found.logged),
        "logged_at_new_prices": _value(found.repriced),
        "new": _value(found.new),
        "success_gain": _estimate(found.gain),
        "new_usd_per_request": _estimate(found.new_usd),
        "saved_usd_per_request": _estimate(found.saved_usd),
        "labels": asdict(found.labels) if found.labels else None,
        "estimators": {name: _value(value) for name, value in found.by_estimator.items()},
        "headline": HEADLINE,
        "cells": [
            {name: getattr(cell, name) for name in cell.__dataclass_fields__}
            for cell in found.cells
        ],
    }
    return json.dumps(rounded(body), indent=2, sort_keys=True)


def show(console: Console, found: Evaluation, *, policy: str, prices: Sequence[str]) -> None:
    """What was logged beside what would have been."""
    text = report_lines(found, policy=policy, prices=prices, width=console.width)
    text_lines.show(console, text)


def report_lines(
    found: Evaluation, *, policy: str, prices: Sequence[str], width: int
) -> Iterator[str]:
    """The same in lines that fit."""
    changed = f" with {', '.join(prices)}" if prices else ""
    about = f"{policy}{changed}, on {found.requests:,} logged requests {_when(found)}".rstrip()
    left_out = (f"left out: {count:,} {reason}" for reason, count in found.left_out.items())
    for words in (about, *left_out, *_unpriced(found, policy)):
        yield from wrapped(words, width=width, indent="")
    if found.logged is not None:
        yield from ("", *_verdict(found, width), "", *_cells(found, width), "")
    for words in (*_said(found), _overlap(found)):
        yield from wrapped(words, width=width, indent="")


def _unpriced(found: Evaluation, policy: str) -> Iterator[str]:
    for name, count in found.unpriced.items():
        yield (
            f"{name} took none of {count:,}, as no price of it was known then; state one in "
            f'{policy}, [deployments."{name}".price]'
        )


def _said(found: Evaluation) -> Iterator[str]:
    """What can be said now, of money and of success, and what would decide the rest."""
    if found.new_usd is not None:
        yield _of_money(found)
    if found.refusal is not None:
        about = "Of success nothing can be said" if found.new_usd else "No verdict"
        yield f"{about}: {found.refusal}."
    elif found.gain is not None:
        yield _of_success(found.gain)
    if found.labels is not None and found.labels.more:
        yield (
            f"{found.labels.judged:,} answers were judged; about {found.labels.more:,} more of the "
            f"same kinds would tell a difference of {points(found.labels.difference)}."
        )


def _verdict(found: Evaluation, width: int) -> Iterator[str]:
    rows: dict[str, Value | None] = {"as logged": found.logged}
    if found.logged and found.repriced and found.repriced.usd.mean != found.logged.usd.mean:
        rows["the same calls at the new prices"] = found.repriced
    rows |= {f"new policy, {ESTIMATORS[name]}": v for name, v in found.by_estimator.items()}
    columns = ("success", "$/1k requests", "$/1k right")
    head = Entry("per request", columns, "with 95 % intervals")
    entries = [_of_value(name, value) for name, value in rows.items() if value is not None]
    yield from lines([head, *entries], width=width)


def _of_value(name: str, value: Value) -> Entry:
    """Means as figures, their intervals below."""
    each = (
        _told(value.success, 100, "%"),
        _told(value.usd, 1000),
        _told(value.usd_per_success, 1000),
    )
    return Entry(name, [mean for mean, _ in each], "; ".join(span for _, span in each))


def _cells(found: Evaluation, width: int) -> Iterator[str]:
    head = Entry("where it went, and would go", ("logged", "new", "judged", "success"))
    has_routes = len({cell.route for cell in found.cells}) > 1
    requests: Counter[tuple[str, str]] = Counter()
    for cell in found.cells:
        requests[cell.route, cell.task] += cell.requests
    told = {task for task, _ in requests.most_common(MOST_TOLD)}
    entries = [
        Entry(
            f"{cell.route} / " * has_routes + f"{cell.task} / {cell.deployment}",
            (
                f"{cell.logged_share:.1%}",
                f"{cell.new_share:.1%}",
                f"{cell.feedback_rate:.0%}",
                "" if cell.logged_success is None else f"{cell.logged_success:.1%}",
            ),
        )
        for cell in found.cells
        if (cell.route, cell.task) in told
    ]
    yield from lines([head, *entries], width=width)
    if left := len(requests) - len(told):
        yield f"{left:,} more tasks with fewer requests: --json has them"


def _of_money(found: Evaluation) -> str:
    new, repriced, saved = found.new_usd, found.repriced, found.saved_usd
    if new is None or repriced is None or saved is None:
        return ""
    total = found.requests
    way = "less" if saved.mean >= 0 else "more"
    low, high = sorted((abs(saved.low), abs(saved.high)))
    sure = saved.low > 0 or saved.high < 0
    span = f"{dollars(low * total)} to {dollars(high * total)}" if sure else "not sure either way"
    return (
        f"The new policy would have spent {dollars(new.mean * total)}, "
        f"{dollars(abs(saved.mean) * total)} {way} than the log's "
        f"{dollars(repriced.usd.mean * total)} ({span})."
    )


def _of_success(gain: Estimate) -> str:
    span = f"{gain.low * 100:+.1f} to {gain.high * 100:+.1f}"
    if gain.low > 0 or gain.high < 0:
        more = "more" if gain.mean >= 0 else "fewer"
        return f"It would have had {points(abs(gain.mean))} {more} of the answers right ({span})."
    return f"Whether more or fewer answers would have been right is open ({span} points)."


def _overlap(found: Evaluation) -> str:
    return (
        f"Worth {found.samples:,.0f} requests and {found.judged:,.0f} judged ones of the new "
        f"policy; largest weight {found.largest_weight:,.0f}; {percent(found.unseen)} of its split "
        "was never tried. Answers that nobody judged are taken to be as good as the judged ones of "
        "their task and deployment, not as failures."
    )


def _when(found: Evaluation) -> str:
    if not found.requests:
        return ""
    ends = [
        datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M")
        for at in (found.since, found.until)
    ]
    return f"from {ends[0]} to {ends[1]} UTC"


def _told(each: Estimate | None, scale: float, unit: str = "") -> tuple[str, str]:
    """(the mean, its interval); of what is not known both say so."""
    if each is None:
        return "unknown", "unknown"
    form = ".1f" if unit else ".4g"
    mean, low, high = (f"{value * scale:{form}}" for value in (each.mean, each.low, each.high))
    return f"{mean}{unit}", f"{low} to {high}"


def _value(value: Value | None) -> dict[str, Any] | None:
    if value is None:
        return None
    names = ("success", "usd", "usd_per_success")
    return {name: _estimate(getattr(value, name)) for name in names}


def _estimate(found: Estimate | None) -> dict[str, float] | None:
    if found is None:
        return None
    return {"mean": found.mean, "low": found.low, "high": found.high}
