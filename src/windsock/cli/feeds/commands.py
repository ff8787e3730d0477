"""`windsock feeds`: declarations of feeds and what they yield."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

feeds_app = typer.Typer(help="Feed declarations.", no_args_is_help=True)


@feeds_app.command("check")
def feeds_check(
    path: Annotated[
        Path | None,
        typer.Argument(help="a feed folder, or a folder of them; the shipped ones if none"),
    ] = None,
    live: Annotated[bool, typer.Option("--live", help="fetch instead of the sample")] = False,
    write: Annotated[
        bool, typer.Option("--write", help="write expected.csv from the sample")
    ] = False,
) -> None:
    """Read feeds and show what they yield, and what the guard says of each row."""
    from windsock.cli.feeds.check import check_feeds

    if not check_feeds(path, live=live, write=write):
        raise typer.Exit(1)
