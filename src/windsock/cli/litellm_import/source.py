"""A LiteLLM proxy's file as it reads it: YAML, files it includes, named credentials."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from windsock.errors import ConfigError

EXPONENT = re.compile(r"^[-+]?(?:\d+\.?\d*|\.\d+)[eE][-+]?\d+$")
"""A number as `1e-5`, which YAML 1.1 takes for text; prices are written so."""


def read_source(path: Path) -> dict[str, Any]:
    """The whole configuration; raises ConfigError if it is none."""
    body = _with_included(path, _parsed(path))
    models = body.get("model_list")
    if not isinstance(models, list) or not models:
        raise ConfigError(
            f"{path}: has no model_list; is it a LiteLLM proxy's config? Models that the proxy "
            "keeps in its database are listed by its GET /model/info"
        )
    credentials = _credentials(body.pop("credential_list", None))
    body["model_list"] = [_with_credentials(each, credentials) for each in models]
    return body


def _parsed(path: Path) -> dict[str, Any]:
    yaml, loader = _yaml()
    try:
        body = yaml.load(path.read_text(encoding="utf-8"), Loader=loader)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror})") from error
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        reason = str(error).splitlines()[0]
        raise ConfigError(f"{path}: not valid YAML: {reason}") from error
    return body if isinstance(body, dict) else {}


@cache
def _yaml() -> tuple[Any, Any]:
    """The library, and its safe loader with numbers as YAML 1.2 writes them."""
    try:
        import yaml
    except ModuleNotFoundError as error:
        raise ConfigError(
            "reading YAML needs one more package; run: pip install 'windsock[litellm]'"
        ) from error

    class Loader(yaml.SafeLoader):
        pass

    Loader.add_implicit_resolver("tag:yaml.org,2002:float", EXPONENT, list("-+.0123456789"))
    return yaml, Loader


def _with_included(path: Path, body: dict[str, Any]) -> dict[str, Any]:
    """Lists of the files named in `include` are appended, other keys of theirs count if new."""
    names = body.pop("include", None)
    for name in names if isinstance(names, list) else ():
        for key, value in _parsed(path.parent / str(name)).items():
            known = body.get(key)
            body[key] = known + value if isinstance(known, list) else known or value
    return body


def _credentials(stated: Any) -> dict[str, Mapping[str, Any]]:
    """Values of `credential_list` by name."""
    entries = [each for each in stated or () if isinstance(each, dict)]
    return {
        str(each.get("credential_name")): values
        for each in entries
        if isinstance(values := each.get("credential_values"), dict)
    }


def _with_credentials(entry: Any, credentials: Mapping[str, Mapping[str, Any]]) -> Any:
    """A deployment of the list with the values of the credential that it names."""
    params = entry.get("litellm_params") if isinstance(entry, dict) else None
    if not isinstance(params, dict):
        return entry
    named = credentials.get(str(params.get("litellm_credential_name")), {})
    stated = {k: v for k, v in params.items() if k != "litellm_credential_name" or not named}
    return {**entry, "litellm_params": {**named, **stated}}
