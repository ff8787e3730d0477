"""`windsock label`: where the page is, what waits there, and what the open choices cost."""

from __future__ import annotations

import json
import os
import sys
import webbrowser
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from windsock.cli.layout import Entry, lines, show, terminal, wrapped
from windsock.cli.service_client import Client

SCREENS = frozenset(("DISPLAY", "WAYLAND_DISPLAY"))
"""What names a screen where a browser may open, but on macOS and Windows."""

MOST = 200
"""Answers that are counted."""


def show_label(
    service: Client, url: str, place: Mapping[str, str], *, is_opened: bool, as_json: bool
) -> None:
    """What waits for a label, and the page where it is given; raises WindsockError.

    place   route and task, where only those are asked for
    """
    found = service.ask("/v1/labels", params={**place, "limit": MOST})
    if as_json:
        print(json.dumps(found, indent=2))
        return
    page = page_of(url, place)
    for words in (_waiting(found), found["note"], f"page: {page}"):
        if words:
            show(terminal(), wrapped(words, width=terminal().width, indent=""))
    head = Entry("route / task", ("sure", "lost $/day", "labels"), "best buy")
    entries = [_choice(each) for each in found["choices"]]
    show(terminal(), lines([head, *entries], width=terminal().width, figure=10))
    if is_opened and found["data"] and _has_screen():
        webbrowser.open(page)


def page_of(url: str, place: Mapping[str, str]) -> str:
    """The address of the view; the key is not in it: the page asks for it."""
    query = f"?{urlencode(place)}" if place else ""
    return f"{url.rstrip('/')}/#/label{query}"


def _waiting(found: Mapping[str, Any]) -> str:
    count = len(found["data"])
    if not count:
        return "nothing waits for a label"
    return f"{'at least ' if count == MOST else ''}{count} answers wait for a label"


def _choice(each: Mapping[str, Any]) -> Entry:
    usd = each["loss_usd_per_day"]
    lost = "" if usd is None else f"{usd:.3g}"
    labels = f"{each['labels']:.0f} of {each['answers']:.0f}"
    name = f"{each['route']} / {each['task']}"
    return Entry(name, (f"{each['certainty']:.0%}", lost, labels), each["leader"])


def _has_screen() -> bool:
    return sys.platform in ("darwin", "win32") or not SCREENS.isdisjoint(os.environ)
