"""Bodies in YAML and TOML as JSON text."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

DEEPEST = 100
"""Lists and maps inside one another."""

INSTALL = "reading YAML needs one more package; run: pip install 'windsock[litellm]'"


def json_of(form: str, text: str) -> str:
    """The same as JSON; dates become text.

    form    toml or yaml
    raises  ValueError if the text is of another form
    """
    try:
        return json.dumps(LOADERS[form](text), default=str)
    except (TypeError, RecursionError) as error:
        raise ValueError(str(error)) from error


def _toml(text: str) -> Any:
    return tomllib.loads(text)


def _yaml(text: str) -> Any:
    """Without aliases: a few of them may stand for more than fits into memory."""
    yaml, loader = _library()
    depth = 0
    try:
        for event in yaml.parse(text, loader):
            if isinstance(event, yaml.AliasEvent):
                raise ValueError("it uses aliases, which are not read")
            depth += isinstance(event, yaml.CollectionStartEvent)
            depth -= isinstance(event, yaml.CollectionEndEvent)
            if depth > DEEPEST:
                raise ValueError("it is nested too deeply")
        return yaml.load(text, loader)
    except yaml.YAMLError as error:
        raise ValueError(" ".join(str(error).split())) from error


@cache
def _library() -> tuple[Any, Any]:
    """The library and the faster of its safe loaders."""
    try:
        import yaml
    except ModuleNotFoundError as error:
        raise ValueError(INSTALL) from error
    return yaml, getattr(yaml, "CSafeLoader", yaml.SafeLoader)


LOADERS: Mapping[str, Callable[[str], Any]] = {"toml": _toml, "yaml": _yaml}
"""By the `format` of a feed."""
