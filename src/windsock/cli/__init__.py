"""The commands. Each parses its arguments, calls one function, and prints."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from windsock import __version__
from windsock.cli import service_commands
from windsock.cli.cap_commands import caps_app
from windsock.cli.evidence import commands as evidence_commands
from windsock.cli.feeds.commands import feeds_app
from windsock.cli.first_steps import commands as first_commands
from windsock.cli.foresight import commands as foresight_commands
from windsock.cli.keys.commands import keys_app
from windsock.cli.options import AsJson, Config, config_path
from windsock.cli.prices.commands import prices_app
from windsock.cli.stored import commands as stored_commands
from windsock.errors import ConfigError, WindsockError
from windsock.observability import log

MOST_WORKERS = 256

app = typer.Typer(
    name="windsock",
    help="The LLM router that turns with the price wind.",
    no_args_is_help=True,
    rich_markup_mode=None,  # brackets of help texts are names of tables, not markup
    pretty_exceptions_enable=False,
)
import_app = typer.Typer(help="Import the configuration of another router.", no_args_is_help=True)
db_app = typer.Typer(help="Statistics, upgrade and backup of the database.", no_args_is_help=True)
app.add_typer(prices_app, name="prices")
app.add_typer(feeds_app, name="feeds")
app.add_typer(service_commands.alarms_app, name="alarms")
app.add_typer(caps_app, name="caps")
app.add_typer(keys_app, name="keys")
app.add_typer(db_app, name="db")
app.add_typer(import_app, name="import")


def main() -> NoReturn:
    """Exit codes: 0 ok, 1 the work failed, 2 usage or configuration error."""
    _solve_in_one_thread()
    try:
        code = app(prog_name="windsock", standalone_mode=False)
        sys.stdout.flush()
    except BrokenPipeError:  # who reads has read enough, such as `head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except ConfigError as error:
        _complain(error, 2)
    except WindsockError as error:
        _complain(error, 1)
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        if hasattr(error, "format_message"):
            _refuse(error.format_message())
        raise
    sys.exit(code if isinstance(code, int) else 0)


def _solve_in_one_thread() -> None:
    """Unless the operator says otherwise; OpenBLAS reads it once, when numpy is first imported.

    Systems of tens of unknowns, as tables have, are solved later in several threads than in one.
    """
    if "OMP_NUM_THREADS" not in os.environ:
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def _refuse(message: str) -> NoReturn:
    """What was typed is no command: a sentence, or the page that shows a group of commands."""
    if not message.startswith("Usage:"):
        _complain(message, 2)
    print(message, file=sys.stderr)
    sys.exit(2)


def _complain(error: object, code: int) -> NoReturn:
    print(f"windsock: {error}", file=sys.stderr)
    sys.exit(code)


def _print_version(is_asked: bool) -> None:
    if is_asked:
        print(__version__)
        raise typer.Exit


@app.callback()
def windsock(
    _: Annotated[
        bool,
        typer.Option("--version", help="print the version", is_eager=True, callback=_print_version),
    ] = False,
) -> None:
    """The LLM router that turns with the price wind."""


@app.command()
def version(as_json: AsJson = False) -> None:
    """Print the version."""
    print(json.dumps({"version": __version__}) if as_json else __version__)


@app.command()
def serve(
    config: Config = None,
    host: Annotated[
        str | None, typer.Option(help="address to listen on; overrides [server] host")
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(min=0, max=65535, help="port to listen on; overrides [server] port"),
    ] = None,
    workers: Annotated[
        int, typer.Option(min=1, max=MOST_WORKERS, help="processes sharing the port; one per core")
    ] = 1,
) -> None:
    """Run the service. Without a configuration it uses every provider whose key is set."""
    from windsock.app.bootstrap import serve_forever
    from windsock.app.workers.parent import serve_together
    from windsock.config.file import load

    path = config_path(config)
    settings = load(path, os.environ)
    if workers == 1:
        serve_forever(settings, os.environ, config=path, host=host, port=port)
    else:
        serve_together(settings, os.environ, config=path, host=host, port=port, workers=workers)


@app.command()
def demo(
    host: Annotated[str, typer.Option(help="address to listen on")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="port to listen on")] = 8787,
    with_parent: Annotated[
        bool, typer.Option("--with-parent", help="stop when the process that started it ends")
    ] = False,
) -> None:
    """A demo with paper providers, past prices and made-up traffic. No key, no network."""
    from windsock.demo import run_demo

    run_demo(host=host, port=port, with_parent=with_parent)


@app.command()
def evaluate(
    policy: Annotated[
        Path | None, typer.Option(help="a windsock.toml with the routes to evaluate")
    ] = None,
    config: Config = None,
    since: Annotated[
        str | None, typer.Option(help="such as 30d, or a date; default: the whole log")
    ] = None,
    price: Annotated[
        list[str] | None, typer.Option(help="deepseek/*=x1.3, or =INPUT/OUTPUT; repeatable")
    ] = None,
    world: Annotated[
        Path | None, typer.Option(help="write the log as a scenario folder instead")
    ] = None,
    route: Annotated[
        str | None, typer.Option(help="with --world: its route; default: the first")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """What other policies or prices would have done with your log."""
    from windsock.cli.evaluate import evaluate as reckon
    from windsock.cli.evaluate import write_world

    if world is not None:
        made = write_world(
            world, config=config_path(config), environ=os.environ, since=since, route=route
        )
        print(json.dumps({"file": str(made)}) if as_json else made)
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


db_app.command("stats")(stored_commands.db_stats)


@db_app.command("upgrade")
def db_upgrade(config: Config = None, as_json: AsJson = False) -> None:
    """Upgrade the database to this version's schema."""
    from windsock.config.file import load_store
    from windsock.store.migrations import HEAD, upgrade

    upgrade(load_store(config_path(config), os.environ).store.url)
    print(json.dumps({"schema": HEAD}) if as_json else f"the store has schema {HEAD}")


