"""A request as one deployment is asked: renamed, bounded, moved or left out by its parameters."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import replace
from itertools import islice

import msgspec

from windsock.core.model.requests import NEED_BY_FIELD
from windsock.wire.adaptation.conversation import adapt_messages
from windsock.wire.adaptation.fields import Fields, adapt_fields, set_fields
from windsock.wire.adaptation.parameters import AS_IT_COMES, Parameters
from windsock.wire.format import Format
from windsock.wire.request import OURS, Operation, UpstreamRequest, drop_task

NOTHING = frozenset({b"null", b"false", b"0", b"0.0", b"[]", b"{}", b'""'})
"""Values that ask for nothing."""

ASKING = frozenset({"enable_thinking", "parallel_tool_calls", "seed", "web_search_options"})
"""Fields that ask for something by such a value too."""

UNSAFE = re.compile(r"[^\w.-]", re.ASCII)
MOST_NAMES, MOST_OF_A_NAME = 20, 60

Adapted = tuple[UpstreamRequest, tuple[str, ...]]
"""The request, and the caller's names of what was changed in it."""


def adapted(request: UpstreamRequest, rules: Parameters) -> Adapted:
    """The request in which this deployment is asked; the same one if nothing must change.

    What windsock would add itself is left out with the rest, and is not among the names.
    """
    if rules is AS_IT_COMES:
        return request, ()
    if request.form is not None:
        return _adapted_form(request, rules)
    fields, left_out = request.fields, rules.left_out
    is_chat = request.operation is Operation.CHAT
    moves_plain = rules.is_alternating or rules.has_system is False
    may_move_turns = is_chat and (moves_plain or not request.is_plain)
    changed = []
    is_concerned = not (rules.concerned.isdisjoint(fields) and left_out.isdisjoint(fields))
    if may_move_turns or is_concerned or (is_chat and rules.set_to):
        fields = dict(fields)
        drop_task(fields)
        changed = _drop_needless(fields, request.request.needs, rules) if rules.lacks else []
        changed += adapt_fields(fields, rules, rules.concerned)
        if is_chat:
            changed += set_fields(fields, rules)
            changed += adapt_messages(fields, rules, is_plain=request.is_plain)
    if not changed:
        return (replace(request, left_out=left_out) if left_out else request), ()
    made = replace(request, raw=msgspec.json.encode(fields), left_out=left_out)
    made.kept_fields = fields
    return made, tuple(dict.fromkeys(changed))


def _adapted_form(request: UpstreamRequest, rules: Parameters) -> Adapted:
    """The request without the parts that are not taken; nothing else of a form changes."""
    changed = tuple(name for name in request.fields if name in rules.left_out)
    return replace(request, left_out=frozenset(changed)), changed


def adapted_natively(request: UpstreamRequest, spoken: Format, rules: Parameters) -> Adapted:
    """The request in its own format, which it must have; only its fields may have to change.

    Headers of the format stand where the client states none of that name.
    """
    native = request.native
    assert native is not None
    usual = [(name.encode(), value.encode()) for name, value in spoken.headers.items()]
    headers = (*usual, *request.headers, *native.headers)
    made = replace(request, raw=native.raw, headers=headers, left_out=frozenset())
    fields = dict(made.fields) if rules.concerned else {}
    changed = adapt_fields(fields, rules, rules.concerned)
    if changed:
        made.raw = msgspec.json.encode(fields)
        made.kept_fields = fields
    return made, tuple(dict.fromkeys(changed))


def uncarried(request: UpstreamRequest, carries: frozenset[str]) -> tuple[str, ...]:
    """The fields that ask for something and have no counterpart in the deployment's language.

    carries     those that have one
    """
    fields = dict(request.fields)
    drop_task(fields)
    strange = fields.keys() - carries - {*OURS}
    return told_names(name for name in fields if name in strange and _asks(name, fields[name]))


def _asks(name: str, value: msgspec.Raw) -> bool:
    said = bytes(value)
    return said not in NOTHING or (name in ASKING and said != b"null")


def told_names(names: Iterable[str]) -> tuple[str, ...]:
    """Names that callers chose, as headers and records may hold them: the first, and not whole."""
    told = (UNSAFE.sub("_", each)[:MOST_OF_A_NAME] for each in dict.fromkeys(names))
    return tuple(islice(told, MOST_NAMES))


def _drop_needless(fields: Fields, needs: Collection[str], rules: Parameters) -> list[str]:
    """Leave out fields that ask for what is lacked, where they ask for nothing: `n = 1`."""
    found = [
        name
        for name in fields.keys() & rules.left_out
        if NEED_BY_FIELD.get(name) not in (None, *needs)
    ]
    for name in found:
        del fields[name]
    return found
