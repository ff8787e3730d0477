"""What the commands print: tables for a terminal, from a running service's own HTTP calls."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.text import Text

from windsock.cli.evidence.known import known_words
from windsock.cli.layout import Entry, lines, money, show, terminal, wrapped
from windsock.cli.service_client import Client
from windsock.cli.weights import further_words
from windsock.clock import SystemClock
from windsock.errors import ConfigError, masked
from windsock.resources.declared import point

if TYPE_CHECKING:  # the whole service, which commands that ask one do without
    from windsock.cli.doctor import Diagnosis

SAMPLE = 4000
"""Requests that savings rest on, at most; the service reads them in about a second."""

NOTHING = 1e-12
"""Dollars or successes, of which less is what sums of floats leave over."""

PATIENCE_S = 60.0
"""With tasks by the hundred on a busy machine it takes several."""


def show_report(
    service: Client, *, since: str, by: str, baseline: str | None = None, as_json: bool = False
) -> None:
    """Requests, spend and success by group; on a second line what was billed."""
    try:
        begin = point(since, SystemClock().now())
    except ValueError as error:
        raise ConfigError(f"--since: {error}") from None
    named = {"baseline": baseline} if baseline else {}
    asked = {"since": begin, "by": by, "sample": SAMPLE, **named}
    found = service.ask("/v1/report", params=asked, timeout=PATIENCE_S)
    if as_json:
        print(json.dumps(found, indent=2))
        return
    head = Entry(" / ".join(found["by"]), ("requests", "answered", "cost $", "success", "$ per ok"))
    entries = [
        _report_entry(" / ".join(row[name] or "(none)" for name in found["by"]), row)
        for row in found["data"]
    ]
    if others := found.get("others"):
        entries.append(_report_entry(f"{others['groups']:,} others together", others))
    show(terminal(), lines([head, *entries], width=terminal().width, figure=10))
    for words in (*map(saved_words, found.get("savings", ())), *known_words(found)):
        show(terminal(), wrapped(words, width=terminal().width, indent=""))


def saved_words(each: dict[str, Any]) -> str:
    """What a route saved and won against one deployment, how surely, and by what."""
    why = {"incumbent": "the incumbent", "reference": "the reference"}.get(each["why"], "as named")
    about = f"{each['route']} against all to {each['baseline']} ({why}): "
    facts = [
        _change(each["saved_usd"], "saved", "lost", _dollars, "dollars"),
        _change(each["won_successes"], "won", "lost", _successes, "successes"),
    ]
    if each["unknown"]:
        facts.append(each["unknown"])
    rests = f"rests on {each['sampled']:,} of {each['requests']:,} requests"
    facts.append(f"{rests}, {each['judged']:,} of them judged")
    facts += [f"left out {count:,} {reason}" for reason, count in each["left_out"].items()]
    return about + "; ".join(facts)


def _change(
    found: dict[str, float] | None, up: str, down: str, told: Callable[[float], str], what: str
) -> str:
    """A mean and its interval; where that holds 0, it is open which of the two it is."""
    if found is None:
        return f"{what} unknown"
    if max(abs(found["low"]), abs(found["high"])) < NOTHING:
        return f"no {what} {up} or {down}"
    span = f"{told(found['low'])} to {told(found['high'])}"
    if found["low"] <= 0 <= found["high"]:
        return f"{what} {up} or {down} is open ({span})"
    return f"{up if found['mean'] > 0 else down} {told(abs(found['mean']))} ({span})"


def _dollars(usd: float) -> str:
    return f"{'-' if usd < 0 else ''}${money(abs(usd))}"


def _successes(count: float) -> str:
    return f"{count:.3g} successes" if abs(count) < 100 else f"{count:,.0f} successes"


def _report_entry(name: str, row: dict[str, Any]) -> Entry:
    success = "" if row["success_rate"] is None else f"{row['success_rate']:.1%}"
    figures = (
        str(row["requests"]),
        str(row["answered"]),
        money(row["cost_usd"]),
        success,
        money(row["cost_per_success_usd"]),
    )
    notes = [*_bills(row), *_uncalled(row)]
    return Entry(name, figures, "; ".join(notes))


def _uncalled(row: dict[str, Any]) -> Iterator[str]:
    """What no provider was asked for."""
    if row["refused"]:
        yield f"{row['refused']} refused for money"
    if row["cache_hits"]:
        yield f"{row['cache_hits']} from the cache, ${money(row['saved_usd'])} saved"


def _bills(row: dict[str, Any]) -> Iterator[str]:
    """What is to be said of costs and bills, nothing where all is well and nobody bills."""
    if row["unknown_cost"]:
        yield f"{row['unknown_cost']} of unknown cost"
    if row["bills"]:
        billed, counted = money(row["billed_usd"]), money(row["counted_usd"])
        ratio = "" if row["bill_ratio"] is None else f" ({row['bill_ratio']:.3f} times)"
        yield f"{row['bills']} bills of ${billed} for ${counted} counted{ratio}"
    if row["doubted_bills"]:
        yield f"{row['doubted_bills']} bills of ${money(row['doubted_usd'])} not believed"


def learn(
    service: Client, outcomes: Path, *, route: str, strength: float, as_json: bool = False
) -> None:
    """Teach a running service; prints the number that takes it back."""
    from windsock.cli.learning.outcomes_csv import read_outcomes

    body = {"route": route, "strength": strength, "results": read_outcomes(outcomes)}
    answer = service.ask("/v1/learn", method="POST", json=body)
    number = answer["lesson"]
    words = (
        f"lesson {number}: {answer['taught']} rates; 'windsock learn --undo {number}' takes it back"
    )
    _tell(answer, words, as_json=as_json)


def unlearn(service: Client, lesson: int, *, as_json: bool = False) -> None:
    """Take a lesson back by its number."""
    answer = service.ask(f"/v1/learn/{lesson}", method="DELETE")
    words = f"lesson {lesson} with {answer['taught']} rates was taken back"
    _tell(answer, words, as_json=as_json)


def show_alarms(service: Client, *, as_json: bool = False) -> None:
    """Beliefs that an alarm has changed, and deployments whose bills or counts are doubted."""
    found = service.ask("/v1/alarms")
    if as_json:
        print(json.dumps(found, indent=2))
        return
    show(terminal(), _drifts(found["data"]))
    for doubted in found.get("doubted", ()):
        words = f"{doubted['deployment']}: {'; '.join(_doubts(doubted))}"
        show(terminal(), wrapped(words, indent="", width=terminal().width))
    for words in (*_floors(found), *_dissents(found)):
        show(terminal(), wrapped(words, indent="", width=terminal().width))


def _floors(found: dict[str, Any]) -> Iterator[str]:
    """Quality floors that nobody reaches, with what is reachable at which price."""
    for each in found.get("floors", ()):
        place = f"{each['route']} / {each['task'] or 'all tasks'}"
        best = f"{each['best']}, is right {each['reachable']:.1%} of the time"
        words = f"{place}: quality floor {each['floor']:g} is out of reach; the best, {best}"
        yield "; ".join(filter(None, (words, further_words(each["further"]))))


def _dissents(found: dict[str, Any]) -> Iterator[str]:
    """Keys that disagree with the others, and those that a person took out."""
    for each in found.get("keys", ()):
        place = f"{each['deployment']} at {each['route']}/{each['task'] or '-'}"
        yield (
            f"key {each['key']} disagrees on {place}: {each['rewards']:.0f} rewards, "
            f"{each['mean']:.2f} in the mean, counted {100 * each['believed']:.0f} %"
        )
    for key in found.get("silenced", ()):
        yield f"key {key} is silenced: its rewards count for nothing"


def silence_key(service: Client, key: str, *, is_silent: bool, as_json: bool = False) -> None:
    """Take a key's rewards out, or count them again."""
    body = {"key": key, "is_silent": is_silent}
    answer = service.ask("/v1/alarms/silence", method="POST", json=body)
    state = "count for nothing" if is_silent else "count again"
    _tell(answer, f"key {key}: its rewards {state}", as_json=as_json)


