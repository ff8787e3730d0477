"""The turns of a conversation, changed to what a deployment takes of them.

Conversations carry what one provider made and another refuses: ids of tool calls, reasoning with
its signatures, system turns at any place, an answer begun by the caller.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache
from hashlib import sha256
from itertools import chain
from typing import Any

import msgspec
import orjson

from windsock.wire.adaptation.parameters import (
    IN_MESSAGES,
    OPENING,
    PREFILL,
    TOOL_ID,
    TURNS,
    Parameters,
)
from windsock.wire.adaptation.system_turns import Turn, developer, joined, no_system, system_first
from windsock.wire.json_codec import parsed

OWN_FIELDS = frozenset(
    {"reasoning", "reasoning_content", "reasoning_details", "reasoning_signature", "thinking",
     "thinking_blocks", "signature", "extra_content", "provider_specific_fields",
     "encrypted_content", "reasoning_items"}
)  # fmt: skip
"""Fields of an assistant's turn or of a tool call in which a provider keeps what it thought."""

OWN_PARTS = frozenset({"thinking", "redacted_thinking", "reasoning"})
"""The same as parts of a turn's content."""

SPECIAL = re.compile(rb'"(?:assistant|developer|tool|function|name)"')
"""Without these, and with its only system turn at the beginning, a conversation is plain."""

GO_ON = "Continue your last message exactly where it ends, without repeating any of it."
"""Asks for the rest of an answer that the caller began, where a model does not go on by itself."""

START = "Begin the conversation."
"""Says nothing of what it is about, where the user must speak first and did not."""

ALNUM = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


def adapt_messages(
    fields: dict[str, msgspec.Raw], rules: Parameters, *, is_plain: bool
) -> list[str]:
    """Change `messages` in place; what of them was changed, as `messages.` and a name.

    is_plain    they are known to be (`plain_turns.Turns`); False: they are looked at
    """
    raw = bytes(fields.get("messages", b""))
    names = [each.removeprefix("tool_calls.") for each in rules.turn_fields]
    moves_plain = (
        rules.is_alternating
        or (rules.has_system is False and b'"system"' in raw)
        or any(f'"{name}"'.encode() in raw for name in names)
    )
    if not moves_plain and (is_plain or _is_plain(raw)):
        return []
    turns = parsed(raw)
    if not isinstance(turns, list) or not all(isinstance(turn, dict) for turn in turns):
        return []
    changed = []
    for change in CHANGES:
        names = change(turns, rules)
        changed += names
    if changed:
        fields["messages"] = msgspec.Raw(orjson.dumps(turns))
    return changed


def _is_plain(raw: bytes) -> bool:
    if SPECIAL.search(raw):
        return False
    first, user = raw.find(b'"system"'), raw.find(b'"user"')
    return first < 0 or (first == raw.rfind(b'"system"') and (user < 0 or first < user))


def _own_fields(turns: list[Turn], rules: Parameters) -> list[str]:
    """Reasoning that another provider keeps in its turns means nothing here, or is refused."""
    if rules.own_fields is None:
        return []
    strange = OWN_FIELDS - {*rules.own_fields}
    changed = []
    for turn in turns:
        for part in (turn, *_calls(turn)):
            changed += [name for name in strange & part.keys() if part.pop(name) is not None]
        changed += _drop_own_parts(turn, {*rules.own_fields})
    return [IN_MESSAGES + name for name in sorted({*changed})]


def _drop_own_parts(turn: Turn, kept: set[str]) -> list[str]:
    content = turn.get("content")
    if not isinstance(content, list):
        return []
    strange = OWN_PARTS - kept
    rest = [each for each in content if not _is_part_of(each, strange)]
    if len(rest) == len(content):
        return []
    turn["content"] = rest or None
    return ["thinking"]


def _is_part_of(part: Any, kinds: frozenset[str]) -> bool:
    return isinstance(part, dict) and str(part.get("type")) in kinds


def _turn_fields(turns: list[Turn], rules: Parameters) -> list[str]:
    """`name` of a function, or of a tool that must be named, is no caller's name for a person."""
    named = ("function", "tool") if rules.names_tools else ("function",)
    found = []
    for turn in turns:
        for name in rules.turn_fields:
            places = [turn] if name != "name" or turn.get("role") not in named else []
            own = name.removeprefix("tool_calls.")
            for place in _calls(turn) if own != name else (*places, *_parts(turn)):
                if own in place:
                    del place[own]
                    found.append(name)
    return [IN_MESSAGES + name for name in sorted({*found})]


def _parts(turn: Turn) -> Iterator[Turn]:
    """The parts of a turn's content, and what stands in them: an image's address and detail."""
    content = turn.get("content")
    for part in content if isinstance(content, list) else ():
        if isinstance(part, dict):
            yield part
            yield from (each for each in part.values() if isinstance(each, dict))


