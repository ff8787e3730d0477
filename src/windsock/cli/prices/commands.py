"""`windsock prices`: what a running service, or a store alone, knows about prices."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from windsock.cli.options import HERE, AsJson, Config, Key, Url, config_path
from windsock.errors import masked

if TYPE_CHECKING:
    from windsock.cli.service_client import Client

prices_app = typer.Typer(help="The price book, its history and held quotes.", no_args_is_help=True)

Deployment = Annotated[str, typer.Argument(help="its id, such as openai/gpt-4o-mini")]
Feed = Annotated[str, typer.Argument(help="whose quote, as 'windsock prices quarantine' says")]


@contextmanager
def answering(url: str, key: str | None, config: Path | None) -> Iterator[Client]:
    """The service at `url`, or the store of a configuration where that is named.

    Where neither is named and no service answers here, the store of the windsock.toml found here.
    """
    from windsock.cli.service_client import NothingAnswers, ServiceClient

    found = config_path(config)
    if config is None:
        try:
            service = ServiceClient(url, key)
            service.ask("/healthz")
            yield service
            return
        except NothingAnswers:
            if url != HERE or found is None:
                raise
        where = masked(url)
        typer.echo(f"no service answers at {where}: from the store of {found}", err=True)
    with _stored(found) as store:
        yield store


@contextmanager
def _stored(config: Path | None) -> Iterator[Client]:
    from windsock.cli.prices.stored import StoredClient, stored_service
    from windsock.config.file import load
    from windsock.observability import log

    log.configure(level="error", is_json=False)
    with stored_service(load(config, os.environ, needs=("store",)), os.environ) as service:
        yield StoredClient(service)


@prices_app.command("list")
def prices_list(
    url: Url = HERE, key: Key = None, config: Config = None, as_json: AsJson = False
) -> None:
    """List prices in force with feed and age. Anything special is on a second line."""
    from windsock.cli.prices import tables

    with answering(url, key, config) as service:
        tables.show_prices(service, as_json=as_json)


@prices_app.command("show")
def prices_show(
    deployment: Deployment,
    url: Url = HERE,
    key: Key = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Show one price in full. By meter, size, service tier and hour, with every feed's word."""
    from windsock.cli.prices import tables

    with answering(url, key, config) as service:
        tables.show_price(service, deployment, as_json=as_json)


@prices_app.command("history")
def prices_history(
    deployment: Deployment,
    url: Url = HERE,
    key: Key = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """List every accepted quote of a deployment."""
    from windsock.cli.prices import tables

    with answering(url, key, config) as service:
        tables.show_history(service, deployment, as_json=as_json)


@prices_app.command("quarantine")
def prices_quarantine(
    url: Url = HERE, key: Key = None, config: Config = None, as_json: AsJson = False
) -> None:
    """List quotes that are held back, and why."""
    from windsock.cli.prices import tables

    with answering(url, key, config) as service:
        tables.show_quarantine(service, as_json=as_json)


@prices_app.command("approve")
def prices_approve(
    deployment: Deployment, feed: Feed, url: Url = HERE, key: Key = None, as_json: AsJson = False
) -> None:
    """Accept a held quote."""
    from windsock.cli.prices import tables
    from windsock.cli.service_client import ServiceClient

    tables.rule(ServiceClient(url, key), "approve", deployment, feed, as_json=as_json)


@prices_app.command("reject")
def prices_reject(
    deployment: Deployment, feed: Feed, url: Url = HERE, key: Key = None, as_json: AsJson = False
) -> None:
    """Reject a held quote, or take back a believed one of that feed."""
    from windsock.cli.prices import tables
    from windsock.cli.service_client import ServiceClient

    tables.rule(ServiceClient(url, key), "reject", deployment, feed, as_json=as_json)
