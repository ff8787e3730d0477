"""Commands of the first evening."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated

import typer

from windsock.cli.options import AsJson


def init(
    to: Annotated[Path, typer.Option("--to", "-o", help="the file to write")] = Path(
        "windsock.toml"
    ),
    use: Annotated[
        list[str] | None, typer.Option(help="a provider whose key is set; repeatable; default: all")
    ] = None,
    purpose: Annotated[
        str | None, typer.Option("--for", help="everything, extraction or code")
    ] = None,
    budget: Annotated[str | None, typer.Option(help="dollars a day at most, or none")] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="ask nothing")] = False,
    as_json: AsJson = False,
    force: Annotated[bool, typer.Option("--force", help="replace the file if it exists")] = False,
) -> None:
    """Write a first windsock.toml from three questions."""
    from windsock.cli.first_steps import init as first

    def ask(question: str, usual: str) -> str:
        return str(typer.prompt(question, default=usual))

    is_silent = yes or as_json
    made = first.init(
        to,
        os.environ,
        ask=None if is_silent else ask,
        tell=(lambda _: None) if as_json else typer.echo,
        use=use or (),
        purpose=purpose,
        budget=budget,
        force=force,
    )
    if as_json:
        typer.echo(json.dumps({"file": str(made)}))
        return
    typer.echo(f"{made} is written. Next: 'windsock doctor', then 'windsock serve'.")
