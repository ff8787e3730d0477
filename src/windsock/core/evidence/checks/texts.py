"""What a text is, as the caller's own parser would find it: JSON, a number, a loop."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from typing import Any

FENCE = re.compile(r"```[ \t]*[\w+-]*[ \t]*\n(.*?)```", re.DOTALL)
"""A fenced block, as answers wrap JSON and programs in."""

NUMBER = re.compile(r"[-+]?(\d+(,\d{3})*|\d*)(\.\d+)?([eE][-+]?\d+)?")

MONEY = " \t\r\n$€£¥%"
"""Around a number that is one all the same."""

LOOP_TIMES, LOOP_CHARS = 4, 12
"""A stretch of so many characters at least that stands so often in a row is a loop."""

LOOP = re.compile(rf"(.{{{LOOP_CHARS},400}}?)\1{{{LOOP_TIMES - 1}}}", re.DOTALL)

MOST_CHARS = 60_000
"""Of a text that is looked at; what is longer passes what would take long."""

NOTHING = object()
"""There is no JSON."""


def fenced(text: str) -> str:
    """What stands in the first fenced block, else the text."""
    found = FENCE.search(text)
    return found[1] if found else text


def json_in(text: str, *, is_lenient: bool, loads: Callable[[str], Any] = json.loads) -> Any:
    """The value, or NOTHING. Lenient: also in a fence, or with words around one object or list.

    loads   reads one text; raises ValueError
    """
    tried = [text, fenced(text), _braced(text)] if is_lenient else [text]
    for each in tried:
        try:
            return loads(each)
        except (ValueError, RecursionError):
            continue
    return NOTHING


def is_number(text: str) -> bool:
    """True of one number, with separators of thousands and a sign of money or per cent."""
    found = text.strip(MONEY)
    return any(map(str.isdigit, found)) and NUMBER.fullmatch(found) is not None


def loops(text: str) -> bool:
    """True if a stretch is repeated in a row, as models do that have lost the thread."""
    end = text[-4000:]
    parts = Counter(end[at : at + LOOP_CHARS] for at in range(len(end) - LOOP_CHARS + 1))
    return max(parts.values(), default=0) >= LOOP_TIMES and LOOP.search(end) is not None


def is_whole(text: str) -> bool:
    """False if a fence is open at the end, or what begins as JSON breaks off."""
    if text.count("```") % 2:
        return False
    bare = text.strip()
    return bare[:1] not in ("{", "[") or bare[-1:] in ("}", "]") or not _breaks_off(bare)


def _breaks_off(text: str) -> bool:
    """JSON that would go on: a parser finds nothing wrong before its end."""
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        return error.pos >= len(text) - 1 or error.msg.startswith("Unterminated")
    except RecursionError:
        return False
    return False


def _braced(text: str) -> str:
    """From the first bracket to the last."""
    starts = [place for place in (text.find("{"), text.find("[")) if place >= 0]
    end = max(text.rfind("}"), text.rfind("]"))
    return text[min(starts) : end + 1] if starts else text