def _fills(turns: list[Turn], rules: Parameters) -> list[str]:
    changed = []
    for turn in turns:
        if turn.get("role") != "assistant" or not turn.get("tool_calls"):
            continue
        for place, value in rules.fills.items():
            if _fill(turn, place.split("."), value):
                changed.append(place.split(".")[-1])
    return [IN_MESSAGES + name for name in sorted({*changed})]


def _fill(turn: Turn, place: list[str], value: Any) -> bool:
    """Put a value where none is: in the turn, or in its first call for `tool_calls.` and so on."""
    at: Any = turn
    for name in place[:-1]:
        at = next(_calls(turn), None) if name == "tool_calls" else at.setdefault(name, {})
        if not isinstance(at, dict):
            return False
    if at.get(place[-1]) is not None:
        return False
    at[place[-1]] = value
    return True


def _tool_ids(turns: list[Turn], rules: Parameters) -> list[str]:
    """A call and its result keep the same id, in this request and in all later ones."""
    if rules.tool_id is None:
        return []
    taken, is_changed = _pattern(rules.tool_id), False
    places = chain.from_iterable(
        ((turn, "tool_call_id"), *((c, "id") for c in _calls(turn))) for turn in turns
    )
    for place, name in places:
        old = place.get(name)
        if isinstance(old, str) and not taken.fullmatch(old):
            place[name], is_changed = alnum_hash(old, rules.tool_id_length or 9), True
    return [TOOL_ID] if is_changed else []


def alnum_hash(text: str, length: int) -> str:
    """So many letters and digits that stand for a text."""
    number, letters = int.from_bytes(sha256(text.encode()).digest()), []
    for _ in range(length):
        number, index = divmod(number, len(ALNUM))
        letters.append(ALNUM[index])
    return "".join(letters)


def _tool_names(turns: list[Turn], rules: Parameters) -> list[str]:
    if not rules.names_tools:
        return []
    names: dict[str, str] = {}
    is_changed = False
    for turn in turns:
        names |= {str(each.get("id")): _name_of(each) for each in _calls(turn)}
        known = names.get(str(turn.get("tool_call_id")))
        if turn.get("role") == "tool" and not turn.get("name") and known:
            turn["name"], is_changed = known, True
    return [IN_MESSAGES + "name"] if is_changed else []


def _name_of(call: Turn) -> str:
    function = call.get("function")
    name = function.get("name") if isinstance(function, dict) else None
    return name if isinstance(name, str) else ""


def _alternating(turns: list[Turn], rules: Parameters) -> list[str]:
    if not rules.is_alternating:
        return []
    merged: list[Turn] = []
    for turn in turns:
        last = merged[-1] if merged else {}
        if turn.get("role") == last.get("role") == "user" or _is_plain_pair(last, turn):
            last["content"] = joined([last.get("content"), turn.get("content")])
        else:
            merged.append(turn)
    if len(merged) == len(turns):
        return []
    turns[:] = merged
    return [TURNS]


def _is_plain_pair(last: Turn, turn: Turn) -> bool:
    both = (last, turn)
    return all(each.get("role") == "assistant" and not each.get("tool_calls") for each in both)


def _opening(turns: list[Turn], rules: Parameters) -> list[str]:
    if not (rules.is_user_first or rules.is_alternating):
        return []
    said = (n for n, each in enumerate(turns) if each.get("role") not in ("system", "developer"))
    first = next(said, None)
    if first is None or turns[first].get("role") != "assistant":
        return []
    turns.insert(first, {"role": "user", "content": START})
    return [OPENING]


def _prefill(turns: list[Turn], rules: Parameters) -> list[str]:
    last = turns[-1] if turns else {}
    is_begun = last.get("role") == "assistant" and not last.get("tool_calls")
    if not is_begun or rules.prefill in (None, "kept"):
        return []
    if rules.prefill == "prefix":
        if last.get("prefix"):
            return []
        last["prefix"] = True
    else:
        last.pop("prefix", None)
        turns.append({"role": "user", "content": GO_ON})
    return [PREFILL]


def _calls(turn: Turn) -> Iterator[Turn]:
    calls = turn.get("tool_calls")
    return (each for each in (calls if isinstance(calls, list) else ()) if isinstance(each, dict))


@cache
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text)


CHANGES: tuple[Callable[[list[Turn], Parameters], list[str]], ...] = (
    developer,
    system_first,
    no_system,
    _own_fields,
    _turn_fields,
    _fills,
    _tool_names,
    _tool_ids,
    _alternating,
    _opening,
    _prefill,
)
"""In this order: names of tools are found by the ids as they came."""
