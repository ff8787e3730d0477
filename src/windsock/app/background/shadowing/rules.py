"""The shadows of routes, from settings."""

from __future__ import annotations

from dataclasses import dataclass

from windsock.config.settings import Settings
from windsock.core.evidence.agreement.canonical import Canonical


@dataclass(frozen=True, slots=True, kw_only=True)
class ShadowRules:
    """The shadow of one route; see `ShadowSettings`.

    candidates  who may be asked; empty: whoever is a candidate
    """

    route: str
    share: float
    candidates: tuple[str, ...]
    compare: str
    canonical: Canonical
    with_tools: bool


def shadow_rules_of(settings: Settings) -> dict[str, ShadowRules]:
    """By route."""
    return {
        name: ShadowRules(
            route=name,
            share=shadow.share,
            candidates=shadow.candidates,
            compare=shadow.compare,
            canonical=shadow.comparison,
            with_tools=shadow.tools,
        )
        for name, route in settings.routes.items()
        if (shadow := route.shadow) is not None
    }
