"""From what is known of a provider and what its owner says to where and how it is called."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit

from windsock.clock import Clock
from windsock.errors import ConfigError
from windsock.providers.auth.facts import AuthFacts
from windsock.providers.auth.registry import SIGNERS
from windsock.providers.presets import Preset
from windsock.providers.transport import Endpoint, Signer

PLACE = re.compile(r"\{(\w+)\}")
"""What stands for a part of an address that each owner has of his own: `{region}`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What an owner says of his account at a provider; what is left out is the preset's.

    name        the provider's in the configuration
    places      parts of the address by name: region, resource, project, account
    api_version dated version of the API, for those that have several
    """

    name: str
    base_url: str | None = field(default=None, repr=False)
    api_key: str | None = field(default=None, repr=False)
    auth: str | None = None
    api_version: str | None = None
    places: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


def endpoint_of(
    account: Account, preset: Preset, environ: Mapping[str, str], clock: Clock
) -> Endpoint:
    """Where and how to call; raises ConfigError naming what is missing."""
    places = _places(account, preset, environ)
    key = account.api_key or (environ.get(preset.key) if preset.key else None)
    headers, query, signer = _shown(account, preset, key, places, clock)
    is_dated = account.api_version is not None and preset.dated_url
    version = [f"api-version={quote(account.api_version, safe='')}"] if account.api_version else []
    return Endpoint(
        base_url=_base_url(account, preset, places),
        headers={**preset.headers, **account.headers, **headers},
        prefix=preset.dated_prefix if is_dated else "",
        query="&".join([*version, *query]),
        bill_header=preset.bill_header,
        signer=signer,
    )


def _places(account: Account, preset: Preset, environ: Mapping[str, str]) -> dict[str, str]:
    """Parts of the address: as stated, else from the environment."""
    found = {
        place: value
        for place, names in preset.places.items()
        for name in reversed(names)
        if (value := environ.get(name))
    }
    return {**found, **account.places}


def _base_url(account: Account, preset: Preset, places: Mapping[str, str]) -> str:
    """With its places filled; of an own one that names only the host, the path is the preset's."""
    usual = preset.base_urls.get(places.get("region", ""), preset.base_url)
    usual = preset.dated_url if account.api_version and preset.dated_url else usual
    base_url = account.base_url or places.get("base_url") or usual
    if not base_url:
        raise ConfigError(f"providers.{account.name} has no base_url; add one")
    if not _is_address(base_url):
        raise ConfigError(
            f"providers.{account.name}.base_url must start with https:// or http:// and name a "
            "host; what stands there is not repeated, for it may be a key"
        )
    is_completed = preset.is_own or "{resource}" in usual
    if is_completed and not urlsplit(base_url).path.strip("/"):
        base_url = base_url.rstrip("/") + urlsplit(usual).path
    return PLACE.sub(lambda found: _place(found[1], account, preset, places), base_url).rstrip("/")


def _is_address(url: str) -> bool:
    """Whether a provider can be called there."""
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _place(name: str, account: Account, preset: Preset, places: Mapping[str, str]) -> str:
    value = places.get(name)
    if value is None:
        names = preset.places.get(name, ())
        mend = f"set {names[0]}, or add" if names else "add"
        raise ConfigError(
            f"provider {account.name!r} is used but its {name} is not known; {mend} "
            f"[providers.{account.name}] {name}"
        )
    if not re.fullmatch(r"[\w.-]+", value):
        raise ConfigError(
            f"providers.{account.name}.{name} {value!r} may hold letters, digits, '.', '-' and "
            "'_' only"
        )
    return value


def _shown(
    account: Account,
    preset: Preset,
    key: str | None,
    places: Mapping[str, str],
    clock: Clock,
) -> tuple[dict[str, str], list[str], Signer | None]:
    """Who calls: headers, parts of the query, and what makes the headers that change."""
    auth = account.auth or (preset.auth if key else _keyless(account, preset))
    if auth in SIGNERS:
        facts = AuthFacts(
            provider=account.name,
            scope=preset.auth_scope,
            region=places.get("region", ""),
            clock=clock,
        )
        return {}, [], SIGNERS[auth](facts)
    if key is None:
        _require_no_key(account, preset)
        return {}, [], None
    kind, _, name = auth.partition(":")
    if kind == "query":
        return {}, [f"{name}={quote(key, safe='')}"], None
    return {"authorization": f"Bearer {key}"} if auth == "bearer" else {auth: key}, [], None


def _keyless(account: Account, preset: Preset) -> str:
    """Never by itself where what is shown could be read on the way."""
    is_open = (account.base_url or "").startswith("http://")
    return preset.auth if is_open or preset.keyless_auth is None else preset.keyless_auth


def _require_no_key(account: Account, preset: Preset) -> None:
    """Where its own server is meant, a key is not needed."""
    if preset.key and account.base_url is None:
        raise ConfigError(
            f"provider {account.name!r} is used but has no key; set {preset.key}, or add "
            f"[providers.{account.name}] api_key"
        )
