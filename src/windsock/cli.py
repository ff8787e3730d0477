"""The commands. Each parses its arguments, calls one function, and prints."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from windsock import __version__
from windsock.errors import ConfigError, WindsockError

app = typer.Typer(
    name="windsock",
    help="The LLM router that turns with the price wind.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
prices_app = typer.Typer(help="The price book, its history and held quotes.", no_args_is_help=True)
feeds_app = typer.Typer(help="Feed declarations.", no_args_is_help=True)
keys_app = typer.Typer(help="Virtual keys.", no_args_is_help=True)
db_app = typer.Typer(help="The database.", no_args_is_help=True)
app.add_typer(prices_app, name="prices")
app.add_typer(feeds_app, name="feeds")
app.add_typer(keys_app, name="keys")
app.add_typer(db_app, name="db")

Config = Annotated[
    Path | None, typer.Option("--config", "-c", help="windsock.toml; found here if not named")
]
Url = Annotated[str, typer.Option("--url", help="a running windsock", envvar="WINDSOCK_URL")]
HERE = "http://127.0.0.1:8787"


def main() -> NoReturn:
    """Exit codes: 0 ok, 1 the work failed, 2 usage or configuration error."""
    try:
        app(standalone_mode=False)
    except typer.Exit as stop:
        sys.exit(stop.exit_code)
    except ConfigError as error:
        _complain(error, 2)
    except WindsockError as error:
        _complain(error, 1)
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        if hasattr(error, "format_message"):
            _complain(error.format_message(), 2)
        raise
    sys.exit(0)


def _complain(error: object, code: int) -> NoReturn:
    print(f"windsock: {error}", file=sys.stderr)
    sys.exit(code)


def _config(path: Path | None) -> Path | None:
    if path is None and Path("windsock.toml").is_file():
        return Path("windsock.toml")
    return path


@app.command()
def version() -> None:
    """Print the version."""
    print(__version__)


@app.command()
def serve(
    config: Config = None,
    host: Annotated[str | None, typer.Option(help="instead of [server] host")] = None,
    port: Annotated[int | None, typer.Option(help="instead of [server] port")] = None,
) -> None:
    """The always-on service. With no configuration it uses every provider whose key is set."""
    from windsock.bootstrap import serve_forever
    from windsock.settings import load

    settings = load(_config(config), os.environ)
    serve_forever(settings, os.environ, config=_config(config), host=host, port=port)


@app.command()
def demo(
    host: Annotated[str, typer.Option()] = "127.0.0.1",
    port: Annotated[int, typer.Option()] = 8787,
) -> None:
    """The service with paper providers, replayed price history and traffic. No key, no network."""
    from windsock.demo import run_demo

    run_demo(host=host, port=port)
