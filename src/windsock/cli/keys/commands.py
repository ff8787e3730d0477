"""`windsock keys`: making, listing, replacing and ending the virtual keys in the store."""

from __future__ import annotations

import os
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from windsock.cli.options import AsJson, Config, config_path

if TYPE_CHECKING:
    from windsock.cli.keys.key_book import KeyBook

MOST = 2**31 - 1
"""Of a limit, as every database holds it."""

keys_app = typer.Typer(help="Virtual API keys.", no_args_is_help=True)


def _scopes(begun: str) -> list[str]:
    """For completion in a shell."""
    from windsock.service.auth import SCOPES

    return [scope for scope in SCOPES if scope.startswith(begun)]


KeyId = Annotated[str, typer.Argument(help="the id of a key; 'windsock keys list' shows it")]


@keys_app.command("create")
def keys_create(
    name: Annotated[str, typer.Argument(help="what the key is for")],
    namespace: Annotated[
        str, typer.Option(help="namespace whose beliefs and decisions it shares")
    ] = "default",
    scope: Annotated[
        list[str] | None,
        typer.Option(
            "--scope",
            autocompletion=_scopes,
            help="infer, feedback, read, label, metrics, admin; repeatable",
        ),
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option(
            "--model",
            help="a route, deployment or model it may ask for, or a glob; "
            "repeatable, all if not said",
        ),
    ] = None,
    rpm: Annotated[
        int | None, typer.Option(min=1, max=MOST, help="requests per minute, at most")
    ] = None,
    tpm: Annotated[
        int | None, typer.Option(min=1, max=MOST, help="tokens per minute, at most")
    ] = None,
    budget_usd: Annotated[
        float | None, typer.Option("--budget-usd", min=0, max=MOST, help="dollars it may spend")
    ] = None,
    budget_period: Annotated[
        str | None, typer.Option("--budget-period", help="per day, week or month, or in total")
    ] = None,
    expires: Annotated[
        str | None, typer.Option(help="such as 90d, or a date such as 2027-01-31")
    ] = None,
    private: Annotated[
        bool,
        typer.Option(
            "--private",
            help="texts of its requests are held nowhere: not for "
            "labels, not for judges, not in the cache",
        ),
    ] = False,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Create a key and show it once."""
    from windsock.cli.keys import printing

    made = _book(config).create(
        name,
        namespace=namespace,
        scopes=scope,
        models=model or (),
        rpm=rpm,
        tpm=tpm,
        budget_usd=None if budget_usd is None else Decimal(str(budget_usd)),
        budget_period=budget_period,
        expires=expires,
        is_private=private,
    )
    printing.show_made(made, as_json=as_json)


@keys_app.command("list")
def keys_list(config: Config = None, as_json: AsJson = False) -> None:
    """List all keys, without their secrets."""
    from windsock.cli.keys import printing

    book = _book(config)
    printing.show_keys(book.keys(), book.now(), as_json=as_json)


@keys_app.command("show")
def keys_show(key_id: KeyId, config: Config = None, as_json: AsJson = False) -> None:
    """Show one key: its scopes, limits and budget."""
    from windsock.cli.keys import printing

    book = _book(config)
    printing.show_key(book.key(key_id), book.now(), as_json=as_json)


@keys_app.command("rotate")
def keys_rotate(
    key_id: KeyId,
    overlap: Annotated[str, typer.Option(help="how long the old one still works")] = "1h",
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Replace a key. Limits, budget and history carry over."""
    from windsock.cli.keys import printing

    printing.show_made(_book(config).rotate(key_id, overlap), as_json=as_json)


@keys_app.command("revoke")
def keys_revoke(key_id: KeyId, config: Config = None, as_json: AsJson = False) -> None:
    """Revoke a key; a running service notices within seconds."""
    from windsock.cli.keys import printing

    book = _book(config)
    printing.show_key(book.revoke(key_id), book.now(), as_json=as_json)


def _book(config: Path | None) -> KeyBook:
    from windsock.cli.keys.key_book import KeyBook
    from windsock.clock import SystemClock
    from windsock.config.file import load_store

    return KeyBook(load_store(config_path(config), os.environ), SystemClock())
