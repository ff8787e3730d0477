"""The judges of routes, from settings."""

from __future__ import annotations

from dataclasses import dataclass

from windsock.app.background.judging.redaction import Redact, redaction
from windsock.config.route_settings import RouteSettings
from windsock.config.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeRules:
    """The judge of one route; see `JudgeSettings`. reference: empty where it scores pointwise."""

    route: str
    model: str
    share: float
    rubric: str
    reference: str
    own_family: bool
    redact: Redact
    max_tokens: int
    max_chars: int


def judge_rules_of(settings: Settings) -> dict[str, JudgeRules]:
    """By route; raises ConfigError if a redaction is not to be had."""
    return {
        name: JudgeRules(
            route=name,
            model=judge.model,
            share=judge.share,
            rubric=judge.rubric,
            reference=_reference(route),
            own_family=judge.own_family,
            redact=redaction(judge.redact, judge.redact_with, f"routes.{name}.judge.redact_with"),
            max_tokens=judge.max_tokens,
            max_chars=judge.max_chars,
        )
        for name, route in settings.routes.items()
        if (judge := route.judge) is not None
    }


def _reference(route: RouteSettings) -> str:
    """Whose answers others are compared with; empty where none is."""
    judge = route.judge
    if judge is None or judge.how == "pointwise":
        return ""
    return judge.reference or route.incumbent or route.candidates[0]
