"""How the interpreter may stop the event loop: waiting for a thread, and collecting garbage."""

from __future__ import annotations

import contextlib
import gc
import sys
from collections.abc import Iterator

SWITCH_S = 0.0002
"""How long the event loop waits for a busy worker thread; Python's default is 5 ms."""

THRESHOLDS = (2_000, 10, 1_000_000)
"""The oldest generation, where thousands of decisions wait for feedback, is left alone: one look
takes 50 ms. What requests leave behind in cycles is found in the younger two.
"""


def shorten() -> None:
    """Short pauses from now on, for the life of the process; what was built so far is kept."""
    sys.setswitchinterval(SWITCH_S)
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)


@contextlib.contextmanager
def uncollected() -> Iterator[None]:
    """No look for garbage while much is built at once that is no garbage."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
