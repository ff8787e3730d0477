"""A text without what is a matter of style."""

from __future__ import annotations

import re

from windsock.core.evidence.agreement.spelling import (
    LEAD,
    boxed,
    from_tex,
    spelt,
    stripped,
    unfenced,
)

AFTER_COMMA = re.compile(r"([,:;\[({]) ")


def text_in(text: str) -> str | None:
    """What an answer says in one spelling; None if it says nothing.

    Case, blanks, fences, emphasis, quotes and brackets around all of it, a full stop, "the answer
    is" before the last line are style. Every other word counts, "not" above all.
    """
    text = unfenced(text)
    text = spelt(from_tex(boxed(text) or text))
    last = stripped(text.rpartition("\n")[2])
    lead = LEAD.match(last)
    if lead is not None and last[lead.end() :]:
        text = last[lead.end() :]
    text = " ".join(stripped(text).split()).casefold()
    return AFTER_COMMA.sub(r"\1", text) or None
