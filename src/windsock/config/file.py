"""Reading windsock.toml: secrets from outside, and one clear sentence for what is wrong."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from windsock.config.settings import Settings
from windsock.errors import ConfigError
from windsock.resources.declared import first_fault, read_text

SECRET = re.compile(r"\$\{(\w+)(?::-([^}]*))?\}|\bos\.environ/(\w+)")
"""${NAME}, ${NAME:-default} or os.environ/NAME, as LiteLLM writes it."""


def load(path: Path | None, environ: Mapping[str, str]) -> Settings:
    """Settings from a file, or the defaults if `path` is None; raises ConfigError."""
    if path is None:
        return Settings()
    return parse(read_text(path, mend="check --config"), environ, source=str(path))


def parse(text: str, environ: Mapping[str, str], *, source: str) -> Settings:
    """Settings from TOML text; `source` names it in errors; raises ConfigError."""
    try:
        body = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{source}: not valid TOML: {error}") from error
    filled = _with_secrets(body, environ, source, ())
    try:
        return Settings.model_validate(filled)
    except ValidationError as error:
        place, sentence = first_fault(error, nearest=_nearest)
        raise ConfigError(f"{source}{_line_of(place, text)}: {sentence}") from error


def _with_secrets(
    value: Any, environ: Mapping[str, str], source: str, place: tuple[str, ...]
) -> Any:
    if isinstance(value, dict):
        return {k: _with_secrets(v, environ, source, (*place, k)) for k, v in value.items()}
    if isinstance(value, list):
        return [_with_secrets(v, environ, source, place) for v in value]
    if not isinstance(value, str):
        return value

    def secret(match: re.Match[str]) -> str:
        name, default = match[1] or match[3], match[2]
        found = environ.get(name, default)
        if found is None:
            raise ConfigError(
                f"{source}: {'.'.join(place)} names the environment variable {name}, which is "
                f"not set; set it, or give a default with ${{{name}:-...}}"
            )
        return found

    return SECRET.sub(secret, value)


def _nearest(place: Sequence[str]) -> str | None:
    """The known key that an unknown one was probably meant to be."""
    return next(iter(get_close_matches(place[-1], _known_keys(place[:-1]), n=1)), None)


def _known_keys(place: Sequence[str]) -> list[str]:
    """Keys of the table at a place."""
    model: Any = Settings
    for part in place:
        fields = getattr(model, "model_fields", None)
        if fields is not None and part in fields:
            model = fields[part].annotation
        elif not part.isdigit():
            pass
        while getattr(model, "__args__", None):
            parts = [a for a in model.__args__ if a is not type(None) and a is not Ellipsis]
            model = parts[-1]
    return list(getattr(model, "model_fields", {}))


def _line_of(place: list[str], text: str) -> str:
    """`:LINE` of the key's first mention after its table's header, or nothing if not found."""
    names = [part for part in place if not part.isdigit()]
    lines = text.splitlines()
    start = 0
    for name in names[:-1]:
        pattern = re.compile(rf"^\s*\[.*{re.escape(name)}|^\s*\"?{re.escape(name)}\"?\s*=")
        start = next((i for i in range(start, len(lines)) if pattern.search(lines[i])), start)
    if not names:
        return ""
    pattern = re.compile(rf"(^|[\s{{,.\[\"]){re.escape(names[-1])}[\"\]]*\s*(=|\]|$)")
    for i in range(start, len(lines)):
        if pattern.search(lines[i]):
            return f":{i + 1}"
    return ""
