"""Commands of the first evening."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer


def init(
    to: Annotated[Path, typer.Option("--to", "-o", help="the file to write")] = Path(
        "windsock.toml"
    ),
    use: Annotated[
        list[str] | None, typer.Option(help="a provider whose key is set; repeatable, else all")
    ] = None,
    purpose: Annotated[
        str | None, typer.Option("--for", help="everything, extraction or code")
    ] = None,
    budget: Annotated[str | None, typer.Option(help="most dollars a day, or none")] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="ask nothing")] = False,
    force: Annotated[bool, typer.Option("--force", help="replace the file if it exists")] = False,
) -> None:
    """Write a first windsock.toml from three questions: which keys, what for, how much a day."""
    from windsock.cli.first_steps import init as first

    def ask(question: str, usual: str) -> str:
        return str(typer.prompt(question, default=usual))

    made = first.init(
        to, os.environ, ask=None if yes else ask, tell=typer.echo, use=use or (),
        purpose=purpose, budget=budget, force=force,
    )  # fmt: skip
    typer.echo(f"{made} is written. Next: 'windsock doctor', then 'windsock serve'.")