def _doubts(doubted: dict[str, Any]) -> Iterator[str]:
    """What was not believed since the start."""
    if doubted["bills"]:
        factor = doubted["bill_factor"]
        last = "" if factor is None else f", the last {factor:.3g} times what was counted"
        yield f"bills not believed: {doubted['bills']}{last}"
    if doubted["usages"]:
        yield f"counts replaced: {doubted['usages']}, the last for {doubted['usage_doubt']}"


def _drifts(alarms: Sequence[dict[str, Any]]) -> Iterator[str]:
    if not alarms:
        yield "No alarm is held."
        return
    head = Entry("route / deployment", ("state", "statistic"), "tasks")
    entries = [
        Entry(
            f"{alarm['route']} / {alarm['deployment']}",
            (alarm["mode"], f"{alarm['statistic']:.1f}"),
            ", ".join(alarm["tasks"]),
        )
        for alarm in alarms
    ]
    yield from lines([head, *entries], width=terminal().width)


def undo_alarm(service: Client, route: str, deployment: str, *, as_json: bool = False) -> None:
    """Put the belief from before an alarm back."""
    body = {"route": route, "deployment": deployment}
    answer = service.ask("/v1/alarms/undo", method="POST", json=body)
    words = f"{deployment} on {route}: the belief from before the alarm holds again"
    _tell(answer, words, as_json=as_json)


