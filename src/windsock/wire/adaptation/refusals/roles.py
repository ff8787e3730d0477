"""Which roles of turns a refusal takes, and so which of those that were sent it does not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from windsock.core.model.requests import Unsupported
from windsock.wire.adaptation.parameters import DEVELOPER, NO_SYSTEM

OF_ROLES = re.compile(r"\broles?\b", re.IGNORECASE)

LISTED = re.compile(
    r"(?:\bone of\b|\bexpected\b|\b(?:allowed|available|supported|valid)(?: roles?| values?)?"
    r"(?: are| is)?:?|\bmust be\b|\bshould be\b|\beither\b|\bonly\b)"
    r"(?P<list>\W{0,4}(?:(?:and|or|'|\"|`|[\[\]{}()|,:/ ])*"
    r"\b(?:assistant|developer|function|model|system|tool|user)\b){2,7})",
    re.IGNORECASE,
)
"""A list of roles that are taken."""

ROLE = re.compile(r"[a-z]+")

UNEXPECTED = re.compile(
    r"\b(?:unexpected|unknown|unrecogni[sz]ed|unsupported"
    r"|invalid)(?: message)? role\b(?! ?[`'\":])",
    re.IGNORECASE,
)
"""Of a role that is not named."""


def roles_in(text: str, turns: Any) -> Iterator[Unsupported]:
    """What a list of roles that are taken does not hold of those that were sent."""
    if OF_ROLES.search(text) is None or not isinstance(turns, list):
        return
    sent = {turn.get("role") for turn in turns if isinstance(turn, dict)}
    found = LISTED.search(text)
    taken = {*ROLE.findall(found["list"].lower())} if found else set()
    if "user" in taken:
        if "system" not in taken and not sent.isdisjoint(("system", "developer")):
            yield Unsupported(field=NO_SYSTEM)
        elif "developer" in sent - taken:
            yield Unsupported(field=DEVELOPER)
    elif "developer" in sent and UNEXPECTED.search(text):
        yield Unsupported(field=DEVELOPER)
