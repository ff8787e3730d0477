"""Price events as an Atom feed (RFC 4287), for people and their feed readers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from urllib.parse import quote
from uuid import NAMESPACE_URL, uuid5
from xml.etree import ElementTree as ET

from windsock.core.model.events import Event
from windsock.observability.event_view import event_view
from windsock.service.control.prices.wording import WORDS, told

KINDS = tuple(WORDS)
"""Events that are entries."""

MOST_ENTRIES = 100

XMLNS = "http://www.w3.org/2005/Atom"

NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 cannot hold, not even escaped."""


def atom(events: Sequence[Event], *, base: str, now: float) -> bytes:
    """The feed's body.

    events  newest first; their kinds are of `KINDS`
    base    where the service was asked, with its last slash; the feed's own address is its id
    now     unix s, at which an empty feed was updated
    """
    here = f"{base}v1/prices/feed.atom"
    feed = ET.Element("feed", xmlns=XMLNS)
    _add(feed, "id", here)
    _add(feed, "title", "windsock: prices")
    _add(feed, "subtitle", "What moved, who disagrees, what is new and what goes, $ per million")
    _add(feed, "updated", _moment(max((event.at for event in events), default=now)))
    _add(_add(feed, "author"), "name", "windsock")
    _add(feed, "link", rel="self", type="application/atom+xml", href=here)
    _add(feed, "link", rel="alternate", type="text/html", href=base)
    for event in events:
        _add_entry(feed, event, base)
    body: bytes = ET.tostring(feed, encoding="utf-8", xml_declaration=True)
    return body


def _add_entry(feed: ET.Element, event: Event, base: str) -> None:
    view = event_view(event)
    title, when = told(view), _moment(event.at)
    entry = _add(feed, "entry")
    _add(entry, "id", f"urn:uuid:{_id(event)}")
    _add(entry, "title", title)
    _add(entry, "updated", when)
    _add(entry, "published", when)
    _add(entry, "category", term=event.kind.value)
    _add(entry, "link", rel="alternate", type="application/json", href=base + _place(event))
    _add(entry, "content", f"{title}. Seen {when}.", type="text")


def _id(event: Event) -> object:
    """The same at every reading: of what happened, when and where."""
    named = (event.facts.get(name, "") for name in ("feed", "model"))
    parts = (event.kind.value, event.deployment, repr(event.at), *map(str, named))
    return uuid5(NAMESPACE_URL, "\x1f".join(parts))


def _place(event: Event) -> str:
    """Where the same is told to programs."""
    if event.deployment:
        return f"v1/prices?deployment={quote(event.deployment, safe='/')}"
    return f"v1/events?kind={event.kind.value}"


def _add(parent: ET.Element, tag: str, text: str | None = None, **attributes: str) -> ET.Element:
    element = ET.SubElement(parent, tag, attributes)
    element.text = None if text is None else NOT_XML.sub("\ufffd", text)
    return element


def _moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
