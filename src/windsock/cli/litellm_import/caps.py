"""Budgets of the proxy and of its providers, which end what is spent: caps here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from windsock.cli.litellm_import.imported import Imported, Table
from windsock.cli.litellm_import.words import PROVIDERS, UNTIMED
from windsock.providers.presets import provider_names

PERIODS = {
    "": "total",
    "1d": "day",
    "24h": "day",
    "7d": "week",
    "1w": "week",
    "30d": "month",
    "1mo": "month",
}
"""How long a budget lasts, as LiteLLM writes it."""


def take_caps(found: Imported, router: Mapping[str, Any], litellm: Mapping[str, Any]) -> None:
    """`max_budget` is of all that is spent, `provider_budget_config` of one provider each."""
    _cap(found, "litellm_settings.max_budget", "all", litellm, {})
    stated = router.get("provider_budget_config")
    for name, budget in stated.items() if isinstance(stated, dict) else ():
        place = f"router_settings.provider_budget_config.{name}"
        if not (accounts := accounts_of(found, str(name))):
            found.note(place, "none of the deployments is its")
        elif isinstance(budget, dict):
            _cap(found, place, str(name), budget, {"providers": accounts})


def _cap(found: Imported, place: str, name: str, stated: Mapping[str, Any], of: Table) -> None:
    limit = stated.get("max_budget", stated.get("budget_limit"))
    if limit is None:
        return
    lasts = str(stated.get("budget_duration", stated.get("time_period")) or "")
    try:
        usd = float(limit)
    except (TypeError, ValueError):
        usd = 0.0
    if usd > 0 and lasts in PERIODS:
        found.caps[name] = {"usd": usd, "period": PERIODS[lasts], **of}
    else:
        found.note(place, UNTIMED)


def accounts_of(found: Imported, provider: str) -> list[str]:
    """The tables of a provider whose deployments the list has."""
    known = provider_names().split_region(PROVIDERS.get(provider, provider))[0]
    asked = [each for route in found.routes.values() for each in route["candidates"]]
    names = {each.partition("/")[0] for each in (*asked, *found.deployments)}
    return sorted(n for n in names if found.providers.get(n, {}).get("preset", n) == known)