@db_app.command("backup")
def db_backup(
    to: Annotated[Path, typer.Argument(help="the file to write; it must not exist yet")],
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Copy a SQLite store, even while a service writes to it."""
    from windsock.config.file import load_store
    from windsock.store.recovery.backup import back_up

    pages = back_up(load_store(config_path(config), os.environ).store.url, to)
    told = json.dumps({"file": str(to), "pages": pages})
    print(told if as_json else f"{to}: complete, {pages} pages")


@import_app.command("litellm")
def import_litellm(
    config: Annotated[Path, typer.Argument(help="config.yaml of a LiteLLM proxy")],
    to: Annotated[Path, typer.Option("--to", "-o", help="the file to write")] = Path(
        "windsock.toml"
    ),
    force: Annotated[bool, typer.Option("--force", help="replace the file if it exists")] = False,
    as_json: AsJson = False,
) -> None:
    """Write windsock.toml from a LiteLLM proxy's config.yaml."""
    from windsock.cli import tables

    tables.import_litellm(config, to, force=force, as_json=as_json)


app.command()(first_commands.init)
app.command()(foresight_commands.simulate)
app.command()(foresight_commands.frontier)
app.command()(stored_commands.export)
app.command()(service_commands.weights)
app.command()(service_commands.whatif)
app.command()(service_commands.learn)
app.command()(service_commands.explain)
app.command()(service_commands.report)
app.command()(service_commands.replicas)
app.command()(evidence_commands.label)


@app.command()
def doctor(config: Config = None, as_json: AsJson = False) -> None:
    """Check configuration, keys, prices and store; say what to fix."""
    from windsock.cli import tables
    from windsock.cli.doctor import examine_file

    log.configure(level="error", is_json=False)
    findings = examine_file(config_path(config), os.environ)
    tables.show_findings(findings, as_json=as_json)
    if any(not finding.ok for finding in findings):
        raise typer.Exit(1)
