"""The Grafana dashboard as it is read: its panels, and what they ask of Prometheus."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

DEPLOY = Path(__file__).parents[2] / "deploy"
DASHBOARD: dict[str, Any] = json.loads((DEPLOY / "grafana/windsock.json").read_text())
VARIABLES = {"$route": ".*", "$deployment": ".*", "$__rate_interval": "1m"}
"""What Grafana puts in their places."""


def panels() -> list[dict[str, Any]]:
    """Those that ask something."""
    return [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]


def asked() -> Iterator[tuple[str, str]]:
    """(title, expression) of every question, with the variables filled in."""
    for panel in panels():
        for target in panel["targets"]:
            yield panel["title"], filled(target["expr"])
    for each in DASHBOARD["annotations"]["list"]:
        yield each["name"], filled(each["expr"])


def filled(expression: str) -> str:
    for name, value in VARIABLES.items():
        expression = expression.replace(name, value)
    return expression
