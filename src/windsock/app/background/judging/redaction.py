"""What a judge may see of a text."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from importlib import import_module

from windsock.errors import ConfigError

Redact = Callable[[str], str]

REDACTED = "[redacted]"


def redaction(patterns: Sequence[re.Pattern[str]], hook: str | None, where: str) -> Redact:
    """A text to what may be shown of it.

    hook    `package.module:function`, asked first; where: the setting that names it
    raises  ConfigError if there is no such function
    """
    own = _function(hook, where) if hook else str

    def redact(text: str) -> str:
        text = own(text)
        if not isinstance(text, str):
            raise TypeError("a redaction gives a text")
        for pattern in patterns:
            text = pattern.sub(REDACTED, text)
        return text

    return redact


def _function(name: str, where: str) -> Redact:
    module, _, function = name.partition(":")
    try:
        found = getattr(import_module(module), function)
    except (ImportError, AttributeError) as error:
        raise ConfigError(
            f"{where}: {name!r} cannot be imported; write package.module:function of a function "
            "that is installed here"
        ) from error
    if not callable(found):
        raise ConfigError(f"{where}: {name!r} is no function; name one that takes and gives a text")
    return found  # type: ignore[no-any-return]
