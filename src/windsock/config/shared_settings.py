"""What may be shown of a configuration: what routing rests on, never a key or an address."""

from __future__ import annotations

from typing import Any

from windsock.config.settings import Settings

ROUTING = {"providers", "deployments", "aliases", "currencies", "routes", "default_route",
           "budgets", "timezone", "guard", "learning"}  # fmt: skip
"""Tables that decide who is asked."""

NOWHERE = "http://127.0.0.1:9"
"""The address of a provider that nobody will call."""

HIDDEN = {"base_url", "api_key", "headers", "auth", "region", "resource", "project", "account"}
"""Of a provider: how it is reached."""


def shared_settings(settings: Settings, route: str) -> dict[str, Any]:
    """A windsock.toml, JSON-able, in which this route decides as it does here."""
    hidden = {"providers": {"__all__": HIDDEN}}
    body = settings.model_dump(
        mode="json",
        include=ROUTING,
        exclude=hidden,
        exclude_none=True,
        exclude_defaults=True,
        by_alias=True,
    )
    for provider in body.get("providers", {}).values():
        provider["base_url"] = NOWHERE
    body["routes"] = {name: each for name, each in body["routes"].items() if name == route}
    for each in body["routes"].values():
        each.pop("judge", None)
    return {key: value for key, value in body.items() if key != "default_route"}
