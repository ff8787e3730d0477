"""System turns of a conversation, changed to what a deployment takes of them."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from windsock.wire.adaptation.parameters import DEVELOPER, SYSTEM, Parameters

Turn = dict[str, Any]

ROLES = ("system", "developer")


def developer(turns: list[Turn], rules: Parameters) -> list[str]:
    """The role developer, where it is not known, is called system."""
    if rules.has_developer is not False:
        return []
    found = [turn for turn in turns if turn.get("role") == "developer"]
    for turn in found:
        turn["role"] = "system"
    return [DEVELOPER] if found else []


def system_first(turns: list[Turn], rules: Parameters) -> list[str]:
    """What system turns say stands together in one, before all else."""
    said = [turn for turn in turns if turn.get("role") in ROLES]
    if not rules.is_system_first or not said or (len(said) == 1 and said[0] is turns[0]):
        return []
    rest = [turn for turn in turns if turn.get("role") not in ROLES]
    turns[:] = [{**said[0], "content": joined(turn.get("content") for turn in said)}, *rest]
    return [SYSTEM]


def no_system(turns: list[Turn], rules: Parameters) -> list[str]:
    """What system turns say stands before the first words of the user's."""
    said = [turn for turn in turns if turn.get("role") in ROLES]
    if rules.has_system is not False or not said:
        return []
    told = joined(turn.get("content") for turn in said)
    rest = [turn for turn in turns if turn.get("role") not in ROLES]
    if rest and rest[0].get("role") == "user":
        rest[0] = {**rest[0], "content": joined([told, rest[0].get("content")])}
    elif told:
        rest.insert(0, {"role": "user", "content": told})
    turns[:] = rest
    return [SYSTEM]


def alternates(turns: Any) -> bool:
    """Whether the turns of user and assistant do, so that a system turn is what is too many."""
    if not isinstance(turns, list):
        return False
    roles = [turn.get("role") for turn in turns if isinstance(turn, dict)]
    spoken = [role for role in roles if role not in ROLES]
    return len(spoken) < len(roles) and all(a != b for a, b in pairwise(spoken))


def joined(contents: Any) -> Any:
    """Texts as one text; with other parts among them, all as a list of parts."""
    said = [each for each in contents if each]
    if all(isinstance(each, str) for each in said):
        return "\n\n".join(said)
    return [
        part
        for each in said
        for part in ([{"type": "text", "text": each}] if isinstance(each, str) else each)
    ]
