"""What became of a LiteLLM configuration, and its text as windsock.toml."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import tomli_w

FROM_ENVIRONMENT = re.compile(r"^os\.environ/(\w+)$")

Table = dict[str, Any]


@dataclass(slots=True)
class Imported:
    """Tables of windsock.toml, and what has no counterpart.

    untaken     what is not carried and what to do instead -> which models or settings state it
    """

    server: Table = field(default_factory=dict)
    cache: Table = field(default_factory=dict)
    providers: dict[str, Table] = field(default_factory=dict)
    deployments: dict[str, Table] = field(default_factory=dict)
    routes: dict[str, Table] = field(default_factory=dict)
    caps: dict[str, Table] = field(default_factory=dict)
    untaken: dict[str, list[str]] = field(default_factory=dict)

    def note(self, what: str, instead: str, where: str = "") -> None:
        """Something is not carried: `what`, stated for `where`, and what to do instead."""
        places = self.untaken.setdefault(f"{what}: {instead}", [])
        if where and where not in places:
            places.append(where)

    @property
    def notes(self) -> list[str]:
        """One sentence for each thing that is not carried."""
        return [
            f"{text} (of {', '.join(places)})" if places else text
            for text, places in self.untaken.items()
        ]


def as_toml(found: Imported, source: str) -> str:
    """The text of a windsock.toml; keys stay references to the environment."""
    notes = [f"# Made from {source} by 'windsock import litellm'."]
    if found.notes:
        notes += ["#", "# Not carried, and what to do instead:"]
        notes += [f"# - {_line(note)}" for note in found.notes]
    tables = {
        "server": found.server,
        "cache": found.cache,
        "providers": {name: facts for name, facts in found.providers.items() if facts},
        "deployments": found.deployments,
        "routes": found.routes,
        "caps": found.caps,
    }
    body = {name: table for name, table in tables.items() if table}
    return "\n".join(notes) + "\n\n" + tomli_w.dumps(body)


def reference(value: Any, default: str = "") -> str:
    """Text of the file; `os.environ/NAME` as `${NAME}`, with what holds where it is not set."""
    text = str(value).strip()
    found = FROM_ENVIRONMENT.match(text)
    if found is None:
        return text
    return f"${{{found[1]}:-{default}}}" if default else f"${{{found[1]}}}"


def _line(text: str) -> str:
    """One line of a comment: names in the file may hold anything."""
    return re.sub(r"[\x00-\x1f\x7f]+", " ", text)
