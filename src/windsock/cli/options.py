"""Options that several commands share."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated

import typer

HERE = "http://127.0.0.1:8787"
"""Where `windsock serve` listens if nothing else is said."""

Config = Annotated[
    Path | None, typer.Option("--config", "-c", help="the configuration; default: ./windsock.toml")
]
Url = Annotated[
    str, typer.Option("--url", help="address of a running windsock", envvar="WINDSOCK_URL")
]
Key = Annotated[
    str | None, typer.Option("--key", help="a key for that service", envvar="WINDSOCK_API_KEY")
]

AsJson = Annotated[bool, typer.Option("--json", help="print JSON")]


def config_path(path: Path | None) -> Path | None:
    """The file named, else windsock.toml if one is here, else None."""
    if path is None and Path("windsock.toml").is_file():
        return Path("windsock.toml")
    return path


def stated_port() -> int | None:
    """The port that the windsock.toml here states, None if it states none."""
    try:
        server = tomllib.loads(Path("windsock.toml").read_text()).get("server", {})
        return int(server["port"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
