"""`windsock replicas`: who serves together over one database."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from windsock.cli.layout import Entry, lines, terminal
from windsock.cli.service_client import ServiceClient


def show_replicas(service: ServiceClient, *, as_json: bool) -> None:
    """An answer of /v1/replicas."""
    told = service.ask("/v1/replicas")
    if as_json:
        terminal().print_json(data=told)
        return
    console = terminal()
    away = "; the database is away, this is of before" if told["is_away"] else ""
    console.print(f"{told['says']}{away}", soft_wrap=True, markup=False, highlight=False)
    if told["data"]:
        head = Entry("replica", ("version", "requests", "behind"))
        rows = [_entry(row, told["this"]) for row in told["data"]]
        for line in lines([head, *rows], width=console.width, figure=10):
            console.print(line, soft_wrap=True, markup=False, highlight=False)


def _entry(row: dict[str, Any], this: str | None) -> Entry:
    figures = (row["version"] or "", _count(row["requests"]), _count(row["behind"]))
    return Entry(row["name"], figures, "; ".join(_notes(row, this)))


def _notes(row: dict[str, Any], this: str | None) -> list[str]:
    config = row["configuration"]
    notes = ["leads"] if row["leads"] else []
    notes += ["answers this"] if row["id"] == this else []
    notes.append("there" if row["is_there"] else f"gone, last seen {_when(row['seen_at'])}")
    notes.append(f"started {_when(row['started_at'])}")
    age = "the newest" if config["is_newest"] else "not the newest"
    loaded = f", loaded {_when(config['loaded_at'])}" if config["loaded_at"] else ""
    notes.append(f"configuration {config['digest']}, {age}{loaded}")
    return notes


def _count(number: int | None) -> str:
    return "" if number is None else str(number)


def _when(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
