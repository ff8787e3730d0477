"""The states of an exchange, and what the end of a call means to it.

READY -> TRYING -> {ANSWERED, STREAMING, FAILED_ONCE}
FAILED_ONCE -> {TRYING, EXHAUSTED}
ANSWERED -> {TRYING (escalate), DONE}
STREAMING -> {DONE, BROKEN}
"""

from __future__ import annotations

from enum import StrEnum

from windsock.core.model.decisions import AttemptReason, CallKind


class State(StrEnum):
    READY = "ready"
    TRYING = "trying"
    ANSWERED = "answered"
    STREAMING = "streaming"
    FAILED_ONCE = "failed_once"
    EXHAUSTED = "exhausted"
    DONE = "done"
    BROKEN = "broken"


FINAL = frozenset({CallKind.CALLER_ERROR, CallKind.CANCELLED, CallKind.CALLER_TIMED_OUT})
"""Another deployment would do no better."""

RETRIABLE = frozenset({CallKind.SERVER_ERROR, CallKind.UNREACHABLE, CallKind.RATE_LIMITED})
"""Worth asking the same deployment once more when there is no other."""

HEDGED = frozenset({AttemptReason.FIRST, AttemptReason.FALLBACK})
"""Calls that may get a twin beside them."""

TIMED = frozenset(
    {CallKind.ANSWERED, CallKind.CANCELLED, CallKind.TIMED_OUT, CallKind.CALLER_TIMED_OUT}
)
"""Calls that tell how long an answer takes, or that it takes at least so long."""
