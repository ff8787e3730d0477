"""`windsock caps`: what is spent of the caps of a running service, and more money for a while."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

import typer

from windsock.cli.options import HERE, Key, Url

caps_app = typer.Typer(help="Hard spending caps of a running service.", no_args_is_help=True)


@caps_app.command("list")
def caps_list(
    url: Url = HERE,
    key: Key = None,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """List what is spent, reserved and left of every cap."""
    from windsock.cli.service_client import ServiceClient

    show_caps(ServiceClient(url, key).ask("/v1/caps"), as_json=as_json)


@caps_app.command("raise")
def caps_raise(
    name: Annotated[
        str, typer.Argument(help="the cap: its name in the file, budgets.NAME or keys.ID")
    ],
    usd: Annotated[float, typer.Option(help="how many dollars to add")],
    lasts: Annotated[str, typer.Option("--for", help="how long, such as 30m, 2h, 1d")] = "1h",
    of: Annotated[
        str | None, typer.Option(help="for one key, route, provider or model family only")
    ] = None,
    url: Url = HERE,
    key: Key = None,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """Raise a cap for a while."""
    from windsock.cli.service_client import ServiceClient

    body = {"usd": usd, "lasts": lasts, "of": of}
    path = f"/v1/caps/{quote(name, safe='')}/raise"
    told = ServiceClient(url, key).ask(path, method="POST", json=body)
    show_caps(told, as_json=as_json)


def show_caps(told: dict[str, Any], *, as_json: bool) -> None:
    """An answer of /v1/caps: the sums of each, when they end, and what they are raised by."""
    from windsock.cli.layout import Entry, lines, terminal

    if as_json:
        terminal().print_json(data=told)
        return
    head = Entry("cap", ("spent $", "reserved $", "of $", "refused"))
    for line in lines([head, *map(_entry, told["data"])], width=terminal().width, figure=10):
        terminal().print(line, soft_wrap=True, markup=False, highlight=False)


def _entry(row: dict[str, Any]) -> Any:
    from windsock.cli.layout import Entry, money

    figures = (money(row[name]) for name in ("spent_usd", "reserved_usd", "usd"))
    name = row["cap"] if row["of"] is None else f"{row['cap']} / {row['of'] or 'no key'}"
    return Entry(name, (*figures, str(row["refused"])), "; ".join(_notes(row)))


def _notes(row: dict[str, Any]) -> list[str]:
    """When it ends, what it is raised by, and when it is spent at this pace."""
    from windsock.cli.layout import money

    is_for_good, zone = row["ends_at"] is None, row["timezone"]
    until = "" if is_for_good else _when(row["ends_at"], zone)
    notes = ["for good" if is_for_good else f"a {row['period']}, until {until}"]
    if row["raised_usd"]:
        notes.append(f"raised by ${money(row['raised_usd'])} for now")
    if row["spent_at"] is not None:
        notes.append(f"spent at {_when(row['spent_at'], zone)} at this pace")
    return notes


def _when(at: float, zone: str) -> str:
    local = datetime.fromtimestamp(at, UTC).astimezone(ZoneInfo(zone))
    return f"{local:%Y-%m-%d %H:%M} {zone}"
