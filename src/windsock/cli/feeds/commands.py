"""`windsock feeds`: declarations of feeds and what they yield."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from windsock.cli.options import AsJson

feeds_app = typer.Typer(help="Check feed declarations.", no_args_is_help=True)


@feeds_app.command("check")
def feeds_check(
    path: Annotated[
        Path | None,
        typer.Argument(help="a feed folder, or a folder of them; default: the shipped ones"),
    ] = None,
    live: Annotated[
        bool, typer.Option("--live", help="fetch from the network instead of reading the sample")
    ] = False,
    write: Annotated[
        bool, typer.Option("--write", help="write expected.csv from the sample")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Read feeds and show what they yield, and what would be held."""
    from windsock.cli.feeds.check import check_feeds

    if not check_feeds(path, live=live, write=write, as_json=as_json):
        raise typer.Exit(1)