def show_findings(findings: Sequence[Diagnosis], *, as_json: bool = False) -> None:
    """What the doctor found; the mark of each stands before it."""
    if as_json:
        told = [{**asdict(each), "text": masked(each.text)} for each in findings]
        print(json.dumps(told, indent=2))
        return
    for finding in findings:
        mark, style = _mark(finding)
        words = wrapped(
            f"{finding.subject}: {masked(finding.text)}", width=terminal().width, indent=" " * 5
        )
        first = Text.assemble((mark, style), " ", words[0].lstrip())
        terminal().print(first, soft_wrap=True, highlight=False)
        show(terminal(), words[1:])


def _mark(finding: Diagnosis) -> tuple[str, str]:
    if not finding.ok:
        return "mend", "red"
    return ("look", "yellow") if finding.is_unsure else ("ok  ", "green")


def import_litellm(config: Path, to: Path, *, force: bool, as_json: bool = False) -> None:
    """Write windsock.toml and say what has no counterpart; raises ConfigError."""
    if to.exists() and not force:
        raise ConfigError(f"{to} exists; name another with --to, or replace it with --force")
    from windsock.cli.litellm_import import as_toml, read_litellm

    found = read_litellm(config, os.environ)
    try:
        to.write_text(as_toml(found, config.name), encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"--to {to} cannot be written ({error.strerror})") from error
    candidates = sum(len(each["candidates"]) for each in found.routes.values())
    if as_json:
        told = {"file": str(to), "routes": list(found.routes), "notes": list(found.notes)}
        print(json.dumps(told, indent=2))
        return
    show(terminal(), [f"{to}: {len(found.routes)} routes over {candidates} candidates"])
    for note in found.notes:
        show(terminal(), wrapped(f"note: {note}", width=terminal().width, indent=""))
    show(terminal(), ["Now run 'windsock doctor'."])


def _tell(answer: object, words: str, *, as_json: bool) -> None:
    """The answer of a service as it is, or what it means."""
    if as_json:
        print(json.dumps(answer, indent=2))
    else:
        show(terminal(), wrapped(words, width=terminal().width, indent=""))
