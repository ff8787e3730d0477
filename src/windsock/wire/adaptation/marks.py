"""What a conversation carries that only the provider understands which made it."""

from __future__ import annotations

import re

from windsock.core.model.requests import PREFILL_MARK
from windsock.wire.adaptation.conversation import OWN_FIELDS

STEMS = (b'"reasoning', b'"thinking', b'"extra_content"', b'"encrypted_content"')
"""Without these a conversation has no such field; finding them takes less than a pattern does."""

FIELD = re.compile(rb'(?<!\\)"(%s)"\s*:\s*(?!null)' % "|".join(sorted(OWN_FIELDS)).encode())

BEGUN = re.compile(rb'"role"\s*:\s*"assistant"')


def marks_of(messages: bytes) -> frozenset[str]:
    """Names of such fields, and `PREFILL_MARK` for an answer that the caller began.

    Of words alone `Turns.marks` are the same.
    """
    if b'"assistant"' not in messages:
        return frozenset()
    found = {PREFILL_MARK} if BEGUN.match(messages, messages.rfind(b'"role"')) else set()
    if any(stem in messages for stem in STEMS):
        found |= {name.decode() for name in FIELD.findall(messages)}
    return frozenset(found)
