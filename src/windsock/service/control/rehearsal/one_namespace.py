"""Of a router's state what one namespace may see: its own, and what belongs to deployments."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

State = Mapping[str, Any]

OF_ALL = ("version", "scrutiny")
"""Parts that tell of deployments alone. What is neither named here nor narrowed is left out."""


def state_of_namespace(state: State, namespace: str) -> dict[str, Any]:
    """A state of `Router.to_state` without the rows of other namespaces."""

    def mine(rows: Iterable[Any]) -> list[Any]:
        return [row for row in rows if row[0] == namespace]

    def tables(body: State, *others: str) -> dict[str, Any]:
        return {name: rows if name in others else mine(rows) for name, rows in body.items()}

    groups = [each for each in state["beliefs"]["groups"] if each["namespace"] == namespace]
    taught = state["teachings"].items()
    return {
        **{name: state[name] for name in OF_ALL},
        "beliefs": {**state["beliefs"], "groups": groups},
        "policies": {name: _policy(body, namespace) for name, body in state["policies"].items()},
        "rewards": {name: tables(body) for name, body in state["rewards"].items()},
        "silenced_keys": {k: of for k, of in state["silenced_keys"].items() if of == namespace},
        "confidences": tables(state["confidences"]),
        "teachings": {number: each for number, each in taught if each["namespace"] == namespace},
        "conversations": tables(state["conversations"], "hits"),
        "prompt_sizes": mine(state["prompt_sizes"]),
    }


def _policy(body: State, namespace: str) -> dict[str, Any]:
    """Who served is a list of rows; segments and tasks stand below their namespace."""
    made = dict(body)
    for name in {"segments", "tasks"} & made.keys():
        made[name] = {key: each for key, each in made[name].items() if key == namespace}
    if "served" in made:
        made["served"] = [row for row in made["served"] if row[0] == namespace]
    return made
