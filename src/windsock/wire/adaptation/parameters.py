"""What a deployment takes of a request, as data state it and as its refusals have taught."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import Field, dataclass, field, fields, replace
from fnmatch import fnmatchcase
from typing import Any

from windsock.core.model.requests import NEED_BY_FIELD, PREFILL_MARK, Unsupported

MAX_TOKENS = ("max_tokens", "max_completion_tokens", "max_output_tokens")
"""The names of the limit on an answer's length, in chat, Messages and Responses."""

PREFILLS = ("kept", "prefix", "ask")
"""What becomes of an assistant's turn at the end of a request."""

IN_MESSAGES, IN_TOOLS = "messages.", "tools."
"""Begin the names of what is unsupported within a conversation, and of a tool's own fields."""

SYSTEM, DEVELOPER = "messages.system", "messages.developer"
IMAGE, AUDIO = "messages.image", "messages.audio"
PREFILL, TOOL_ID, TURNS = "messages.prefill", "messages.tool_call_id", "messages.turns"
OPENING, NO_SYSTEM = "messages.opening", "messages.instructions"
"""What of a conversation may be unsupported beside fields of its turns: system turns after the
first turn, any system turn, the role developer, images, sound, an assistant's turn at the end, ids
of tool calls of another's making, two turns of one role one after the other, an assistant's turn
before all of the user's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """What a deployment does not take as chat completions have it; of all else: as it came.

    Fields are named as chat completions name them.

    takes       sent as they are, whatever else is said of them
    leave_out   not taken, so left out
    rename      taken under another name
    at_least, at_most   of a number; beyond it the bound is sent
    only        values taken, as JSON has them; with any other the field is left out
    refused     values not taken
    most        entries of a list or table; the rest is left out
    longest     characters of a text; a longer one is sent as its hash, which is as telling
    no_blanks   texts, or lists of texts, of which blank ones are left out
    only_with   left out where this other field is absent or false
    not_with    left out where this other field is there
    set_to      sent with this value, whatever was asked for
    unless      where this other field is true, `set_to` does not hold of a field
    tool_fields fields of functions that are left out
    lacks       needs (`core.model.requests.NEED_BY_FIELD`) that it cannot serve
    is_system_first     only one system turn, before all others
    has_system          False: what system turns say is put before the user's first words
    has_developer       knows the role developer, which else is called system
    is_alternating      no two turns of one role in a row, and the user's first
    is_user_first       the user's turn first
    turn_fields         fields of turns that are left out
    own_fields  fields of an assistant's turns that only some understand (reasoning and its
                signatures) and it does; None: nothing is known, so all are sent
    fills       what an assistant's turn with tool calls must hold, and by what it is filled
    tool_id     what ids of tool calls match in full; others are replaced by a hash
    tool_id_length      characters of that hash
    names_tools results of tools must name the function
    prefill     an assistant's turn at the end: "kept"; "prefix": marked so; "ask": followed by a
                turn that asks for the rest
    concerned   the fields, apart from the messages, that may have to change
    left_out    those that nothing may add: `leave_out`, and what asks for what it lacks
    """

    takes: tuple[str, ...] = ()
    leave_out: tuple[str, ...] = ()
    rename: Mapping[str, str] = field(default_factory=dict)
    at_least: Mapping[str, float] = field(default_factory=dict)
    at_most: Mapping[str, float] = field(default_factory=dict)
    only: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    refused: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    most: Mapping[str, int] = field(default_factory=dict)
    longest: Mapping[str, int] = field(default_factory=dict)
    no_blanks: tuple[str, ...] = ()
    only_with: Mapping[str, str] = field(default_factory=dict)
    not_with: Mapping[str, str] = field(default_factory=dict)
    set_to: Mapping[str, Any] = field(default_factory=dict)
    unless: Mapping[str, str] = field(default_factory=dict)
    tool_fields: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()
    is_system_first: bool | None = None
    has_system: bool | None = None
    has_developer: bool | None = None
    is_alternating: bool | None = None
    is_user_first: bool | None = None
    turn_fields: tuple[str, ...] = ()
    own_fields: tuple[str, ...] | None = None
    fills: Mapping[str, Any] = field(default_factory=dict)
    tool_id: str | None = None
    tool_id_length: int | None = None
    names_tools: bool | None = None
    prefill: str | None = None
    concerned: frozenset[str] = field(init=False, repr=False, compare=False)
    left_out: frozenset[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        said = (self.leave_out, self.rename, self.at_least, self.at_most, self.only, self.refused,
                self.most, self.longest, self.no_blanks, self.only_with, self.not_with, self.set_to,
                ("tools",) if self.tool_fields else ())  # fmt: skip
        names = frozenset(name for each in said for name in each)
        object.__setattr__(self, "concerned", names - {*self.takes})
        lacked = {name for name, need in NEED_BY_FIELD.items() if need in self.lacks}
        unsaid = frozenset(self.leave_out) | (lacked - {"response_format"})
        object.__setattr__(self, "left_out", unsaid - {*self.takes})

    @property
    def keeps_marks(self) -> frozenset[str]:
        """The marks of requests that are understood (`RouteRequest.marks`)."""
        is_kept = self.prefill in ("kept", "prefix")
        return frozenset((*(self.own_fields or ()), *([PREFILL_MARK] if is_kept else ())))

    def over(self, base: Parameters) -> Parameters:
        """These, and what `base` says where they say nothing; what they take it may not drop."""
        merged: dict[str, Any] = {}
        for each in stated_fields():
            own, under = getattr(self, each.name), getattr(base, each.name)
            if isinstance(own, Mapping):
                merged[each.name] = {**under, **own}
            elif each.name in ("takes", "leave_out", "lacks", "no_blanks", "turn_fields",
                               "tool_fields"):  # fmt: skip
                merged[each.name] = tuple(dict.fromkeys((*under, *own)))
            else:
                merged[each.name] = under if own is None else own
        merged["takes"] = tuple(name for name in merged["takes"] if name not in self.concerned)
        merged["lacks"] = tuple(name for name in merged["lacks"] if name not in self.takes)
        return Parameters(**merged)


def stated_fields() -> list[Field[Any]]:
    """What data and operators may state."""
    return [each for each in fields(Parameters) if each.init]


AS_IT_COMES = Parameters()
"""Of a deployment of which nothing is known."""


def bounded(base: Parameters, max_output_tokens: int) -> Parameters:
    """The same, of a deployment whose answers have so many tokens at most."""
    limits = dict.fromkeys(MAX_TOKENS, max_output_tokens)
    return replace(base, at_most={**limits, **base.at_most})


def taught(base: Parameters, facts: Iterable[Unsupported]) -> Parameters:
    """What is taken by a deployment that was heard to refuse these."""
    for fact in facts:
        base = _without(base, fact)
    return base


def _without(base: Parameters, fact: Unsupported) -> Parameters:
    name = fact.field
    if name.startswith(IN_MESSAGES):
        return _without_in_messages(base, name)
    if name.startswith(IN_TOOLS):
        return replace(base, tool_fields=(*base.tool_fields, name.removeprefix(IN_TOOLS)))
    if fact.to is not None:
        unless = {name: fact.unless} if fact.unless else {}
        return replace(base, set_to={**base.set_to, name: fact.to},
                       unless={**base.unless, **unless})  # fmt: skip
    if fact.unless:
        return replace(base, only_with={**base.only_with, name: fact.unless})
    if fact.least is not None:
        return replace(base, at_least={**base.at_least, name: fact.least})
    if fact.most is not None:
        limit = {name: int(fact.most)}
        return replace(base, at_most={**base.at_most, name: fact.most},
                       most={**base.most, **limit}, longest={**base.longest, **limit})  # fmt: skip
    if fact.need is not None:
        return replace(base, lacks=(*base.lacks, fact.need))
    if fact.instead:
        rename = {own: other for own, other in base.rename.items() if own != fact.instead}
        return replace(base, rename={**rename, name: fact.instead})
    if name in base.rename.values():
        kept = {own: other for own, other in base.rename.items() if other != name}
        return replace(base, rename=kept, leave_out=(*base.leave_out, name))
    if fact.value is not None:
        return replace(
            base, refused={**base.refused, name: (*base.refused.get(name, ()), fact.value)}
        )
    return replace(base, leave_out=(*base.leave_out, name))


def _without_in_messages(base: Parameters, name: str) -> Parameters:
    match name:
        case "messages.system":
            return replace(base, is_system_first=True)
        case "messages.instructions":
            return replace(base, has_system=False)
        case "messages.developer":
            return replace(base, has_developer=False)
        case "messages.turns":
            return replace(base, is_alternating=True)
        case "messages.opening":
            return replace(base, is_user_first=True)
        case "messages.prefill":
            return replace(base, prefill="ask")
        case "messages.tool_call_id":
            return replace(base, tool_id="[a-zA-Z0-9]{9}", tool_id_length=9)
        case _:
            turn_field = name.removeprefix(IN_MESSAGES)
            return replace(base, turn_fields=(*base.turn_fields, turn_field))


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderParameters:
    """What a provider takes: of all its models, and of those whose names match, in this order."""

    all: Parameters = AS_IT_COMES
    models: tuple[tuple[tuple[str, ...], Parameters], ...] = ()

    def of(self, model: str) -> Parameters:
        """What this model of it takes; an author before the name does not matter."""
        found, name = self.all, model.rsplit("/", 1)[-1].lower()
        for patterns, own in self.models:
            if any(fnmatchcase(name, pattern) for pattern in patterns):
                found = own.over(found)
        return found
