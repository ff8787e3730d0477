"""`windsock prices`: what a running service believes about prices."""

from __future__ import annotations

import typer

from windsock.cli.options import HERE, Key, Url

prices_app = typer.Typer(help="The price book, its history and held quotes.", no_args_is_help=True)


@prices_app.command("list")
def prices_list(url: Url = HERE, key: Key = None) -> None:
    """Prices in force, their feed and age."""
    from windsock.cli import tables
    from windsock.cli.service_client import ServiceClient

    tables.show_prices(ServiceClient(url, key))


@prices_app.command("history")
def prices_history(deployment: str, url: Url = HERE, key: Key = None) -> None:
    """Every accepted quote of a deployment."""
    from windsock.cli import tables
    from windsock.cli.service_client import ServiceClient

    tables.show_history(ServiceClient(url, key), deployment)


@prices_app.command("quarantine")
def prices_quarantine(url: Url = HERE, key: Key = None) -> None:
    """Quotes that are not believed yet, and why."""
    from windsock.cli import tables
    from windsock.cli.service_client import ServiceClient

    tables.show_quarantine(ServiceClient(url, key))


@prices_app.command("approve")
def prices_approve(deployment: str, feed: str, url: Url = HERE, key: Key = None) -> None:
    """Believe a held quote."""
    from windsock.cli import tables
    from windsock.cli.service_client import ServiceClient

    tables.rule(ServiceClient(url, key), "approve", deployment, feed)


@prices_app.command("reject")
def prices_reject(deployment: str, feed: str, url: Url = HERE, key: Key = None) -> None:
    """Drop a held quote."""
    from windsock.cli import tables
    from windsock.cli.service_client import ServiceClient

    tables.rule(ServiceClient(url, key), "reject", deployment, feed)
