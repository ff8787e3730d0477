"""The commands. Each parses its arguments, calls one function, and prints."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from windsock import __version__
from windsock.cli import service_commands
from windsock.cli.feeds.commands import feeds_app
from windsock.cli.keys.commands import keys_app
from windsock.cli.options import Config, config_path
from windsock.cli.prices.commands import prices_app
from windsock.errors import ConfigError, WindsockError
from windsock.observability import log

app = typer.Typer(
    name="windsock",
    help="The LLM router that turns with the price wind.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
import_app = typer.Typer(help="Configurations of other routers.", no_args_is_help=True)
db_app = typer.Typer(help="The database.", no_args_is_help=True)
app.add_typer(prices_app, name="prices")
app.add_typer(feeds_app, name="feeds")
app.add_typer(service_commands.alarms_app, name="alarms")
app.add_typer(keys_app, name="keys")
app.add_typer(db_app, name="db")
app.add_typer(import_app, name="import")


def main() -> NoReturn:
    """Exit codes: 0 ok, 1 the work failed, 2 usage or configuration error."""
    try:
        code = app(standalone_mode=False)
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
    sys.exit(code if isinstance(code, int) else 0)


def _complain(error: object, code: int) -> NoReturn:
    print(f"windsock: {error}", file=sys.stderr)
    sys.exit(code)


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
    from windsock.app.bootstrap import serve_forever
    from windsock.config.file import load

    settings = load(config_path(config), os.environ)
    serve_forever(settings, os.environ, config=config_path(config), host=host, port=port)


@app.command()
def demo(
    host: Annotated[str, typer.Option()] = "127.0.0.1",
    port: Annotated[int, typer.Option()] = 8787,
) -> None:
    """The service with paper providers, replayed price history and traffic. No key, no network."""
    from windsock.demo import run_demo

    run_demo(host=host, port=port)


@app.command()
def simulate(
    scenario: Annotated[str, typer.Argument(help="a folder name in simulations/, or a path")],
    policy: Annotated[list[str] | None, typer.Option("--policy", help="repeatable; or all")] = None,
    seeds: Annotated[int, typer.Option(min=1, help="how many seeds to run")] = 1,
    engine: Annotated[str, typer.Option(help="local, or dask or ray on a cluster")] = "local",
    jobs: Annotated[int | None, typer.Option(min=1, help="runs at once; one a core")] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="KEY=VALUE,VALUE of the scenario, each value run; repeatable"),
    ] = None,
    outcomes: Annotated[
        Path | None, typer.Option(help="CSV or Parquet of outcomes per prompt and deployment")
    ] = None,
    report: Annotated[Path | None, typer.Option(help="write one HTML file")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """Replay price shocks through the production router, against rival policies."""
    from windsock.simulation.simulate import simulate as replay

    found = replay(
        scenario,
        policies=policy,
        seeds=seeds,
        engine=engine,
        at_once=jobs,
        settings=settings,
        outcomes=outcomes,
        report_to=report,
        as_json=as_json,
    )
    if not found.is_whole:
        raise typer.Exit(130)


@app.command()
def evaluate(
    policy: Annotated[
        Path | None, typer.Option(help="a windsock.toml with the routes in question")
    ] = None,
    config: Config = None,
    since: Annotated[
        str | None, typer.Option(help="such as 30d; the whole log if not said")
    ] = None,
    price: Annotated[
        list[str] | None, typer.Option(help="deepseek/*=x1.3, or =INPUT/OUTPUT; repeatable")
    ] = None,
    world: Annotated[
        Path | None, typer.Option(help="write the log as a scenario folder instead")
    ] = None,
    route: Annotated[str | None, typer.Option(help="of --world; the first if not named")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """What another policy or other prices would have cost and delivered on the logged traffic."""
    from windsock.cli.evaluate import evaluate as reckon
    from windsock.cli.evaluate import write_world

    if world is not None:
        print(write_world(world, config=config_path(config), environ=os.environ, since=since,
                          route=route))  # fmt: skip
        return
    found = reckon(
        policy,
        config=config_path(config),
        environ=os.environ,
        since=since,
        prices=price or (),
        as_json=as_json,
    )
    if found.refusal is not None:
        raise typer.Exit(1)


@db_app.command("upgrade")
def db_upgrade(config: Config = None) -> None:
    """Bring the database to this version's schema."""
    from windsock.config.file import load_store
    from windsock.store.migrations import upgrade

    upgrade(load_store(config_path(config), os.environ).store.url)


@db_app.command("backup")
def db_backup(
    to: Annotated[Path, typer.Argument(help="the file to write; it must not be there yet")],
    config: Config = None,
) -> None:
    """Copy a SQLite store whole, also while a service writes to it."""
    from windsock.config.file import load_store
    from windsock.store.recovery.backup import back_up

    pages = back_up(load_store(config_path(config), os.environ).store.url, to)
    print(f"{to}: {pages} pages, whole")


@import_app.command("litellm")
def import_litellm(
    config: Annotated[Path, typer.Argument(help="config.yaml of a LiteLLM proxy")],
    to: Annotated[Path, typer.Option("--to", "-o", help="the file to write")] = Path(
        "windsock.toml"
    ),
    force: Annotated[bool, typer.Option("--force", help="replace the file if it exists")] = False,
) -> None:
    """Write windsock.toml from a LiteLLM model_list."""
    from windsock.cli import tables

    tables.import_litellm(config, to, force=force)


app.command()(service_commands.weights)
app.command()(service_commands.learn)
app.command()(service_commands.explain)
app.command()(service_commands.report)


@app.command()
def doctor(config: Config = None) -> None:
    """Check configuration, keys, prices and store; say what to do about each fault."""
    from windsock.cli import tables
    from windsock.cli.doctor import examine
    from windsock.config.file import load

    log.configure(level="error", is_json=False)
    findings = examine(load(config_path(config), os.environ), os.environ)
    tables.show_findings(findings)
    if any(not finding.ok for finding in findings):
        raise typer.Exit(1)
