"""What the commands print: tables for a terminal, from a running service's own HTTP calls."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from windsock.cli.doctor import Diagnosis
from windsock.cli.layout import Entry, age, lines, usd, wrapped
from windsock.cli.litellm_import import as_toml, read_litellm
from windsock.cli.outcomes_csv import read_outcomes
from windsock.cli.service_client import ServiceClient
from windsock.clock import SystemClock
from windsock.errors import ConfigError, masked
from windsock.resources.declared import seconds

console = Console()


def show_weights(
    service: ServiceClient, *, route: str | None, task: str | None, watch: bool
) -> None:
    """Every route and task asked for; with `watch` anew every two seconds, until Ctrl-C."""
    asked = {name: value for name, value in (("route", route), ("task", task)) if value}
    while True:
        for cell in service.ask("/v1/weights", params=asked)["data"]:
            console.print(weights_table(cell))
        if not watch:
            return
        time.sleep(2)
        console.clear()


def weights_table(cell: dict[str, Any]) -> Table:
    """One route and task: who gets what share, and what holds it there."""
    title = f"{cell['route']} / {cell['task']}"
    why = f"  decided by {cell['decided_by']}" if cell.get("decided_by") else ""
    table = Table(title=f"{title}{why}  {cell['note']}".strip(), title_justify="left")
    for column, justify in (
        ("deployment", "left"), ("weight", "right"), ("success", "right"), ("90 %", "right"),
        ("n", "right"), ("$/request", "right"), ("in $/M", "right"), ("out $/M", "right"),
        ("feed", "left"), ("age", "right"), ("limits", "left"),
    ):  # fmt: skip
        table.add_column(column, justify="right" if justify == "right" else "left")
    for arm in sorted(cell["candidates"], key=lambda arm: -arm["weight"]):
        low, high = arm["success_interval"]
        price = arm["price"]
        table.add_row(
            arm["deployment"],
            f"{arm['weight']:.1%}",
            f"{arm['success_mean']:.3f}",
            f"{low:.2f}-{high:.2f}",
            f"{arm['effective_samples']:.0f}",
            f"{arm['expected_usd']:.3g}",
            usd(price["input_usd_per_mtok"]),
            usd(price["output_usd_per_mtok"]),
            price["feed"] or "",
            age(price["age_s"]),
            ", ".join(arm["limits"]),
        )
    for name, reason in cell["ruled_out"].items():
        table.add_row(f"[dim]{name}", "[dim]out", *[""] * 8, f"[dim]{reason}")
    return table


def show_decision(service: ServiceClient, decision: str, *, as_json: bool) -> None:
    """One decision: what was asked, the weights, the draw from them, and what came of it."""
    told = service.ask(f"/v1/decisions/{decision}")
    if as_json:
        console.print_json(data=told)
        return
    draw = told["draw"]
    when = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(told["at"]))
    console.print(
        f"[bold]{told['deployment']}[/] for {told['requested_model']!r}, task {told['task']!r}, "
        f"at {when} UTC, with probability {told['propensity']:.6f}",
        highlight=False,
    )
    console.print(
        f"the draw {draw['u']:.6f}, made again from the weights below, gives {draw['gives']}",
        highlight=False,
    )
    if told["table"]:
        console.print(weights_table(told["table"]))
    if told.get("conversation"):
        _show_conversation(told["conversation"])
    for attempt in told.get("attempts") or ():
        adapted = ", ".join(attempt.get("adapted") or ())
        console.print(
            f"{attempt['reason']:<10} {attempt['deployment']}: {attempt['kind']} in "
            f"{attempt['latency_s']:.2f} s" + (f", adapted {adapted}" if adapted else ""),
            highlight=False,
        )
    if "cost_usd" in told:
        usd = told["cost_usd"]
        cost = "unknown cost" if usd is None else f"cost ${usd:.8f}"
        console.print(f"{cost}, served by {told['served']}", highlight=False)
    for each in told["feedback"]:
        console.print(f"judged {each['value']:g} by {each['source']}", highlight=False)


def _show_conversation(told: dict[str, Any]) -> None:
    """What is known of a conversation, and what it would cost where."""
    home = told["home"] or "nobody yet"
    console.print(
        f"turn {told['turn']} of conversation {told['session']} (named by {told['kind']}), last "
        f"answered by {home}; about {told['turns_left']:.0f} turns are still to come",
        highlight=False,
    )
    table = _table(
        "deployment", "holds tokens", "hit rate", "this turn $", "later turns $", "cache saves $"
    )
    for seat in told["seats"]:
        table.add_row(
            seat["deployment"],
            str(seat["held_tokens"]),
            f"{seat['hit_rate']:.0%}",
            *(f"{seat[name]:.6f}" for name in ("turn_usd", "next_usd", "saved_usd")),
        )
    console.print(table)


def show_report(service: ServiceClient, *, since: str, by: str, as_json: bool = False) -> None:
    """Requests, spend and success by group; on a second line what was billed."""
    try:
        begin = SystemClock().now() - seconds(since)
    except ValueError as error:
        raise ConfigError(f"--since: {error}") from None
    found = service.ask("/v1/report", params={"since": begin, "by": by})
    if as_json:
        console.print_json(data=found)
        return
    head = Entry(" / ".join(found["by"]), ("requests", "answered", "cost $", "success", "$ per ok"))
    entries = [_report_entry(row, found["by"]) for row in found["data"]]
    for line in lines([head, *entries], width=console.width, figure=10):
        console.print(line, soft_wrap=True, markup=False, highlight=False)


def _report_entry(row: dict[str, Any], by: Sequence[str]) -> Entry:
    success = "" if row["success_rate"] is None else f"{row['success_rate']:.1%}"
    figures = (
        str(row["requests"]),
        str(row["answered"]),
        _money(row["cost_usd"]),
        success,
        _money(row["cost_per_success_usd"]),
    )
    return Entry(" / ".join(str(row[name]) for name in by), figures, "; ".join(_bills(row)))


def _money(dollars: float | None) -> str:
    """Four significant digits; empty where it is not known."""
    return "" if dollars is None else usd(float(f"{dollars:.4g}"))


def _bills(row: dict[str, Any]) -> Iterator[str]:
    """What is to be said of costs and bills, nothing where all is well and nobody bills."""
    if row["unknown_cost"]:
        yield f"{row['unknown_cost']} of unknown cost"
    if row["bills"]:
        billed, counted = _money(row["billed_usd"]), _money(row["counted_usd"])
        ratio = "" if row["bill_ratio"] is None else f" ({row['bill_ratio']:.3f} times)"
        yield f"{row['bills']} bills of ${billed} for ${counted} counted{ratio}"
    if row["doubted_bills"]:
        yield f"{row['doubted_bills']} bills of ${_money(row['doubted_usd'])} not believed"


def learn(service: ServiceClient, outcomes: Path, *, route: str, strength: float) -> None:
    """Teach a running service; prints the number that takes it back."""
    body = {"route": route, "strength": strength, "results": read_outcomes(outcomes)}
    answer = service.ask("/v1/learn", method="POST", json=body)
    number = answer["lesson"]
    console.print(
        f"lesson {number}: {answer['taught']} rates; 'windsock learn --undo {number}' takes it back"
    )


def unlearn(service: ServiceClient, lesson: int) -> None:
    """Take a lesson back by its number."""
    answer = service.ask(f"/v1/learn/{lesson}", method="DELETE")
    console.print(f"lesson {lesson} with {answer['taught']} rates was taken back")


def show_alarms(service: ServiceClient) -> None:
    """Beliefs that an alarm has changed, and deployments whose bills or counts are doubted."""
    found = service.ask("/v1/alarms")
    _show_drifts(found["data"])
    for doubted in found.get("doubted", ()):
        for line in wrapped(f"{doubted['deployment']}: {'; '.join(_doubts(doubted))}", indent="",
                            width=console.width):  # fmt: skip
            console.print(line, soft_wrap=True, markup=False, highlight=False)

    for line in _dissents(found):
        console.print(line, soft_wrap=True, markup=False, highlight=False)


def _dissents(found: dict[str, Any]) -> Iterator[str]:
    """Keys that disagree with the others, and those that a person took out."""
    for each in found.get("keys", ()):
        place = f"{each['deployment']} at {each['route']}/{each['task'] or '-'}"
        yield f"key {each['key']} disagrees on {place}:"
        yield (
            f"  {each['rewards']:.0f} rewards, {each['mean']:.2f} in the mean, "
            f"counted {100 * each['believed']:.0f} %"
        )
    for key in found.get("silenced", ()):
        yield f"key {key} is silenced: its rewards count for nothing"


def silence_key(service: ServiceClient, key: str, *, is_silent: bool) -> None:
    """Take a key's rewards out, or count them again."""
    body = {"key": key, "is_silent": is_silent}
    service.ask("/v1/alarms/silence", method="POST", json=body)
    state = "count for nothing" if is_silent else "count again"
    console.print(f"key {key}: its rewards {state}", soft_wrap=True, highlight=False)


