"""A body as JSON text, whatever form it came in."""

from __future__ import annotations

import csv
import io
import json
from email.utils import parsedate_to_datetime
from typing import Any
from xml.etree import ElementTree

from windsock.errors import FeedError
from windsock.feeds.definition import FeedDefinition


def text_of(definition: FeedDefinition, body: bytes) -> str:
    """Lines of a CSV and items of an RSS are a list; raises FeedError if it is of another form."""
    encoding = "utf-16" if definition.format == "utf16-json" else "utf-8-sig"
    try:
        text = body.decode(encoding)
    except UnicodeDecodeError as error:
        raise FeedError(f"the body is not {encoding} text", feed=definition.id) from error
    if definition.format == "csv":
        return json.dumps(_records(definition, text))
    if definition.format == "rss":
        return json.dumps(_items(definition, text))
    return text


def _records(definition: FeedDefinition, text: str) -> list[dict[str, str | None]]:
    """Lines of a CSV by the names in the first; empty ones and remarks are left out."""
    lines = (line for line in io.StringIO(text) if line.strip() and not line.startswith("#"))
    try:
        return [_trimmed(line) for line in csv.DictReader(lines)]
    except csv.Error as error:
        raise FeedError(f"the body is no CSV: {error}", feed=definition.id) from error


def _trimmed(line: dict[str, str | None]) -> dict[str, str | None]:
    """Without the blanks that people set around names and values, and the capitals of names."""
    return {
        name.strip().lower(): value and value.strip()
        for name, value in line.items()
        if isinstance(name, str) and not isinstance(value, list)
    }


def _items(definition: FeedDefinition, text: str) -> list[dict[str, Any]]:
    """Items of an RSS feed: title, text and unix time."""
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise FeedError("the RSS declares entities, which are not read", feed=definition.id)
    try:
        root = ElementTree.fromstring(text)  # noqa: S314 (no entities, see above)
    except ElementTree.ParseError as error:
        raise FeedError(f"the body is no RSS: {error}", feed=definition.id) from error
    return [
        {
            "title": item.findtext("title") or "",
            "text": item.findtext("description") or "",
            "at": parsedate_to_datetime(item.findtext("pubDate") or "").timestamp(),
        }
        for item in root.iter("item")
        if item.findtext("pubDate")
    ]
