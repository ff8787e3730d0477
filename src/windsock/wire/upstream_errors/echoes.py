"""What a refusal repeats of the request: those are words of the caller, not of the provider.

Providers quote what they refuse. A tool that is named "tools are not supported" would else take the
tools from everybody, a user named "you exceeded your quota" the account.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from windsock.wire.upstream_errors.shapes import MAX_BYTES

MOST_ASKED = 256 * 1024
"""Bytes of a request that are looked through; longer ones are not quoted whole."""

MOST_QUOTED = 40
"""Of each kind of quotes that are looked for."""

IN_TEXT = (
    re.compile(rb"(?<!\w)'([^'\n]{3,2000})'(?!\w)"),
    re.compile(rb"`([^`\n]{3,2000})`"),
    re.compile(rb'\\"([^"\\\n]{3,2000})\\"'),
    re.compile("“([^“”\n]{3,2000})”".encode()),
)
ELSEWHERE = (re.compile(rb'"([^"\\\n]{3,2000})"'), re.compile(rb"\(([^()\n]{3,2000})\)"))
"""Values of its JSON, and what stands in brackets: only sentences are taken for quoted."""

SENTENCE = re.compile(rb"\w+\W+\w+\W+\w|[\x80-\xff]{12}")
"""More than a name of the protocol: three words, or four characters of a script without spaces."""

NAME = re.compile(rb"[\w-]+")
MASK = "…".encode()


def without_echoes(raw: bytes, asked: bytes) -> bytes:
    """An error without what it quotes of a request; the same object where it quotes nothing.

    Quoted are sentences that stand in the request, and names that the caller gave to something.
    What has one word, such as a field or a type, is left: it is what the error is about.
    """
    sent = asked[:MOST_ASKED].lower()
    spans = sorted(_echoes(raw[:MAX_BYTES], sent), reverse=True)
    if not spans:
        return raw
    for begin, end in spans:
        raw = raw[:begin] + MASK + raw[end:]
    return raw


def _echoes(raw: bytes, sent: bytes) -> Iterator[tuple[int, int]]:
    """(begin, end) of each, none within another."""
    found: list[tuple[int, int]] = []
    for pattern in (*IN_TEXT, *ELSEWHERE):
        for match in islice(pattern.finditer(raw), MOST_QUOTED):
            begin, end = match.span(1)
            if any(begin < other_end and other < end for other, other_end in found):
                continue
            words = match[1].lower()
            is_said = SENTENCE.search(words) is not None and words in sent
            is_name = pattern in IN_TEXT and NAME.fullmatch(words) is not None
            if is_said or (is_name and _is_named(words, sent)):
                found.append((begin, end))
    yield from found


def _is_named(words: bytes, sent: bytes) -> bool:
    return re.search(rb'"name"\s*:\s*"' + re.escape(words) + b'"', sent) is not None
