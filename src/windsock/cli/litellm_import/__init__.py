"""`windsock import litellm`: a LiteLLM proxy's configuration as windsock.toml."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from windsock.cli.litellm_import.entries import is_wildcard, take_entry
from windsock.cli.litellm_import.groups import take_groups
from windsock.cli.litellm_import.imported import Imported, as_toml
from windsock.cli.litellm_import.source import read_source
from windsock.errors import ConfigError

__all__ = ["Imported", "as_toml", "read_litellm"]


def read_litellm(path: Path, environ: Mapping[str, str]) -> Imported:
    """What the file says in the words of windsock.toml; raises ConfigError.

    environ     variables that name models: `model: os.environ/NAME` is read now
    """
    body = read_source(path)
    found = Imported()
    for entry in sorted(body["model_list"], key=is_wildcard):  # exact names are stronger
        take_entry(found, entry, environ)
    take_groups(found, body)
    if not found.routes and not found.deployments:
        reasons = "; ".join(found.notes)
        raise ConfigError(f"{path}: no entry of model_list can be carried: {reasons}")
    return found
