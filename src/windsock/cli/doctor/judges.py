"""Which answers the judges of routes may judge."""

from __future__ import annotations

from collections.abc import Iterator

from windsock.app.background.judging.rules import JudgeRules
from windsock.app.service import Service
from windsock.cli.doctor.diagnosis import Diagnosis

MEND = "name a model of another maker, or say own_family = true"


def diagnose_judges(service: Service) -> Iterator[Diagnosis]:
    """Of each route that has one."""
    for rules in service.judges.rules.values():
        yield _judge(service, rules)


def _judge(service: Service, rules: JudgeRules) -> Diagnosis:
    subject, left_out = f"judge of {rules.route}", service.judges.left_out(rules)
    if not left_out:
        return Diagnosis(subject=subject, ok=True, text=f"judged by {rules.model}")
    names = ", ".join(left_out)
    text = f"{rules.model} judges no answer of {names}, of its own maker; {MEND}"
    is_some = len(left_out) < len(service.router.routes[rules.route].deployments)
    return Diagnosis(subject=subject, ok=is_some, text=text, is_unsure=is_some)
