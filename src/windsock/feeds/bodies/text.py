"""A body as JSON text, whatever form it came in."""

from __future__ import annotations

import codecs
import csv
import json
from email.utils import parsedate_to_datetime
from typing import Any
from xml.etree import ElementTree

from windsock.errors import FeedError
from windsock.feeds.bodies.documents import LOADERS, json_of
from windsock.feeds.bodies.tables import Record, records
from windsock.feeds.definition import FeedDefinition

WINDOWS = "cp1252"
"""What spreadsheets write a CSV in that is not in Unicode."""


def text_of(definition: FeedDefinition, body: bytes) -> str:
    """Lines of a CSV and items of an RSS are a list; raises FeedError if it is of another form."""
    encoding = _encoding(definition, body)
    try:
        text = body.decode(encoding)
    except UnicodeDecodeError as error:
        if definition.format == "csv":
            return json.dumps(_records(definition, body.decode(WINDOWS, "replace")))
        raise FeedError(f"the body is not {encoding} text", feed=definition.id) from error
    if definition.format == "csv":
        return json.dumps(_records(definition, text))
    if definition.format == "rss":
        return json.dumps(_items(definition, text))
    if definition.format in LOADERS:
        try:
            return json_of(definition.format, text)
        except ValueError as error:
            reason = f"the body is no {definition.format.upper()}: {error}"
            raise FeedError(reason, feed=definition.id) from error
    return text


def _encoding(definition: FeedDefinition, body: bytes) -> str:
    """Spreadsheets write CSV in UTF-16 or UTF-8 with a mark before it."""
    is_marked = body.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    if definition.format == "utf16-json" or (definition.format == "csv" and is_marked):
        return "utf-16"
    return "utf-8-sig"


def _records(definition: FeedDefinition, text: str) -> list[Record]:
    try:
        return records(definition, text)
    except csv.Error as error:
        raise FeedError(f"the body is no CSV: {error}", feed=definition.id) from error


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
