"""`windsock keys`: making, listing and ending the virtual keys in the store."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from windsock.cli.options import Config, config_path
from windsock.errors import WindsockError

if TYPE_CHECKING:
    from windsock.config.settings import Settings
    from windsock.store.keys import VirtualKey

keys_app = typer.Typer(help="Virtual keys.", no_args_is_help=True)


@keys_app.command("create")
def keys_create(
    name: Annotated[str, typer.Argument(help="what the key is for")],
    namespace: Annotated[str, typer.Option()] = "default",
    scope: Annotated[list[str] | None, typer.Option("--scope", help="repeatable")] = None,
    config: Config = None,
) -> None:
    """Make a key and show it once."""
    scopes = tuple(scope or ("infer", "feedback", "read"))
    print(create_key(_settings(config), name, namespace, scopes))


@keys_app.command("list")
def keys_list(config: Config = None) -> None:
    """All keys, without their secrets."""
    from windsock.cli import tables

    tables.show_keys(list_keys(_settings(config)))


@keys_app.command("revoke")
def keys_revoke(key_id: str, config: Config = None) -> None:
    """End a key; a running service notices within seconds."""
    if not revoke_key(_settings(config), key_id):
        raise WindsockError(f"no active key has the id {key_id!r}; see 'windsock keys list'")


def create_key(settings: Settings, name: str, namespace: str, scopes: tuple[str, ...]) -> str:
    """A new key in the store of these settings; its secret is to be shown once."""
    from windsock.app.state_recovery import prepared_engine
    from windsock.clock import SystemClock
    from windsock.service.auth import new_key
    from windsock.store import queries

    key, public, digest = new_key()
    clock = SystemClock()
    record = queries.VirtualKey(
        id=public,
        name=name,
        sha256=digest,
        namespace=namespace,
        scopes=scopes,
        created_at=clock.now(),
    )
    queries.add_key(prepared_engine(settings, clock), record)
    return key


def list_keys(settings: Settings) -> list[VirtualKey]:
    """All keys of the store, active and revoked."""
    from windsock.app.state_recovery import prepared_engine
    from windsock.clock import SystemClock
    from windsock.store import queries

    return queries.keys(prepared_engine(settings, SystemClock()))


def revoke_key(settings: Settings, key_id: str) -> bool:
    """End a key; False if no active key has this id."""
    from windsock.app.state_recovery import prepared_engine
    from windsock.clock import SystemClock
    from windsock.store import queries

    clock = SystemClock()
    return queries.revoke_key(prepared_engine(settings, clock), key_id, clock.now())


def _settings(config: Path | None) -> Settings:
    from windsock.config.file import load

    return load(config_path(config), os.environ)
