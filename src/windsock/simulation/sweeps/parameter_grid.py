"""Variants of a scenario: `--set route.quality_floor=0.85,0.9` is the scenario twice."""

from __future__ import annotations

import itertools
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError

from windsock.errors import ConfigError
from windsock.simulation.world.scenario import Scenario

Setting = tuple[str, Any]
"""A key of the scenario, dots between its parts, and the value it is given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One variant: the scenario with `settings` in place."""

    settings: tuple[Setting, ...]
    scenario: Scenario

    @property
    def label(self) -> str:
        """Its settings as KEY=VALUE, separated by commas."""
        return ", ".join(f"{key}={value}" for key, value in self.settings)


def cases(scenario: Scenario, settings: Sequence[str] | None) -> list[Case]:
    """Every combination of the values asked for; the scenario itself if none are.

    settings    each KEY=VALUE[,VALUE...]; values are TOML, or plain words
    raises      ConfigError naming the key or value
    """
    axes = [_axis(scenario, text) for text in settings or ()]
    return [
        Case(settings=chosen, scenario=_with(scenario, chosen))
        for chosen in itertools.product(*axes)
    ]


def _axis(scenario: Scenario, text: str) -> list[Setting]:
    key, equals, values = text.partition("=")
    if not equals or not values.strip():
        raise ConfigError(f"--set {text!r}: write KEY=VALUE or KEY=VALUE,VALUE")
    key = key.strip()
    _place(scenario.model_dump(mode="json"), key)
    return [(key, _frozen(key, value)) for value in _values(values)]


def _values(text: str) -> list[Any]:
    try:
        return list(tomllib.loads(f"values = [{text}]")["values"])
    except tomllib.TOMLDecodeError:
        return [_word(word.strip()) for word in text.split(",")]


def _frozen(key: str, value: Any) -> Any:
    """Lists as tuples, so that settings can stand as keys; raises ConfigError on a table."""
    if isinstance(value, dict):
        raise ConfigError(f"--set {key}: give a value, not a table; set {key}.NAME instead")
    return tuple(_frozen(key, each) for each in value) if isinstance(value, list) else value


def _word(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _with(scenario: Scenario, settings: Sequence[Setting]) -> Scenario:
    if not settings:
        return scenario
    body = scenario.model_dump(mode="json")
    for key, value in settings:
        holder, last = _place(body, key)
        holder[last] = value
    try:
        return Scenario.model_validate(body)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        message = fault["msg"].removeprefix("Value error, ")
        told = ", ".join(f"{key}={value}" for key, value in settings)
        raise ConfigError(f"--set {told}: {message}") from error


def _place(body: Any, key: str) -> tuple[Any, Any]:
    """The table or list that holds a key, and its last part; names may themselves hold dots."""
    holder, left = body, key
    while True:
        name = _longest(holder, left)
        if name is None:
            raise ConfigError(f"--set {key}: {_unknown(holder, left)}")
        part: Any = int(name) if isinstance(holder, list) else name
        if name == left:
            return holder, part
        holder, left = holder[part], left[len(name) + 1 :]


def _longest(holder: Any, key: str) -> str | None:
    fitting = [name for name in _names(holder) if key == name or key.startswith(name + ".")]
    return max(fitting, key=len, default=None)


def _names(holder: Any) -> list[str]:
    if isinstance(holder, Mapping):
        return list(holder)
    return [str(i) for i in range(len(holder))] if isinstance(holder, list) else []


def _unknown(holder: Any, key: str) -> str:
    names = _names(holder)
    near = get_close_matches(key.partition(".")[0], names, n=1)
    if near:
        return f"the scenario has no key {key!r} here; did you mean {near[0]!r}?"
    return f"the scenario has no key {key!r} here; there are {', '.join(names) or 'none'}"
