"""The commands `export` and `db stats`."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated

import typer

from windsock.cli.options import AsJson, Config, config_path


def export(
    to: Annotated[Path, typer.Argument(help="the file to write; it must not exist yet")],
    format: Annotated[str, typer.Option(help="parquet, csv or jsonl; default: from the name")] = "",  # noqa: A002
    since: Annotated[str, typer.Option(help="how far back, such as 7d, or a date")] = "1d",
    until: Annotated[
        str | None, typer.Option(help="up to when, in the same form; default: now")
    ] = None,
    namespace: Annotated[str | None, typer.Option(help="only this namespace; default: all")] = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Write logged decisions with their propensities to a file."""
    from windsock.cli.stored.exporting import export as write
    from windsock.cli.stores import existing_store
    from windsock.clock import SystemClock
    from windsock.config.file import load_store

    now = SystemClock().now()
    begin, end = _moment("--since", since, now), _moment("--until", until, now)
    kind = format or to.suffix.lstrip(".")
    with existing_store(load_store(config_path(config), os.environ)) as engine:
        count = write(engine, to, kind=kind, since=begin, until=end, namespace=namespace)
    told = json.dumps({"file": str(to), "decisions": count})
    print(told if as_json else f"{to}: {count:,} decisions")


def db_stats(config: Config = None, as_json: AsJson = False) -> None:
    """Show what the store holds, how fast it grows, and what to do."""
    from windsock.cli.stored.stats import show_stats
    from windsock.cli.stores import existing_store
    from windsock.clock import SystemClock
    from windsock.config.file import load_store
    from windsock.store.upkeep.stats import store_stats

    settings = load_store(config_path(config), os.environ)
    with existing_store(settings) as engine:
        show_stats(store_stats(engine, SystemClock().now()), settings, as_json=as_json)


def _moment(name: str, value: str | None, now: float) -> float:
    from windsock.errors import ConfigError
    from windsock.resources.declared import point

    try:
        return now if value is None else point(value, now)
    except ValueError as error:
        raise ConfigError(f"{name}: {error}") from None