def _doubts(doubted: dict[str, Any]) -> Iterator[str]:
    """What was not believed since the start."""
    if doubted["bills"]:
        factor = doubted["bill_factor"]
        last = "" if factor is None else f", the last {factor:.3g} times what was counted"
        yield f"bills not believed: {doubted['bills']}{last}"
    if doubted["usages"]:
        yield f"counts replaced: {doubted['usages']}, the last for {doubted['usage_doubt']}"


def _show_drifts(alarms: Sequence[dict[str, Any]]) -> None:
    if not alarms:
        console.print("No alarm is held.")
        return
    table = _table("route", "deployment", "state", "statistic", "tasks")
    for alarm in alarms:
        table.add_row(
            alarm["route"],
            alarm["deployment"],
            alarm["mode"],
            f"{alarm['statistic']:.1f}",
            ", ".join(alarm["tasks"]),
        )
    console.print(table)


def undo_alarm(service: ServiceClient, route: str, deployment: str) -> None:
    """Put the belief from before an alarm back."""
    body = {"route": route, "deployment": deployment}
    service.ask("/v1/alarms/undo", method="POST", json=body)
    console.print(f"{deployment} on {route}: the belief from before the alarm holds again")


def show_keys(keys: Iterable[Any]) -> None:
    """Virtual keys without their secrets."""
    table = _table("id", "name", "namespace", "scopes", "state")
    for key in keys:
        state = "revoked" if key.revoked_at else "active"
        table.add_row(key.id, key.name, key.namespace, " ".join(key.scopes), state)
    console.print(table)


def show_findings(findings: Sequence[Diagnosis]) -> None:
    """What the doctor found, one line each."""
    for finding in findings:
        fine = "[yellow]look[/]" if finding.is_unsure else "[green]ok  [/]"
        mark = fine if finding.ok else "[red]mend[/]"
        text = escape(masked(finding.text))
        console.print(f"{mark} [bold]{finding.subject}[/]: {text}", highlight=False)


def import_litellm(config: Path, to: Path, *, force: bool) -> None:
    """Write windsock.toml and say what has no counterpart; raises ConfigError."""
    if to.exists() and not force:
        raise ConfigError(f"{to} exists; name another with --to, or replace it with --force")
    found = read_litellm(config, os.environ)
    to.write_text(as_toml(found, config.name), encoding="utf-8")
    candidates = sum(len(each["candidates"]) for each in found.routes.values())
    console.print(f"{to}: {len(found.routes)} routes over {candidates} candidates")
    for note in found.notes:
        console.print(f"[dim]note: {escape(note)}", highlight=False)
    console.print("Now run 'windsock doctor'.")


def _table(*columns: str) -> Table:
    table = Table()
    for column in columns:
        table.add_column(column, justify="right" if "$" in column or column == "age" else "left")
    return table
