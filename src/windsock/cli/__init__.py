"""The commands. Each parses its arguments, calls one function, and prints."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from windsock import __version__
from windsock.errors import ConfigError, WindsockError
from windsock.observability import log

app = typer.Typer(
    name="windsock",
    help="The LLM router that turns with the price wind.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
prices_app = typer.Typer(help="The price book, its history and held quotes.", no_args_is_help=True)
feeds_app = typer.Typer(help="Feed declarations.", no_args_is_help=True)
alarms_app = typer.Typer(help="Silent changes of quality that were found.", no_args_is_help=True)
keys_app = typer.Typer(help="Virtual keys.", no_args_is_help=True)
import_app = typer.Typer(help="Configurations of other routers.", no_args_is_help=True)
db_app = typer.Typer(help="The database.", no_args_is_help=True)
app.add_typer(prices_app, name="prices")
app.add_typer(feeds_app, name="feeds")
app.add_typer(alarms_app, name="alarms")
app.add_typer(keys_app, name="keys")
app.add_typer(db_app, name="db")
app.add_typer(import_app, name="import")

Config = Annotated[
    Path | None, typer.Option("--config", "-c", help="windsock.toml; found here if not named")
]
Url = Annotated[str, typer.Option("--url", help="a running windsock", envvar="WINDSOCK_URL")]
HERE = "http://127.0.0.1:8787"


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
    from windsock.app.bootstrap import serve_forever
    from windsock.config.file import load

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
        print(write_world(world, config=_config(config), environ=os.environ, since=since,
                          route=route))  # fmt: skip
        return
    found = reckon(
        policy,
        config=_config(config),
        environ=os.environ,
        since=since,
        prices=price or (),
        as_json=as_json,
    )
    if found.refusal is not None:
        raise typer.Exit(1)


@app.command()
def weights(
    route: Annotated[str | None, typer.Option()] = None,
    task: Annotated[str | None, typer.Option()] = None,
    watch: Annotated[bool, typer.Option("--watch", help="print anew when weights change")] = False,
    url: Url = HERE,
) -> None:
    """Live weights of a running service."""
    from windsock.cli import tables

    tables.show_weights(url, route=route, task=task, watch=watch)


@app.command()
def learn(
    outcomes: Annotated[
        Path | None,
        typer.Argument(help="CSV: task, deployment and success (with count), or reward per prompt"),
    ] = None,
    route: Annotated[str, typer.Option()] = "auto",
    strength: Annotated[float, typer.Option(help="most rewards a rate may count for")] = 50.0,
    undo: Annotated[int | None, typer.Option(help="take a lesson back, by its number")] = None,
    url: Url = HERE,
) -> None:
    """Start a running service's beliefs from past evaluations, or take that back."""
    from windsock.cli import tables

    if undo is not None:
        tables.unlearn(url, undo)
    elif outcomes is None:
        raise ConfigError("name a CSV file of outcomes, or --undo and a lesson's number")
    else:
        tables.learn(url, outcomes, route=route, strength=strength)


@app.command()
def explain(
    decision: str,
    url: Url = HERE,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """Why a decision fell as it did."""
    from windsock.cli import tables

    tables.show_decision(url, decision, as_json=as_json)


@prices_app.command("list")
def prices_list(url: Url = HERE) -> None:
    """Prices in force, their feed and age."""
    from windsock.cli import tables

    tables.show_prices(url)


@prices_app.command("history")
def prices_history(deployment: str, url: Url = HERE) -> None:
    """Every accepted quote of a deployment."""
    from windsock.cli import tables

    tables.show_history(url, deployment)


@prices_app.command("quarantine")
def prices_quarantine(url: Url = HERE) -> None:
    """Quotes that are not believed yet, and why."""
    from windsock.cli import tables

    tables.show_quarantine(url)


@prices_app.command("approve")
def prices_approve(deployment: str, feed: str, url: Url = HERE) -> None:
    """Believe a held quote."""
    from windsock.cli import tables

    tables.rule(url, "approve", deployment, feed)


@prices_app.command("reject")
def prices_reject(deployment: str, feed: str, url: Url = HERE) -> None:
    """Drop a held quote."""
    from windsock.cli import tables

    tables.rule(url, "reject", deployment, feed)


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
    from windsock.cli.feed_check import check_feeds

    if not check_feeds(path, live=live, write=write):
        raise typer.Exit(1)


@alarms_app.command("list")
def alarms_list(url: Url = HERE) -> None:
    """Beliefs that an alarm has changed."""
    from windsock.cli import tables

    tables.show_alarms(url)


@alarms_app.command("undo")
def alarms_undo(
    deployment: str, route: Annotated[str, typer.Option()] = "auto", url: Url = HERE
) -> None:
    """Put the belief from before an alarm back."""
    from windsock.cli import tables

    tables.undo_alarm(url, route, deployment)


@keys_app.command("create")
def keys_create(
    name: Annotated[str, typer.Argument(help="what the key is for")],
    namespace: Annotated[str, typer.Option()] = "default",
    scope: Annotated[list[str] | None, typer.Option("--scope", help="repeatable")] = None,
    config: Config = None,
) -> None:
    """Make a key and show it once."""
    from windsock.cli.key_admin import create_key
    from windsock.config.file import load

    scopes = tuple(scope or ("infer", "feedback", "read"))
    print(create_key(load(_config(config), os.environ), name, namespace, scopes))


@keys_app.command("list")
def keys_list(config: Config = None) -> None:
    """All keys, without their secrets."""
    from windsock.cli import tables
    from windsock.cli.key_admin import list_keys
    from windsock.config.file import load

    tables.show_keys(list_keys(load(_config(config), os.environ)))


@keys_app.command("revoke")
def keys_revoke(key_id: str, config: Config = None) -> None:
    """End a key; a running service notices within seconds."""
    from windsock.cli.key_admin import revoke_key
    from windsock.config.file import load

    if not revoke_key(load(_config(config), os.environ), key_id):
        raise WindsockError(f"no active key has the id {key_id!r}; see 'windsock keys list'")


@db_app.command("upgrade")
def db_upgrade(config: Config = None) -> None:
    """Bring the database to this version's schema."""
    from windsock.config.file import load
    from windsock.store.migrations import upgrade

    upgrade(load(_config(config), os.environ).store.url)


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


@app.command()
def doctor(config: Config = None) -> None:
    """Check configuration, keys, prices and store; say what to do about each fault."""
    from windsock.cli import tables
    from windsock.cli.doctor import examine
    from windsock.config.file import load

    log.configure(level="error", is_json=False)
    findings = examine(load(_config(config), os.environ), os.environ)
    tables.show_findings(findings)
    if any(not finding.ok for finding in findings):
        raise typer.Exit(1)
