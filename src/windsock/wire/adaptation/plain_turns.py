"""A conversation's turns, read once; and whether they are words alone, as most are.

Of words alone nothing has to be looked for: no pictures, no calls, nothing that a provider made.
"""

from __future__ import annotations

from dataclasses import dataclass
from operator import attrgetter

import msgspec

from windsock.core.model.requests import PREFILL_MARK

NOT_PLAIN = frozenset({"assistant", "developer", "tool", "function"})
"""Roles whose turns a deployment may take in another shape, or not at all."""


class Turn(msgspec.Struct):
    """One of `messages`; its content as it came."""

    role: str = ""
    content: msgspec.Raw = msgspec.Raw(b"")


class _BareTurn(Turn, forbid_unknown_fields=True):
    """A turn that has nothing else."""


OF_TEXT = {b'"', b""}
"""How a content begins that is a text, or is not there."""

_role = attrgetter("role")
_turns = msgspec.json.Decoder(list[Turn])
_bare_turns = msgspec.json.Decoder(list[_BareTurn])


@dataclass(slots=True)
class Turns:
    """
    is_words    each has a role and a text at most, and nothing else
    """

    listed: tuple[Turn, ...]
    is_words: bool

    @property
    def is_plain(self) -> bool:
        """Words alone, the system's at the beginning, nobody's but the caller's after them."""
        roles = [*map(_role, self.listed)]
        if not self.is_words or not NOT_PLAIN.isdisjoint(roles):
            return False
        begin = roles.index("user") if "user" in roles else len(roles)
        return "system" not in roles[begin:] and roles.count("system") <= 1

    @property
    def marks(self) -> frozenset[str]:
        """Of words alone: `PREFILL_MARK` for an answer that the caller began."""
        is_begun = bool(self.listed) and self.listed[-1].role == "assistant"
        return frozenset({PREFILL_MARK}) if is_begun else frozenset()


NO_TURNS = Turns((), is_words=False)
"""Of what is no conversation."""


def turns_of(messages: bytes | memoryview) -> Turns:
    """The turns of `messages` as they came; NO_TURNS where they have not the shape of any."""
    try:
        bare = _bare_turns.decode(messages)
    except msgspec.DecodeError:
        return _loose(messages)
    begins = {bytes(memoryview(turn.content)[:1]) for turn in bare}
    return Turns(tuple(bare), is_words=begins <= OF_TEXT)


def _loose(messages: bytes | memoryview) -> Turns:
    try:
        return Turns(tuple(_turns.decode(messages)), is_words=False)
    except msgspec.DecodeError:
        return NO_TURNS
