"""Reading windsock.toml: secrets from outside, and one clear sentence for what is wrong."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from windsock.config.settings import Settings
from windsock.errors import ConfigError
from windsock.resources.declared import first_fault, read_text

SECRET = re.compile(r"\$\{(\w+)(?::-([^}]*))?\}|\bos\.environ/(\w+)")
"""${NAME}, ${NAME:-default} or os.environ/NAME, as LiteLLM writes it."""


UNSET = "unset"
"""Stands where a variable is not set and nobody needs what it holds."""


def load(
    path: Path | None, environ: Mapping[str, str], *, needs: Collection[str] | None = None
) -> Settings:
    """Settings from a file, or the defaults if `path` is None; raises ConfigError.

    needs   tables whose variables must be set, elsewhere UNSET may stand instead; None: all
    """
    if path is None:
        return Settings()
    text = read_text(path, mend="check its name")
    return parse(text, environ, source=str(path), needs=needs)


def load_store(path: Path | None, environ: Mapping[str, str]) -> Settings:
    """Settings of which only [store] is read: all that a command needs which looks there.

    raises  ConfigError
    """
    if path is None:
        return Settings()
    text = read_text(path, mend="check its name")
    store = _body(text, str(path)).get("store", {})
    return _settings({"store": store}, text, environ, source=str(path), needs=None)


def unset_variables(path: Path | None, environ: Mapping[str, str]) -> dict[str, str]:
    """Names of variables that a file names and nobody has set, by the key where each stands."""
    if path is None:
        return {}
    unset: dict[str, str] = {}
    _filled(_body(read_text(path, mend="check its name"), str(path)), environ, unset)
    return unset


def parse(
    text: str, environ: Mapping[str, str], *, source: str, needs: Collection[str] | None = None
) -> Settings:
    """Settings from TOML text; `source` names it in errors; raises ConfigError."""
    return _settings(_body(text, source), text, environ, source=source, needs=needs)


def _settings(
    body: dict[str, Any],
    text: str,
    environ: Mapping[str, str],
    *,
    source: str,
    needs: Collection[str] | None,
) -> Settings:
    unset: dict[str, str] = {}
    filled = _filled(body, environ, unset)
    for place, name in unset.items():
        if needs is None or place.partition(".")[0] in needs:
            raise ConfigError(f"{source}: {unset_words(place, name)}")
    try:
        return Settings.model_validate(filled)
    except ValidationError as error:
        places, sentence = first_fault(error, nearest=_nearest)
        key = ".".join(each for each in places if not each.isdigit())
        if key in unset:
            raise ConfigError(f"{source}: {unset_words(key, unset[key])}") from error
        raise ConfigError(f"{source}{_line_of(places, text)}: {sentence}") from error


def unset_words(place: str, name: str) -> str:
    """What is wrong with a variable that is not set, and the mend."""
    return (
        f"{place} names the environment variable {name}, which is not set; set it, or give a "
        f"default with ${{{name}:-...}}"
    )


def _body(text: str, source: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{source}: not valid TOML: {error}") from error


def _filled(
    value: Any, environ: Mapping[str, str], unset: dict[str, str], place: tuple[str, ...] = ()
) -> Any:
    """With the variables that it names; `unset` gets those that are not set."""
    if isinstance(value, dict):
        return {k: _filled(v, environ, unset, (*place, k)) for k, v in value.items()}
    if isinstance(value, list):
        return [_filled(v, environ, unset, place) for v in value]
    if not isinstance(value, str):
        return value

    def secret(match: re.Match[str]) -> str:
        name, default = match[1] or match[3], match[2]
        found = environ.get(name, default)
        if found is None:
            unset[".".join(place)] = name
            return UNSET
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
