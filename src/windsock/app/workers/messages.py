"""What processes say to each other: a line of JSON each. They run the same code."""

from __future__ import annotations

import asyncio
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

import msgspec
import orjson

from windsock.core.model.calls import Outcome
from windsock.core.model.decisions import Decision, WeightTable
from windsock.core.model.events import Event
from windsock.core.model.rewards import Feedback
from windsock.core.model.ticks import HealthReport, Quote
from windsock.core.pricing.validation import Held
from windsock.core.replicas.deltas import Delta
from windsock.core.routing.caps.book import Dollars
from windsock.core.routing.caps.leases import Grant, Place, Used
from windsock.service.texts.answered import AnsweredTexts
from windsock.store.codec import decode, encode
from windsock.store.rows import Entry, Uncalled

LONGEST_LINE = 2**28
"""Bytes: a state after years has some millions."""

Message = dict[str, Any]
KINDS: dict[str, type] = {
    kind.__name__: kind
    for kind in (Outcome, Decision, Feedback, HealthReport, Quote, Held, WeightTable, Event)
}


async def read(reader: asyncio.StreamReader) -> Message:
    """The next one; raises EOFError at the end."""
    line = await reader.readline()
    if not line.endswith(b"\n"):
        raise EOFError
    found: Message = orjson.loads(line)
    return found


def line_of(message: Message) -> bytes:
    """As it is sent."""
    return orjson.dumps(message) + b"\n"


def entry_told(entry: Entry | Delta | None) -> list[Any] | None:
    """A record for the store, or what was learnt by those before it."""
    if entry is None:
        return None
    if isinstance(entry, Delta):
        return ["Delta", entry.to_state()]
    if isinstance(entry, Uncalled):
        return ["Uncalled", msgspec.json.encode(entry).decode()]
    return [type(entry).__name__, encode(entry)]


def entry_heard(told: list[Any] | None) -> Entry | Delta | None:
    """The record of an `entry_told`."""
    if told is None:
        return None
    kind, body = told
    if kind == "Delta":
        return Delta.from_state(body)
    if kind == "Uncalled":
        return msgspec.json.decode(body, type=Uncalled)
    heard: Entry = decode(KINDS[kind], body)
    return heard


def texts_told(texts: AnsweredTexts) -> Message:
    """Texts that people may label, for the process that answers them."""
    return {
        "kind": "texts",
        "outcome": encode(texts.outcome),
        "asked": b64encode(texts.asked).decode(),
        "answer": b64encode(texts.answer).decode(),
        "is_stream": texts.is_stream,
        "language": texts.language,
    }


def texts_heard(told: Message) -> AnsweredTexts:
    """Of a `texts_told`."""
    return AnsweredTexts(
        outcome=decode(Outcome, told["outcome"]),
        asked=b64decode(told["asked"]),
        answer=b64decode(told["answer"]),
        is_stream=told["is_stream"],
        language=told["language"],
    )


def deltas_in(entries: Iterable[object]) -> list[Delta]:
    """Those among records for the store."""
    return [each for each in entries if isinstance(each, Delta)]


def beside_told(sums: Mapping[str, Dollars]) -> dict[str, list[str]]:
    """Dollars as text, exact."""
    return {name: [str(usd) for usd in dollars] for name, dollars in sums.items()}


def beside_heard(told: Mapping[str, list[str]]) -> dict[str, Dollars]:
    """Of a `beside_told`."""
    return {name: (Decimal(a), Decimal(b), Decimal(c)) for name, (a, b, c) in told.items()}


def used_told(used: Iterable[Used]) -> list[list[Any]]:
    """Dollars as text, exact."""
    return [[*each.place, str(each.own_usd), str(each.granted_usd)] for each in used]


def used_heard(told: Iterable[list[Any]]) -> list[Used]:
    """Of a `used_told`."""
    return [Used(Place(*each[:3]), Decimal(each[3]), Decimal(each[4])) for each in told]


def grants_told(grants: Iterable[Grant]) -> list[list[Any]]:
    """Dollars as text, exact."""
    return [[*each.place, str(each.more_usd), str(each.spent_usd)] for each in grants]


def grants_heard(told: Iterable[list[Any]]) -> list[Grant]:
    """Of a `grants_told`."""
    return [Grant(Place(*each[:3]), Decimal(each[3]), Decimal(each[4])) for each in told]
